"""The month of many customers, read, judged and written on PostgreSQL, against fetch + NumPy + one COPY.

The reference does the least that would give the same rows: it fetches the contracts in one query, clips them with
NumPy to the month, counts with a running sum of a day's minutes, and writes with one COPY into a table with the same
columns and constraints. Both run in turn, and of each the shortest time stands: the one least disturbed.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tests.support.parts import Figure
from tests.support.servers import set_up

NEEDS = ("postgresql",)


@dataclass(frozen=True)
class Size:
    most_customers: int
    fewer_customers: int
    outages: int
    rounds: int


FULL = Size(100_000, fewer_customers=10_000, outages=1000, rounds=5)
SMALL = Size(1_000, fewer_customers=100, outages=20, rounds=2)
AIM_NEW, AIM_AGAIN = 1.6, 1.3


def run(size: Size) -> Iterator[Figure]:
    set_up()
    plain, ours = [], []
    for customers in (size.fewer_customers, size.most_customers):
        fill(customers, size.outages)
        reference_seconds, new_seconds, again_seconds = measure(size.rounds)
        plain.append(reference_seconds)
        ours.append(new_seconds)
        times = "× fetch + NumPy + COPY"
        yield Figure(f"{customers} customers, all rows new", new_seconds / reference_seconds, times, most=AIM_NEW)
        yield Figure(
            f"{customers} customers, judged again", again_seconds / reference_seconds, f"{times}, no row touched",
            most=AIM_AGAIN,
        )  # fmt: skip
    growth = f"growth from {size.fewer_customers} to {size.most_customers} customers"
    linear = size.most_customers / size.fewer_customers
    yield Figure(growth, ours[1] / ours[0], "× the time", most=linear)
    yield Figure(f"{growth}, the reference", plain[1] / plain[0], "× the time")


def fill(customers: int, outages: int) -> None:
    """One region, so many outages in the year, customers with contracts that start and end on many days."""
    from django.db import connection

    from sla_portal.agreements.models import Contract
    from sla_portal.customers.models import Customer, Region
    from tests.support.builders import an_outage
    from tests.support.unguarded import unguarded

    with unguarded(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE customers_region, incidents_incident CASCADE")
    region = Region.objects.create(code="eu", name="Europe")
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(outages):
        start = first + timedelta(hours=8000 / outages * number)
        an_outage(region, f"{start:%Y-%m-%d %H:%M}", f"{start + timedelta(minutes=1 + number % 9):%Y-%m-%d %H:%M}")
    Customer.objects.bulk_create(
        (Customer(code=f"C-{number}", name=f"Customer {number}", region=region) for number in range(customers)),
        batch_size=5000,
    )
    Contract.objects.bulk_create(
        (
            Contract(
                customer=customer, reference=f"K-{customer.pk}", monthly_charge=49, currency="EUR",
                starts_on=date(2026, 9, 1) - timedelta(days=300) + timedelta(days=customer.pk * 7 % 320),
                ends_on=date(2026, 9, 21) + timedelta(days=customer.pk * 11 % 300),
            )
            for customer in Customer.objects.only("pk").iterator()
        ),
        batch_size=5000,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS reference")
        cursor.execute("CREATE TABLE reference (LIKE availability_customermonth INCLUDING ALL)")
        cursor.execute("ALTER TABLE reference ADD FOREIGN KEY (customer_id) REFERENCES customers_customer")
        cursor.execute(
            "ALTER TABLE reference ADD FOREIGN KEY (agreement_version_id) REFERENCES agreements_agreementversion"
        )
        cursor.execute("ANALYZE")


def reference(counted_a_day: list[int], version: int) -> None:
    import numpy as np
    from django.db import connection, transaction

    month, last = date(2026, 9, 1), date(2026, 9, 30)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id, starts_on - %s, coalesce(terminated_on, ends_on) - %s FROM agreements_contract"
            " JOIN customers_customer ON customers_customer.id = customer_id"
            " WHERE starts_on <= %s AND coalesce(terminated_on, ends_on) >= %s",
            [month, month, last, month],
        )
        rows = np.array(cursor.fetchall(), dtype=np.int64)
        before = np.concatenate([[0], np.cumsum(counted_a_day)])
        first, end = np.clip(rows[:, 1], 0, 30), np.clip(rows[:, 2] + 1, 0, 30)
        unavailable, days = before[end] - before[first], end - first
        met = unavailable * 10_000 <= days * 1440
        judged_at = datetime.now(UTC).isoformat()
        columns = (
            "customer_id, month, agreement_version_id, service_days, total_minutes, unavailable_minutes,"
            " excluded_minutes, unavailable_all, unavailable_function, unavailable_any, reading, met,"
            " reading_sensitive, provisional, judged_at"
        )
        lines = [
            f"{customer}\t2026-09-01\t{version}\t{day}\t{day * 1440}\t{minutes}\t0\t{minutes}\t{minutes}\t{minutes}"
            f"\tall\t{passed}\tf\tf\t{judged_at}\n"
            for customer, day, minutes, passed in zip(
                rows[:, 0].tolist(), days.tolist(), unavailable.tolist(), met.tolist(), strict=True
            )
        ]
        with cursor.copy(f"COPY reference ({columns}) FROM STDIN") as copy:
            copy.write("".join(lines))


def measure(rounds: int) -> tuple[float, float, float]:
    """Seconds of the reference, of a run that writes all rows, and of one that finds them as they are; of each the shortest."""
    from django.conf import settings
    from django.db import connection

    from sla_portal.agreements.models import AgreementVersion
    from sla_portal.availability.models import CustomerMonth
    from sla_portal.availability.operations import judge_month
    from sla_portal.availability.queries import region_month
    from sla_portal.customers.models import Region
    from sla_portal.kernel.months import ServiceMonth, day_span

    region, month, now = Region.objects.get(), ServiceMonth(2026, 9), datetime(2026, 11, 22, tzinfo=UTC)
    counted = region_month(region, month, now).judgement.in_force.counted
    counted_a_day = [counted.within([day_span(day, settings.SLA_ZONE)]) for day in month.days]
    version = AgreementVersion.objects.get().pk

    def timed(work) -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    def emptied(table: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table}")

    plain, new, again = [], [], []
    for _ in range(rounds):
        emptied("reference")
        plain.append(timed(lambda: reference(counted_a_day, version)))
        emptied("availability_customermonth")
        new.append(timed(lambda: judge_month(region=region, month=month, now=now)))
        touched = []
        again.append(timed(lambda touched=touched: touched.append(judge_month(region=region, month=month, now=now))))
        assert touched == [0]
    ours = set(CustomerMonth.objects.values_list("customer_id", "service_days", "unavailable_minutes", "met"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT customer_id, service_days, unavailable_minutes, met FROM reference")
        assert ours == set(cursor.fetchall()), "The two do not say the same."
    return min(plain), min(new), min(again)
