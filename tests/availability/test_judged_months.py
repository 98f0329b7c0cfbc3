"""The stored month of every customer equals the result of judging that customer alone."""

import random
from datetime import timedelta

import pytest

from incidents.models import Outage
from sla_portal.agreements.models import Suspension
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record
from sla_portal.availability.models import CustomerMonth, Exclusion, RegionMonth
from sla_portal.availability.operations import judge_due_months, judge_month
from sla_portal.availability.queries import customer_month, region_month
from sla_portal.customers.models import Customer
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import (
    a_contract,
    a_customer,
    a_region,
    a_version,
    an_exclusion,
    an_incident,
    an_outage,
    at,
    on,
)

pytestmark = pytest.mark.django_db

SEPTEMBER = ServiceMonth(2026, 9)
NOW = at("2026-11-22 12:00")


def row_of(figures) -> tuple:
    return (
        figures.service_days,
        figures.total_minutes,
        figures.unavailable_minutes,
        figures.excluded_minutes,
        *(under.unavailable_minutes for under in figures.under.values()),
        figures.met,
        figures.reading_sensitive,
        figures.provisional,
        figures.terms.version,
    )


def kept(row: CustomerMonth | RegionMonth) -> tuple:
    return (
        row.service_days,
        row.total_minutes,
        row.unavailable_minutes,
        row.excluded_minutes,
        row.unavailable_all,
        row.unavailable_function,
        row.unavailable_any,
        row.met,
        row.reading_sensitive,
        row.provisional,
        row.agreement_version.version,
    )


def a_busy_region(seed: int):
    """Outages, exclusions and customers of every kind, at random."""
    chance = random.Random(seed)
    eu = a_region("eu")
    for _ in range(25):
        start = at("2026-08-30 00:00") + timedelta(seconds=chance.randrange(33 * 86400))
        incident = an_incident()
        an_outage(
            eu,
            f"{start:%Y-%m-%d %H:%M:%S}",
            f"{start + timedelta(seconds=chance.randrange(30, 90_000)):%Y-%m-%d %H:%M:%S}",
            incident=incident,
            functions=tuple(chance.sample(["login", "calls", "preview", "door"], chance.randrange(5))),
            clients=tuple(chance.sample(["app", "device", "web"], chance.choice([0, 0, 1]))),
        )
        if chance.random() < 0.3:
            an_exclusion(incident, chance.choice(["4.2", "4.10", "4.11"]), chance.choice(["confirmed", "proposed"]))
    for _ in range(40):
        customer = a_customer(eu)
        first = on("2026-07-01") + timedelta(days=chance.randrange(80))
        last = first + timedelta(days=chance.randrange(60))
        contract = a_contract(customer, str(first), str(last))
        if chance.random() < 0.3:
            following = last + timedelta(days=chance.randrange(1, 9))
            a_contract(customer, str(following), str(following + timedelta(days=40)))
        if chance.random() < 0.3:
            Suspension.objects.create(
                contract=contract,
                starts_on=first - timedelta(days=chance.randrange(5)),
                ends_on=first + timedelta(days=chance.randrange(40)),
            )
        if chance.random() < 0.3:
            begins = at("2026-09-01 00:00") + timedelta(seconds=chance.randrange(20 * 86400))
            Exclusion.objects.create(
                customer=customer,
                clause="4.5",
                starts_at=begins,
                ends_at=begins + timedelta(hours=50),
                reason="Their router was off",
                status="confirmed",
            )
    return eu


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("terms", [{}, {"measurement_period": "contract_period"}, {"unavailability_reading": "any"}])
def test_each_row_equals_judging_that_customer_alone(seed, terms):
    eu = a_busy_region(seed)
    a_version("2.0", "2026-09-11", **terms)
    judge_month(region=eu, month=SEPTEMBER, now=NOW)
    rows = {row.customer_id: kept(row) for row in CustomerMonth.objects.select_related("agreement_version")}
    alone = {
        customer.pk: judged
        for customer in Customer.objects.select_related("region")
        if (judged := row_of(customer_month(customer, SEPTEMBER, NOW).figures))[0]
    }
    assert rows == alone
    assert kept(RegionMonth.objects.get()) == row_of(region_month(eu, SEPTEMBER, NOW).figures)


def test_judging_again_writes_no_row():
    eu = a_busy_region(1)
    judge_month(region=eu, month=SEPTEMBER, now=NOW)
    before = list(CustomerMonth.objects.order_by("pk").values())
    assert judge_month(region=eu, month=SEPTEMBER, now=NOW + timedelta(hours=1)) == 0
    assert list(CustomerMonth.objects.order_by("pk").values()) == before


def test_judging_again_writes_only_the_row_that_changed():
    eu = a_region()
    a_contract(a_customer(eu, "A"), "2026-01-01", "2026-12-31")
    changed = a_contract(a_customer(eu, "B"), "2026-01-01", "2026-12-31")
    judge_month(region=eu, month=SEPTEMBER, now=NOW)
    changed.terminated_on = on("2026-09-10")
    changed.save()
    assert judge_month(region=eu, month=SEPTEMBER, now=NOW + timedelta(hours=1)) == 1
    days = {row.customer.code: (row.service_days, row.judged_at) for row in CustomerMonth.objects.all()}
    assert days == {"A": (30, NOW), "B": (10, NOW + timedelta(hours=1))}


def test_the_row_of_a_customer_without_contract_is_deleted():
    eu = a_region()
    contract = a_contract(a_customer(eu), "2026-09-01", "2026-12-31")
    judge_month(region=eu, month=SEPTEMBER, now=NOW)
    contract.starts_on = on("2026-10-01")
    contract.save()
    assert judge_month(region=eu, month=SEPTEMBER, now=NOW) == 1
    assert not CustomerMonth.objects.exists()


@pytest.mark.parametrize("customers", [3, 60])
def test_a_month_is_judged_with_a_fixed_number_of_queries(customers, django_assert_max_num_queries):
    eu = a_region()
    for _ in range(customers):
        a_contract(a_customer(eu), "2026-01-01", "2026-12-31")
        an_outage(eu, "2026-09-10 01:00", "2026-09-10 01:10")
    with django_assert_max_num_queries(35):
        judge_month(region=eu, month=SEPTEMBER, now=NOW)


def test_a_late_correction_is_judged_into_its_month():
    eu = a_region()
    a_contract(a_customer(eu), "2026-01-01", "2026-12-31")
    outage = an_outage(eu, "2026-03-10 01:00", "2026-03-10 01:10")
    judge_due_months(now=NOW)
    march = CustomerMonth.objects.get(month=on("2026-03-01"))
    assert march.unavailable_minutes == 10
    Outage.objects.filter(pk=outage.pk).update(ended_at=at("2026-03-10 01:20"))
    assert judge_due_months(now=NOW) == 1
    march.refresh_from_db()
    assert march.unavailable_minutes == 20
    assert judge_due_months(now=NOW) == 0


def test_a_changed_contract_is_found_in_the_audit_log():
    eu = a_region()
    customer = a_customer(eu)
    a_contract(customer, "2026-01-01", "2026-06-30")
    judge_due_months(now=NOW)
    later = a_contract(customer, "2026-07-01", "2026-12-31")
    record(actor=Actor.system("test"), action="signed", subject=later, now=NOW)
    assert judge_due_months(now=NOW) == 5
    assert CustomerMonth.objects.count() == 11


def test_a_month_before_the_first_version_is_not_judged():
    eu = a_region()
    assert judge_month(region=eu, month=ServiceMonth(1999, 12), now=NOW) == 0
    assert not RegionMonth.objects.exists()


def test_a_suspension_ends_with_its_contract():
    eu = a_region()
    customer = a_customer(eu)
    first = a_contract(customer, "2026-01-01", "2026-12-31", terminated_on=on("2026-09-15"))
    a_contract(customer, "2026-09-16", "2027-09-15")
    Suspension.objects.create(contract=first, starts_on=on("2026-09-10"), ends_on=on("2026-09-30"))
    an_outage(eu, "2026-09-12 01:00", "2026-09-12 01:10")
    an_outage(eu, "2026-09-20 01:00", "2026-09-20 02:00")
    judge_month(region=eu, month=SEPTEMBER, now=NOW)
    row = CustomerMonth.objects.get()
    assert (row.unavailable_minutes, row.excluded_minutes) == (60, 10)
