"""What an amendment does to the terms, in words that a customer can weigh."""

from dataclasses import dataclass, replace
from fractions import Fraction

import pytest

from sla_portal.agreements.changes import TERMS, term_changes, terms_in_words, text_changes, words_in
from sla_portal.agreements.rules import MeasurementPeriod, Reading, Terms
from tests.support.builders import on

BEFORE = Terms("1.0", on("2026-01-01"))


def changed(**terms) -> list[tuple[str, str, str, str]]:
    changes = term_changes(BEFORE, replace(BEFORE, version="2.0", effective_on=on("2027-01-01"), **terms))
    return [(change.clause, change.before, change.after, change.meaning) for change in changes]


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (
            {"availability_target": Fraction(99995, 100000)},
            ("2", "99.99 %", "99.995 %",
             "99.995 %: the downtime allowance (error budget) of a 30-day month (43200 minutes) is 2 min, previously 4 min."),
        ),
        (
            {"availability_target": Fraction(999901, 1000000)},
            ("2", "99.99 %", "99.9901 %",
             "99.9901 %: the downtime allowance (error budget) of a 30-day month (43200 minutes) stays at 4 min."),
        ),
        (
            {"unavailability_reading": Reading.FUNCTION},
            (
                "1.4", "All functions on all clients (all)", "Any function on all clients (function)",
                "A minute now counts as unavailable while any one function, such as door opening, is down on all clients. "
                "More minutes count as unavailable than before.",
            ),
        ),
        (
            {"measurement_period": MeasurementPeriod.CONTRACT_PERIOD},
            (
                "1.7", "each service month", "the contract period to date",
                "Each month's figure covers the contract period from its first day to the end of that month.",
            ),
        ),
        (
            {"maintenance_notice_hours": 72},
            (
                "4.1", "any time before the start", "72 hours",
                "Maintenance is excluded from downtime (4.1) only if it was announced at least 72 hours before.",
            ),
        ),
        (
            {"claim_opens_after_working_day": 7},
            (
                "3.3.1", "after working day 5 of the following month", "after working day 7 of the following month",
                "Claims open later than before.",
            ),
        ),
        (
            {"claim_closes_after_months": 1},
            (
                "3.3.1", "2 months", "1 month",
                "Counted from the end of the service month. Later claims are refused.",
            ),
        ),
        (
            {"compensated_minutes_per_minute": 10},
            (
                "3.2", "1 minute of service", "10 minutes of service",
                "For 10 unavailable minutes, 100 minutes of service are granted, previously 10.",
            ),
        ),
        (
            {"compensation_cap_percent": 50},
            (
                "5.1", "100 % of the fees paid", "50 % of the fees paid",
                "Of 1000 paid for a contract period, at most 500 can be compensated, previously 1000.",
            ),
        ),
    ],
)  # fmt: skip
def test_a_changed_term_is_told_with_what_it_does(terms, told):
    assert changed(**terms) == [told]


def test_a_softer_reading_counts_fewer_minutes():
    strict = replace(BEFORE, unavailability_reading=Reading.ANY)
    (change,) = term_changes(strict, BEFORE)
    assert change.meaning.endswith("Fewer minutes count as unavailable than before.")


def test_the_notice_of_amendments_is_a_term_like_others():
    assert changed(amendment_notice_days=45) == [
        ("5.2", "30 days", "45 days", "Amendments after this one are announced 45 days before they take effect.")
    ]


def test_versions_with_the_same_terms_differ_in_none():
    assert changed() == []


def test_every_term_that_decides_something_is_told_of_when_it_changes():
    assert set(TERMS) == set(vars(BEFORE)) - {"version", "effective_on", "target_text"}


def test_a_reader_of_a_version_is_told_its_terms_in_the_order_of_the_table():
    told = [(term.clause, term.value) for term in terms_in_words(BEFORE)]
    assert told[0] == ("2", "99.99 %")
    assert told[-1] == ("5.2", "30 days")
    assert len(told) == len(TERMS) - 2


# The text, in the language of the reader


@dataclass
class Clause:
    """A clause as a row or a public fact has it."""

    number: str
    heading: str = ""
    heading_zh: str = ""
    summary: str = ""
    summary_zh: str = ""
    wording: str = ""
    wording_zh: str = ""


def test_the_text_is_compared_in_chinese_where_both_versions_have_it():
    before = [Clause("1", heading="Time", heading_zh="时间", wording="Five days.", wording_zh="五天。")]
    after = [Clause("1", heading="Time", heading_zh="时间", wording="Seven days.", wording_zh="七天。")]
    changes = text_changes(before, after, "zh-hans")
    assert changes.language == "zh-hans"
    assert [run.text for run in changes.clauses[0].text] == ["五", "七", "天。"]
    assert [run.text for run in changes.clauses[0].heading] == ["时间"]
    assert text_changes(before, after, "en").language == "en"


def test_a_wording_that_one_version_has_in_english_alone_is_compared_in_english():
    before = [Clause("1", heading_zh="时间", wording="Five days.")]
    after = [Clause("1", heading_zh="时间", wording="Five days.", wording_zh="五天。")]
    changes = text_changes(before, after, "zh-hans")
    assert changes.language == "en"
    assert changes.unchanged == ("1",)


def test_a_clause_without_chinese_stands_in_english_among_those_that_have_it():
    clauses = [Clause("1", wording="One.", wording_zh="一。"), Clause("2", wording="Two.")]
    language, words = words_in(clauses, "zh-hans")
    assert language == "zh-hans"
    assert [clause.text for clause in words] == ["一。", "Two."]
