"""Judge months and keep the verdicts as rows; judging again touches only rows that changed.

A region is judged once. Its customers differ in their service days, of which few combinations exist: those are
judged one by one, and the database joins them to the customers. No row passes through Python but for customers
with several contracts, a suspension or an exclusion of their own.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Unpack

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Min, Value
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from incidents.models import Outage
from sla_portal.agreements.models import AgreementVersion, Contract, Payment, Suspension
from sla_portal.agreements.queries import contracts_in_force, published_versions, suspensions_of
from sla_portal.agreements.rules import MeasurementPeriod
from sla_portal.audit.models import Entry
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.intervals import Span, clipped, epoch, instant, merged
from sla_portal.kernel.months import ServiceDays, ServiceMonth, days_span, local_date

from ..models import CustomerMonth, Deviation, Exclusion, RegionMonth, Sweep
from ..queries import (
    Decisions,
    InForce,
    closed_months,
    closing_of,
    days_measured,
    first_service_day,
    judged_region,
    own_exclusions,
)
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
WHAT_CUSTOMERS_DIFFER_IN = (Customer, Contract, Suspension, Payment, Exclusion, AgreementVersion)


@dataclass(frozen=True)
class Verdicts:
    """The rows of one month for the customers of a region, from one judgement."""

    month: ServiceMonth
    judgement: Judgement
    versions: Sequence[AgreementVersion]
    reach: Span
    """The seconds that decide the month (`_reach`)."""

    @cached_property
    def over_contract_period(self) -> bool:
        """Whether a version that governs a day of the month measures contracts from their start."""
        governing = {self.version_on(day) for day in self.month.days}
        return any(version.measurement_period == MeasurementPeriod.CONTRACT_PERIOD.value for version in governing)

    def version_on(self, day: date) -> AgreementVersion:
        return [version for version in self.versions if version.takes_effect_on <= day][-1]

    def columns(
        self, contracts: Sequence[InForce], suspended: Sequence[Span], own: Iterable[ExcludedTime]
    ) -> dict[str, Any]:
        """The figures for these contracts, as columns of a judged month."""
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


def judge_month(*, region: Region, month: ServiceMonth, now: datetime) -> int:
    """Judge a month of a region and of its customers; returns how many customers' rows were new or changed.

    It does not ask whether the month is closed: `closing` does, and the sweep.
    """
    versions = published_versions()
    if not versions or versions[0].takes_effect_on > month.first_day:
        return 0
    verdicts = _verdicts(region, month, versions, now)
    with transaction.atomic():
        _lock(region)
        _keep_region(region, verdicts, now)
        with _customers_judged(region, verdicts) as cursor:
            return _merge(cursor, region, month, now)


def contracts_flipping(*, region: Region, month: ServiceMonth, now: datetime, **decisions: Unpack[Decisions]) -> int:
    """Count the customers whose month would change between met and missed by decisions on exclusions (`judged_region`)."""
    versions = published_versions()
    return _flipping(
        region, _verdicts(region, month, versions, now), _verdicts(region, month, versions, now, **decisions)
    )


def contracts_flipping_under(*, draft: AgreementVersion, region: Region, month: ServiceMonth, now: datetime) -> int:
    """Count the customers whose month would change between met and missed had `draft` always been in force."""
    always = copy(draft)
    always.effective_on = date.min
    return _flipping(
        region,
        _verdicts(region, month, published_versions(), now),
        _verdicts(region, month, [always], now, terms=always.terms),
    )


def _flipping(region: Region, stands: Verdicts, would: Verdicts) -> int:
    met = []
    with transaction.atomic():
        for verdicts in (stands, would):
            with _customers_judged(region, verdicts) as cursor:
                cursor.execute("SELECT customer_id, met FROM judged")
                met.append(dict(cursor.fetchall()))
    return sum(met[0][customer] != verdict for customer, verdict in met[1].items())


def judge_due_months(*, now: datetime) -> int:
    """Judge every month on record anew; returns how many customers' rows changed.

    Regions are judged each time. Their customers follow where the region's minutes changed or, by the audit trail, something
    in which customers differ; a closed month stands still, and what the record says of it by now is noted.
    """
    sweep, _created = Sweep.objects.get_or_create(pk=1)
    newest = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    contracts_changed = Entry.objects.filter(
        id__gt=sweep.last_entry, subject_type__in=[model._meta.label_lower for model in WHAT_CUSTOMERS_DIFFER_IN]
    ).exists()
    versions = published_versions()
    months = _months_on_record(versions, now)
    if not months:
        return 0
    span = months[0].span(settings.SLA_ZONE)[0], months[-1].span(settings.SLA_ZONE)[1]
    closed = closed_months([month.first_day for month in months])
    deviated = set(Deviation.objects.values_list("month", flat=True))
    deviating = set()
    changed = 0
    for region in Region.objects.all():
        judgement = judged_region(region, span, now)
        for month in months:
            verdicts = Verdicts(month, judgement, versions, _reach(region, month, versions))
            with transaction.atomic():
                _lock(region)
                if month.first_day in closed:
                    if _deviates(region, verdicts, customers=contracts_changed or month.first_day in deviated):
                        deviating.add(month.first_day)
                # Closed since the sweep began, the month stands still already.
                elif not closing_of(month) and (_keep_region(region, verdicts, now) or contracts_changed):
                    with _customers_judged(region, verdicts) as cursor:
                        changed += _merge(cursor, region, month, now)
    Deviation.objects.exclude(month__in=deviating).delete()
    Deviation.objects.bulk_create(
        [Deviation(month=month, noticed_at=now) for month in sorted(deviating)], ignore_conflicts=True
    )
    Sweep.objects.filter(pk=1).update(last_entry=newest)
    return changed


def _verdicts(
    region: Region,
    month: ServiceMonth,
    versions: Sequence[AgreementVersion],
    now: datetime,
    **supposed: Any,
) -> Verdicts:
    reach = _reach(region, month, versions)
    return Verdicts(month, judged_region(region, reach, now, **supposed), versions, reach)


def _reach(region: Region, month: ServiceMonth, versions: Sequence[AgreementVersion]) -> Span:
    """The seconds that have to be judged for a month: where contracts are measured from their start, those too."""
    if any(version.measurement_period == MeasurementPeriod.CONTRACT_PERIOD.value for version in versions):
        first = _customers_contracts(region, month).aggregate(first=Min("starts_on"))["first"] or month.first_day
        return days_span(min(first, month.first_day), month.last_day, settings.SLA_ZONE)
    return month.span(settings.SLA_ZONE)


def _months_on_record(versions: Sequence[AgreementVersion], now: datetime) -> list[ServiceMonth]:
    """The months from the first contract or outage to the present one, under an agreement version."""
    if not versions:
        return []
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    outage = Outage.objects.aggregate(first=Min("started_at"))["first"]
    contract = Contract.objects.aggregate(first=Min("starts_on"))["first"]
    starts = [contract] if contract else []
    if outage:
        starts.append(local_date(epoch(outage), settings.SLA_ZONE))
    month = ServiceMonth.of(max(min(starts, default=present.first_day), versions[0].takes_effect_on))
    if month.first_day < versions[0].takes_effect_on:
        month = month.next
    months = []
    while month <= present:
        months.append(month)
        month = month.next
    return months


def _lock(region: Region) -> None:
    """One judging of a region at a time; outages can be logged meanwhile."""
    Region.objects.select_for_update(no_key=True).get(pk=region.pk)


def _region_columns(verdicts: Verdicts) -> dict[str, Any]:
    month = verdicts.month
    days = ServiceDays.of(month.days, settings.SLA_ZONE)
    return {
        **verdicts.columns_of_days(days, verdicts.version_on(month.first_day)),
        "digest": _digest(verdicts),
    }


def _keep_region(region: Region, verdicts: Verdicts, now: datetime) -> bool:
    """Keep the region's verdict; returns whether anything changed of which the customers' months are cut."""
    columns = _region_columns(verdicts)
    if RegionMonth.objects.filter(region=region, month=verdicts.month.first_day, **columns).exists():
        return False
    RegionMonth.objects.update_or_create(
        region=region, month=verdicts.month.first_day, defaults={**columns, "judged_at": now}
    )
    return True


def month_deviates(*, month: ServiceMonth, now: datetime) -> bool:
    """Whether the record says something else by now than a closed month does, anywhere."""
    versions = published_versions()
    with transaction.atomic():
        return any(
            _deviates(region, _verdicts(region, month, versions, now), customers=True)
            for region in Region.objects.all()
        )


def _deviates(region: Region, verdicts: Verdicts, *, customers: bool) -> bool:
    """Whether a closed month would be judged otherwise by now; `customers`: theirs can differ though the region's does not."""
    kept = RegionMonth.objects.filter(region=region, month=verdicts.month.first_day, **_region_columns(verdicts))
    if not kept.exists():
        return True
    if not customers:
        return False
    with _customers_judged(region, verdicts) as cursor:
        return _differing(cursor, region, verdicts.month)


def _digest(verdicts: Verdicts) -> str:
    """What the customers' months are cut from, whichever judgement it was read off."""
    judgement, reach = verdicts.judgement, verdicts.reach
    readings = [judgement.in_force, *judgement.under.values()]
    minutes = [clipped(spans, reach) for read in readings for spans in (read.counted.spans, read.excluded.spans)]
    ongoing = [down.start for down in judgement.downs if down.ongoing and down.start < reach[1]]
    return hashlib.sha256(repr((minutes, ongoing)).encode()).hexdigest()


def _customers_contracts(region: Region, month: ServiceMonth) -> Any:
    return contracts_in_force(month.first_day, month.last_day).filter(customer__region=region)


@contextmanager
def _customers_judged(region: Region, verdicts: Verdicts) -> Iterator[Any]:
    """A cursor beside a temporary table `judged` of the customers' months."""
    month = verdicts.month
    contracts = _customers_contracts(region, month).annotate(
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
    """Customers with several contracts in the month, a suspension, or an exclusion of their own."""
    month = verdicts.month
    span = verdicts.judgement.span
    contracts = _customers_contracts(region, month)
    first = month.first_day
    if verdicts.over_contract_period:
        first = local_date(span[0], settings.SLA_ZONE)
    suspended: dict[int, list[Span]] = defaultdict(list)
    for suspensions in suspensions_of(contracts.values("pk"), first, month.last_day).values():
        for suspension in suspensions:
            days = max(suspension.first_on, first), min(suspension.last_on, month.last_day)
            suspended[suspension.contract.customer_id].append(days_span(*days, settings.SLA_ZONE))
    own = own_exclusions(Customer.objects.filter(region=region), instant(span[0]), instant(span[1]))
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
    """The rows of `judged` that the customers' months do not say yet, as SQL from FROM on."""
    differs = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    return (
        f" FROM judged LEFT JOIN {_table(CustomerMonth)} AS present"
        " ON present.customer_id = judged.customer_id AND present.month = %s"
        f" WHERE present.id IS NULL OR ({JUDGED}) {differs} ({PRESENT})",
        [_date(month.first_day)],
    )


def _leftovers(region: Region, month: ServiceMonth) -> tuple[str, list[Any]]:
    """The rows of customers who have no contract in the month any more, as SQL from FROM on."""
    table = _table(CustomerMonth)
    return (
        f" FROM {table} WHERE month = %s AND customer_id IN (SELECT id FROM {_table(Customer)} WHERE region_id = %s)"
        f" AND NOT EXISTS (SELECT 1 FROM judged WHERE judged.customer_id = {table}.customer_id)",
        [_date(month.first_day), region.pk],
    )


def _differing(cursor: Any, region: Region, month: ServiceMonth) -> bool:
    for condition, parameters in (_changes(month), _leftovers(region, month)):
        cursor.execute(f"SELECT EXISTS (SELECT 1 {condition})", parameters)
        if cursor.fetchone()[0]:
            return True
    return False


def _merge(cursor: Any, region: Region, month: ServiceMonth, now: datetime) -> int:
    """Bring the customers' rows to what was judged, without touching one that says so already."""
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
