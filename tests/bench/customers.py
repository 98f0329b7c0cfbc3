"""The month of many customers, read, judged and written on PostgreSQL, against fetch + NumPy + one COPY.

The reference does the least that would give the same rows: it fetches the contracts in one query, clips them with
NumPy to the month, counts with a running sum of a day's minutes, and writes with one COPY into a table with the same
columns and constraints. Both run in turn, and of each the shortest time stands: the one least disturbed.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta

ROUNDS = 5
SIZES = (10_000, 100_000)


def run() -> None:
    """Provide a PostgreSQL and measure in a process of its own."""
    from tests.everything import postgresql_server

    with postgresql_server() as url:
        environment = {"DATABASE_URL": url, "SECRET_KEY": "bench" * 12, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        subprocess.run([sys.executable, "-m", "tests.bench.customers"], env=os.environ | environment, check=True)


def fill(customers: int) -> None:
    """One region, 1 000 outages in the year, customers with contracts that start and end on many days."""
    from django.db import connection

    from sla_portal.agreements.models import Contract
    from sla_portal.customers.models import Customer, Region
    from tests.support.builders import an_outage

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE customers_region, incidents_incident CASCADE")
    region = Region.objects.create(code="eu", name="Europe")
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(1000):
        start = first + timedelta(hours=8 * number)
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
            f"\tall\t{kept}\tf\tf\t{judged_at}\n"
            for customer, day, minutes, kept in zip(
                rows[:, 0].tolist(), days.tolist(), unavailable.tolist(), met.tolist(), strict=True
            )
        ]
        with cursor.copy(f"COPY reference ({columns}) FROM STDIN") as copy:
            copy.write("".join(lines))


def measure(customers: int) -> tuple[float, float]:
    """Print the ratios for so many customers; return the seconds of the reference and of a first run."""
    from django.conf import settings
    from django.db import connection

    from sla_portal.agreements.models import AgreementVersion
    from sla_portal.availability.models import CustomerMonth
    from sla_portal.availability.operations import judge_month
    from sla_portal.availability.queries import region_month
    from sla_portal.customers.models import Region
    from sla_portal.kernel.months import ServiceMonth, day_span

    fill(customers)
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

    plain, fresh, again = [], [], []
    for _ in range(ROUNDS):
        emptied("reference")
        plain.append(timed(lambda: reference(counted_a_day, version)))
        emptied("availability_customermonth")
        fresh.append(timed(lambda: judge_month(region=region, month=month, now=now)))
        touched = []
        again.append(timed(lambda touched=touched: touched.append(judge_month(region=region, month=month, now=now))))
        assert touched == [0]
    ours = set(CustomerMonth.objects.values_list("customer_id", "service_days", "unavailable_minutes", "met"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT customer_id, service_days, unavailable_minutes, met FROM reference")
        assert ours == set(cursor.fetchall()), "The two do not say the same."
    one, first, second = (min(times) for times in (plain, fresh, again))
    print(
        f"{customers:>7} customers: first run {first / one:.2f} × fetch + NumPy + COPY,"
        f" second run {second / one:.2f} × with no row touched",
        flush=True,
    )
    return one, first


def main() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    small, large = (measure(customers) for customers in SIZES)
    plain, ours = (large[n] / small[n] for n in range(2))
    print(
        f"from {SIZES[0]} to {SIZES[1]} customers the time grows {ours:.1f} ×, the reference's {plain:.1f} ×"
        f" (linear: {SIZES[1] / SIZES[0]:.0f} ×)"
    )


if __name__ == "__main__":
    main()
