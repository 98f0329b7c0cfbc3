"""Judge the customers of a region in bulk, in temporary tables, and store those rows of theirs that changed.

A region is judged once. Its customers differ in their service days, of which few combinations exist: each combination
is computed once, and the database joins it to the customers. Only customers with several contracts, a suspension or an
exclusion of their own are computed one by one in Python.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Value
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from sla_portal.agreements.models import AgreementVersion, Contract
from sla_portal.agreements.queries import contracts_in_force, suspensions_of
from sla_portal.agreements.rules import MeasurementPeriod
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.intervals import Span, instant, merged
from sla_portal.kernel.months import ServiceDays, ServiceMonth, days_span, local_date

from ..models import CustomerMonth
from ..queries import InForce, customer_exclusions, days_measured, first_service_day
from ..rules import ExcludedTime, Judgement, figures, for_customer

COLUMNS = (
    "agreement_version_id",
    "service_days",
    "total_minutes",
    "unavailable_minutes",
    "excluded_minutes",
    "unavailable_all",
    "unavailable_function",
    "unavailable_any",
    "reading",
    "met",
    "reading_sensitive",
    "provisional",
)


@dataclass(frozen=True)
class Verdicts:
    """Compute the rows of one month for the customers of a region, from one judgement."""

    month: ServiceMonth
    judgement: Judgement
    versions: Sequence[AgreementVersion]
    reach: Span
    """The seconds that have to be judged."""

    @cached_property
    def over_contract_period(self) -> bool:
        """Whether a version in force on a day of the month measures the contract period."""
        governing = {self.version_on(day) for day in self.month.days}
        return any(version.measurement_period == MeasurementPeriod.CONTRACT_PERIOD.value for version in governing)

    def version_on(self, day: date) -> AgreementVersion:
        return [version for version in self.versions if version.takes_effect_on <= day][-1]

    def columns(
        self, contracts: Sequence[InForce], suspended: Sequence[Span], own: Iterable[ExcludedTime]
    ) -> dict[str, Any]:
        """Return the figures for these contracts, as columns of a judged month."""
        version = self.version_on(first_service_day(contracts, self.month))
        measured = days_measured(contracts, self.month, version.terms)
        return self.columns_of_days(ServiceDays.of(measured, settings.SLA_ZONE), version, suspended, own)

    def columns_of_days(
        self,
        days: ServiceDays,
        version: AgreementVersion,
        suspended: Sequence[Span] = (),
        own: Iterable[ExcludedTime] = (),
    ) -> dict[str, Any]:
        own = list(own)
        judgement = for_customer(self.judgement, own, suspended) if own or suspended else self.judgement
        judged = figures(judgement, days, version.terms)
        return {
            "agreement_version_id": version.pk,
            "service_days": judged.service_days,
            "total_minutes": judged.total_minutes,
            "unavailable_minutes": judged.unavailable_minutes,
            "excluded_minutes": judged.excluded_minutes,
            **{f"unavailable_{reading.value}": under.unavailable_minutes for reading, under in judged.under.items()},
            "reading": version.unavailability_reading,
            "met": judged.met,
            "reading_sensitive": judged.reading_sensitive,
            "provisional": judged.provisional,
        }


def contracts_of_customers(region: Region, month: ServiceMonth) -> Any:
    return contracts_in_force(month.first_day, month.last_day).filter(customer__region=region)


@contextmanager
def customers_judged(region: Region, verdicts: Verdicts) -> Iterator[Any]:
    """Yield a cursor with a temporary table `judged` of the customers' months."""
    month = verdicts.month
    contracts = contracts_of_customers(region, month).annotate(
        first_on=Greatest("starts_on", Value(date.min if verdicts.over_contract_period else month.first_day)),
        last_on=Least("in_force_until", Value(month.last_day)),
    )
    names = ", ".join(COLUMNS)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL jit = off")
        cursor.execute(
            f"CREATE TEMPORARY TABLE judged AS SELECT customer_id, {names} FROM {_table(CustomerMonth)} WHERE 1 = 0"
        )
        cursor.execute(
            f"CREATE TEMPORARY TABLE figures_of_days AS SELECT starts_on AS first_on, ends_on AS last_on, {names}"
            f" FROM {_table(Contract)}, {_table(CustomerMonth)} WHERE 1 = 0"
        )
        _fill(cursor, "judged", ("customer_id",), _verdicts_one_by_one(region, verdicts))
        stretches = contracts.order_by().values_list("first_on", "last_on").distinct()
        _fill(
            cursor,
            "figures_of_days",
            ("first_on", "last_on"),
            ((stretch, verdicts.columns([stretch], (), ())) for stretch in stretches),
        )
        plain, parameters = contracts.order_by().values("customer_id", "first_on", "last_on").query.sql_with_params()
        cursor.execute(
            f"INSERT INTO judged SELECT contract.customer_id, {', '.join(f'figures.{name}' for name in COLUMNS)}"
            f" FROM ({plain}) AS contract JOIN figures_of_days AS figures USING (first_on, last_on)"
            " WHERE NOT EXISTS (SELECT 1 FROM judged WHERE judged.customer_id = contract.customer_id)",
            parameters,
        )
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE judged")
        yield cursor
        cursor.execute("DROP TABLE judged")
        cursor.execute("DROP TABLE figures_of_days")


def _verdicts_one_by_one(region: Region, verdicts: Verdicts) -> Iterable[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Yield the rows of customers with several contracts in the month, a suspension, or an exclusion of their own."""
    month = verdicts.month
    span = verdicts.judgement.span
    contracts = contracts_of_customers(region, month)
    first = month.first_day
    if verdicts.over_contract_period:
        first = local_date(span[0], settings.SLA_ZONE)
    suspended: dict[int, list[Span]] = defaultdict(list)
    for suspensions in suspensions_of(contracts.values("pk"), first, month.last_day).values():
        for suspension in suspensions:
            days = max(suspension.first_on, first), min(suspension.last_on, month.last_day)
            suspended[suspension.contract.customer_id].append(days_span(*days, settings.SLA_ZONE))
    own = customer_exclusions(Customer.objects.filter(region=region), instant(span[0]), instant(span[1]))
    several = contracts.order_by().values("customer").annotate(contracts=Count("pk")).filter(contracts__gt=1)
    special = {*own, *suspended, *several.values_list("customer", flat=True)}
    if not special:
        return
    in_force: dict[int, list[InForce]] = defaultdict(list)
    for customer, starts_on, last_on in contracts.order_by("customer", "starts_on").values_list(
        "customer", "starts_on", "in_force_until"
    ):
        if customer in special:
            in_force[customer].append((starts_on, last_on))
    for customer, stretches in in_force.items():
        yield (customer,), verdicts.columns(stretches, merged(suspended[customer]), own.get(customer, ()))


def _fill(
    cursor: Any, table: str, keys: tuple[str, ...], rows: Iterable[tuple[tuple[Any, ...], dict[str, Any]]]
) -> None:
    values = [(*key, *(columns[name] for name in COLUMNS)) for key, columns in rows]
    if values:
        places = ", ".join(["%s"] * (len(keys) + len(COLUMNS)))
        cursor.executemany(f"INSERT INTO {table} ({', '.join((*keys, *COLUMNS))}) VALUES ({places})", values)


JUDGED, PRESENT = (", ".join(f"{side}.{name}" for name in COLUMNS) for side in ("judged", "present"))


def _changes(month: ServiceMonth) -> tuple[str, list[Any]]:
    """Return the SQL, from FROM on, of the rows of `judged` that differ from the stored ones."""
    differs = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    return (
        f" FROM judged LEFT JOIN {_table(CustomerMonth)} AS present"
        " ON present.customer_id = judged.customer_id AND present.month = %s"
        f" WHERE present.id IS NULL OR ({JUDGED}) {differs} ({PRESENT})",
        [_date(month.first_day)],
    )


def _leftovers(region: Region, month: ServiceMonth) -> tuple[str, list[Any]]:
    """Return the SQL, from FROM on, of stored rows whose customer has no contract in the month any more."""
    table = _table(CustomerMonth)
    return (
        f" FROM {table} WHERE month = %s AND customer_id IN (SELECT id FROM {_table(Customer)} WHERE region_id = %s)"
        f" AND NOT EXISTS (SELECT 1 FROM judged WHERE judged.customer_id = {table}.customer_id)",
        [_date(month.first_day), region.pk],
    )


def differing(cursor: Any, region: Region, month: ServiceMonth) -> bool:
    for condition, parameters in (_changes(month), _leftovers(region, month)):
        cursor.execute(f"SELECT EXISTS (SELECT 1 {condition})", parameters)
        if cursor.fetchone()[0]:
            return True
    return False


def merge(cursor: Any, region: Region, month: ServiceMonth, now: datetime) -> int:
    """Write the judged rows of the customers, except those that are unchanged."""
    changes, parameters = _changes(month)
    cursor.execute(
        f"INSERT INTO {_table(CustomerMonth)} (customer_id, month, judged_at, {', '.join(COLUMNS)})"
        f" SELECT judged.customer_id, %s, %s, {JUDGED} {changes}"
        f" ON CONFLICT (customer_id, month) DO UPDATE SET judged_at = excluded.judged_at,"
        f" {', '.join(f'{name} = excluded.{name}' for name in COLUMNS)}",
        [_date(month.first_day), _instant(now), *parameters],
    )
    changed = cursor.rowcount
    leftovers, parameters = _leftovers(region, month)
    cursor.execute(f"DELETE {leftovers}", parameters)
    return int(changed + cursor.rowcount)


def _table(model: Any) -> str:
    return str(model._meta.db_table)


def _date(day: date) -> Any:
    return connection.ops.adapt_datefield_value(day)


def _instant(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(timezone.localtime(at, timezone.get_default_timezone()))
