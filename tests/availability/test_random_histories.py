"""Random histories: charges, renewals and ends of contracts, regions opened and closed, months closed and corrected.

The figures and the worth of closed months never move without a correction (1.2, 1.3, 1.6).
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_portal.agreements.models import Contract
from sla_portal.agreements.operations import (
    agree_later_end,
    change_charge,
    correct_contract,
    renew_contract,
    resume_contract,
    sign_contract,
    terminate_contract,
)
from sla_portal.agreements.queries import charges_in_force, overlapping_periods
from sla_portal.audit.actors import Actor
from sla_portal.audit.admin.base import WHY
from sla_portal.audit.models import Entry
from sla_portal.audit.queries import newest_entry
from sla_portal.availability.models import CustomerMonth, Deviation, MonthClosing, RegionMonth
from sla_portal.availability.operations import close_month, correct_month, judge_due_months
from sla_portal.availability.operations.customer_months import customers_judged, merge
from sla_portal.customers.models import Region
from sla_portal.customers.operations import enrol_customer, open_region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_contract, a_customer, a_region, an_incident, an_outage, at, on
from tests.support.desk import a_member, signed_in

pytestmark = pytest.mark.django_db

NOW = at("2026-11-30 04:00")
ADMIN = Actor.system("administrator")
SAID = {"actor": ADMIN, "reason": "As agreed by letter", "now": NOW}
JULY, AUGUST, SEPTEMBER, OCTOBER = (ServiceMonth(2026, month) for month in (7, 8, 9, 10))
CLOSED = (AUGUST, OCTOBER)

some_month = st.sampled_from([ServiceMonth(2026, 7) + n for n in range(9)])
near = st.none() | st.dates(on("2026-07-20"), on("2026-12-10"))
which = st.integers(0, 2)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), which, some_month, st.sampled_from([49, 59, 69])),
        st.tuples(st.just("renew"), which, st.sampled_from([1, 2, 3]), st.sampled_from([49, 59])),
        st.tuples(st.just("end"), which, some_month, st.integers(0, 27)),
        st.tuples(st.just("resume"), which, st.none(), st.none()),
        st.tuples(st.just("later"), which, st.integers(1, 40), st.none()),
        st.tuples(st.just("correct the contract"), which, st.integers(-20, 20), st.sampled_from([0, 14, 31])),
        st.tuples(st.just("open a region"), st.none(), near, some_month),
        st.tuples(st.just("move its days"), which, near, near),
        st.tuples(st.just("close"), st.none(), st.sampled_from([JULY, SEPTEMBER]), st.none()),
        st.tuples(st.just("correct the month"), st.none(), st.sampled_from(CLOSED), st.none()),
    ),
    min_size=4,
    max_size=9,
)  # fmt: skip


@pytest.fixture
def desk(db):
    """A region in service since July with a contract and outages; August and October are closed. An administrator's desk."""
    region = a_region("eu", first_service_day=on("2026-07-10"))
    a_contract(a_customer(region, "C-1"), "2026-07-01", "2026-12-31", reference="K-1")
    for day in ("2026-07-15", "2026-08-20", "2026-09-11", "2026-10-05"):
        an_outage_of(region, day)
    for month in CLOSED:
        close_month(actor=ADMIN, month=month, now=NOW)
    return signed_in(a_member("Administrator"))


def an_outage_of(region: Region, day: date | str) -> None:
    ours = an_incident(detected_at=at(f"{day} 01:00"), resolved_at=at(f"{day} 02:00"), attributable=True)
    an_outage(region, f"{day} 01:00", f"{day} 02:00", incident=ours)


def do(desk, number: int, kind: str, index: int | None, first, second) -> None:
    """Take one step of a history through the operation or, for the days of a region, the page that the desk offers."""
    if kind == "open a region":
        open_with_a_past(number, first, second)
    elif kind == "move its days":
        regions = list(Region.objects.order_by("pk"))
        move_days(desk, regions[index % len(regions)], first, second)
    elif kind == "close":
        close_month(actor=ADMIN, month=first, now=NOW)
    elif kind == "correct the month":
        correct_month(month=first, **SAID)
    else:
        contracts = list(Contract.objects.order_by("customer", "starts_on"))
        change(contracts[index % len(contracts)], number, kind, first, second)


def open_with_a_past(number: int, first: date | None, begins: ServiceMonth) -> None:
    """Open a region whose past holds outages that were logged late, and a contract that may be older than itself."""
    region = open_region(actor=ADMIN, code=f"r{number}", name=f"R{number}", first_service_day=first, now=NOW)
    for month in CLOSED:
        an_outage_of(region, month.first_day + timedelta(days=7))
    said = {"code": f"C-{number}", "name": "Site", "region": region, "contacts": [], "now": NOW}
    days = {"starts_on": begins.first_day, "ends_on": begins.first_day + timedelta(days=365)}
    customer = enrol_customer(actor=ADMIN, **said)
    sign_contract(
        customer=customer, reference=f"K-{number}", monthly_charge=Decimal(29), currency="EUR", **days, **SAID
    )


def move_days(desk, region: Region, first: date | None, last: date | None) -> None:
    first, last = sorted([first, last]) if first and last else (first, last)
    typed = {"code": region.code, "name": region.name, "seen": newest_entry(), WHY: "As it was decided"}
    typed |= {"first_service_day": first or "", "last_service_day": last or ""}
    answer = desk.post(reverse("admin:customers_region_change", args=[region.pk]), typed)
    assert answer.status_code == 302, answer.context["errors"]


def change(contract: Contract, number: int, kind: str, first, second) -> None:
    if kind == "charge":
        change_charge(contract=contract, from_month=first, monthly_charge=Decimal(second), **SAID)
    elif kind == "renew":
        terms = {"ends_on": contract.next_day + timedelta(days=first * 31), "monthly_charge": Decimal(second)}
        renew_contract(contract=contract, reference=f"{contract.reference}-{number}", currency="EUR", **terms, **SAID)
    elif kind == "end":
        terminate_contract(contract=contract, last_day=first.first_day + timedelta(days=second), **SAID)
    elif kind == "resume":
        resume_contract(contract=contract, **SAID)
    elif kind == "later":
        agree_later_end(contract=contract, ends_on=contract.ends_on + timedelta(days=first), **SAID)
    else:
        starts_on = contract.starts_on + timedelta(days=first)
        said = {"starts_on": starts_on, "ends_on": contract.ends_on, "trial_days": second, "renews": contract.renews}
        correct_contract(contract=contract, **said, **SAID)


def worth_by_day(month: ServiceMonth) -> list[tuple]:
    """For each day of a month, the charge of each contract in force, or that it is free: the plainest count."""
    rows = list(Contract.objects.order_by("pk"))
    charge_of = charges_in_force(rows, month)
    return [
        tuple(
            (row.pk, row.trial_ends_on is not None and day <= row.trial_ends_on, charge_of[row.pk])
            for row in rows
            if row.starts_on <= day <= row.last_day
        )
        for day in month.days
    ]


def figures(month: ServiceMonth) -> list[list[dict]]:
    """All that is frozen of a closed month: of its regions and of its customers."""
    return [
        list(rows.objects.filter(month=month.first_day).order_by("pk").values())
        for rows in (RegionMonth, CustomerMonth)
    ]


def closed() -> list[ServiceMonth]:
    return [
        ServiceMonth.of(day)
        for day in MonthClosing.objects.order_by("month").values_list("month", flat=True).distinct()
    ]


def live(desk, history: Iterable[tuple]) -> None:
    """Live through a history; after each step look at the closed months, and at the end at what the schedule makes of it."""
    frozen = {month: figures(month) for month in closed()}
    named: dict[ServiceMonth, bool] = dict.fromkeys(frozen, False)
    for number, (kind, *values) in enumerate(history, 2):
        worth = {month: worth_by_day(month) for month in frozen}
        seen = Entry.objects.count()
        try:
            with transaction.atomic():
                do(desk, number, kind, *values)
        except Refused:
            assert Entry.objects.count() == seen
        written = list(Entry.objects.order_by("id")[seen:])
        touched = {month for entry in written for month in entry.changes.get("closed_months", [None, []])[1]}
        assert touched >= {str(month) for month, before in worth.items() if worth_by_day(month) != before}
        assert all(entry.reason for entry in written if "closed_months" in entry.changes)
        assert not (kind == "move its days" and touched)
        if written and kind in ("close", "correct the month"):
            month = values[1]
            # A correction for a contract leaves the regions and their days as they were closed.
            assert figures(month)[0] == frozen.get(month, figures(month))[0]
            frozen[month], named[month] = figures(month), False
        for month in frozen:
            named[month] |= str(month) in touched
        assert {month: figures(month) for month in frozen} == frozen
        assert not overlapping_periods().exists()
    judge_due_months(now=NOW)
    assert {month: figures(month) for month in frozen} == frozen
    deviating = {ServiceMonth.of(row.month) for row in Deviation.objects.all()}
    assert deviating <= {month for month, changed in named.items() if changed}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=steps)
def test_no_history_moves_a_closed_month_without_a_correction(desk, history):
    with transaction.atomic():
        live(desk, history)
        transaction.set_rollback(True)


HISTORY = [
    ("charge", 0, ServiceMonth(2026, 9), 59),
    ("renew", 0, 2, 59),
    ("move its days", 0, on("2026-08-10"), on("2026-10-20")),
    ("open a region", None, on("2026-08-05"), SEPTEMBER),
    ("open a region", None, None, ServiceMonth(2026, 11)),
    ("close", None, SEPTEMBER, None),
    ("move its days", 1, on("2026-09-05"), None),
    ("end", 0, OCTOBER, 11),
    ("correct the month", None, OCTOBER, None),
    ("resume", 0, None, None),
    ("correct the month", None, OCTOBER, None),
    ("move its days", 0, None, None),
    ("correct the contract", 0, 45, 31),
]


def nothing_touched(_was, _becomes) -> list:
    return []


def days_of_today(row: RegionMonth) -> list[date]:
    return row.region.service_days(ServiceMonth.of(row.month))


def judged_as_open(region: Region, verdicts, *, customers: bool) -> bool:
    with customers_judged(region, verdicts) as cursor:
        return bool(merge(cursor, region, verdicts.month, NOW)) and not customers


@pytest.mark.parametrize(
    ("guard", "without"),
    [
        ("sla_portal.agreements.operations.periods.time_changed", nothing_touched),
        ("sla_portal.agreements.operations.contracts.time_changed", nothing_touched),
        ("sla_portal.availability.models.RegionMonth.days", property(days_of_today)),
        ("sla_portal.availability.operations.judging._deviates", judged_as_open),
    ],
)
def test_one_history_finds_each_guard_that_is_off(desk, monkeypatch, guard, without):
    monkeypatch.setattr(guard, without)
    with pytest.raises(AssertionError):
        live(desk, HISTORY)


def test_with_its_guards_on_the_same_history_moves_nothing(desk):
    live(desk, HISTORY)
    assert [closing.revision for closing in MonthClosing.objects.filter(month=OCTOBER.first_day)] == [3, 2, 1]
