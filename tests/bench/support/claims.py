"""The lists of claims and of the ledger, short and long: each page in turns, the shortest time of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from tests.support.parts import Figure
from tests.support.servers import set_up

AIM = 1.2
PER_CONTRACT, PER_CUSTOMER = 20, 20
AT_ONCE = 100_000
DIALECTS = {
    "sqlite": {
        "instant": "datetime('2021-01-01', '+' || ((n * 7919) % 157680000) || ' seconds')",
        "month": "date('2021-01-01', '+' || (n % 20) || ' months')",
        "key": "printf('%032x', n)",
        "true": "1",
    },
    "postgresql": {
        "instant": "timestamptz '2021-01-01 00:00+00' + ((n::bigint * 7919) % 157680000) * interval '1 second'",
        "month": "(date '2021-01-01' + (n % 20) * interval '1 month')::date",
        "key": "lpad(to_hex(n), 32, '0')::uuid",
        "true": "true",
    },
}
"""Instants over five years, however many there are."""
TABLES = {
    "claims_claim": (
        "id, number, contract_id, region_id, month, email, time_zone, description, source, ticket_number, received_at,"
        " entered_by_id, status, recommended_by_id, answer_due_on, due_on, asked, appeal",
        "n, 'C-' || n, n / 20 + 1, 1, {month}, 'ops@example.com', 'UTC', '', 'phone', '', {instant}, 1,"
        " CASE n % 500 WHEN 0 THEN 'submitted' WHEN 1 THEN 'waiting' WHEN 2 THEN 'recommended' WHEN 3 THEN 'held'"
        " WHEN 4 THEN 'refused' ELSE 'granted' END, CASE n % 500 WHEN 2 THEN 1 END, {month},"
        " CASE WHEN n % 500 < 4 THEN {month} END, '', ''",
        "n % 500 >= 0",
    ),
    "claims_recommendation": (
        "id, claim_id, outcome, clause, reason, voucher_minutes, extension_minutes, letter_subject, letter_text, facts,"
        " after_appeal, recommended_by_id, recommended_at",
        "n, n, 'grant', '3.2', 'So', 0, 0, 'S', 'T', '{{}}', NOT {true}, 1, {instant}",
        "n % 500 = 2 OR n % 500 > 4",
    ),
    "claims_decision": (
        "id, recommendation_id, key, agreed, reason, recommended_by_id, decided_by_id, decided_at",
        "n, n, {key}, {true}, '', 1, 2, {instant}",
        "n % 500 > 4",
    ),
    "claims_compensation": (
        "id, claim_id, decision_id, contract_id, counted_minutes, total_minutes, voucher_minutes, extension_minutes,"
        " cut_minutes, cut_value, currency, granted_at, granted_by_id",
        "n, n, n, n / 20 + 1, 37, 43200, 37, 0, 0, 0, 'EUR', {instant}, 2",
        "n % 500 > 4",
    ),
    "claims_voucher": (
        "id, compensation_id, code, value, currency, expires_on",
        "n, n, 'V-' || n, 1.5, 'EUR', '2031-01-01'",
        "n % 500 > 4 AND n % 2 = 0",
    ),
    "claims_entry": (
        "id, contract_id, number, compensation_id, step, voucher_id, extended_id, minutes, value, balance, currency, total,"
        " cap, reason, at, by_id",
        "n, n / 20 + 1, n % 20 + 1, n, CASE n % 2 WHEN 0 THEN 'issued' ELSE 'extended' END,"
        " CASE n % 2 WHEN 0 THEN n END, CASE n % 2 WHEN 0 THEN NULL ELSE n / 20 + 1 END, 37, 1.5,"
        " CASE n % 2 WHEN 0 THEN 1.5 END, 'EUR', 1.5, 1000, '', {instant}, 2",
        "n % 500 > 4",
    ),
}
"""Of each table its columns, their values of the n-th claim, and which claims have a row."""


@dataclass(frozen=True)
class Size:
    most: int
    fewer: int
    rounds: int


def run(size: Size, vendor: str) -> Iterator[Figure]:
    set_up()
    shortest: list[dict[str, float]] = []
    queries: list[dict[str, int]] = []
    for first, count in ((0, size.fewer), (size.fewer, size.most)):
        fill(first, count, DIALECTS[vendor])
        took, asked = measure(size.rounds, time.process_time if vendor == "sqlite" else time.perf_counter)
        shortest.append(took)
        queries.append(asked)
    short, long = shortest
    for name, seconds in long.items():
        figure = f"{vendor}, {name}: {size.most} against {size.fewer}"
        yield Figure(figure, seconds / short[name], f"× the time ({seconds * 1000:.0f} ms)", most=AIM)
    more = {name for name in queries[0] if queries[1][name] > queries[0][name]}
    yield Figure(f"{vendor}, pages with more queries on the longer list", len(more), most=0, required=True)


def fill(first: int, count: int, dialect: dict[str, str]) -> None:
    """Add the claims from `first` to `count`, with what was decided and given."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    from sla_portal.agreements.models import Contract
    from sla_portal.customers.models import Customer, Region
    from tests.support.unguarded import unguarded

    region = Region.objects.get_or_create(code="eu", defaults={"name": "Europe"})[0]
    if not first:
        call_command("createsuperuser", username="one", email="one@example.com", interactive=False, verbosity=0)
        User.objects.create(username="two")
    known, needed = Contract.objects.count(), count // PER_CONTRACT + 1
    customers = range(known // PER_CUSTOMER + (1 if known else 0), needed // PER_CUSTOMER + 1)
    Customer.objects.bulk_create(
        (Customer(pk=n + 1, code=f"C-{n}", name=f"Customer {n}", region=region) for n in customers), batch_size=1000
    )
    Contract.objects.bulk_create(
        (
            Contract(
                pk=n + 1, customer_id=n // PER_CUSTOMER + 1, reference=f"K-{n}", monthly_charge=49, currency="EUR",
                starts_on=date(2021, 1, 1), ends_on=date(2030, 12, 31),
            )
            for n in range(known, needed)
        ),
        batch_size=1000,
    )  # fmt: skip
    with unguarded(), connection.cursor() as cursor:
        for table, (columns, values, wanted) in TABLES.items():
            for start in range(first, count, AT_ONCE):
                last = min(start + AT_ONCE, count)
                cursor.execute(
                    f"INSERT INTO {table} ({columns}) WITH RECURSIVE numbers(n) AS "  # nobody's text
                    f"(SELECT {start} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {last}) "
                    f"SELECT {values.format(**dialect)} FROM numbers WHERE {wanted}"
                )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def pages() -> dict[str, str]:
    """The first page of each list, each filter, and each search."""
    from django.urls import reverse

    from sla_portal.staff.claims.waiting import TABS

    ledger, claims, search = reverse("admin:ledger"), reverse("admin:claims"), reverse("admin:search")
    return {
        "ledger": ledger,
        "ledger of a month": f"{ledger}?month=2023-05",
        "ledger of a contract": f"{ledger}?contract=K-7",
        "ledger of a type": f"{ledger}?step=issued",
        "ledger, a voucher": f"{ledger}?code=V-106",
        "ledger, all filters": f"{ledger}?month=2023-05&contract=K-7&step=issued",
        "ledger, nothing found": f"{ledger}?code=V-0",
        **{f"claims, tab {tab.key}": f"{claims}?tab={tab.key}" for tab in TABS},
        "claims of a month": f"{claims}?tab=decided&month=2021-06",
        "claims of a region": f"{claims}?tab=decided&region=eu",
        "search for a claim": f"{search}?q=C-107",
        "search for a voucher": f"{search}?q=V-106",
    }


def measure(rounds: int, clock: Callable[[], float]) -> tuple[dict[str, float], dict[str, int]]:
    """Return the shortest time of each page in seconds by `clock`, and its number of queries.

    SQLite runs in this process, whose own time is disturbed by nobody else.
    """
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username="one"))
    took: dict[str, float] = {}
    asked: dict[str, int] = {}
    for turn in range(rounds + 1):
        for name, address in pages().items():
            begun = clock()
            with CaptureQueriesContext(connection) as queries:
                response = client.get(address)
            seconds = clock() - begun
            assert response.status_code == 200, (name, response.status_code)
            # The first turn loads templates and fills caches.
            if turn:
                took[name] = min(seconds, took.get(name, seconds))
                asked[name] = len(queries)
    return took, asked
