"""Write the record as a history file in pieces, so that a large record needs little memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from incidents.models import Incident
from maintenance.models import MaintenanceWindow
from sla_portal.customers.models import Client, CoreFunction, Customer

from . import queries
from .format import FORMAT, Row
from .queries import Recorded, chunks


def written() -> Iterator[str]:
    """Yield the pieces of the file: one row a line, in an order that does not depend on the database."""
    with _one_moment():
        lists: dict[str, Iterable[Row]] = {
            "functions": (recorded.row for recorded in queries.coded(CoreFunction)),
            "clients": (recorded.row for recorded in queries.coded(Client)),
            "regions": (recorded.row for recorded in queries.regions()),
            "agreements": (recorded.row for recorded in queries.agreements()),
            "customers": map(_without_nothing, _rows(Customer.objects.all(), "code", queries.customers)),
            "maintenance": _rows(MaintenanceWindow.objects.not_discarded(), "reference", queries.maintenance),
            "incidents": _rows(Incident.objects.valid(), "reference", queries.incidents),
        }
        yield f'{{\n  "format": {json.dumps(FORMAT)}'
        for name, rows in lists.items():
            yield f',\n  "{name}": ['
            separator = "\n    "
            for row in rows:
                yield separator + json.dumps(row, ensure_ascii=False)
                separator = ",\n    "
            yield "]" if separator == "\n    " else "\n  ]"
        yield "\n}\n"


def _rows(rows: QuerySet[Any], key: str, on_record: Callable[[Collection[str]], dict[str, Recorded]]) -> Iterator[Row]:
    keys = sorted(rows.values_list(key, flat=True))
    for chunk in chunks(keys):
        found = on_record(chunk)
        yield from (found[code].row for code in chunk)


def _without_nothing(customer: Row) -> Row:
    """Leave out the later charges of contracts that have none, as files of earlier builds do."""
    contracts = [
        {name: value for name, value in contract.items() if name != "charges" or value}
        for contract in customer["contracts"]
    ]
    return {**customer, "contracts": contracts}


@contextmanager
def _one_moment() -> Iterator[None]:
    """Read a consistent snapshot of the record without blocking writers."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()  # reads the setting
        sqlite: Any = connection
        mode, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
        try:
            with transaction.atomic():
                yield
        finally:
            sqlite.transaction_mode = mode
    else:
        outermost = not connection.in_atomic_block
        with transaction.atomic():
            if outermost:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
