"""A claim is entered for a caller, or from a ticket with its number."""

from uuid import uuid4

import pytest
from django.urls import reverse
from time_machine import travel

from claims.models import Claim, Proof, RefusedApplication
from sla_portal.staff.roles import ROLES
from tests.support.builders import at
from tests.support.claimants import OPEN, a_claimant, a_missed_september, close_september, support
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
ENTER = reverse("admin:enter_claim")


@pytest.fixture(autouse=True)
def now():
    with travel(OPEN, tick=False):
        yield


@pytest.fixture
def caller():
    a_missed_september()
    found = a_claimant()
    close_september()
    return found


def told(caller, **values) -> dict[str, object]:
    """What a caller in Berlin says: down from three to half past three in the morning."""
    given = {
        "key": uuid4(),
        "month": "2026-09",
        "contact": caller.contact.pk,
        "source": "phone",
        "ticket_number": "",
        "zone": "Europe/Berlin",
        "from_day": ["2026-09-10", ""],
        "from_time": ["03:00", ""],
        "until_day": ["", ""],
        "until_time": ["03:30", ""],
        "description": "No door opened",
    }
    return {**given, **values}


def address(caller) -> str:
    return f"{ENTER}?contract={caller.contract.pk}"


def test_the_contract_is_found_by_what_the_caller_says(caller):
    agent = signed_in(support())
    for text in (caller.contract.reference, caller.customer.name, caller.customer.code, caller.contact.email):
        assert f"?contract={caller.contract.pk}" in agent.get(ENTER, {"q": text}).content.decode(), text
    assert f"?contract={caller.contract.pk}" in agent.get(ENTER, {"customer": caller.customer.pk}).content.decode()
    for text in ("nobody like this", "%", "'; --", "x" * 5000):
        assert "No contract found." in text_of(agent.get(ENTER, {"q": text}))
    assert "Search by contract reference" in text_of(agent.get(ENTER, {"q": "\0"}))


def test_claim_periods_and_figures_are_beside_the_form(caller):
    page = text_of(signed_in(support()).get(address(caller)))
    assert "September 2026 · 42 days left" in page
    assert "2026-10-14 to 2026-11-30" in page
    assert "99.91435 %" in page


def test_a_claim_is_entered_in_the_callers_time_zone_and_proof_may_follow(caller):
    agent = signed_in(support())
    response = agent.post(address(caller), told(caller))
    claim = Claim.objects.get()
    assert response.url == reverse("admin:claim", args=[claim.pk])
    time = claim.times.get()
    assert (time.starts_at, time.ends_at) == (at("2026-09-10 01:00"), at("2026-09-10 01:30"))
    assert (claim.source, claim.time_zone, claim.status) == ("phone", "Europe/Berlin", "submitted")
    assert claim.entered_by is not None
    assert not claim.proofs.exists()


def test_a_double_click_enters_once(caller):
    agent, sent = signed_in(support()), told(caller)
    first, second = (agent.post(address(caller), sent) for _n in range(2))
    assert first.url == second.url
    assert Claim.objects.count() == 1


def test_more_rows_keep_what_was_typed_and_enter_nothing_until_it_is_saved(caller):
    agent, days = signed_in(support()), [f"2026-09-{day:02}" for day in range(1, 13)]
    many = {
        "from_day": [*days, ""], "from_time": ["04:00"] * 12 + [""], "until_day": [""] * 13,
        "until_time": ["04:30"] * 12 + [""],
    }  # fmt: skip
    more = agent.post(address(caller), told(caller, rows="add", description="Twelve of them", **many))
    assert more.status_code == 200 and not Claim.objects.exists()
    html = more.content.decode()
    assert "Twelve of them</textarea>" in html and html.count('name="from_day"') == 13 + 3 + 1
    assert 'value="2026-09-12"' in html and 'class="errorlist"' not in html
    agent.post(address(caller), told(caller, **many))
    assert Claim.objects.get().times.count() == 12


def test_a_claim_by_ticket_needs_its_number(caller):
    agent = signed_in(support())
    response = agent.post(address(caller), told(caller, source="ticket"))
    assert response.status_code == 422
    assert "Enter the ticket number." in text_of(response)
    agent.post(address(caller), told(caller, source="ticket", ticket_number="T-77"))
    assert Claim.objects.get().ticket_number == "T-77"


def test_a_second_claim_for_the_month_leads_to_the_first(caller):
    agent = signed_in(support())
    agent.post(address(caller), told(caller))
    response = agent.post(address(caller), told(caller))
    assert response.status_code == 422
    claim = Claim.objects.get()
    page = text_of(response)
    assert f"Claim {claim.number} for this contract and month is already open or granted." in page
    assert f"Existing claim: {claim.number}" in page


def test_a_late_claim_is_refused_with_the_date_and_recorded(caller):
    with travel(at("2026-12-01 08:00"), tick=False):
        agent = signed_in(support())
        assert "September 2026 · closed today" in text_of(agent.get(address(caller)))
        response = agent.post(address(caller), told(caller))
    assert response.status_code == 422
    assert "Refused as too late, on record 2026-09" in text_of(response)
    assert "The claim period for this month closed on 2026-12-01 00:00 Shanghai (clause 3.3.1)." in text_of(response)
    assert RefusedApplication.objects.get().source == "phone"
    assert not Claim.objects.exists()


def test_an_early_claim_is_not_open_yet(caller):
    with travel(at("2026-10-09 08:00"), tick=False):
        signed_in(support()).post(address(caller), told(caller))
    assert Claim.objects.get().status == "held"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("month", "2026-13"),
        ("month", ""),
        ("contact", "999999"),
        ("contact", "9" * 40),
        ("source", "form"),
        ("source", "crystal ball"),
        ("key", "x"),
        ("zone", "Mars/Base"),
        ("from_time", ["", ""]),
        ("from_time", ["04:00", ""]),
        ("from_day", ["2026-08-10", ""]),
        ("from_day", ["2026-02-30", ""]),
        ("until_time", ["25:61", ""]),
        ("description", "\0"),
        ("description", "x" * 5001),
        ("functions", ["no such function"]),
    ],
)
def test_invalid_input_is_refused_and_nothing_is_entered(caller, field, value):
    response = signed_in(support()).post(address(caller), told(caller, **{field: value}))
    assert response.status_code == 422
    assert not Claim.objects.exists()


def test_a_doubled_local_time_of_the_caller_is_chosen_at_its_field():
    caller = a_claimant()
    times = {
        "month": "2026-10",
        "from_day": ["2026-10-25"],
        "from_time": ["02:30"],
        "until_day": [""],
        "until_time": ["04:00"],
    }
    with travel(at("2026-11-12 08:00"), tick=False):
        agent = signed_in(support())
        refused = agent.post(address(caller), told(caller, **times))
        assert refused.status_code == 422
        assert "2026-10-25 02:30 happens twice in Europe/Berlin" in text_of(refused)
        assert 'name="from_at" autofocus' in refused.content.decode()
        assert '<option value="2026-10-25T01:30:00Z">2026-10-25 02:30 (UTC+01:00)</option>' in refused.content.decode()
        agent.post(address(caller), told(caller, **times, from_at=["2026-10-25T01:30:00Z", ""]))
    assert Claim.objects.get().times.get().starts_at == at("2026-10-25 01:30")


@pytest.mark.parametrize("asked", ["x", "0", "9" * 30, "-1"])
def test_an_invalid_contract_is_not_found(asked):
    assert signed_in(support()).get(ENTER, {"contract": asked}).status_code in (200, 404)


def test_without_a_contact_no_claim_can_be_entered(caller):
    caller.contact.delete()
    page = text_of(signed_in(support()).get(address(caller)))
    assert "The customer has no contact on record, so no one can be notified." in page


def test_files_that_came_with_a_ticket_are_added_on_the_claims_page(caller, settings, tmp_path):
    from django.core.files.uploadedfile import SimpleUploadedFile

    agent = signed_in(support())
    agent.post(address(caller), told(caller))
    claim = Claim.objects.get()
    door = reverse("admin:bring_proof", args=[claim.pk])
    bad = SimpleUploadedFile("x.exe", b"MZ\0\0")
    assert agent.post(door, {"files": [bad]}).status_code == 422
    assert not Proof.objects.exists()
    good = SimpleUploadedFile("log.txt", b"2026-09-10 03:00 no answer\n")
    assert agent.post(door, {"files": [good]}).status_code == 302
    assert Proof.objects.get().claim == claim


def test_the_page_needs_the_permission_to_enter_claims(caller):
    found = {role: signed_in(a_member(role)).get(address(caller)).status_code for role in ROLES}
    assert found == {role: 200 if role == "Support" else 403 for role in ROLES}
