"""What two people changed in one draft: merged where one did, a choice where both did."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from sla_portal.agreements.queries.drafts import DraftContent
from sla_portal.agreements.rules import DraftedClause
from sla_portal.staff.amendments.arranging import renumbered
from sla_portal.staff.amendments.merging import (
    MINE,
    THEIRS,
    Changed,
    Merged,
    all_chosen,
    as_edited,
    merge,
    who_changed,
)

ONE, TWO, THREE = (
    DraftedClause("1", "Availability", summary="The service is available for ninety-nine percent of a month."),
    DraftedClause("2", "Credits", summary="Lost time is given back as vouchers or as a longer contract."),
    DraftedClause("3", "Liability", summary="All compensation together stays below the cap of the fees paid."),
)
SHOWN = (ONE, TWO, THREE)
ADDED = DraftedClause("2", "Proof", summary="Photographs and recordings with a date are accepted as materials.")


def content(*clauses: DraftedClause, **values) -> DraftContent:
    return DraftContent({"months": 12, "note": "", **values}, list(clauses))


def merged(typed: DraftContent, saved: DraftContent) -> Merged:
    return merge(content(*SHOWN), typed, saved)


def summaries(clauses) -> list[str]:
    return [
        f"{clause.number} {clause.heading}: {clause.summary.split()[0] if clause.summary else ''}" for clause in clauses
    ]


def test_who_changed_a_value():
    assert who_changed(1, 1, 1) is Changed.BY_NOBODY
    assert who_changed(1, 1, 2) is Changed.BY_THEM
    assert who_changed(1, 2, 1) is Changed.BY_ME
    assert who_changed(1, 2, 2) is Changed.BY_ME
    assert who_changed(1, 2, 3) is Changed.BY_BOTH


def test_what_one_of_them_changed_is_merged():
    mine = replace(TWO, summary="Twice the lost time is given back.")
    theirs = replace(ONE, summary_zh="每月百分之九十九。")
    found = merged(content(ONE, mine, THREE, note="Mine"), content(theirs, TWO, THREE, months=24))
    assert found.values == {"months": 24, "note": "Mine"}
    assert found.clauses == [*map(as_edited, (theirs, mine, THREE))]
    assert found.changed == {
        "months": Changed.BY_THEM, "note": Changed.BY_ME, 0: Changed.BY_THEM, 1: Changed.BY_ME, 2: Changed.BY_NOBODY,
    }  # fmt: skip


def test_different_texts_of_one_clause_are_merged_and_the_same_text_is_a_choice():
    mine = replace(TWO, heading="Vouchers", summary="Mine.")
    theirs = replace(TWO, summary="Theirs.", summary_zh="他们的。")
    saved = content(ONE, theirs, THREE)
    found = merged(content(ONE, mine, THREE), saved)
    both = found.clauses[1]
    assert (both.heading, both.summary, both.summary_zh) == ("Vouchers", "Mine.", "他们的。")
    assert (both.theirs, both.differing, found.changed[1]) == ("2:summary", ["summary"], Changed.BY_BOTH)
    assert all_chosen([both], saved)[0].summary == "Mine."
    assert all_chosen([replace(both, keep=THEIRS)], saved)[0].summary == "Theirs."
    assert all_chosen([replace(both, keep=THEIRS)], saved)[0].heading == "Vouchers"


def test_a_clause_that_was_numbered_on_keeps_what_was_typed_into_it():
    mine = replace(TWO, summary="Twice the lost time is given back as vouchers.")
    saved = renumbered([ONE, ADDED, TWO, THREE])
    found = merged(content(ONE, mine, THREE), content(*saved))
    assert [(one.number, one.heading) for one in found.clauses] == [
        ("1", "Availability"), ("2", "Proof"), ("3", "Credits"), ("4", "Liability"),
    ]  # fmt: skip
    assert found.clauses[2].summary == mine.summary
    assert [found.changed[place] for place in range(4)] == [
        Changed.BY_NOBODY, Changed.BY_THEM, Changed.BY_ME, Changed.BY_NOBODY,
    ]  # fmt: skip


def test_both_added_a_clause_at_one_place():
    other = replace(ADDED, heading="Law", summary="The law of the seat of the operator applies to everything.")
    typed, saved = (content(*renumbered([ONE, TWO, THREE, one])) for one in (ADDED, other))
    found = merged(typed, saved)
    assert [(one.number, one.heading) for one in found.clauses][3:] == [("4", "Law"), ("5", "Proof")]


def test_a_clause_removed_by_one_and_left_by_the_other_is_gone():
    typed, saved = content(*renumbered([ONE, THREE])), content(ONE, TWO, replace(THREE, summary="Theirs."))
    for found, by in ((merged(typed, saved), Changed.BY_ME), (merged(saved, typed), Changed.BY_THEM)):
        assert [(one.number, one.summary) for one in found.clauses] == [("1", ONE.summary), ("2", "Theirs.")]
        assert found.removed == [(TWO, by)]


def test_a_clause_removed_by_one_and_changed_by_the_other_is_a_choice():
    changed = replace(TWO, summary="Lost time is given back as vouchers only.")
    gone, kept = content(*renumbered([ONE, THREE])), content(ONE, changed, THREE)
    by_them, by_me = merged(kept, gone), merged(gone, kept)
    assert (by_them.clauses[1].theirs, by_me.clauses[1].theirs) == (":", "2:")
    assert by_them.changed[1] is by_me.changed[1] is Changed.BY_BOTH
    for found, saved, keeps in ((by_them, gone, MINE), (by_me, kept, THEIRS)):
        assert [one.summary for one in found.clauses] == [ONE.summary, changed.summary, THREE.summary]
        for keep in (MINE, THEIRS):
            left = all_chosen([replace(one, keep=keep) for one in found.clauses], saved)
            assert [one.number for one in left] == (["1", "2", "3"] if keep == keeps else ["1", "2"])


LIKE_ONE = "Availability of ninety-nine percent in a month."
texts = st.sampled_from(["", "Short.", LIKE_ONE, "完全不同。"])
edits = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["heading", "summary", "wording_zh"]), texts), max_size=4)


def edited(changes) -> list[DraftedClause]:
    clauses = list(SHOWN)
    for place, name, text in changes:
        clauses[place] = replace(clauses[place], **{name: text})
    return clauses


@given(edits, edits)
@example([(0, "heading", "")], [(0, "summary", ""), (1, "summary", LIKE_ONE)])
@example([(0, "heading", "")], [(0, "heading", "Short."), (0, "summary", ""), (1, "summary", LIKE_ONE)])
def test_no_change_of_either_is_lost(mine, theirs):
    typed, saved = content(*edited(mine)), content(*edited(theirs))
    for found, whole in ((merged(typed, content(*SHOWN)), typed), (merged(content(*SHOWN), saved), saved)):
        assert found.clauses == [*map(as_edited, whole.clauses)]
    found = merged(typed, saved)
    for was, one, other, text in zip(SHOWN, typed.clauses, saved.clauses, found.clauses, strict=True):
        for name in ("heading", "summary", "wording_zh"):
            values = {getattr(side, name) for side in (one, other)} - {getattr(was, name)}
            assert getattr(text, name) in (values or {getattr(was, name)})
            assert (len(values) == 2) == (name in text.differing)
    assert merge(saved, DraftContent(found.values, all_chosen(found.clauses, saved)), saved).clauses == [
        replace(one, theirs="") for one in found.clauses
    ]
