"""Drafting an amendment, and the register of what the text leaves open."""

from dataclasses import replace

import pytest

from sla_portal.agreements.models import CLAUSE_FIELDS, TERM_FIELDS, AgreementVersion, RegisterEntry
from sla_portal.agreements.operations import (
    ApprovedAlready,
    DraftedClause,
    DraftLocked,
    NotAcceptable,
    NothingChanged,
    NothingProposed,
    SecondPersonNeeded,
    SummaryMissing,
    approve_entry,
    change_draft,
    copy_wording,
    discard_draft,
    draft_version,
    publish_version,
    submit_draft,
    write_entry,
)
from sla_portal.agreements.queries import published_versions, register
from sla_portal.agreements.queries.drafts import content_before, draft_content
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import ChangedMeanwhile, NotAllowed
from tests.support.amendments import ANNOUNCED, EFFECTIVE, a_draft, announced, legal, submitted
from tests.support.builders import at
from tests.support.desk import a_member, looking

pytestmark = pytest.mark.django_db
LATER = at("2026-06-02 04:00")


def clauses_of(version: AgreementVersion) -> list[DraftedClause]:
    return [DraftedClause(**{name: getattr(row, name) for name in CLAUSE_FIELDS}) for row in version.clauses.all()]


def change(draft: AgreementVersion, actor: Actor | None = None, **values) -> None:
    change_draft(actor=actor or legal("ann"), draft=draft, now=LATER, **values)


@pytest.fixture
def draft() -> AgreementVersion:
    return draft_version(actor=legal("ann"), version="2.0", now=ANNOUNCED)


def test_a_draft_starts_with_the_clauses_and_terms_of_the_version_published_last(draft):
    first = AgreementVersion.objects.get(version="1.0")
    assert draft.based_on == first
    assert clauses_of(draft) == clauses_of(first)
    assert [getattr(draft, name) for name in TERM_FIELDS] == [getattr(first, name) for name in TERM_FIELDS]
    assert (draft.drafted_by.username, draft.effective_on, draft.stage.value) == ("ann", None, "draft")
    announced(a_draft("2.1", voucher_valid_months=6))
    assert draft_version(actor=legal("ann"), version="3.0", now=LATER).voucher_valid_months == 6


def test_every_term_can_be_changed_and_stays_changed(draft):
    values = {
        "availability_target": "99.995", "unavailability_reading": "function", "maintenance_notice_hours": 72,
        "recommended_notice_hours": 96, "measurement_period": "contract_period", "claim_opens_after_working_day": 3,
        "claim_closes_after_months": 4, "credit_without_claim": True, "compensated_minutes_per_minute": 10, "compensation_cap_percent": 150,
        "voucher_valid_months": 24, "smallest_voucher": "5.0000", "amendment_notice_days": 45,
    }  # fmt: skip
    assert set(values) == set(TERM_FIELDS)
    change(draft, terms=values)
    found = AgreementVersion.objects.get(version="2.0")
    assert {name: str(getattr(found, name)) for name in values} == {
        name: str(value) for name, value in values.items()
    } | {"availability_target": "99.99500"}
    entry = Entry.objects.filter(action="changed", subject_type="agreements.agreementversion").last()
    assert set(entry.changes) == set(values)
    assert found.content()["terms"]["smallest_voucher"] == "5"
    assert "smallest_voucher" not in found.based_on.content()["terms"]
    assert entry.changes["unavailability_reading"] == ["all", "function"]
    assert found.content()["terms"]["credit_without_claim"] is True
    assert "credit_without_claim" not in found.based_on.content()["terms"]


def test_the_audit_log_tells_what_a_draft_held_before_its_changes(draft):
    was = draft_content(draft)
    number = was.clauses[-1].number
    first, *rest = clauses_of(draft)
    steps = [
        {"terms": {"availability_target": "99.995", "unavailability_reading": "function"}},
        {"summary_of_changes": "The target rises.", "summary_of_changes_zh": "目标提高。"},
        {"clauses": [replace(first, heading_zh="新标题", summary=""), *rest]},
        {"clauses": [first, *rest, DraftedClause("5.3", "Law", wording="Any.")]},
        {"clauses": [first, *rest[:-1]]},
        {"terms": {"voucher_valid_months": 6}, "clauses": [replace(first, wording_zh="文本"), *rest]},
    ]
    held = [was]
    for values in steps:
        change(draft, **values)
        held.append(draft_content(AgreementVersion.objects.get(pk=draft.pk)))
    assert number == "5.2"
    entries = list(Entry.objects.filter(action="changed", subject_id=draft.pk).order_by("pk"))
    assert len(entries) == len(steps)
    for steps_before, content in enumerate(held):
        assert content_before(held[-1], entries[steps_before:]) == content


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("availability_target", "100.00001"), ("availability_target", "-1"), ("availability_target", "99.9999999"),
        ("availability_target", "nan"), ("availability_target", "much"), ("availability_target", ""),
        ("availability_target", None), ("unavailability_reading", "most"), ("maintenance_notice_hours", "-1"),
        ("maintenance_notice_hours", "99999999999"), ("maintenance_notice_hours", "1.5"),
        ("recommended_notice_hours", "x"), ("measurement_period", "week"), ("claim_opens_after_working_day", "0"),
        ("claim_opens_after_working_day", "16"), ("claim_closes_after_months", "0"),
        ("compensated_minutes_per_minute", "0"), ("compensation_cap_percent", "0"), ("voucher_valid_months", "121"),
        ("amendment_notice_days", "0"), ("amendment_notice_days", "367"), ("published_at", "2026-01-01"), ("pk", 1),
    ],
)  # fmt: skip
def test_a_term_that_cannot_be_is_refused_with_a_sentence_and_nothing_changes(draft, term, value):
    before = AgreementVersion.objects.values().get(version="2.0")
    with pytest.raises(NotAcceptable) as refused:
        change(draft, terms={"voucher_valid_months": 6, term: value})
    assert list(refused.value.errors) == [term]
    assert all(sentence.endswith(".") for sentence in refused.value.errors[term])
    assert AgreementVersion.objects.values().get(version="2.0") == before


def test_clauses_can_be_reworded_added_and_taken_away(draft):
    clauses = clauses_of(draft)
    reworded = [
        replace(clause, wording="A minute counts\r\nwhen all is down.", wording_zh="全部不可用的分钟计入。")
        if clause.number == "1.4"
        else clause
        for clause in clauses
    ]
    change(draft, clauses=[*reworded, DraftedClause("5.3", "Law", "法律", wording="The law of the seat applies.")])
    found = {clause.number: clause for clause in clauses_of(draft)}
    assert found["1.4"].wording == "A minute counts\nwhen all is down."
    assert list(found)[-1] == "5.3"
    entry = Entry.objects.filter(action="changed", subject_type="agreements.agreementversion").last()
    assert set(entry.changes) == {"clause 1.4", "clause 5.3"}
    assert entry.changes["clause 1.4"] == [
        {},
        {"wording": "A minute counts\nwhen all is down.", "wording_zh": "全部不可用的分钟计入。"},
    ]
    change(draft, clauses=clauses)
    assert clauses_of(draft) == clauses


@pytest.mark.parametrize(
    ("clauses", "field"),
    [
        ([], "clauses"),
        ([DraftedClause("1"), DraftedClause("1.2")], "clauses.1.2.number"),
        ([DraftedClause("2")], "clauses.2.number"),
        ([DraftedClause("1"), DraftedClause("1")], "clauses.1.number"),
        ([DraftedClause("one")], "clauses.one.number"),
        ([DraftedClause("")], "clauses..number"),
        ([DraftedClause("1", "x" * 201)], "clauses.1.heading"),
        ([DraftedClause("1", wording="x" * 20_001)], "clauses.1.wording"),
        ([DraftedClause("1", wording_zh="so\x00")], "clauses.1.wording_zh"),
        ([DraftedClause("1", summary="half \ud800")], "clauses.1.summary"),
        ([DraftedClause("1")] * 301, "clauses"),
    ],
)
def test_clauses_that_cannot_be_kept_are_refused_with_a_sentence(draft, clauses, field):
    before = clauses_of(draft)
    with pytest.raises(NotAcceptable) as refused:
        change(draft, clauses=clauses)
    assert list(refused.value.errors) == [field]
    assert clauses_of(draft) == before


@pytest.mark.parametrize("name", ["1.0", "", "a/b", "-1", "x" * 21, "2.0\0", "answer", "compare"])
def test_a_version_has_a_name_of_its_own_that_fits_an_address(name):
    with pytest.raises(NotAcceptable) as refused:
        draft_version(actor=legal("ann"), version=name, now=ANNOUNCED)
    assert list(refused.value.errors) == ["version"]


def test_two_who_edit_one_draft_do_not_overwrite_each_other(draft):
    ann, bob = (looking(legal(name)) for name in ("ann", "bob"))
    change(draft, ann, terms={"voucher_valid_months": 6})
    with pytest.raises(ChangedMeanwhile):
        change(draft, bob, terms={"voucher_valid_months": 7})
    change(draft, looking(bob), terms={"voucher_valid_months": 7})
    assert draft.voucher_valid_months == 7


def test_saving_without_a_change_writes_nothing(draft):
    written = Entry.objects.count()
    change(draft, terms={"availability_target": "99.99"}, clauses=clauses_of(draft), summary_of_changes="")
    assert Entry.objects.count() == written


def test_a_draft_that_waits_for_publication_or_is_published_stands_still():
    version = submitted()
    entry = RegisterEntry.objects.get(clause="2.1")
    for step in (None, publish_version):
        if step:
            step(actor=legal("bob"), version=version, now=ANNOUNCED)
        for refused in (
            lambda: change(version, terms={"voucher_valid_months": 6}),
            lambda: copy_wording(actor=legal("ann"), draft=version, entry=entry, now=LATER),
            lambda: discard_draft(actor=legal("ann"), draft=version, reason="No", now=LATER),
            lambda: submit_draft(actor=legal("ann"), draft=version, effective_on=EFFECTIVE, now=LATER),
        ):
            with pytest.raises(DraftLocked):
                refused()


def test_publication_is_not_asked_for_without_plain_words_in_both_languages(draft):
    change(draft, terms={"voucher_valid_months": 6}, summary_of_changes="Vouchers are valid for six months.")
    with pytest.raises(SummaryMissing):
        submit_draft(actor=legal("ann"), draft=draft, effective_on=EFFECTIVE, now=ANNOUNCED)


def test_a_draft_that_changes_nothing_is_not_published(draft):
    change(draft, summary_of_changes="Nothing.", summary_of_changes_zh="无。")
    with pytest.raises(NothingChanged):
        submit_draft(actor=legal("ann"), draft=draft, effective_on=EFFECTIVE, now=ANNOUNCED)


def test_a_draft_thrown_away_is_gone_and_stays_in_the_trail(draft):
    discard_draft(actor=legal("bob"), draft=draft, reason="Another way was found", now=LATER)
    assert [version.version for version in AgreementVersion.objects.all()] == ["1.0"]
    assert Entry.objects.get(action="discarded").reason == "Another way was found"


def test_a_draft_never_governs(draft):
    assert [version.version for version in published_versions()] == ["1.0"]


@pytest.mark.parametrize("role", ["NOC", "Support", "Auditor", "Administrator"])
def test_other_desks_draft_nothing(role):
    with pytest.raises(NotAllowed):
        draft_version(actor=Actor.staff(a_member(role)), version="2.0", now=ANNOUNCED)


# The register


def test_the_register_has_the_open_questions_of_1_0_in_both_languages_and_in_order():
    entries = register()
    assert [entry.clause for entry in entries] == [
        "1.4", "1.4", "1.5", "1.6", "2.1", "3.3.1", "3.3.1", "4.1", "4.11", "5.1", "5.2",
    ]  # fmt: skip
    numbers = set(AgreementVersion.objects.get().clauses.values_list("number", flat=True))
    for entry in entries:
        assert entry.clause in numbers
        assert entry.term in {"", *TERM_FIELDS}
        assert all((entry.question, entry.question_zh, entry.answer, entry.answer_zh, entry.why, entry.why_zh))
        assert bool(entry.proposed_wording) == bool(entry.proposed_wording_zh)
        assert entry.approved_at is None
    assert [entry.matter for entry in register("2.1")] == ["erratum"]


def test_a_draft_takes_a_proposed_wording_over(draft):
    entry = RegisterEntry.objects.get(clause="2.1")
    copy_wording(actor=legal("ann"), draft=draft, entry=entry, now=LATER)
    clause = draft.clauses.get(number="2.1")
    assert (clause.wording, clause.wording_zh) == (entry.proposed_wording, entry.proposed_wording_zh)
    assert draft.changed_at == LATER
    assert Entry.objects.get(action="took a wording over into").changes["clause 2.1"][1]["wording"] == clause.wording


def test_an_entry_without_a_proposal_or_a_draft_without_the_clause_takes_nothing_over(draft):
    with pytest.raises(NothingProposed):
        copy_wording(actor=legal("ann"), draft=draft, entry=RegisterEntry.objects.get(clause="4.11"), now=LATER)
    change(draft, clauses=[DraftedClause("1", "Terms")])
    with pytest.raises(NothingProposed, match=r"no clause 2\.1"):
        copy_wording(actor=legal("ann"), draft=draft, entry=RegisterEntry.objects.get(clause="2.1"), now=LATER)


def test_a_reading_is_approved_by_another_person_and_waits_again_when_it_is_changed():
    entry = write_entry(
        actor=legal("ann"),
        clause="2.2",
        question="How fast?",
        answer="As fast as can be.",
        why="It says so.",
        now=LATER,
    )
    with pytest.raises(SecondPersonNeeded):
        approve_entry(actor=legal("ann"), entry=entry, now=LATER)
    approve_entry(actor=legal("bob"), entry=entry, now=LATER)
    assert (entry.approved_by_name, entry.approved_at) == ("Bob", LATER)
    with pytest.raises(ApprovedAlready):
        approve_entry(actor=legal("bob"), entry=entry, now=LATER)
    same = write_entry(actor=legal("ann"), entry=entry, why="It says so.", now=LATER)
    assert same.approved_at == LATER
    changed = write_entry(actor=legal("bob"), entry=entry, why="Clause 2.2 says so.", now=LATER)
    assert (changed.approved_by, changed.approved_by_name, changed.approved_at) == (None, "", None)
    approve_entry(actor=legal("ann"), entry=changed, now=LATER)


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"question": ""}, "question"), ({"clause": "9.9"}, "clause"), ({"matter": "opinion"}, "matter"),
        ({"why": "x" * 2001}, "why"), ({"answer": "so\0"}, "answer"), ({"approved_at": LATER}, "approved_at"),
        ({"term": "the_weather"}, "term"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_is_refused_with_a_sentence(texts, field):
    given = {"clause": "2.2", "question": "How fast?", "answer": "Fast.", "why": "So.", **texts}
    with pytest.raises(NotAcceptable) as refused:
        write_entry(actor=legal("ann"), now=LATER, **given)
    assert list(refused.value.errors) == [field]


def test_support_reads_the_register_and_does_not_write_in_it():
    with pytest.raises(NotAllowed):
        write_entry(actor=Actor.staff(a_member("Support")), now=LATER, clause="2.2", question="?", answer="!", why="So")
