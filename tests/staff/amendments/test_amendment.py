"""An amendment through the pages: draft, change, ask, publish by a second person, progress, withdraw."""

from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sla_portal.agreements.models import CLAUSE_FIELDS, TERM_FIELDS, AgreementVersion, Clause
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.availability.operations import close_month
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Notice, Status
from sla_portal.staff.roles import ROLES
from tests.support.amendments import a_draft, announced, submitted, worded
from tests.support.builders import a_contract, a_customer, a_region, an_incident, an_outage, at
from tests.support.desk import Forms, Opened, a_member, filled, signed_in, text_of

pytestmark = pytest.mark.django_db

NOW = at("2026-06-01 04:00")
LIST = "/admin/agreements/amendments/"
SUMMARIES = {"summary_of_changes": "A minute counts sooner.", "summary_of_changes_zh": "分钟更早计入。"}


@pytest.fixture(autouse=True)
def the_present():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lea():
    return signed_in(a_member("Legal", "lea"))


@pytest.fixture
def luo():
    return signed_in(a_member("Legal", "luo"))


def page_of(version: AgreementVersion, door: str = "amendment") -> str:
    return reverse(f"admin:{door}", args=[version.pk])


def started(client, name: str = "1.1") -> AgreementVersion:
    response = client.post(LIST + "start/", {"version": name})
    assert response.status_code == 302, text_of(response)
    return AgreementVersion.objects.get(version=name)


def as_shown(response) -> dict[str, str]:
    """What the page of a draft would send if nothing were touched."""
    terms, formset = response.context["terms"], response.context["formset"]
    shown = {name: terms[name].value() for name in (*TERM_FIELDS, *SUMMARIES)}
    # Nothing is sent of a box that is not ticked.
    told = {name: str(value) for name, value in shown.items() if value is not None and value is not False}
    told |= {f"clauses-{name}": str(formset.management_form[name].value()) for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    for form in formset.forms:
        told |= {form.add_prefix(name): str(form[name].value() or "") for name in CLAUSE_FIELDS}
    return told


def field_of(told: dict[str, str], number: str, name: str) -> str:
    """What a field of the clause with a number is called in the form."""
    prefix = next(
        key.removesuffix("number") for key, value in told.items() if key.endswith("-number") and value == number
    )
    return prefix + name


def sent(client, version: AgreementVersion, do: str = "save", clause: str = "", **values: str):
    """Send the page of a draft with some values changed; with `clause`, those of that clause."""
    told = as_shown(client.get(page_of(version)))
    named = {field_of(told, clause, name) if clause else name: value for name, value in values.items()}
    return client.post(page_of(version), told | named | {"do": do})


def clauses_of(version: AgreementVersion) -> dict[str, Clause]:
    return {clause.number: clause for clause in version.clauses.all()}


def a_closed_month(**scope) -> None:
    """May 2026 with half an hour of outage, closed."""
    incident = an_incident(detected_at=at("2026-05-10 02:00"), resolved_at=at("2026-05-10 02:30"), attributable=True)
    an_outage(a_region(), "2026-05-10 02:00", "2026-05-10 02:30", incident=incident, **scope)
    close_month(actor=Actor.system("test"), month=ServiceMonth(2026, 5), now=NOW)


# The whole way


def test_the_whole_way_of_an_amendment_by_two_people(lea, luo):
    who = a_customer(a_region())
    who.contacts.create(email="ops@example.com")
    a_contract(who, "2026-01-01", "2026-12-31")
    worded()
    draft = started(lea)
    assert sent(lea, draft, unavailability_reading="function", **SUMMARIES).status_code == 302
    shown = text_of(lea.get(page_of(draft)))
    # Clause 1.4 prints the term.
    assert "1 clause and 1 term differ from version 1.0." in shown
    assert (
        "A minute now counts as unavailable while any one function, such as door opening, is down on all clients."
        in shown
    )

    asked = text_of(lea.get(page_of(draft, "submit_amendment")))
    assert "The earliest possible date is 2026-07-02." in asked
    assert "the 30 full days of notice (5.2) run from 2026-06-02 to 2026-07-01" in asked
    assert "1 contact of 1 customer will be notified by e-mail" in asked
    assert "A minute counts sooner." in asked
    assert "分钟更早计入。" in asked
    assert lea.post(page_of(draft, "submit_amendment"), {"effective_on": "2026-07-02"}).status_code == 302
    assert "You submitted this version for approval. Another person must check" in text_of(lea.get(page_of(draft)))

    decision = luo.get(page_of(draft))
    assert "Publish version 1.1 and notify 1 contact" in text_of(decision)
    key = {"key": decision.context["publish"]["key"].value()}
    for _twice in range(2):
        published = luo.post(page_of(draft, "publish_amendment"), key, follow=True)
    shown = text_of(published)
    assert "Takes effect on 2026-07-02, in 31 days." in shown
    assert "0 of 1 e-mail sent" in shown
    draft.refresh_from_db()
    assert draft.sha256 in shown
    assert Notice.objects.count() == Delivery.objects.count() == 1

    here = page_of(draft, "withdraw_amendment")
    said = {"key": str(uuid4()), "reason": "It is wrong", "reason_zh": "有误"}
    refused = luo.post(here, said | {"reason_zh": " "})
    assert refused.status_code == 422
    assert "Enter the reason in Chinese" in text_of(refused)
    shown = luo.post(here, said)
    read = shown.content.decode()
    assert (
        read.index("It is wrong") < read.index("有误") < read.index("1 contact") < read.index("Request the withdrawal")
    )
    said["previewed"] = shown.context["form"]["previewed"].value()
    for _twice in range(2):
        assert luo.post(here, said).status_code == 302
    assert "You requested this withdrawal. Another person must" in text_of(luo.get(here))
    confirm = reverse("admin:decide_withdrawal", args=[draft.pk, draft.withdrawals.get().pk, "confirm"])
    assert "Withdraw version 1.1" in text_of(lea.get(reverse("admin:index")))
    assert confirm in lea.get(here).content.decode()
    key = {"key": str(uuid4())}
    for _twice in range(2):
        withdrawn = lea.post(confirm, key, follow=True)
    assert "It was due to take effect on 2026-07-02 and will not take effect." in text_of(withdrawn)
    assert "It is wrong" in text_of(withdrawn)
    assert Notice.objects.count() == 2


# The draft


def test_a_draft_starts_with_the_text_and_terms_in_force_under_a_name_of_its_own(lea):
    draft = started(lea)
    assert (draft.based_on.version, draft.terms.target_text) == ("1.0", "99.99")
    assert list(clauses_of(draft)) == list(clauses_of(draft.based_on))
    again = lea.post(LIST + "start/", {"version": "1.1"})
    assert again.status_code == 422
    assert "Version 1.1 already exists. Choose another name." in text_of(again)
    for name in ("", "1 1", "x" * 21, "a\0b"):
        assert lea.post(LIST + "start/", {"version": name}).status_code == 422
    assert AgreementVersion.objects.drafts().count() == 1


def test_a_reworded_clause_stands_beside_its_redline_word_by_word(lea):
    draft = started(lea)
    assert sent(lea, draft, clause="3.2", summary="The unavailable time is compensated twice.").status_code == 302
    page = text_of(lea.get(page_of(draft)))
    assert (
        "The unavailable time is compensated [deleted: by the same length of service, as vouchers and service extensions end of deletion]"
        in page
    )
    assert "[inserted: twice end of insertion]" in page
    assert clauses_of(draft)["3.2"].summary == "The unavailable time is compensated twice."


def test_a_preview_shows_the_redline_and_what_would_have_been_and_stores_nothing(lea):
    a_closed_month(functions=("door",))
    draft = started(lea)
    before = draft.changed_at
    response = sent(lea, draft, do="preview", unavailability_reading="function", **SUMMARIES)
    shown = text_of(response)
    assert response.status_code == 200
    assert "This is a preview. It is not saved yet." in shown
    assert "0 clauses and 1 term differ from version 1.0." in shown
    assert "1 month of a region would change from SLA met to SLA breached." in shown
    draft.refresh_from_db()
    assert (draft.unavailability_reading, draft.changed_at, draft.summary_of_changes) == ("all", before, "")


def test_a_clause_is_added_moved_and_removed_in_a_preview_and_kept_by_saving_it(lea):
    draft = started(lea)
    shown = sent(lea, draft, do="add:31")
    told = as_shown(shown)
    number = next(form["number"].value() for form in shown.context["formset"].forms[32:])
    assert number == "5.3"
    told |= {field_of(told, "5.3", "heading"): "Law", field_of(told, "5.3", "summary"): "The law of the seat."}
    moved = lea.post(page_of(draft), told | {"do": "up:32"})
    told = as_shown(moved) | {field_of(as_shown(moved), "4.11", "DELETE"): "on"}
    assert lea.post(page_of(draft), told | {"do": "save"}).status_code == 302
    found = clauses_of(draft)
    assert "4.11" not in found
    assert [found[number].heading for number in ("5.1", "5.2", "5.3")] == ["Liability cap", "Law", "Amendments"]
    shown = text_of(lea.get(page_of(draft)))
    assert "Removed" in shown
    assert "New clause" in shown


def test_numbers_that_do_not_follow_are_refused_at_their_clause_and_nothing_typed_is_lost(lea):
    draft = started(lea)
    refused = sent(lea, draft, clause="4.11", number="4.13", heading="Beyond control")
    assert refused.status_code == 422
    shown = refused.content.decode()
    assert "Clause 4.13 cannot follow clause 4.10." in shown
    assert 'value="Beyond control"' in shown
    assert "4.11" in clauses_of(draft)
    assert (
        sent(lea, draft, do="renumber", clause="4.11", number="4.13").context["formset"].forms[-4]["number"].value()
        == "4.11"
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"availability_target": "101"}, "less than or equal to 100"),
        ({"availability_target": "many"}, "Enter a number"),
        ({"unavailability_reading": "some"}, "not one of the available choices"),
        ({"claim_opens_after_working_day": "0"}, "greater than or equal to 1"),
        ({"voucher_valid_months": ""}, "This field is required"),
        ({"maintenance_notice_hours": "99999999999999999999"}, "less than or equal to"),
        ({"summary_of_changes": "x" * 5001}, "5000"),
        ({"clauses-TOTAL_FORMS": "many"}, "ManagementForm"),
        ({"clauses-TOTAL_FORMS": "100000"}, "at most 300"),
        ({"clauses-3-number": "4.x"}, "Enter a valid value"),
        ({"clauses-3-number": ""}, "This field is required"),
        ({"clauses-3-heading": "x" * 201}, "200"),
        ({"clauses-3-wording": "a\0b"}, "Null characters are not allowed"),
        ({"clauses-3-wording": "a\x07b"}, "an invisible character"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_and_changes_nothing(lea, values, sentence):
    draft = started(lea)
    before = (draft.changed_at, draft.content())
    refused = sent(lea, draft, **values)
    assert refused.status_code == 422
    assert sentence in text_of(refused)
    draft = AgreementVersion.objects.get(pk=draft.pk)
    assert (draft.changed_at, draft.content()) == before


def test_a_draft_of_as_many_clauses_as_an_agreement_can_have_is_saved(lea):
    draft = started(lea)
    told = as_shown(lea.get(page_of(draft)))
    told |= {"clauses-TOTAL_FORMS": "300"}
    told |= {f"clauses-{n}-{name}": "" for n in range(32, 300) for name in CLAUSE_FIELDS}
    told |= {f"clauses-{n}-number": f"5.{n - 29}" for n in range(32, 300)}
    assert lea.post(page_of(draft), told | {"do": "save"}).status_code == 302
    assert draft.clauses.count() == 300


# Two editors


def field_on(page, number: str, name: str) -> str:
    """What a field of a clause is called on a page."""
    sent = next(sent for _action, sent in Forms(page.content.decode()).forms if "clauses-0-number" in sent)
    return field_of({key: values[0] for key, values in sent.items() if values}, number, name)


def saved_again(client, draft, refused, **values):
    return filled(client, refused, page_of(draft), "clauses-0-number", do="save", **values)


def test_what_another_person_saved_meanwhile_is_not_overwritten(lea, luo):
    draft = started(lea)
    page = Opened(lea, page_of(draft))
    assert sent(luo, draft, voucher_valid_months="24").status_code == 302
    refused = page.fill("clauses-0-number", do="save", voucher_valid_months="6", **SUMMARIES)
    assert refused.status_code == 409
    shown = text_of(refused)
    assert "changed “1.1” after this page was opened. Nothing was saved." in shown
    assert "Changed by both: choose at each Voucher validity Legal" in shown
    assert "Changed by you only: kept below What changes What changes (Chinese)" in shown
    assert "24 months keep mine keep theirs" in shown
    assert 'name="voucher_valid_months" value="6"' in refused.content.decode()
    assert "marked below" not in shown
    assert "A minute counts sooner." in shown
    draft.refresh_from_db()
    assert (draft.voucher_valid_months, draft.summary_of_changes) == (24, "")


@pytest.mark.parametrize(("keep", "months", "summary"), [("mine", 6, "Mine."), ("theirs", 24, "Theirs.")])
def test_of_what_both_changed_either_is_kept_and_the_rest_is_merged(lea, luo, keep, months, summary):
    draft = started(lea)
    page = Opened(lea, page_of(draft))
    sent(luo, draft, voucher_valid_months="24", summary_of_changes_zh="他们的。")
    sent(luo, draft, clause="3.2", summary="Theirs.", heading="Vouchers")
    sent(luo, draft, clause="4.11", summary="Beyond control.")
    names = {name: field_on(page.response, *name.split()) for name in ("3.2 summary", "5.1 summary")}
    refused = page.fill(
        "clauses-0-number", do="save", voucher_valid_months="6", summary_of_changes="Mine.",
        **{names["3.2 summary"]: "Mine.", names["5.1 summary"]: "The cap."},
    )  # fmt: skip
    assert refused.status_code == 409
    shown = text_of(refused)
    assert "Summary Entered by you Mine. Now Theirs. keep mine keep theirs" in shown
    assert "Changed by both: choose at each Clause 3.2 Vouchers Legal" in shown
    assert "Changed by others only: taken over below Clause 4.11" in shown
    assert "Changed by you only: kept below Clause 5.1" in shown
    clause = field_on(refused, "3.2", "keep")
    assert saved_again(lea, draft, refused, keep_voucher_valid_months=keep, **{clause: keep}).status_code == 302
    draft.refresh_from_db()
    found = clauses_of(draft)
    assert (draft.voucher_valid_months, found["3.2"].summary, found["3.2"].heading) == (months, summary, "Vouchers")
    assert (found["4.11"].summary, found["5.1"].summary) == ("Beyond control.", "The cap.")
    assert (draft.summary_of_changes, draft.summary_of_changes_zh) == ("Mine.", "他们的。")


def test_a_choice_stays_open_in_a_preview_and_after_a_refusal(lea, luo):
    draft = started(lea)
    page = Opened(lea, page_of(draft))
    sent(luo, draft, clause="3.2", summary="Theirs.")
    refused = page.fill("clauses-0-number", do="save", **{field_on(page.response, "3.2", "summary"): "Mine."})
    keep = {field_on(refused, "3.2", "keep"): "theirs"}
    preview = filled(lea, refused, page_of(draft), "clauses-0-number", do="preview", **keep)
    assert preview.status_code == 200
    assert "Summary Entered by you Mine. Now Theirs." in text_of(preview)
    assert "[inserted: Theirs" in text_of(preview)
    wrong = filled(lea, preview, page_of(draft), "clauses-0-number", do="save", availability_target="101")
    assert wrong.status_code == 422
    assert "Summary Entered by you Mine. Now Theirs." in text_of(wrong)
    assert saved_again(lea, draft, wrong, availability_target="99.99").status_code == 302
    assert clauses_of(draft)["3.2"].summary == "Theirs."


def test_what_is_typed_into_a_clause_follows_it_to_the_number_that_another_gave_it(lea, luo):
    draft = started(lea)
    page = Opened(lea, page_of(draft))
    added = filled(luo, luo.get(page_of(draft)), page_of(draft), "clauses-0-number", do="add:1")
    told = as_shown(added)
    assert saved_again(luo, draft, added, **{field_of(told, "1.2", "heading"): "Scope"}).status_code == 302
    assert clauses_of(draft)["1.2"].heading == "Scope"
    refused = page.fill("clauses-0-number", do="save", **{field_on(page.response, "1.2", "summary"): "Mine."})
    assert refused.status_code == 409
    assert "keep theirs" not in text_of(refused)
    assert saved_again(lea, draft, refused).status_code == 302
    found = clauses_of(draft)
    assert (found["1.2"].heading, found["1.3"].summary) == ("Scope", "Mine.")


def test_a_clause_that_one_removed_and_the_other_changed_is_kept_or_removed_by_choice(lea, luo):
    for keep, is_kept in (("mine", True), ("theirs", False)):
        draft = started(lea, f"1.1-{keep}")
        page = Opened(lea, page_of(draft))
        sent(luo, draft, clause="5.2", DELETE="on")
        refused = page.fill("clauses-0-number", do="save", **{field_on(page.response, "5.2", "summary"): "Mine."})
        assert "The other person removed this clause, which you changed." in text_of(refused)
        assert saved_again(lea, draft, refused, **{field_on(refused, "5.2", "keep"): keep}).status_code == 302
        assert ("5.2" in clauses_of(draft)) == is_kept


def test_what_is_saved_while_a_merged_page_is_open_is_merged_again(lea, luo):
    draft = started(lea)
    page = Opened(lea, page_of(draft))
    sent(luo, draft, voucher_valid_months="24")
    refused = page.fill("clauses-0-number", do="save", voucher_valid_months="6")
    sent(luo, draft, voucher_valid_months="36", amendment_notice_days="45")
    again = saved_again(lea, draft, refused)
    assert again.status_code == 409
    assert "36 months" in text_of(again)
    assert saved_again(lea, draft, again).status_code == 302
    draft.refresh_from_db()
    assert (draft.voucher_valid_months, draft.amendment_notice_days) == (6, 45)


def test_a_choice_stands_when_something_else_is_saved_meanwhile(lea, luo):
    draft = started(lea)
    page = Opened(lea, page_of(draft))
    sent(luo, draft, voucher_valid_months="24")
    refused = page.fill("clauses-0-number", do="save", voucher_valid_months="6")
    sent(luo, draft, amendment_notice_days="45")
    again = saved_again(lea, draft, refused, keep_voucher_valid_months="theirs")
    assert again.status_code == 409
    assert saved_again(lea, draft, again, summary_of_changes="Mine.").status_code == 302
    draft.refresh_from_db()
    assert (draft.voucher_valid_months, draft.amendment_notice_days) == (24, 45)


def test_a_draft_submitted_meanwhile_shows_who_did_and_keeps_what_was_typed(lea, luo):
    draft = a_draft()
    page = Opened(lea, page_of(draft))
    luo.post(page_of(draft, "submit_amendment"), {"effective_on": "2026-07-02"})
    refused = page.fill("clauses-0-number", do="save", summary_of_changes="Mine.")
    assert refused.status_code == 409
    assert "Legal submitted for approval 2.0" in text_of(refused)
    locked = saved_again(lea, draft, refused)
    assert locked.status_code == 422
    assert "Version 2.0 is submitted for approval. Have it sent back before you change it." in text_of(locked)
    assert ">\nMine.</textarea>" in locked.content.decode()


def test_a_draft_is_thrown_away_with_a_reason_only(lea):
    draft = started(lea)
    assert "Enter a reason" in text_of(lea.post(page_of(draft, "discard_amendment"), {"reason": ""}, follow=True))
    gone = lea.post(page_of(draft, "discard_amendment"), {"reason": "No longer wanted"}, follow=True)
    assert "The draft was discarded." in text_of(gone)
    assert not AgreementVersion.objects.drafts().exists()
    assert Entry.objects.get(action="discarded").reason == "No longer wanted"


def test_a_draft_that_another_version_overtook_says_so_and_is_not_asked_for(lea):
    late = started(lea, "1.1")
    sent(lea, late, voucher_valid_months="6", **SUMMARIES)
    announced()
    assert "The draft is based on version 1.0, but the newest version is now 2.0." in text_of(lea.get(page_of(late)))
    refused = lea.post(page_of(late, "submit_amendment"), {"effective_on": "2026-09-01"})
    assert refused.status_code == 422
    assert "The draft is based on version 1.0, but the newest version is now 2.0." in text_of(refused)


def test_what_was_withdrawn_or_overtaken_is_drafted_anew_without_typing_it_twice(lea, luo):
    late = started(lea, "1.1")
    sent(lea, late, voucher_valid_months="6", **SUMMARIES)
    announced()
    page = lea.get(page_of(late))
    assert "Submit for approval" not in text_of(page)
    assert lea.post(LIST + "start/", {"version": "2.1", "text_of": late.pk}).status_code == 302
    draft = AgreementVersion.objects.get(version="2.1")
    assert (draft.based_on.version, draft.voucher_valid_months) == ("2.0", 6)
    assert draft.summary_of_changes == SUMMARIES["summary_of_changes"]
    assert list(clauses_of(draft)) == list(clauses_of(late))
    in_force = AgreementVersion.objects.get(version="1.0")
    for other in (in_force.pk, 10**9, "x"):
        assert lea.post(LIST + "start/", {"version": "2.2", "text_of": other}).status_code == 422


# What if


def test_the_closed_months_stand_as_they_were_beside_what_they_would_have_been(lea):
    a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    a_closed_month(functions=("door",))
    draft = a_draft(unavailability_reading="function")
    shown = text_of(lea.get(page_of(draft)))
    assert "actual ✓ SLA met 100.00000 % · 0 min what-if ■ SLA breached 99.93279 % · 30 min" in shown
    counted = text_of(lea.get(page_of(draft), {"customers": "2026-05"}))
    assert "In May 2026 the month of 1 customer would change between SLA met and SLA breached." in counted


def test_very_many_outages_are_judged_only_when_asked_for(lea, monkeypatch):
    a_closed_month()
    draft = a_draft()
    monkeypatch.setattr("sla_portal.staff.amendments.comparison.MOST_OUTAGES", 0)
    assert "The analysis uses 1 outage of the last closed months." in text_of(lea.get(page_of(draft)))
    assert "SLA breached" in text_of(lea.get(page_of(draft) + "?what-if"))


# Ask, publish, return


def test_an_earlier_day_than_the_thirty_days_allow_cannot_be_chosen_and_is_refused_with_the_reason(lea):
    draft = a_draft()
    page = lea.get(page_of(draft, "submit_amendment")).content.decode()
    assert 'min="2026-07-02"' in page
    refused = lea.post(page_of(draft, "submit_amendment"), {"effective_on": "2026-07-01"})
    assert refused.status_code == 422
    assert (
        "it takes effect on 2026-07-02 at the earliest: 30 full days must lie between announcement and effective date"
        in text_of(refused)
    )
    for nonsense in ("", "soon", "2026-02-30", "0001-01-01", "9999-12-31"):
        assert lea.post(page_of(draft, "submit_amendment"), {"effective_on": nonsense}).status_code == 422
    draft.refresh_from_db()
    assert draft.submitted_at is None


def test_behind_an_announced_version_the_next_can_take_effect_on_the_day_after(lea):
    announced(effective_on=at("2026-09-01 00:00").date())
    draft = a_draft("3.0", voucher_valid_months=6)
    page = text_of(lea.get(page_of(draft, "submit_amendment")))
    assert "The earliest possible date is 2026-09-02." in page
    assert (
        "Version 2.0 takes effect on 2026-09-01. This version can take effect on the following day at the earliest."
        in page
    )


def test_the_letter_is_shown_for_the_day_that_is_chosen_and_nothing_is_asked(lea):
    draft = a_draft()
    shown = text_of(lea.get(page_of(draft, "submit_amendment"), {"effective_on": "2026-08-15"}))
    assert "The service level agreement changes on 2026-08-15: version 2.0" in shown
    assert shown.count("2026-08-15") >= 4
    draft.refresh_from_db()
    assert draft.submitted_at is None


def test_whoever_asked_does_not_publish_though_the_form_is_sent(lea):
    draft = a_draft()
    lea.post(page_of(draft, "submit_amendment"), {"effective_on": "2026-07-02"})
    key = {"key": "6c1a0a6e-8a56-4c1c-9d6b-0d6f3f0b5a11"}
    refused = lea.post(page_of(draft, "publish_amendment"), key, follow=True)
    assert "You submitted this version for approval. Another person must check and publish it." in text_of(refused)
    draft.refresh_from_db()
    assert draft.published_at is None
    assert not Notice.objects.exists()


def test_a_publication_asked_for_is_returned_with_a_reason_and_can_be_changed_again(lea, luo):
    draft = a_draft()
    lea.post(page_of(draft, "submit_amendment"), {"effective_on": "2026-07-02"})
    assert sent_to_still(lea, draft).status_code == 422
    refused = luo.post(page_of(draft, "send_back_amendment"), {"reason": ""})
    assert refused.status_code == 422
    assert "Enter a reason." in text_of(refused)
    returned = luo.post(page_of(draft, "send_back_amendment"), {"reason": "Clause 2 says 99.99 still"}, follow=True)
    assert "Sent back. The version is a draft again" in text_of(returned)
    assert "Clause 2 says 99.99 still" in text_of(returned)
    assert sent(lea, draft, voucher_valid_months="6").status_code == 302


def sent_to_still(client, version: AgreementVersion):
    """The form of a draft that stands still by now, as a page left open would send it."""
    told = {name: str(getattr(version, name)) for name in (*TERM_FIELDS, *SUMMARIES)}
    told |= {"clauses-TOTAL_FORMS": "1", "clauses-INITIAL_FORMS": "1"}
    return client.post(page_of(version), told | {"clauses-0-number": "1", "do": "save"})


def test_days_that_passed_since_it_was_asked_for_are_seen_before_publishing(luo):
    draft = submitted()
    with time_machine.travel(at("2026-06-02 04:00"), tick=False):
        luo = signed_in(User.objects.get(username="luo"))
        page = luo.get(page_of(draft))
        assert "published today, it can take effect on 2026-07-03 at the earliest" in text_of(page)
        key = {"key": page.context["publish"]["key"].value()}
        refused = luo.post(page_of(draft, "publish_amendment"), key, follow=True)
    assert "it takes effect on 2026-07-03 at the earliest" in text_of(refused)
    draft.refresh_from_db()
    assert draft.published_at is None


def test_publishing_without_a_key_or_what_nobody_asked_for_publishes_nothing(luo):
    draft = a_draft()
    key = {"key": "6c1a0a6e-8a56-4c1c-9d6b-0d6f3f0b5a11"}
    assert "Nothing was changed" in text_of(luo.post(page_of(draft, "publish_amendment"), {}, follow=True))
    assert "was not submitted for approval" in text_of(luo.post(page_of(draft, "publish_amendment"), key, follow=True))
    assert not Notice.objects.exists()


def test_a_return_that_comes_after_the_publication_says_so(luo):
    version = announced()
    page = luo.post(page_of(version, "send_back_amendment"), {"reason": "Too late"}, follow=True)
    assert "Version 2.0 was already published." in text_of(page)


# Under way


def test_what_did_not_arrive_and_who_has_no_address_stand_on_the_page_and_at_home(lea):
    for number in range(4):
        who = a_customer(a_region(), f"C-{number}")
        a_contract(who, "2026-01-01", "2026-12-31")
        if number:
            who.contacts.create(email=f"ops{number}@example.com")
    version = announced()
    failed, *arrived = Delivery.objects.values_list("pk", flat=True)
    Delivery.objects.filter(pk__in=arrived).update(status=Status.SENT, sent_at=NOW)
    Delivery.objects.filter(pk=failed).update(status=Status.FAILED)
    page = text_of(lea.get(page_of(version)))
    assert "Resolve 1 undelivered e-mail" in page
    assert "1 customer not notified" in page
    assert "C-0 Customer C-0 no e-mail address on record" in page
    assert "Notify 1 customer now" not in page
    for address in (LIST, "/admin/"):
        shown = text_of(lea.get(address))
        assert "Version 2.0 takes effect on 2026-07-02, in 31 days" in shown
        assert "66 % notified: 2 of 3 recipients" in shown
        assert "1 undelivered e-mail" in shown


def test_customers_to_whom_no_mail_went_are_told_later_once(lea):
    version = announced()
    who = a_customer(a_region(), "C-late")
    a_contract(who, "2026-01-01", "2026-12-31")
    who.contacts.create(email="late@example.com")
    page = lea.get(page_of(version))
    assert "Notify 1 customer now" in text_of(page)
    key = {"key": page.context["notify"]["key"].value()}
    for _click in range(2):
        told = text_of(lea.post(page_of(version, "notify_of_amendment"), key, follow=True))
    assert "customer not notified" not in told
    assert "Notified later" in told
    assert Delivery.objects.get().email == "late@example.com"
    for again, sentence in (
        ({}, "Nothing was changed"),
        ({"key": str(uuid4())}, "who has an e-mail address was notified"),
    ):
        assert sentence in text_of(lea.post(page_of(version, "notify_of_amendment"), again, follow=True))
    assert Delivery.objects.count() == 1


def test_the_part_that_is_fetched_anew_is_the_mail_alone(lea):
    who = a_customer(a_region())
    who.contacts.create(email="ops@example.com")
    a_contract(who, "2026-01-01", "2026-12-31")
    part = lea.get(page_of(announced()), {"part": "mail"})
    assert "0 of 1 e-mail sent" in text_of(part)
    assert b"<html" not in part.content


def test_a_version_in_force_cannot_be_withdrawn(luo):
    version = announced()
    with time_machine.travel(at("2026-07-02 04:00"), tick=False):
        luo = signed_in(User.objects.get(username="luo"))
        page = luo.get(page_of(version))
        assert "In force Since 2026-07-02." in text_of(page)
        assert "Withdraw this version" not in text_of(page)
        key = {"key": "6c1a0a6e-8a56-4c1c-9d6b-0d6f3f0b5a11", "reason": "Too late"}
        refused = luo.post(page_of(version, "withdraw_amendment"), key, follow=True)
    assert "or is in force: it cannot be withdrawn" in text_of(refused)
    assert not version.withdrawals.exists()


def test_the_list_names_each_version_by_how_far_it_is(lea):
    announced()
    a_draft("3.0", voucher_valid_months=6)
    shown = text_of(lea.get(LIST))
    assert "Version 1.0 , since 2000-01-01" in shown
    assert "Version 2.0 takes effect on 2026-07-02" in shown
    assert "Version 3.0 based on 2.0" in shown
    with time_machine.travel(at("2026-07-03 04:00"), tick=False):
        shown = text_of(signed_in(User.objects.get(username="lea")).get(LIST))
    assert "Version 2.0 , since 2026-07-02" in shown
    assert "Superseded versions Version 1.0" in shown


def test_the_first_version_which_nobody_was_told_of_has_its_page_too(lea):
    first = AgreementVersion.objects.get(version="1.0")
    shown = text_of(lea.get(page_of(first)))
    assert "In force Since 2000-01-01." in shown
    assert "This version is not based on another version." in shown
    assert "Withdraw this version" not in shown


def test_home_shows_legal_what_another_person_asked_to_publish_and_not_ones_own(lea):
    draft = submitted()
    home = text_of(lea.get("/admin/"))
    assert "Version 2.0 effective 2026-07-02 submitted by Ann" in home
    assert "pending your approval" in home
    assert draft.submitted_by.username == "ann"
    own = text_of(signed_in(draft.submitted_by).get("/admin/"))
    assert "pending your approval" not in own
    assert "Draft 2.0 pending approval" in own


# Who may, and what it costs


def test_other_roles_read_versions_and_change_nothing():
    draft = a_draft()
    version = announced(a_draft("1.5"))
    for role in ROLES:
        client = signed_in(a_member(role))
        for page in (LIST, page_of(draft), page_of(version)):
            response = client.get(page)
            assert response.status_code == 200, (role, page)
            assert (b'name="do"' in response.content) == (role == "Legal" and page == page_of(draft)), (role, page)
        entries = Entry.objects.count()
        doors = (
            "discard_amendment",
            "publish_amendment",
            "send_back_amendment",
            "notify_of_amendment",
            "withdraw_amendment",
        )
        found = [client.post(page_of(version, door)).status_code for door in doors]
        found += [client.post(page_of(draft)).status_code, client.post(LIST + "start/").status_code]
        found += [client.get(page_of(draft, "submit_amendment")).status_code]
        assert (403 in found) == (role != "Legal"), role
        assert role == "Legal" or set(found) == {403}
        assert Entry.objects.count() == entries


def test_a_page_costs_the_same_however_many_customers_and_mails_there_are(lea):
    def cost(address: str) -> int:
        lea.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert lea.get(address).status_code == 200
        return len(asked)

    region = a_region()
    version = announced()
    draft = a_draft("3.0", voucher_valid_months=6)
    addresses = (LIST, page_of(version), page_of(draft), page_of(draft, "submit_amendment"), "/admin/")

    def one_more() -> None:
        who = a_customer(region)
        a_contract(who, "2026-01-01", "2026-12-31")
        contact = who.contacts.create(email=f"{who.code}@example.com")
        Delivery.objects.create(notice=version.notice, contact=contact, email=contact.email, next_attempt_at=NOW)

    one_more()
    first = [cost(address) for address in addresses]
    for _number in range(5):
        one_more()
    assert [cost(address) for address in addresses] == first
    assert max(first) <= 54
