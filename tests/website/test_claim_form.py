"""The public claim form: its steps, the code that confirms it, and what is submitted."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from claims.emails import language_of
from claims.models import Application, Claim, ClaimedTime, Proof, RefusedApplication
from claims.operations.applying import mail_requested
from incidents.models import Incident
from sla_portal.agreements.models import AgreementVersion
from sla_portal.audit.models import Entry
from sla_portal.customers.models import Customer
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Notice
from sla_portal.website.claims.queries import listed_incidents
from tests.support.builders import a_contract, a_customer, a_region, an_incident, an_outage, at
from tests.support.claim_form import Stranger, a_customer_on_record, picture
from tests.support.claimants import a_missed_september, close_september
from tests.support.desk import text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-11-22 10:00")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


# Incidents to tick, and what is counted


def a_region_with_incidents() -> None:
    """Two incidents in Europe, of which the first is counted, and one in America; one that was voided."""
    a_missed_september()
    later = an_incident(reference="INC-B", resolved_at=at("2026-09-30 16:10"), attributable=True)
    an_outage(a_region(), "2026-09-30 15:50", "2026-09-30 16:10", incident=later, functions=["door"])
    abroad = an_incident(reference="INC-C", resolved_at=at("2026-09-12 02:00"), attributable=True)
    an_outage(a_region("us", name="America"), "2026-09-12 01:00", "2026-09-12 02:00", incident=abroad)


def test_incidents_of_the_month_are_ticked_instead_of_typing_times():
    a_customer_on_record()
    a_region_with_incidents()
    first = Incident.objects.exclude(reference__in=["INC-B", "INC-C"]).get().reference
    stranger = Stranger()
    stranger.name_contract()
    words = text_of(stranger.see("times"))
    assert "Major outage in Europe" in words
    assert "Door opening unavailable on all clients in Europe" in words
    assert "Major outage in America" in words
    nothing = dict.fromkeys(("from_day", "from_time", "until_day", "until_time"), "")
    assert "Tick an incident, or enter at least one outage." in text_of(stranger.give_times(**nothing))
    assert "no longer listed" in text_of(stranger.give_times(**nothing, incidents=["INC-B:eu", "INC-77:eu"]))
    typed = {"from_day": "2026-09-10", "from_time": "03:30", "until_day": "", "until_time": "03:40"}
    ticked = [f"{first}:eu", "INC-B:eu"]
    assert stranger.give_times(**typed, incidents=ticked)["Location"] == stranger.at("proof")
    assert stranger.see("times").content.decode().count(" checked") == 5, "two incidents, a function and two clients"
    stranger.prove()
    stranger.send("code", code=stranger.fetch_code(NOW))
    assert "Major outage in America" not in text_of(stranger.see("times")), "the region of the contract is known now"
    stranger.submit()
    # What is typed within an incident is claimed once; of the second incident only what lies in September.
    assert [(time.starts_at, time.ends_at) for time in ClaimedTime.objects.all()] == [
        (at("2026-09-10 01:00"), at("2026-09-10 01:40")), (at("2026-09-30 15:50"), at("2026-09-30 16:00")),
    ]  # fmt: skip


def test_a_voided_incident_is_not_listed_and_an_ongoing_one_runs_until_now():
    a_missed_september()
    Incident.objects.update(voided_at=NOW)
    ongoing = an_incident(reference="INC-B", detected_at=at("2026-11-22 09:00"))
    an_outage(a_region(), "2026-11-22 09:00", None, incident=ongoing)
    assert listed_incidents(ServiceMonth(2026, 9), NOW) == ()
    assert [one.times for one in listed_incidents(ServiceMonth(2026, 11), NOW)] == [((at("2026-11-22 09:00"), NOW),)]


def test_what_is_counted_so_far_is_shown_only_after_the_code():
    a_customer_on_record()
    a_missed_september()
    stranger = Stranger()
    stranger.name_contract()
    stranger.give_times()
    stranger.prove()
    assert "unavailable minutes" not in text_of(stranger.see("times")) + text_of(stranger.see("code"))
    stranger.send("code", code=stranger.fetch_code(NOW))
    for step in ("times", "check"):
        words = text_of(stranger.see(step))
        assert (
            "37 unavailable minutes. Up to 4 minutes still meet the SLA. Not final: these figures are not closed."
            in words
        )
        assert "Provisional" in words
        assert "It is not a decision" in words
    close_september()
    words = text_of(stranger.see("check"))
    assert "37 unavailable minutes. Up to 4 minutes still meet the SLA. This is" in words
    found = an_incident(resolved_at=at("2026-09-20 01:20"), attributable=True)
    an_outage(a_region(), "2026-09-20 01:00", "2026-09-20 01:20", incident=found)
    assert "37 unavailable minutes." in text_of(stranger.see("check")), "the closed figures come first"
    early = Stranger("2026-11").confirmed_without_times(NOW)
    assert "In progress 0 unavailable minutes so far." in text_of(early.see("times"))


def test_the_chosen_time_zone_is_kept_through_all_steps_and_the_page_of_the_claim():
    a_customer_on_record()
    stranger = Stranger()
    stranger.client.cookies["time_zone"] = "America/New_York"
    stranger.name_contract()
    page = stranger.see("times").content.decode()
    assert "<option selected>America/New_York" in page
    assert "data-suggest" not in page, "the browser's own zone does not take its place"
    stranger.give_times()
    for step in ("contract", "times", "proof", "code"):
        assert "Time zone: Berlin, with the SLA time zone" in text_of(stranger.see(step)), step
    assert "Time zone: Berlin" in text_of(stranger.confirmed(NOW).see("check"))
    assert "Time zone: Berlin" in text_of(stranger.client.get(stranger.submit()["Location"]))


# Before anything is typed


def test_the_months_show_their_claim_period_and_its_working_days(client):
    words = text_of(client.get("/claim/"))
    assert "October 2026 ✓ Open" in words
    assert (
        "Opened 2026-11-07 00:00 Shanghai The day after working day 5 of November 2026: Mon 2 November, Tue 3 November, "
        "Wed 4 November, Thu 5 November and Fri 6 November. Closes 2027-01-01 00:00 Shanghai" in words
    )
    assert "September 2026 ✓ Open" in words
    assert (
        "Thu 8 October, Fri 9 October, Sat 10 October (a working weekend), Mon 12 October and Tue 13 October." in words
    )


def test_a_month_not_open_yet_says_when_a_claim_is_submitted(client):
    words = text_of(client.get("/claim/"))
    assert "November 2026 ◔ Not open yet Opens 2026-12-08 00:00 Shanghai" in words
    assert "You can fill in a claim now. It is submitted automatically" in words


def test_a_month_just_closed_is_shown_and_cannot_be_started(client):
    page = client.get("/claim/")
    assert "August 2026 □ Closed Opened 2026-09-08 00:00 Shanghai" in text_of(page)
    assert 'value="2026-08"' not in page.content.decode()


def test_a_year_without_a_published_calendar_is_marked_provisional(client, today):
    today.move_to(at("2026-12-20 10:00"))
    assert "The official calendar of 2027 is not published yet" in text_of(client.get("/claim/"))
    assert "not published yet" not in text_of(client.get("/claim/")).partition("November 2026")[2]


def test_without_an_agreement_there_is_nothing_to_claim_for(client):
    AgreementVersion.objects.all().delete()
    assert "No agreement is in force yet" in text_of(client.get("/claim/"))


def test_reading_about_claims_sets_no_cookie_and_starts_nothing(client):
    client.get("/claim/")
    client.get("/claim/new-link/")
    assert not client.cookies
    assert not Application.objects.exists()


@pytest.mark.parametrize("address", ["/", "/availability/", "/agreement/"])
def test_pages_for_customers_link_to_the_claim_form(client, address):
    assert 'href="/claim/' in client.get(address).content.decode()


def test_a_breached_month_links_to_a_claim_during_the_claim_period(client, today):
    a_missed_september()
    close_september()
    for address in ("/availability/eu/", "/availability/eu/2026-09/"):
        page = client.get(address)
        assert "SLA breached: claim compensation" in text_of(page)
        assert 'href="/claim/#2026-09"' in page.content.decode()
    assert 'id="2026-09"' in client.get("/claim/").content.decode()
    today.move_to(at("2026-12-01 10:00"))
    for address in ("/availability/eu/", "/availability/eu/2026-09/"):
        assert "Below target" not in text_of(client.get(address))


# The steps


def test_a_stranger_claims_step_by_step():
    contact = a_customer_on_record()
    stranger = Stranger()
    assert stranger.name_contract()["Location"] == stranger.at("times")
    assert stranger.give_times()["Location"] == stranger.at("proof")
    assert stranger.prove()["Location"] == stranger.at("code")
    assert stranger.send("code", code=stranger.fetch_code(NOW))["Location"] == stranger.at("check")
    words = text_of(stranger.see("check"))
    for expected in (
        "K-2026-7", "mia@example.com", "September 2026", "2026-09-10 03:00 Berlin SLA 2026-09-10 09:00 Shanghai",
        "37 min", "Door opening", "App and web", "No door opened.", "door.png", "open until 2026-11-30 17:00 Berlin",
    ):  # fmt: skip
        assert expected in words
    followed = stranger.submit()
    claim = Claim.objects.get()
    assert re.fullmatch(r"/claims/[1-9]\d*-[\w-]{32}/", followed["Location"])
    assert (claim.status, claim.contact, claim.source, claim.time_zone) == (
        "submitted",
        contact,
        "form",
        "Europe/Berlin",
    )
    assert [(time.starts_at, time.ends_at) for time in claim.times.all()] == [
        (at("2026-09-10 01:00"), at("2026-09-10 01:37")), (at("2026-09-12 02:00:10"), at("2026-09-12 02:10")),
    ]  # fmt: skip
    assert [one.code for one in claim.functions.all()] == ["door"]
    assert [one.code for one in claim.clients.all()] == ["app", "web"]
    assert claim.number in text_of(stranger.client.get(followed["Location"]))
    assert not stranger.client.cookies


def test_going_back_keeps_all_entries():
    a_customer_on_record()
    stranger = Stranger()
    stranger.name_contract()
    assert stranger.give_times(go="contract", from_time=["03:", ""])["Location"] == stranger.at("contract")
    assert 'value="K-2026-7"' in stranger.see("contract").content.decode()
    page = stranger.see("times").content.decode()
    assert 'value="03:"' in page
    assert "No door opened." in page
    assert "<option selected>Europe/Berlin" in page
    stranger.give_times()
    stranger.prove()
    assert stranger.send("code", go="times")["Location"] == stranger.at("times")
    assert "door.png" in text_of(stranger.see("proof"))


def test_incomplete_steps_cannot_be_skipped():
    a_customer_on_record()
    stranger = Stranger()
    assert stranger.see("check")["Location"] == stranger.at("contract")
    stranger.name_contract()
    assert stranger.submit()["Location"] == stranger.at("times")
    stranger.give_times()
    assert stranger.see("check")["Location"] == stranger.at("proof")
    assert "Attach at least one file" in text_of(stranger.send("proof"))
    stranger.prove()
    assert stranger.submit()["Location"] == stranger.at("code")
    assert not Claim.objects.exists()


def test_times_are_added_and_removed_without_a_script():
    stranger = Stranger()
    stranger.name_contract()
    assert stranger.give_times(rows="add").status_code == 302
    assert stranger.see("times").content.decode().count('name="from_day"') == 3
    stranger.give_times(remove="1")
    page = stranger.see("times").content.decode()
    assert page.count('name="from_day"') == 1
    assert 'value="2026-09-12"' in page
    stranger.give_times(remove="99999999999999999999")
    assert stranger.see("times").content.decode().count('name="from_day"') == 2


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"from_day": "2026-09-10", "from_time": "", "until_time": "03:00"}, "Enter a date and time."),
        ({"from_day": "10.9.26", "from_time": "02:00", "until_time": "03:00"}, "Enter the date as 2026-09-30."),
        ({"from_day": "2026-09-10", "from_time": "2", "until_time": "03:00"}, "Enter the time as 14:05"),
        ({"from_day": "2026-09-10", "from_time": "03:00", "until_time": "03:00"}, "An outage ends before it starts."),
        ({"from_day": "2026-11-22", "from_time": "10:00", "until_time": "12:00"}, "This outage ends in the future."),
        ({"from_day": "2026-10-01", "from_time": "10:00", "until_time": "12:00"}, "This outage is not within September 2026"),
        ({"from_day": "0001-01-01", "from_time": "10:00", "until_time": "12:00"}, "Enter the year in four digits"),
        ({"from_day": "9999-12-31", "from_time": "23:00", "until_time": "23:59"}, "Enter the year in four digits"),
        ({"from_day": "", "from_time": "", "until_time": ""}, "Enter at least one outage."),
        ({"from_day": ["2026-09-10"] * 2, "from_time": ["01:00", "01:30"], "until_time": ["02:00"] * 2}, "overlap"),
        ({"from_day": "2026-09-10", "from_time": "02:00", "until_time": "03:00", "zone": "Moon/Crater"}, "Choose a time zone"),
        ({"from_day": "2026-09-10", "from_time": "02:00", "until_time": "03:00", "zone": "../../etc/passwd"}, "time zone"),
        ({"from_day": "2026-09-10", "from_time": "02:00", "until_time": "03:00", "functions": "tea"}, "Select a valid choice"),
        ({"from_day": "2026-09-10", "from_time": "02:00", "until_time": "03:00", "description": "x" * 9000}, "at most 5000"),
        ({"from_day": "2026-09-10\0", "from_time": "\0", "until_time": "03:00"}, "Enter a date and time."),
    ],
)  # fmt: skip
def test_an_invalid_outage_gets_a_message_and_is_kept(typed, sentence):
    stranger = Stranger()
    stranger.name_contract()
    answered = stranger.send("times", **{"zone": "Europe/Berlin", "until_day": "", **typed})
    assert answered.status_code == 422
    assert sentence in text_of(answered)
    assert stranger.application.answers["times"]["zone"] == [typed.get("zone", "Europe/Berlin")]


def instants_offered(page: str, name: str) -> dict[str, str]:
    """What is sent for each instant that the first outage offers, by its name; those chosen are marked."""
    select = re.search(rf'<select id="\w+" name="{name}".*?</select>', page, re.DOTALL)
    options = re.findall(r'<option value="([^"]+)"( selected)?>([^<]+)</option>', select[0]) if select else []
    return {f"{text}{chosen}": sent for sent, chosen, text in options}


CLOCKS_CHANGED = [
    (
        "2026-10", "2026-10-25", "2026-10-25 02:30 happens twice in Europe/Berlin: the clocks are put back.",
        {"2026-10-25 02:30 (UTC+02:00)": "2026-10-25 00:30", "2026-10-25 02:30 (UTC+01:00)": "2026-10-25 01:30"},
    ),
    (
        "2027-03", "2027-03-28", "2027-03-28 02:30 does not exist in Europe/Berlin: the clocks are put forward over it.",
        {"2027-03-28 01:30 (UTC+01:00)": "2027-03-28 00:30", "2027-03-28 03:30 (UTC+02:00)": "2027-03-28 01:30"},
    ),
]  # fmt: skip


@pytest.mark.parametrize("chosen", [0, 1], ids=["the first", "the second"])
@pytest.mark.parametrize(("month", "day", "sentence", "instants"), CLOCKS_CHANGED, ids=["doubled", "skipped"])
def test_a_doubled_or_skipped_local_time_is_chosen_at_its_field(today, month, day, sentence, instants, chosen):
    today.move_to(at("2027-04-01 10:00") if month == "2027-03" else NOW)
    a_customer_on_record()
    stranger = Stranger(month)
    stranger.name_contract()
    typed = {"from_day": day, "from_time": "02:30", "until_day": "", "until_time": "04:00"}
    refused = stranger.give_times(**typed, from_at="", until_at="")
    assert refused.status_code == 422
    assert sentence in text_of(refused)
    page = refused.content.decode()
    assert page.count(" autofocus") == 1
    assert 'name="from_at" autofocus' in page
    offered = instants_offered(page, "from_at")
    assert list(offered) == list(instants)
    assert instants_offered(page, "until_at") == {}
    name, sent = [*offered.items()][chosen]
    assert stranger.give_times(**typed, from_at=sent, until_at="")["Location"] == stranger.at("proof")
    times = stranger.see("times").content.decode()
    assert f"{name} selected" in instants_offered(times, "from_at")
    stranger.prove()
    stranger.send("code", code=stranger.fetch_code(timezone.now()))
    stranger.submit()
    assert ClaimedTime.objects.get().starts_at == at(instants[name])


def test_both_ends_in_the_hour_that_happens_twice_are_chosen_one_by_one():
    stranger = Stranger("2026-10")
    stranger.name_contract()
    typed = {"from_day": "2026-10-25", "from_time": "02:30", "until_day": "", "until_time": "02:30"}
    page = stranger.give_times(**typed).content.decode()
    first, second = instants_offered(page, "until_at").values()
    assert "ends before it starts" in text_of(stranger.give_times(**typed, from_at=second, until_at=first))
    assert stranger.give_times(**typed, from_at=first, until_at=second)["Location"] == stranger.at("proof")


@pytest.mark.parametrize("chosen", ["2026-10-25T02:30:00Z", "tomorrow", "x" * 9000])
def test_only_one_of_the_two_instants_is_taken(chosen):
    stranger = Stranger("2026-10")
    stranger.name_contract()
    typed = {"from_day": "2026-10-25", "from_time": "02:30", "until_day": "", "until_time": "04:00"}
    assert "happens twice" in text_of(stranger.give_times(**typed, from_at=chosen, until_at=""))


def test_what_is_chosen_stays_with_its_outage_when_another_is_removed():
    stranger = Stranger("2026-10")
    stranger.name_contract()
    typed = {
        "from_day": ["2026-10-10", "2026-10-25"], "from_time": ["01:00", "02:30"], "until_day": ["", ""],
        "until_time": ["02:00", "04:00"], "from_at": ["", "2026-10-25T01:30:00Z"], "until_at": ["", ""],
    }  # fmt: skip
    stranger.give_times(**typed, remove="1")
    page = stranger.see("times").content.decode()
    assert "2026-10-25 02:30 (UTC+01:00) selected" in instants_offered(page, "from_at")


@pytest.mark.parametrize(
    "typed",
    [
        {"month": "9" * 5000}, {"month": "2026-13"}, {"month": ""}, {"month": "2024-01"}, {"month": "２０２６-09"},
        {"reference": "\0"}, {"reference": "x" * 5000}, {"reference": ""},
        {"email": "nobody"}, {"email": "\0@example.com"}, {"email": "x" * 3000 + "@example.com"}, {"email": ""},
    ],
)  # fmt: skip
def test_an_invalid_contract_gets_a_message(typed):
    stranger = Stranger()
    answered = stranger.name_contract(**typed)
    assert answered.status_code == 422
    assert 'class="errorlist"' in answered.content.decode()


def test_accepted_files_are_kept_when_another_is_refused():
    stranger = Stranger()
    stranger.name_contract()
    forged = SimpleUploadedFile("notes.png", b"no picture")
    answered = stranger.prove(picture(), forged, picture("second.png", "blue"))
    assert answered.status_code == 422
    words = text_of(answered)
    assert "notes.png: " in words
    assert "door.png" in words
    assert "second.png" in words
    kept = stranger.application.proofs.get(name="second.png")
    assert stranger.send("proof", remove=kept.pk)["Location"] == stranger.at("proof")
    assert [proof.name for proof in stranger.application.proofs.all()] == ["door.png"]


def test_a_file_of_another_application_cannot_be_removed():
    mine, theirs = Stranger(), Stranger()
    theirs.prove()
    mine.send("proof", remove=Proof.objects.get().pk)
    assert Proof.objects.count() == 1


# The code


def test_the_code_is_only_in_the_email_to_the_contact_on_record():
    contact = a_customer_on_record()
    stranger = Stranger()
    stranger.name_contract(reference=" k-2026-7 ", email="MIA@example.com")
    digits = stranger.fetch_code(NOW)
    delivery = Delivery.objects.get(notice__kind="code")
    assert (delivery.contact, delivery.email) == (contact, "mia@example.com")
    assert re.fullmatch(r"[0-9]{8}", digits)
    assert digits not in str([*Notice.objects.values(), *Application.objects.values(), *Entry.objects.values()])
    assert digits not in delivery.notice.wording("en").text


def test_an_unknown_contract_or_address_gets_the_same_pages_and_no_email():
    a_customer_on_record()
    a_customer_on_record("K-OTHER", "li@example.com")
    seen = set()
    for reference, email in [
        ("K-2026-7", "mia@example.com"), ("K-2026-7", "li@example.com"), ("K-NONE", "mia@example.com"),
        ("K-2026-7", "nobody@example.com"),
    ]:  # fmt: skip
        stranger = Stranger()
        told = [stranger.name_contract(reference, email)]
        told += [stranger.send("code", go="send"), stranger.see("code"), stranger.send("code", code="12345678")]
        mail_requested(now=NOW)
        told += [stranger.see("code"), *(stranger.send("code", code="12345678") for _ in range(6))]
        told += [stranger.see("check")]
        pages = [text_of(page).replace(email, "EMAIL") + page.get("Location", "") for page in told]
        seen.add((*(page.replace(stranger.key, "KEY") for page in pages), *(page.status_code for page in told)))
    assert len(seen) == 1
    assert [delivery.email for delivery in Delivery.objects.all()] == ["mia@example.com"]


def test_an_error_in_one_application_does_not_delay_the_others():
    a_customer_on_record()
    stuck, behind = Stranger(), Stranger()
    for stranger in (stuck, behind):
        stranger.name_contract()
        stranger.send("code", go="send")
    Application.objects.filter(pk=stuck.application.pk).update(answers={"contract": {"reference": 7, "email": 7}})
    assert mail_requested(now=NOW) == 1
    assert (stuck.application.asked, behind.application.asked) == ("code", "")
    assert mail_requested(now=NOW + timedelta(hours=25)) == 0
    assert Delivery.objects.count() == 1


def test_requesting_a_code_takes_the_same_queries_for_known_and_unknown_addresses():
    a_customer_on_record()
    right, wrong = Stranger(), Stranger()
    right.name_contract()
    wrong.name_contract("K-NONE", "nobody@example.com")
    taken = []
    for stranger in (right, wrong):
        with CaptureQueriesContext(connection) as queries:
            stranger.send("code", go="send")
        taken.append(len(queries))
    assert taken[0] == taken[1]


def test_after_five_wrong_codes_the_right_one_is_refused():
    a_customer_on_record()
    stranger = Stranger()
    stranger.name_contract()
    digits = stranger.fetch_code(NOW)
    wrong = f"{(int(digits) + 1) % 10**8:08}"
    assert "You can request 2 more codes within the hour." in text_of(stranger.see("code"))
    for left in ("4 tries are left", "3 tries are left", "2 tries are left", "1 try is left", "No tries are left"):
        answered = stranger.send("code", code=wrong)
        assert (answered.status_code, f"{left} for this code." in text_of(answered)) == (422, True), left
    assert "0 tries are left for this code." in text_of(stranger.see("code"))
    answered = stranger.send("code", code=digits)
    assert answered.status_code == 429
    assert "Five wrong codes were entered." in text_of(answered)
    assert stranger.application.confirmed_at is None
    assert stranger.send("code", code=stranger.fetch_code(NOW)).status_code == 302


def test_a_code_is_valid_for_thirty_minutes(today):
    a_customer_on_record()
    stranger = Stranger()
    stranger.name_contract()
    digits = stranger.fetch_code(NOW)
    today.move_to(NOW + timedelta(minutes=30))
    assert "older than 30 minutes" in text_of(stranger.send("code", code=digits))
    today.move_to(NOW + timedelta(minutes=29, seconds=59))
    assert stranger.send("code", code=f" {digits[:4]} {digits[4:]} ")["Location"] == stranger.at("check")


def test_an_application_and_a_contact_get_at_most_three_codes_an_hour(today):
    a_customer_on_record()
    stranger = Stranger()
    stranger.name_contract()
    assert all(stranger.fetch_code(NOW) for _ in range(3))
    assert stranger.send("code", go="send").status_code == 429
    another = Stranger()
    another.name_contract()
    assert another.fetch_code(NOW) == ""
    assert Delivery.objects.count() == 3
    today.move_to(NOW + timedelta(hours=1))
    assert another.fetch_code(NOW + timedelta(hours=1))


def test_a_changed_contract_must_be_confirmed_again():
    a_customer_on_record()
    a_customer_on_record("K-OTHER", "li@example.com")
    stranger = Stranger().confirmed(NOW)
    stranger.name_contract(month="2026-10")
    assert stranger.application.confirmed_at
    stranger.name_contract("K-OTHER")
    assert stranger.application.confirmed_at is None
    assert stranger.submit().status_code == 302
    assert not Claim.objects.exists()


def test_a_code_is_valid_for_its_own_application_only():
    a_customer_on_record()
    first, second = Stranger(), Stranger()
    for stranger in (first, second):
        stranger.name_contract()
    digits = first.fetch_code(NOW)
    second.fetch_code(NOW)
    assert second.send("code", code=digits).status_code == 422


# Sending


def test_a_double_click_makes_one_claim():
    a_customer_on_record()
    stranger = Stranger().confirmed(NOW)
    assert stranger.submit()["Location"] == stranger.submit()["Location"]
    assert Claim.objects.count() == 1
    assert Proof.objects.get().claim == Claim.objects.get()
    assert stranger.name_contract()["Location"].startswith("/claims/")


def test_an_early_claim_shows_when_it_is_submitted():
    a_customer_on_record()
    stranger = Stranger("2026-11")
    stranger.name_contract()
    times = {"from_day": "2026-11-10", "until_day": "", "from_time": "03:00", "until_time": "03:37"}
    assert stranger.give_times(**times).status_code == 302
    stranger.prove()
    stranger.send("code", code=stranger.fetch_code(NOW))
    assert "opens at 2026-12-07 17:00 Berlin SLA 2026-12-08 00:00 Shanghai (clause 3.3.1)" in text_of(
        stranger.see("check")
    )
    words = text_of(stranger.client.get(stranger.submit()["Location"]))
    assert Claim.objects.get().status == "held"
    assert "The claim period for this month opens at 2026-12-07 17:00 Berlin" in words


@pytest.mark.parametrize(
    ("reference", "email", "recorded"),
    [
        ("K-2026-7", "mia@example.com", 1),
        ("K-2026-7", "eve@example.com", 0),
        ("K-0", "mia@example.com", 0),
    ],
)
@pytest.mark.parametrize(("month", "closed"), [("2026-08", "2026-11-01"), ("2026-02", "2026-05-01")])
def test_a_month_whose_period_has_ended_is_refused_at_the_first_step(reference, email, recorded, month, closed):
    """The answer is the same for what is on record and what is not; only the former is recorded, once."""
    a_customer_on_record()
    stranger = Stranger(month)
    for _press in range(2):
        answered = stranger.name_contract(reference, email)
        assert answered.status_code == 422
        assert f"closed on {closed} 00:00 Shanghai (clause 3.3.1). It can no longer be claimed." in text_of(answered)
        mail_requested(now=NOW)
    assert stranger.see("contract").content.decode().count(f"closed on {closed}") == 1
    attempts = [(one.email, str(one.month)[:7], one.confirmed) for one in RefusedApplication.objects.all()]
    assert attempts == [(email, month, False)] * recorded
    assert not Notice.objects.exists()


def test_a_claim_whose_period_ends_while_it_is_filled_in_is_refused_and_recorded(today):
    today.move_to(at("2026-11-30 10:00"))
    a_customer_on_record()
    stranger = Stranger().confirmed(at("2026-11-30 10:00"))
    today.move_to(at("2026-11-30 16:00"))
    assert "If you submit this claim, it will be refused" in text_of(stranger.see("check"))
    answered = stranger.submit()
    assert answered.status_code == 422
    assert "The claim period for this month closed on 2026-12-01 00:00 Shanghai (clause 3.3.1)." in text_of(answered)
    attempt = RefusedApplication.objects.get()
    assert (attempt.email, attempt.confirmed) == ("mia@example.com", True)
    assert not Claim.objects.exists()


def test_an_existing_claim_is_revealed_only_after_confirmation():
    a_customer_on_record()
    Stranger().confirmed(NOW).submit()
    stranger = Stranger()
    assert "already open or granted" not in text_of(stranger.see("code"))
    page = stranger.confirmed(NOW).see("check")
    assert "Claim C-2026-0001 for this contract and month is already open or granted" in text_of(page)
    assert stranger.submit().status_code == 422
    assert Claim.objects.count() == 1


def test_a_month_outside_the_contract_is_refused_only_after_confirmation():
    a_customer_on_record(starts_on="2026-10-01")
    answered = Stranger().confirmed(NOW).submit()
    assert answered.status_code == 422
    assert "has no service day in this month (clause 1.2)" in text_of(answered)


# An installer, for its sites


@pytest.fixture
def sites() -> Customer:
    """An installer with the contact Mia and two sites; the contract of the first is K-1, that of the second K-2."""
    installer = a_customer(a_region(name="Europe"), "I-1", name="Wall & Sons", language="zh-hans")
    installer.contacts.create(email="mia@example.com", name="Mia")
    for number in (1, 2):
        site = a_customer(a_region(), f"S-{number}", name=f"House {number}", installer=installer)
        a_contract(site, "2026-01-01", "2027-12-31", reference=f"K-{number}")
    a_contract(site, "2027-01-01", "2027-12-31", reference="K-3")
    return installer


def test_an_installers_contact_claims_for_any_of_its_sites(sites):
    stranger = Stranger()
    stranger.name_contract("K-1")
    stranger.give_times()
    stranger.prove()
    assert stranger.send("code", code=stranger.fetch_code(NOW)).status_code == 302
    page = stranger.see("check").content.decode()
    assert '<option value="K-1" selected>House 1 (S-1): K-1</option>' in page
    assert '<option value="K-2">House 2 (S-2): K-2</option>' in page
    assert "K-3" not in page
    assert stranger.send("check", go="choose", contract="K-2").status_code == 302
    assert '<option value="K-2" selected>' in stranger.see("check").content.decode()
    assert stranger.send("check", go="send", contract="K-3").status_code == 422
    assert stranger.send("check", go="send", contract="K-1").status_code == 302
    claim = Claim.objects.get()
    assert (claim.contract.reference, claim.contact.customer, claim.email) == ("K-1", sites, "mia@example.com")
    assert language_of(claim) == "zh-hans"
    mailed = Delivery.objects.get(notice__kind="claim")
    assert (mailed.contact, mailed.language) == (claim.contact, "zh-hans")


def test_only_authorised_contacts_claim_where_some_are_marked(sites):
    Customer.objects.get(code="S-1").contacts.create(email="boss@example.com", may_claim=True)
    stranger = Stranger()
    stranger.name_contract("K-1")
    stranger.give_times()
    stranger.prove()
    assert stranger.send("code", code=stranger.fetch_code(NOW)).status_code == 422
    told = Delivery.objects.get(notice__kind="code").notice.wording("en").text
    assert "boss@example.com" in told and "private-code" not in told
    stranger.name_contract("K-2")
    assert stranger.send("code", code=stranger.fetch_code(NOW)).status_code == 302
    assert "<select" not in stranger.see("check").content.decode()
    sites.contacts.update(may_claim=True)
    assert '<option value="K-1">' in stranger.see("check").content.decode()
    sites.contacts.update(may_claim=False)
    Customer.objects.get(code="S-2").contacts.create(email="boss@example.com", may_claim=True)
    refused = stranger.send("check", go="send")
    assert refused.status_code == 422 and "only authorised contacts may claim" in text_of(refused)
