"""Text and terms are one: what a marker prints, and what stops a publication (5.2)."""

import os
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_portal.agreements.markers import MARKERS, PERIODS, READINGS, flaws, own_terms, printed, rendered, value_of
from sla_portal.agreements.numbers import Unit, in_chinese, in_english, plain, quantities_in, quantity
from sla_portal.agreements.rules import DraftedClause, Reading, Terms

TERMS = Terms("1.0", date(2026, 1, 1))
HIGHER = replace(TERMS, availability_target=Fraction(99995, 100_000), target_text="99.995")
DRAFTS = int(os.environ.get("RANDOM_DRAFTS", "60"))
"""`RANDOM_DRAFTS=500` tries as many as the drill asks for."""


def clause(number: str, wording: str = "Said.", wording_zh: str = "约定。", **more: str) -> DraftedClause:
    return DraftedClause(number, wording=wording, wording_zh=wording_zh, **more)


def stops(*clauses: DraftedClause, terms: Terms = TERMS, before: Terms = TERMS) -> list[str]:
    return [flaw.sentence for flaw in flaws(clauses, terms, before) if not flaw.warns]


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("availability_target", "99.99 %", "99.99%"), ("amendment_notice_days", "thirty (30) days", "三十（30）日"),
        ("claim_opens_after_working_day", "fifth (5th) working day", "第五（5）个工作日"),
        ("claim_closes_after_months", "two (2) months", "二（2）个月"), ("voucher_valid_months", "twelve (12) months", "十二（12）个月"),
        ("maintenance_notice_hours", "zero (0) hours", "零（0）小时"), ("compensation_cap_percent", "100 %", "100%"),
        ("compensated_minutes_per_minute", "one (1) minute", "一（1）分钟"),
        ("unavailability_reading", READINGS[Reading.ALL][0], READINGS[Reading.ALL][1]),
    ],
)  # fmt: skip
def test_a_marker_prints_its_term_in_legal_form(name, english, chinese):
    assert rendered(f"a {{{{{name}}}}} b", TERMS, "en") == f"a {english} b"
    assert rendered(f"甲{{{{ {name} }}}}乙", TERMS, "zh-hans") == f"甲{chinese}乙"


def test_a_number_in_legal_form_is_read_back_as_what_it_is():
    for unit in Unit:
        for number in (0, 1, 2, 11, 12, 20, 22, 99, 101, 110, 366, 1001, 8784):
            for language in ("en", "zh-hans"):
                read = quantities_in(plain(quantity(number, unit, language)))
                assert {(one.value, one.unit) for one in read} == {(Decimal(number).normalize(), unit)}


@pytest.mark.parametrize(
    ("number", "wording"),
    [
        ("2", "At least 99.9 % of it."), ("2", "At least 99.9**5** %."), ("2", "ninety-nine point nine per cent"),
        ("2", "９９．９％"), ("2", "百分之九十九点九"), ("2", "At least 99.99 % and {{availability_target}}."),
        ("2", "At least 9{{availability_target}}."), ("2", "At least 9 {{availability_target}}."), ("2", "{{availability_target}}9"),
        ("2", "-{{availability_target}}"), ("4.1", "24-hour notice"), ("4.1", "seventy-two hours"), ("4.1", "提前七十二小时"),
        ("3.3.1", "after the fifth working day"), ("3.3.1", "within two months"), ("3.3.1", "两个月内"), ("5.2", "30\u00a0days"),
        ("5.2", "thirty (30) calendar days"), ("5.2", "3\u200b0 days"), ("5.1", "100 percent"), ("3.2", "one minute"),
        ("1.4", "while Every Core *function* is unavailable on every client"), ("1.7", PERIODS[TERMS.measurement_period][1]),
        ("6", "{{amendment_notice_days}} or 10 days"), ("1", "{{no_such_term}}"), ("1", "{{availability_target"), ("1", r"\{\{x}}"),
    ],
)  # fmt: skip
def test_a_typed_value_where_a_marker_belongs_stops_the_publication(number, wording):
    found = stops(clause(number, wording, wording))
    assert found
    assert all(f"lause {number}" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("number", "wording"),
    [
        ("2", "At least {{availability_target}}, see section 3."), ("1.7", "Service days × 24 (hours) × 60 (minutes)."),
        ("1.5", "Longer than one minute."), ("4.1", "Announced {{maintenance_notice_hours}} before; 3 kinds."),
        ("2.1", "(1 − U ÷ T) × 100 %"), ("3.3.1", "On the {{claim_opens_after_working_day}}, by 2 persons."),
    ],
)  # fmt: skip
def test_other_numbers_are_nobodys_business(number, wording):
    assert not stops(clause(number, wording, wording))


def test_a_changed_term_is_carried_by_a_wording_in_both_languages():
    sentence = "Availability target changes, but no wording carries {{availability_target}} in both languages."
    assert any(sentence in one for one in stops(clause("2", "Said."), terms=HIGHER))
    marked = "{{availability_target}}"
    assert not stops(clause("2", f"At least {marked}.", f"不低于{marked}。"), terms=HIGHER)
    # What is not read carries nothing.
    hidden = f"[Said.](https://example.com/{marked})"
    assert any(sentence in one for one in stops(clause("2", hidden, hidden), terms=HIGHER))


def test_both_languages_have_the_same_clauses_and_markers_and_other_numbers_only_warn():
    marked = "{{amendment_notice_days}}"
    assert stops(clause("5.2", f"After {marked}.", "之后。")) == [
        "Clause 5.2: English and Chinese have different markers ({{amendment_notice_days}})."
    ]
    assert "The Chinese wording is missing in clause 1.1." in stops(clause("1.1", wording_zh=""))[0]
    assert "manage.py loadagreement" in stops(clause("1.1", "", ""))[0]
    # A clause that heads others needs none, but has it in both languages or in neither.
    assert not stops(clause("1", "", ""), clause("1.1"))
    assert stops(clause("1", "Said.", ""), clause("1.1"))
    (warning,) = flaws([clause("1.1", "Three persons, 7 keys.", "三人，8 把钥匙。")], TERMS, TERMS)
    assert warning.warns
    assert "(7, 8)" in warning.sentence


def test_a_summary_does_not_contradict_the_terms():
    said = clause("2", summary="At least 99.99 %.", summary_zh="不低于 99.99%。")
    assert not stops(said)
    assert (
        len(stops(replace(said, wording="{{availability_target}}", wording_zh="{{availability_target}}"), terms=HIGHER))
        == 2
    )


# Random drafts

UNITS = {
    Unit.PERCENT: (["%", " percent", " per cent"], ["%", "％"]), Unit.MINUTE: (["minutes"], ["分钟"]),
    Unit.HOUR: (["hours", "h"], ["小时", "个小时"]), Unit.DAY: (["days"], ["日", "天"]), Unit.MONTH: (["months"], ["个月"]),
    Unit.WORKING_DAY: (["working days", "working day"], ["个工作日"]),
}  # fmt: skip
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
STYLES = (
    str, lambda n: f"**{n}**", lambda n: f"*{str(n)[0]}*{str(n)[1:]}", lambda n: str(n).translate(FULL_WIDTH),
    in_english, lambda n: f"{in_english(n)} ({n})", in_chinese, lambda n: f"{in_chinese(n)}（{n}）",
)  # fmt: skip
Piece = tuple[str, list[tuple[Unit, int | Decimal]], set[str]]
"""What is written, the numbers with units that it prints, and the markers that it holds."""


@st.composite
def typed(draw, chinese: bool) -> Piece:
    unit, number = draw(st.sampled_from(list(Unit))), draw(st.sampled_from([1, 2, 5, 12, 24, 30, 72, 99, 100]))
    written = draw(st.sampled_from(STYLES))(number)
    name = draw(st.sampled_from(UNITS[unit][chinese]))
    return f"{written}{draw(st.sampled_from([' ', '  ', '-', chr(0xA0)]))}{name}", [(unit, number)], set()


marked = st.sampled_from(sorted(MARKERS)).map(lambda name: (f"{{{{{name}}}}}", [], {name}))
prose = st.sampled_from(["the service", "服务", "and so on.", "- item", "> said", "\n\n", "(see 3)", "**so**"]).map(
    lambda text: (text, [], set())
)


@st.composite
def wordings(draw, chinese: bool) -> Piece:
    pieces = draw(st.lists(st.one_of(prose, marked, typed(chinese)), min_size=1, max_size=4))
    glue = draw(st.sampled_from([" ", "; ", "\n"]))
    found = (glue.join(text for text, _numbers, _names in pieces), [n for _t, some, _n in pieces for n in some])
    return *found, {name for _text, _numbers, names in pieces for name in names}


terms = st.builds(
    lambda target, reading, hours, months, days: replace(
        TERMS, availability_target=Fraction(target) / 100, target_text=target, unavailability_reading=reading,
        maintenance_notice_hours=hours, claim_closes_after_months=months, amendment_notice_days=days,
    ),
    st.sampled_from(["99.9", "99.99", "99"]), st.sampled_from(Reading), st.sampled_from([0, 24, 72]),
    st.sampled_from([1, 2, 12]), st.sampled_from([5, 30]),
)  # fmt: skip


NUMBERS = st.sampled_from(["1.4", "2", "3.2", "3.3.1", "4.1", "5.1", "5.2", "6"])


@st.composite
def drafted(draw) -> tuple[str, Piece, Piece]:
    """A clause; half of them have the markers of the English wording in the Chinese one, and no typed number."""
    english = draw(wordings(False))
    if draw(st.booleans()):
        return draw(NUMBERS), english, draw(wordings(True))
    names = draw(st.one_of(st.just(set(MARKERS)), st.sets(st.sampled_from(sorted(MARKERS)), max_size=5)))
    text = "; ".join(f"{{{{{name}}}}}" for name in sorted(names)) or "So."
    return draw(NUMBERS), (text, [], names), (text, [], names)


@settings(max_examples=DRAFTS)
@given(terms=terms, said=st.lists(drafted(), min_size=1, max_size=3, unique_by=lambda one: one[0]))
def test_nothing_is_published_in_which_a_terms_value_is_not_what_its_clause_prints(terms, said):
    clauses = [clause(number, english[0], chinese[0]) for number, english, chinese in said]
    found = flaws(clauses, terms, TERMS)
    stopped = {flaw.number for flaw in found if not flaw.warns}
    for number, *texts in said:
        own = own_terms(number) | texts[0][2] | texts[1][2]
        values = {(MARKERS[name].unit, value_of(terms, name)) for name in own}
        units = {unit for unit, _value in values}
        contradicting = [one for text in texts for one in text[1] if one[0] in units and one not in values]
        assert not contradicting or number in stopped, (number, contradicting)
    if not stopped:
        for name, marker in MARKERS.items():
            if value_of(terms, name) != value_of(TERMS, name):
                assert any(
                    marker.printed(value_of(terms, name), "en") in one.wording for one in printed(clauses, terms)
                )
