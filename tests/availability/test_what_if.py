"""Closed months under a draft's terms: by examples, and compared with publishing those terms."""

from dataclasses import replace
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.queries import version_in_force
from sla_portal.agreements.rules import Reading
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import CustomerMonth, RegionMonth
from sla_portal.availability.operations import close_month, count_changed_outcomes_under, judge_month
from sla_portal.availability.queries import region_month
from sla_portal.availability.what_if import WhatIfMonth, outages_to_judge, recently_closed_months, what_if
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import (
    a_contract,
    a_customer,
    a_region,
    a_window,
    an_exclusion,
    an_incident,
    an_outage,
    at,
    on,
)
from tests.support.unguarded import unguarded

pytestmark = pytest.mark.django_db

NOW = at("2026-10-20 12:00")
AUGUST, SEPTEMBER = ServiceMonth(2026, 8), ServiceMonth(2026, 9)


def down(start: str, end: str, region=None, **scope):
    incident = an_incident(detected_at=at(start), resolved_at=at(end), attributable=True)
    an_outage(region or a_region(), start, end, incident=incident, **scope)
    return incident


def close(*months: ServiceMonth) -> None:
    for month in months:
        close_month(actor=Actor.system("test"), month=month, now=NOW)


def supposed(**changes) -> dict[tuple[str, str], WhatIfMonth]:
    terms = replace(version_in_force(on("2026-09-01")).terms, **changes)
    return {(one.region.code, str(one.month)): one for one in what_if(terms, NOW)}


def test_one_function_down_everywhere_would_breach_the_sla():
    down("2026-09-10 02:00", "2026-09-10 02:30", functions=("door",))
    close(SEPTEMBER)
    one = supposed(unavailability_reading=Reading.FUNCTION)["eu", "2026-09"]
    assert one.was is not None
    assert (one.was.unavailable_minutes, one.was.met) == (0, True)
    assert (one.would.unavailable_minutes, one.would.met) == (30, False)
    assert one.flips


def test_a_higher_target_changes_the_outcome_and_not_the_minutes():
    down("2026-09-10 02:00", "2026-09-10 02:04")
    close(SEPTEMBER)
    one = supposed(availability_target=Fraction(99995, 100000))["eu", "2026-09"]
    assert (one.would.unavailable_minutes, one.would.budget_minutes, one.would.met) == (4, 2, False)
    assert one.flips


def test_the_terms_of_a_version_on_todays_record_are_the_other_baseline():
    down("2026-09-10 02:00", "2026-09-10 02:04")
    close(SEPTEMBER)
    # Logged after the closing: as it was closed, the month does not know it.
    down("2026-09-11 02:00", "2026-09-11 02:05")
    terms = version_in_force(on("2026-09-01")).terms
    higher = replace(terms, availability_target=Fraction(99995, 100000))
    (as_closed,), (on_record,) = list(what_if(higher, NOW)), list(what_if(higher, NOW, compared_with=terms))
    assert as_closed.was is not None
    assert on_record.was is not None
    assert (as_closed.was.unavailable_minutes, on_record.was.unavailable_minutes) == (4, 9)
    assert (as_closed.flips, on_record.flips) == (True, False)
    assert not on_record.changes


def test_maintenance_announced_later_than_the_draft_requires_excludes_nothing():
    window = a_window(
        "2026-09-10 02:00", "2026-09-10 03:00", ("2026-09-09 02:00", "2026-09-10 02:00", "2026-09-10 03:00")
    )
    incident = down("2026-09-10 02:00", "2026-09-10 03:00")
    an_exclusion(incident, "4.1", maintenance=window)
    close(SEPTEMBER)
    assert supposed()["eu", "2026-09"].would.unavailable_minutes == 0
    assert supposed(maintenance_notice_hours=24)["eu", "2026-09"].would.unavailable_minutes == 0
    assert supposed(maintenance_notice_hours=48)["eu", "2026-09"].would.unavailable_minutes == 60


def test_the_last_twelve_closed_months_are_judged_newest_first_and_no_other():
    a_region()
    for number in range(14):
        close(ServiceMonth(2025, 7) + number)
    months = [str(one.month) for one in what_if(version_in_force(on("2026-09-01")).terms, NOW)]
    assert months == [str(ServiceMonth(2026, 8) + -number) for number in range(12)]


def test_without_a_closed_month_there_is_nothing_to_compute():
    a_region()
    down("2026-09-10 02:00", "2026-09-10 02:30")
    assert (recently_closed_months(), outages_to_judge(), supposed()) == ([], 0, {})


def test_only_outages_of_these_months_are_counted_as_cost():
    down("2026-07-10 02:00", "2026-07-10 02:30")
    down("2026-08-10 02:00", "2026-08-10 02:30")
    down("2026-10-10 02:00", "2026-10-10 02:30")
    close(AUGUST, SEPTEMBER)
    assert outages_to_judge() == 1


def test_a_region_younger_than_the_closing_has_nothing_to_compare_with():
    a_region()
    close(SEPTEMBER)
    a_region("us")
    one = supposed()["us", "2026-09"]
    assert one.was is None
    assert not one.flips


CHANGES = [
    {"unavailability_reading": "function"},
    {"unavailability_reading": "any"},
    {"availability_target": "99.9"},
    {"maintenance_notice_hours": 100},
    {"unavailability_reading": "any", "maintenance_notice_hours": 30, "availability_target": "99.95"},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: " ".join(map(str, changes.values())))
def test_it_gives_the_figures_of_the_judgement_with_the_terms_in_force(changes):
    """The same terms, laid into the version that governs: every figure and every customer's outcome must be equal."""
    eu, us = a_region(), a_region("us")
    window = a_window(
        "2026-08-31 15:30", "2026-08-31 16:30", ("2026-08-29 12:00", "2026-08-31 15:30", "2026-08-31 16:30")
    )
    edge = down("2026-08-31 15:50:20", "2026-08-31 16:20:30")
    an_exclusion(edge, "4.1", maintenance=window)
    down("2026-09-10 02:00", "2026-09-10 02:03:30", functions=("login", "calls"))
    down("2026-09-10 02:03", "2026-09-10 02:09", clients=("app",))
    down("2026-09-12 00:00:30", "2026-09-12 00:02:10", region=us)
    for first, last in (("2026-01-01", "2026-12-31"), ("2026-09-11", "2026-12-31"), ("2026-01-01", "2026-09-05")):
        a_contract(a_customer(eu), first, last)
    renewed = a_customer(eu)
    a_contract(renewed, "2026-08-01", "2026-09-10")
    a_contract(renewed, "2026-09-11", "2026-12-31")
    close(AUGUST, SEPTEMBER)
    before = dict(CustomerMonth.objects.filter(month=SEPTEMBER.first_day).values_list("customer", "met"))

    AgreementVersion.objects.create(version="2.0", **changes)
    draft = AgreementVersion.objects.get(version="2.0")
    told = list(what_if(draft.terms, NOW))
    flipping = count_changed_outcomes_under(draft=draft, region=eu, month=SEPTEMBER, now=NOW)
    with unguarded():
        AgreementVersion.objects.filter(version="1.0").update(**changes)

    assert len(told) == 4
    for one in told:
        plain = region_month(one.region, one.month, NOW).figures
        in_turn = tuple(replace(part, terms=plain.terms) for part in one.would.in_turn)
        assert replace(one.would, terms=plain.terms, in_turn=in_turn) == plain
    judge_month(region=eu, month=SEPTEMBER, now=NOW)
    after = dict(CustomerMonth.objects.filter(month=SEPTEMBER.first_day).values_list("customer", "met"))
    assert flipping == sum(before[customer] != met for customer, met in after.items())


def test_nothing_is_stored_and_outages_cost_no_further_query():
    down("2026-09-10 02:00", "2026-09-10 02:30", functions=("door",))
    close(SEPTEMBER)
    rows = list(RegionMonth.objects.values())

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            supposed(unavailability_reading=Reading.ANY)
        assert all(query["sql"].startswith("SELECT") for query in asked)
        return len(asked)

    first = queries()
    for day in range(11, 20):
        down(f"2026-09-{day} 02:00", f"2026-09-{day} 02:30", functions=("door",))
    assert queries() == first
    assert list(RegionMonth.objects.values()) == rows
