"""Statistics of claims: received, granted, how soon, and a cost by region and by incident whose parts add up."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from claims.operations import ask_customer, decide
from claims.queries.statistics import statistics
from claims.rules import apportioned
from sla_portal.audit.actors import Actor
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, granted, recommended, support
from tests.support.desk import signed_in, text_of


@pytest.mark.parametrize(
    ("value", "weights", "currency", "shares"),
    [
        ("10.00", [1, 1, 1], "EUR", ["3.34", "3.33", "3.33"]),
        ("0.01", [5, 95], "EUR", ["0.00", "0.01"]),
        ("100", [37, 13], "JPY", ["74", "26"]),
        ("-1.00", [1, 2], "EUR", ["-0.33", "-0.67"]),
        ("0.001", [1], "KWD", ["0.001"]),
    ],
)
def test_shares_are_in_proportion_and_add_up(value, weights, currency, shares):
    found = apportioned(Decimal(value), weights, currency)
    assert found == [Decimal(share) for share in shares] and sum(found) == Decimal(value)


@pytest.mark.django_db
def test_what_was_received_granted_and_cost_in_a_period():
    a_missed_september()
    other = an_incident("INC-second", resolved_at=at("2026-09-20 01:37"), attributable=True)
    an_outage(a_region(), "2026-09-20 01:00", "2026-09-20 01:37", incident=other)
    theirs = an_incident("INC-theirs", resolved_at=at("2026-09-21 01:01"), attributable=False)
    an_outage(a_region(), "2026-09-21 01:00", "2026-09-21 01:00:30", incident=theirs)
    claimants = [a_claimant() for _n in range(3)]
    worth = granted(a_claim(claimants[0]), voucher_minutes=74, now=at("2026-10-22 08:00")).voucher.value
    refused, asked = (a_claim(of) for of in claimants[1:])
    ask_customer(actor=Actor.staff(support()), claim=asked, question="Which door?", now=at("2026-10-29 08:00"))
    wanted = recommended(refused, outcome="refuse", now=at("2026-10-24 08:00"))
    decide(
        actor=Actor.staff(support()), claim=refused, recommendation=wanted.pk, key=uuid4(), now=at("2026-10-24 08:00")
    )
    found = statistics(ServiceMonth(2026, 10), ServiceMonth(2026, 10))
    whole = found.whole
    assert (whole.count, whole.granted, whole.refused, whole.open) == (3, 1, 1, 1)
    # Two, four and nine days; nine is after the date told, the 27th.
    assert (whole.to_answer.days, whole.to_decision.days, whole.kept, whole.promised) == (5, 3, 2, 3)
    assert [(str(one.of), one.value) for one in found.by_region] == [(str(a_region()), worth)]
    assert sum(one.value for one in found.by_incident) == worth
    assert {one.of.attributable for one in found.by_incident} == {True} and len(found.by_incident) == 2
    assert statistics(ServiceMonth(2026, 9), ServiceMonth(2026, 9)).whole.count == 0


@pytest.mark.django_db
def test_the_page_takes_a_fixed_number_of_queries_and_ignores_invalid_months():
    a_missed_september()
    desk, page = signed_in(support()), reverse("admin:claim_statistics")

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted, travel(OPEN, tick=False):
            assert "1 Granted" not in text_of(desk.get(page, {"from": "2026-13", "to": "x"}))
        return len(counted)

    claimants = [a_claimant() for _n in range(4)]
    granted(a_claim(claimants[0]), voucher_minutes=37)
    queries()
    before = queries()
    for of in claimants[1:]:
        granted(a_claim(of), voucher_minutes=37)
    assert queries() == before
    with travel(OPEN, tick=False):
        assert "100 %" in text_of(desk.get(page))
