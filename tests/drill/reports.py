"""A month's reports for many customers, rendered by processes that are killed: none twice, none missing, memory flat."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from tests.support.parts import Figure
from tests.support.servers import set_up, wait_until

NEEDS = ("postgresql", "pdf")


@dataclass(frozen=True)
class Size:
    customers: int
    kills: int


FULL, SMALL = Size(10_000, kills=20), Size(5, kills=1)
NOW = datetime(2026, 10, 14, 1, tzinfo=UTC)
BETWEEN_KILLS = 50


def run(size: Size) -> Iterator[Figure]:
    set_up()
    from sla_portal.reports.models import Report, Status
    from sla_portal.reports.operations import LEASE, release_expired_leases

    queue(size.customers)
    dice, interrupted = random.Random(7), 0
    for number in range(size.kills):
        with rendering() as worker:
            # The first is killed at its first report, the others somewhere on the way.
            for _ in range(dice.randint(1, BETWEEN_KILLS) if number else 0):
                worker.stdout.readline()
            wait_until(lambda: Report.objects.filter(status=Status.RENDERING).exists() or worker.poll() is not None)
            worker.kill()
        interrupted += Report.objects.filter(status=Status.RENDERING).count()
        release_expired_leases(now=datetime.now(UTC) + LEASE + timedelta(seconds=1))
    with rendering() as worker:
        held = [float(line) for line in worker.stdout]

    ready = Report.objects.filter(status=Status.READY)
    of_customers = Counter(ready.values_list("customer", flat=True))
    files = set(Path(Report.file.field.storage.location).rglob("*.pdf"))
    recorded = dict(ready.values_list("file", "file_sha256"))
    yield Figure("reports interrupted", interrupted)
    yield Figure("customers without a report", size.customers - len(of_customers), most=0, required=True)
    yield Figure("customers with two", sum(count > 1 for count in of_customers.values()), most=0, required=True)
    yield Figure("reports that failed", Report.objects.filter(status=Status.FAILED).count(), most=0, required=True)
    yield Figure("files that no report names", len(files) - len(recorded), most=0, required=True)
    damaged = sum(sha256(path.read_bytes()).hexdigest() not in recorded.values() for path in files)
    yield Figure("files damaged", damaged, most=0, required=True)
    yield Figure("its twin: missing where no lease expired", interrupted, least=1, required=True)
    yield Figure(f"memory held after {len(held)} reports in one process", held[-1], "MB")
    yield Figure(
        "against that after a tenth of them", held[-1] / held[len(held) // 10], most=1.1 if size is FULL else None
    )


def queue(customers: int) -> None:
    """Queue the reports of so many customers of one region, half of them with names in Chinese."""
    from sla_portal.agreements.models import Contract
    from sla_portal.audit.actors import Actor
    from sla_portal.customers.models import Customer
    from sla_portal.kernel.months import ServiceMonth
    from sla_portal.reports.operations import queue_reports, request_reports
    from tests.support.builders import a_region, an_outage, on

    region = a_region()
    an_outage(region, "2026-09-12 02:00", "2026-09-12 02:11")
    Customer.objects.bulk_create(
        Customer(code=f"C-{n:05}", name=f"滨海花园 {n} 号" if n % 2 else f"Hafen Residences {n}", region=region)
        for n in range(customers)
    )
    Contract.objects.bulk_create(
        Contract(
            customer=customer, reference=f"K-{customer.code}", monthly_charge=49, currency="EUR",
            starts_on=on("2026-01-01"), ends_on=on("2026-12-31"),
        )
        for customer in Customer.objects.all()
    )  # fmt: skip
    month, all_of_them = ServiceMonth(2026, 9), list(Customer.objects.all())
    run = request_reports(actor=Actor.system("drill"), month=month, customers=all_of_them, now=NOW)
    queue_reports(run_id=run.pk, now=NOW)


def rendering() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.drill.support.report_runs"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
