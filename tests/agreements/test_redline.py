"""The redline: exact to the letter, and laid out as a person reads it."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_portal.agreements.redline import ClauseWords, Kind, Run, clause_changes, is_changed, redline

WORDS = st.sampled_from(
    ["the ", "minute", " ", "\n\n", ", ", ". ", "服务", "不", "99.99", "%", "customer’s ", "", "\t", "é"]
)
TEXTS = st.lists(WORDS, max_size=40).map("".join) | st.text(max_size=60)


def marked(old: str, new: str) -> str:
    """A redline as one line: [-went-] {+came+}."""
    form = {Kind.SAME: "{}", Kind.DELETED: "[-{}-]", Kind.INSERTED: "{{+{}+}}"}
    return "".join(form[run.kind].format(run.text) for run in redline(old, new))


@given(TEXTS, TEXTS)
def test_without_what_went_it_is_the_new_text_and_without_what_came_the_old(old, new):
    runs = redline(old, new)
    assert "".join(run.text for run in runs if run.kind is not Kind.INSERTED) == old
    assert "".join(run.text for run in runs if run.kind is not Kind.DELETED) == new
    assert all(run.text for run in runs)
    assert is_changed(runs) == (old != new)


@given(TEXTS, TEXTS)
def test_runs_of_a_kind_do_not_follow_each_other_and_what_went_stands_before_what_came(old, new):
    kinds = [run.kind for run in redline(old, new)]
    assert all(one is not other for one, other in pairwise(kinds))
    assert (Kind.INSERTED, Kind.DELETED) not in set(pairwise(kinds))


@given(TEXTS)
def test_a_text_beside_itself_has_no_change(text):
    assert redline(text, text) == ((Run(Kind.SAME, text),) if text else ())


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("not less than 99.99%.", "not less than 99.995%.", "not less than [-99.99-]{+99.995+}%."),
        ("One. Three.", "One. Two. Three.", "One. {+Two. +}Three."),
        ("One two. One three.", "One two. One four. One three.", "One two. {+One four. +}One three."),
        ("a, b, d", "a, b, c, d", "a, b, {+c, +}d"),
        ("find, tell and mend", "tell, find and mend", "{+tell, +}find[-, tell-] and mend"),
        ("the fifth working day", "the seventh working day", "the [-fifth-]{+seventh+} working day"),
        ("the customer's fault", "the customer’s fault", "the [-customer's-]{+customer’s+} fault"),
        ("第五个工作日之后", "第七个工作日之后", "第[-五-]{+七+}个工作日之后"),
        ("服务可用性。", "服务可用性不低于约定值。", "服务可用性{+不低于约定值+}。"),
        ("by mail or fax, or by post", "by letter or phone, or by post", "by [-mail-]{+letter+} or [-fax-]{+phone+}, or by post"),
        ("sent by air mail to us", "sent in a parcel by rail or road to us", "sent [-by air mail-]{+in a parcel by rail or road+} to us"),
        ("first\n\nsecond", "first\n\nnew\n\nsecond", "first\n\n{+new\n\n+}second"),
        ("gone", "", "[-gone-]"),
        ("", "come", "{+come+}"),
    ],
)  # fmt: skip
def test_changes_are_marked_where_a_reader_looks_for_them(old, new, shown):
    assert marked(old, new) == shown


def test_a_sentence_that_stayed_between_two_others_is_left_in_peace():
    assert marked("Aa bb cc dd. It stays. Ee ff gg hh.", "Kk ll mm nn. It stays. Oo pp qq rr.") == (
        "[-Aa bb cc dd-]{+Kk ll mm nn+}. It stays. [-Ee ff gg hh-]{+Oo pp qq rr+}."
    )


@pytest.mark.parametrize("between", ["\n\n", " "], ids=["paragraphs", "one paragraph"])
def test_a_long_text_is_compared_by_sentences_and_then_by_words(between):
    paragraphs = [
        f"Paragraph {number} says that the service of the customer is the service {number}." for number in range(900)
    ]
    edited = list(paragraphs)
    edited[450] = edited[450].replace("customer", "client")
    old, new = between.join(paragraphs), between.join(edited)
    begun = time.perf_counter()
    changed = [run for run in redline(old, new) if run.kind is not Kind.SAME]
    assert changed == [Run(Kind.DELETED, "customer"), Run(Kind.INSERTED, "client")]
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a " * 30_000, "a " * 29_999 + "b"),
        ("a\n" * 30_000, "a\n" * 15_000 + "b\n" * 15_000),
        (" ".join(f"a x{n}" for n in range(300)), " ".join(f"a y{n}" for n in range(300))),
        ("字" * 20_000, "字" * 10_000 + "符" * 10_000),
    ],
    ids=["one word", "one line", "a word between others", "one character"],
)
def test_no_text_costs_minutes(old, new):
    begun = time.perf_counter()
    runs = redline(old, new)
    assert "".join(run.text for run in runs if run.kind is not Kind.DELETED) == new
    assert time.perf_counter() - begun < 10


# Clauses

CHAPTER = ClauseWords("4", "Exclusions", "These are not counted.")
OWN_NETWORK = ClauseWords("4.1", "Own network", "Failures of the network of the customer are not counted.")
ATTACK = ClauseWords("4.2", "Attack", "Software of the customer that was attacked by somebody is not counted.")
FORCE = ClauseWords("4.3", "", "Force majeure, such as trouble of a third party, takes minutes off.")


def told(old, new) -> list[tuple[str, str, str]]:
    """Each clause that is not as it was: its number before, its number now, and what became of it."""
    words = {
        "added": lambda change: change.is_added,
        "removed": lambda change: change.is_removed,
        "moved": lambda change: change.is_moved,
        "renumbered": lambda change: change.is_renumbered and not change.is_moved,
        "reworded": lambda change: change.is_reworded,
    }
    return [
        (change.was, change.number, " ".join(word for word, true in words.items() if true(change)))
        for change in clause_changes(old, new)
        if change.is_changed
    ]


def test_a_version_beside_itself_has_no_change():
    clauses = [CHAPTER, OWN_NETWORK, ATTACK, FORCE]
    assert told(clauses, clauses) == []
    assert len(clause_changes(clauses, clauses)) == 4


def test_a_clause_put_in_between_renumbers_those_behind_it_and_changes_nothing_else():
    drills = ClauseWords("4.2", "Drills", "Exercises announced in time are no trouble at all.")
    new = [CHAPTER, OWN_NETWORK, drills, ATTACK._replace(number="4.3"), FORCE._replace(number="4.4")]
    assert told([CHAPTER, OWN_NETWORK, ATTACK, FORCE], new) == [
        ("", "4.2", "added"), ("4.2", "4.3", "renumbered"), ("4.3", "4.4", "renumbered"),
    ]  # fmt: skip


def test_a_clause_that_was_renumbered_and_edited_is_found_again():
    new = [
        CHAPTER,
        ATTACK._replace(number="4.1", text=ATTACK.text.replace("somebody", "hackers")),
        FORCE._replace(number="4.2"),
    ]
    assert told([CHAPTER, OWN_NETWORK, ATTACK, FORCE], new) == [
        ("4.1", "", "removed"), ("4.2", "4.1", "renumbered reworded"), ("4.3", "4.2", "renumbered"),
    ]  # fmt: skip


def test_a_clause_of_another_chapter_has_moved():
    assert told([CHAPTER, FORCE], [FORCE._replace(number="3.1"), CHAPTER]) == [("4.3", "3.1", "moved")]


def test_another_text_under_the_number_is_that_clause_reworded():
    replaced = ClauseWords("4.2", "Nothing", "Left free.")
    assert told([CHAPTER, ATTACK], [CHAPTER, replaced]) == [("4.2", "4.2", "reworded")]


def test_a_summary_told_anew_changes_nothing_that_binds():
    (change,) = clause_changes([ATTACK._replace(summary="Attacked.")], [ATTACK._replace(summary="Attacked by others.")])
    assert change.is_changed
    assert change.is_only_summed_up_anew
    (change,) = clause_changes([ATTACK], [ATTACK._replace(text="Other.", summary="Other.")])
    assert not change.is_only_summed_up_anew


def test_what_was_removed_stands_where_it_stood():
    listed = clause_changes([CHAPTER, OWN_NETWORK, ATTACK, FORCE], [CHAPTER, FORCE])
    assert [change.number or change.was for change in listed] == ["4", "4.1", "4.2", "4.3"]
    assert [change.is_removed for change in listed] == [False, True, True, False]
    assert [c.was for c in clause_changes([CHAPTER], [])] == ["4"]


NUMBERED = st.lists(
    st.tuples(
        st.sampled_from(["", "Heading"]), st.sampled_from(["", "One.", "Two words.", "第三。", "Two words. More."])
    ),
    max_size=8,
).map(lambda said: [ClauseWords(f"1.{place}", *words) for place, words in enumerate(said, 1)])


@given(NUMBERED, NUMBERED)
def test_every_clause_of_either_version_stands_there_once_and_the_new_ones_in_their_order(old, new):
    listed = clause_changes(old, new)
    assert [change.number for change in listed if change.number] == [clause.number for clause in new]
    assert sorted(change.was for change in listed if change.was) == sorted(clause.number for clause in old)
    assert told(old, old) == []
