"""Every check of a claim has a result, and what does not hold fails its check, under many examples."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from claims.rules import (
    GROUNDS,
    OF_AN_APPLICATION,
    Check,
    ClaimWindow,
    Facts,
    examine,
)

INSTANTS = st.integers(0, 400 * 86400).map(
    lambda seconds: datetime(2026, 9, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
WINDOW = ClaimWindow(
    date(2026, 10, 13), datetime(2026, 10, 13, 16, tzinfo=UTC), datetime(2026, 11, 30, 16, tzinfo=UTC), False
)


@st.composite
def facts(draw) -> Facts:
    money = st.integers(-1000, 10**6).map(lambda cents: Decimal(cents) / 100)
    return Facts(
        window=WINDOW,
        received_at=draw(INSTANTS),
        under_contract=draw(st.booleans()),
        claimed_before=draw(st.booleans()),
        proofs=draw(st.integers(0, 10)),
        closed=draw(st.booleans()),
        agrees_with_closing=draw(st.booleans()),
        provisional=draw(st.booleans()),
        undecided_exclusions=draw(st.integers(0, 3)),
        met=draw(st.sampled_from([True, False, None])),
        counted_minutes=draw(st.integers(0, 44640)),
        cap_left=draw(money),
        worth=abs(draw(money)),
        credited=draw(st.sampled_from([None, True, False])),
    )


@given(facts())
def test_every_check_has_a_result_and_every_failed_one_names_a_ground_of_refusal(known):
    findings = examine(known)
    # A credit without a claim was neither received nor proved; a claim rests on no term.
    left_out = (Check.CREDITED,) if known.credited is None else OF_AN_APPLICATION
    assert [finding.check for finding in findings] == [check for check in Check if check not in left_out]
    for finding in findings:
        assert finding.clause
        if finding.passed is False and finding.check is not Check.CREDITED:
            assert finding.clause in GROUNDS


@given(facts(), st.sampled_from(["met", "counted_minutes", "under_contract", "received_at", "cap_left"]))
def test_each_unmet_condition_fails_its_check(known, broken):
    against = {
        "met": ({"met": True}, Check.BELOW_TARGET),
        "counted_minutes": ({"counted_minutes": 0}, Check.COUNTED_MINUTES),
        "under_contract": ({"under_contract": False}, Check.UNDER_CONTRACT),
        "received_at": ({"received_at": WINDOW.closes_at}, Check.IN_TIME),
        "cap_left": ({"cap_left": Decimal(0), "worth": Decimal(1)}, Check.CAP_LEFT),
    }
    values, check = against[broken]
    findings = {finding.check: finding.passed for finding in examine(replace(known, credited=None, **values))}
    assert findings[check] is False
