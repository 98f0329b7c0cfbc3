"""First and last service days of regions: which days count, which months are offered, and what no closed month takes over."""

from datetime import timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.queries import claimable_months
from sla_portal.agreements.rules import Terms, TermsPeriod
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import CustomerMonth, Deviation, MonthClosing, RegionMonth
from sla_portal.availability.operations import (
    MonthMovedOn,
    MonthNotInService,
    close_month,
    confirm_request,
    correct_month,
    judge_due_months,
    month_deviates,
    request_closing,
)
from sla_portal.availability.queries import (
    customer_month,
    in_service_since,
    not_in_service,
    record_of,
    region_month,
    regions_in_service,
)
from sla_portal.availability.rules import ScopedOutage, figures, judge
from sla_portal.customers.models import Region
from sla_portal.kernel.months import ServiceDays, ServiceMonth, local_date
from sla_portal.reports.operations import NotInService, request_reports
from sla_portal.website.claims.queries import claim_months
from sla_portal.website.queries import years
from tests.support.builders import a_contract, a_customer, a_region, an_incident, an_outage, at, on
from tests.support.closing import legal

ZONE = ZoneInfo("Asia/Shanghai")
MAY, JULY, AUGUST, SEPTEMBER, OCTOBER = (ServiceMonth(2026, month) for month in (5, 7, 8, 9, 10))
NOW = at("2026-11-20 12:00")
SYSTEM = Actor.system("test")
START, END = SEPTEMBER.span(ZONE)
DAY_OF = {minute: local_date(minute, ZONE) for minute in range(START, END, 60)}
TERMS = Terms("1.0", on("2024-01-01"))
days = st.none() | st.dates(on("2026-08-25"), on("2026-10-05"))


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [
        (None, None, 30),
        ("2026-09-01", None, 30),
        ("2026-09-02", None, 29),
        ("2026-09-30", None, 1),
        ("2026-10-01", None, 0),
        (None, "2026-09-30", 30),
        (None, "2026-09-01", 1),
        (None, "2026-08-31", 0),
        ("2026-09-10", "2026-09-10", 1),
        ("2026-01-01", "2026-12-31", 30),
    ],
)
def test_the_first_and_the_last_service_day_are_included(first, last, count):
    region = Region(first_service_day=first and on(first), last_service_day=last and on(last))
    assert len(region.service_days(SEPTEMBER)) == count


@settings(max_examples=60, deadline=None)
@given(days, days, st.lists(st.tuples(st.integers(-300, 43_500), st.integers(2, 2_000)), max_size=4))
def test_a_region_counts_the_minutes_of_its_own_days_and_no_other(first, last, downs):
    region = Region(first_service_day=first, last_service_day=last)
    spans = [(START + 60 * start, START + 60 * (start + length)) for start, length in downs]
    judged = figures(
        judge(
            [ScopedOutage("A", *span) for span in spans],
            [],
            [TermsPeriod(None, None, TERMS)],
            functions=1,
            clients=1,
            span=(START, END),
        ),
        ServiceDays.of(region.service_days(SEPTEMBER), ZONE),
        TERMS,
    )
    served = [
        minute for minute, day in DAY_OF.items() if (first is None or first <= day) and (last is None or day <= last)
    ]
    down = sum(any(start <= minute < end for start, end in spans) for minute in served)
    assert (judged.total_minutes, judged.unavailable_minutes) == (len(served), down)
    assert judged.availability == (1 - Fraction(down, len(served)) if served else None)
    assert judged.budget_minutes == len(served) // 10_000


def an_outage_of(region, start: str, end: str):
    """An outage of an incident that is resolved and ours."""
    ours = an_incident(detected_at=at(start), resolved_at=at(end), attributable=True)
    return an_outage(region, start, end, incident=ours)


def months(rows) -> list[str]:
    return sorted({f"{row.month:%Y-%m}" for row in rows.objects.all()})


@pytest.fixture
def europe(db):
    """In service from 15 August 2026, with a contract and an outage that are older."""
    region = a_region("eu", first_service_day=on("2026-08-15"))
    a_contract(a_customer(region, "C-1"), "2026-05-01", "2026-12-31")
    an_outage_of(region, "2026-07-10 01:00", "2026-07-10 02:00")
    an_outage_of(region, "2026-08-10 01:00", "2026-08-10 02:00")
    return region


def test_months_before_the_first_service_day_are_not_in_service_anywhere(europe):
    judge_due_months(now=NOW)
    assert months(RegionMonth) == months(CustomerMonth) == ["2026-08", "2026-09", "2026-10", "2026-11"]
    assert in_service_since(OCTOBER) == AUGUST
    assert "2026-07 lies before the first service day (2026-08-15)" in not_in_service(JULY)
    with pytest.raises(MonthNotInService):
        close_month(actor=SYSTEM, month=JULY, now=NOW)
    # T = 0 in July. In August T is seventeen days of the region, and the customer's contract runs on all of them.
    customer = europe.customers.get()
    found = [region_month(europe, JULY, NOW), customer_month(customer, JULY, NOW)]
    assert [(one.figures.total_minutes, one.figures.met) for one in found] == [(0, None)] * 2
    of_region, of_customer = (
        one.figures for one in (region_month(europe, AUGUST, NOW), customer_month(customer, AUGUST, NOW))
    )
    assert (of_region.service_days, of_region.unavailable_minutes, of_region.budget_minutes) == (17, 0, 2)
    assert (of_customer.service_days, of_customer.unavailable_minutes) == (31, 60)
    row = RegionMonth.objects.get(month=AUGUST.first_day)
    assert (row.first_service_day, row.last_service_day, row.total_minutes) == (on("2026-08-15"), None, 17 * 1440)


def test_a_region_without_a_service_day_in_a_month_is_neither_closed_nor_reported_in_it(europe):
    later = a_region("sa", first_service_day=on("2026-10-01"))
    a_contract(a_customer(later, "C-2"), "2026-09-01", "2026-12-31")
    gone = a_region("cn", first_service_day=on("2026-08-01"), last_service_day=on("2026-08-31"))
    judge_due_months(now=NOW)
    assert list(regions_in_service(SEPTEMBER)) == [europe]
    assert [region for region, _figures in record_of(AUGUST, NOW).figures] == [gone, europe]
    close_month(actor=SYSTEM, month=SEPTEMBER, now=NOW)
    assert list(RegionMonth.objects.filter(month=SEPTEMBER.first_day).values_list("region__code", flat=True)) == ["eu"]
    # A contract in force decides for its customer, whatever its region's days.
    assert CustomerMonth.objects.get(customer__code="C-2", month=SEPTEMBER.first_day).service_days == 30
    with pytest.raises(NotInService, match="cn, sa"):
        request_reports(actor=SYSTEM, month=SEPTEMBER, regions=[gone, later], now=NOW)
    assert {year.region.code: [month and month.total_minutes for month in year.months] for year in years(NOW).regions} == {
        "cn": [None], "eu": [43_200], "sa": [None],
    }  # fmt: skip
    # So its downtime is a correction, of the customer's month alone.
    an_outage_of(later, "2026-09-10 01:00", "2026-09-10 02:00")
    judge_due_months(now=NOW)
    assert month_deviates(month=SEPTEMBER, now=NOW)
    assert [row.month for row in Deviation.objects.all()] == [SEPTEMBER.first_day]
    correct_month(actor=SYSTEM, month=SEPTEMBER, reason="Found", now=NOW)
    assert CustomerMonth.objects.get(customer__code="C-2", month=SEPTEMBER.first_day).unavailable_minutes == 60
    assert list(RegionMonth.objects.filter(month=SEPTEMBER.first_day).values_list("region__code", flat=True)) == ["eu"]


def test_nothing_set_of_a_regions_days_later_and_no_region_opened_later_touches_a_closed_month(europe):
    judge_due_months(now=NOW)
    for month in (AUGUST, SEPTEMBER, OCTOBER):
        close_month(actor=SYSTEM, month=month, now=NOW)
    closed = RegionMonth.objects.filter(month__in=MonthClosing.objects.values("month")).order_by("pk")
    frozen = list(closed.values())
    # Opened without a day, and with a day in the closed months; with an outage in them, and a contract since then.
    for code, first in (("cn", None), ("sa", on("2026-09-10"))):
        region = a_region(code, first_service_day=first)
        a_contract(a_customer(region), "2026-11-01", "2026-12-31")
        an_outage_of(region, "2026-09-11 01:00", "2026-09-11 02:00")
    for first, last in (("2026-11-01", None), ("2026-09-02", "2026-10-10"), (None, "2026-08-20"), (None, None)):
        Region.objects.filter(pk=europe.pk).update(
            first_service_day=first and on(first), last_service_day=last and on(last)
        )
        judge_due_months(now=NOW + timedelta(hours=1))
        assert not Deviation.objects.exists()
        assert not any(month_deviates(month=month, now=NOW) for month in (AUGUST, SEPTEMBER, OCTOBER))
        assert [region.code for region, _figures in record_of(SEPTEMBER, NOW).figures] == ["eu"]
        assert region_month(europe, AUGUST, NOW).figures.service_days == 17
    assert list(closed.all().values()) == frozen
    # A correction for another reason keeps the regions and days, too.
    an_outage_of(europe, "2026-08-20 01:00", "2026-08-20 01:30")
    assert month_deviates(month=AUGUST, now=NOW)
    correct_month(actor=SYSTEM, month=AUGUST, reason="Found", now=NOW)
    corrected = RegionMonth.objects.get(month=AUGUST.first_day)
    assert (corrected.region, corrected.service_days, corrected.unavailable_minutes) == (europe, 17, 30)
    assert not CustomerMonth.objects.filter(month=AUGUST.first_day).exclude(customer__code="C-1").exists()
    assert MonthClosing.objects.get(revision=2).statement.count('"code"') == 1


near = st.dates(on("2026-07-20"), on("2026-10-10"))
changes_of_regions = st.lists(
    st.tuples(st.sampled_from(["eu", "cn", "sa"]), st.none() | near, st.none() | near, st.none() | near),
    min_size=1,
    max_size=4,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes_of_regions)
def test_closed_months_never_move_whatever_region_is_opened_or_discontinued(europe, changes):
    down = set()
    with transaction.atomic():
        for month in (AUGUST, SEPTEMBER):
            close_month(actor=SYSTEM, month=month, now=NOW)
        closed = RegionMonth.objects.filter(month__in=(AUGUST.first_day, SEPTEMBER.first_day)).order_by("pk")
        frozen = list(closed.values())
        for code, first, last, outage in changes:
            given_days = sorted(filter(None, [first, last])) if first and last else [first, last]
            service_days = dict(zip(("first_service_day", "last_service_day"), given_days, strict=True))
            region, _created = Region.objects.update_or_create(code=code, defaults={"name": code, **service_days})
            if outage:
                an_outage_of(region, f"{outage} 03:00", f"{outage} 04:00")
                down |= {(outage.year, outage.month)} if code == "eu" else set()
        judge_due_months(now=NOW)
        deviating = {ServiceMonth.of(row.month) for row in Deviation.objects.all()}
        assert deviating == {month for month in (AUGUST, SEPTEMBER) if (month.year, month.month) in down}
        assert list(closed.all().values()) == frozen
        transaction.set_rollback(True)


def test_a_month_is_closed_with_the_days_that_were_shown(europe):
    judge_due_months(now=NOW)
    shown = record_of(SEPTEMBER, NOW).digest
    request = request_closing(actor=legal("legal2"), month=SEPTEMBER, shown=shown, now=NOW)
    Region.objects.update(last_service_day=on("2026-09-20"))
    with pytest.raises(MonthMovedOn):
        confirm_request(actor=legal(), request=request, now=NOW)
    Region.objects.update(first_service_day=on("2026-10-01"), last_service_day=None)
    with pytest.raises(MonthNotInService):
        confirm_request(actor=legal(), request=request, now=NOW)
    assert not MonthClosing.objects.exists()


def test_a_date_typed_wrong_and_corrected_leaves_no_month_behind(europe):
    Region.objects.update(first_service_day=None)
    outage = an_outage_of(europe, "2024-06-01 01:00", "2024-06-01 02:00")
    a_contract(a_customer(europe, "C-2"), "2024-05-01", "2024-06-30")
    judge_due_months(now=NOW)
    assert months(RegionMonth)[0] == months(CustomerMonth)[0] == "2024-05"
    Region.objects.update(first_service_day=on("2026-08-15"))
    assert in_service_since(OCTOBER) == AUGUST
    judge_due_months(now=NOW)
    assert months(RegionMonth)[0] == months(CustomerMonth)[0] == "2026-08"
    outage.delete()


def test_no_claim_is_offered_for_a_month_before_the_first_service_day(europe):
    offered = [str(month) for month, _window in claimable_months(NOW)]
    assert offered == [str(one.month) for one in claim_months(NOW)][: len(offered)] == ["2026-11", "2026-10", "2026-09"]
    Region.objects.update(first_service_day=on("2026-10-15"))
    assert [str(month) for month, _window in claimable_months(NOW)] == ["2026-11", "2026-10"]
    assert [str(one.month) for one in claim_months(NOW)] == ["2026-11", "2026-10"]


def test_a_region_without_a_first_service_day_begins_with_what_is_first_on_record(europe):
    other = a_region("cn")
    assert in_service_since(OCTOBER) == AUGUST
    an_outage_of(other, "2026-05-10 01:00", "2026-05-10 02:00")
    assert in_service_since(OCTOBER) == MAY
    judge_due_months(now=NOW)
    assert list(RegionMonth.objects.filter(month=MAY.first_day).values_list("region__code", flat=True)) == ["cn"]
