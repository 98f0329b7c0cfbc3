"""Judge service months and store the results as rows; judging again writes only rows that changed.

A region is judged once. Its customers differ in their service days, of which few combinations exist: each combination
is computed once, and the database joins it to the customers. Only customers with several contracts, a suspension or an
exclusion of their own are computed one by one in Python.
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

from sla_portal.agreements.models import AgreementVersion, Contract, Payment, Suspension
from sla_portal.agreements.queries import contracts_in_force, published_versions, suspensions_of
from sla_portal.agreements.rules import MeasurementPeriod
from sla_portal.audit.models import ClosedMonth, Entry
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.intervals import Span, clipped, epoch, instant, merged
from sla_portal.kernel.months import ServiceDays, ServiceMonth, days_span, local_date

from ..models import CustomerMonth, Deviation, Exclusion, RegionMonth, Sweep
from ..queries import (
    Decisions,
    InForce,
    changed_closed_months,
    closed_months,
    closing_of,
    customer_exclusions,
    days_measured,
    first_day_on_record,
    first_service_day,
    judged_region,
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
CUSTOMER_SPECIFIC_MODELS = (Customer, Contract, Suspension, Payment, Exclusion, AgreementVersion)


@dataclass(frozen=True)
class Verdicts:
    """Compute the rows of one month for the customers of a region, from one judgement."""

    month: ServiceMonth
    judgement: Judgement
    versions: Sequence[AgreementVersion]
    reach: Span
    """The seconds that have to be judged (`_reach`)."""

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


def judge_month(*, region: Region, month: ServiceMonth, now: datetime) -> int:
    """Judge a month of a region and of its customers; return how many customers' rows were added or changed.

    The caller checks that the month may be written: `closing` does, and `judge_due_months`.
    """
    versions = published_versions()
    if not versions or versions[0].takes_effect_on > month.first_day:
        return 0
    verdicts = verdicts_of(region, month, versions, now)
    with transaction.atomic():
        _lock(region)
        _store_region(region, verdicts, now)
        with _customers_judged(region, verdicts) as cursor:
            return _merge(cursor, region, month, now)


def count_changed_outcomes(
    *, region: Region, month: ServiceMonth, now: datetime, **decisions: Unpack[Decisions]
) -> int:
    """Count the customers whose month would change between SLA met and breached by decisions on exclusions (`judged_region`)."""
    versions = published_versions()
    return changed_outcomes(
        region, verdicts_of(region, month, versions, now), verdicts_of(region, month, versions, now, **decisions)
    )


def count_changed_outcomes_under(*, draft: AgreementVersion, region: Region, month: ServiceMonth, now: datetime) -> int:
    """Count the customers whose month would change between SLA met and breached had `draft` always been in force."""
    always = copy(draft)
    always.effective_on = date.min
    return changed_outcomes(
        region,
        verdicts_of(region, month, published_versions(), now),
        verdicts_of(region, month, [always], now, terms=always.terms),
    )


def changed_outcomes(region: Region, before: Verdicts, after: Verdicts) -> int:
    """Count the customers whose month is met by one and breached by the other."""
    met = []
    with transaction.atomic():
        for verdicts in (before, after):
            with _customers_judged(region, verdicts) as cursor:
                cursor.execute("SELECT customer_id, met FROM judged")
                met.append(dict(cursor.fetchall()))
    return sum(met[0][customer] != verdict for customer, verdict in met[1].items())


def judge_due_months(*, now: datetime) -> int:
    """Judge every month on record again; return how many customers' rows changed.

    Regions are judged each time. Their customers are judged where the minutes of the region changed or, by the audit log,
    something specific to customers did. Closed months are not written; where they no longer agree with the record, a
    `Deviation` is stored.
    """
    sweep, _created = Sweep.objects.get_or_create(pk=1)
    newest = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    contracts_changed = Entry.objects.filter(
        id__gt=sweep.last_entry, subject_type__in=[model._meta.label_lower for model in CUSTOMER_SPECIFIC_MODELS]
    ).exists()
    versions = published_versions()
    months = _months_on_record(versions, now)
    if not months:
        return 0
    span = months[0].span(settings.SLA_ZONE)[0], months[-1].span(settings.SLA_ZONE)[1]
    closed = closed_months([month.first_day for month in months])
    changed_before = changed_closed_months()
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
                # The month may have been closed since the sweep began.
                elif not closing_of(month) and (_store_region(region, verdicts, now) or contracts_changed):
                    with _customers_judged(region, verdicts) as cursor:
                        changed += _merge(cursor, region, month, now)
    Deviation.objects.exclude(month__in=deviating).delete()
    Deviation.objects.bulk_create(
        [Deviation(month=month, noticed_at=now) for month in sorted(deviating)], ignore_conflicts=True
    )
    for month, changed_at in changed_before.items():
        # A change during this sweep waits for the next.
        ClosedMonth.objects.filter(month=month, changed_at=changed_at).update(changed_at=None)
    Sweep.objects.filter(pk=1).update(last_entry=newest)
    return changed


def verdicts_of(
    region: Region,
    month: ServiceMonth,
    versions: Sequence[AgreementVersion],
    now: datetime,
    **what_if: Any,
) -> Verdicts:
    """Judge a month of a region from the present record; `what_if` as in `judged_region`."""
    reach = _reach(region, month, versions)
    return Verdicts(month, judged_region(region, reach, now, **what_if), versions, reach)


def _reach(region: Region, month: ServiceMonth, versions: Sequence[AgreementVersion]) -> Span:
    """Return the seconds to judge for a month; where contract periods are measured, back to the start of the first."""
    if any(version.measurement_period == MeasurementPeriod.CONTRACT_PERIOD.value for version in versions):
        first = _contracts_of_customers(region, month).aggregate(first=Min("starts_on"))["first"] or month.first_day
        return days_span(min(first, month.first_day), month.last_day, settings.SLA_ZONE)
    return month.span(settings.SLA_ZONE)


def _months_on_record(versions: Sequence[AgreementVersion], now: datetime) -> list[ServiceMonth]:
    """Return the months from the first contract or outage to the present one in which an agreement version is in force."""
    if not versions:
        return []
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    first = first_day_on_record() or present.first_day
    month = ServiceMonth.of(max(first, versions[0].takes_effect_on))
    if month.first_day < versions[0].takes_effect_on:
        month = month.next
    months = []
    while month <= present:
        months.append(month)
        month = month.next
    return months


def _lock(region: Region) -> None:
    """Serialise judging per region; outages can be logged concurrently."""
    Region.objects.select_for_update(no_key=True).get(pk=region.pk)


def region_columns(verdicts: Verdicts) -> dict[str, Any]:
    """Return the row of the region."""
    month = verdicts.month
    days = ServiceDays.of(month.days, settings.SLA_ZONE)
    return {
        **verdicts.columns_of_days(days, verdicts.version_on(month.first_day)),
        "digest": _digest(verdicts),
    }


def _store_region(region: Region, verdicts: Verdicts, now: datetime) -> bool:
    """Store the row of the region; return whether the minutes that its customers' months derive from changed."""
    columns = region_columns(verdicts)
    if RegionMonth.objects.filter(region=region, month=verdicts.month.first_day, **columns).exists():
        return False
    RegionMonth.objects.update_or_create(
        region=region, month=verdicts.month.first_day, defaults={**columns, "judged_at": now}
    )
    return True


def month_deviates(*, month: ServiceMonth, now: datetime) -> bool:
    """Return whether the figures of a closed month disagree with the present record, in any region."""
    versions = published_versions()
    with transaction.atomic():
        return any(
            _deviates(region, verdicts_of(region, month, versions, now), customers=True)
            for region in Region.objects.all()
        )


def _deviates(region: Region, verdicts: Verdicts, *, customers: bool) -> bool:
    """Return whether a closed month of a region disagrees with the record; `customers`: compare theirs too."""
    unchanged = RegionMonth.objects.filter(region=region, month=verdicts.month.first_day, **region_columns(verdicts))
    if not unchanged.exists():
        return True
    if not customers:
        return False
    with _customers_judged(region, verdicts) as cursor:
        return _differing(cursor, region, verdicts.month)


def _digest(verdicts: Verdicts) -> str:
    """Return the SHA-256 of the minutes that the customers' months derive from; the same for any span judged."""
    judgement, reach = verdicts.judgement, verdicts.reach
    readings = [judgement.in_force, *judgement.under.values()]
    minutes = [clipped(spans, reach) for read in readings for spans in (read.counted.spans, read.excluded.spans)]
    ongoing = [outage.start for outage in judgement.outages if outage.ongoing and outage.start < reach[1]]
    return hashlib.sha256(repr((minutes, ongoing)).encode()).hexdigest()


def _contracts_of_customers(region: Region, month: ServiceMonth) -> Any:
    return contracts_in_force(month.first_day, month.last_day).filter(customer__region=region)


@contextmanager
def _customers_judged(region: Region, verdicts: Verdicts) -> Iterator[Any]:
    """Yield a cursor with a temporary table `judged` of the customers' months."""
    month = verdicts.month
    contracts = _contracts_of_customers(region, month).annotate(
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
    contracts = _contracts_of_customers(region, month)
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


def _differing(cursor: Any, region: Region, month: ServiceMonth) -> bool:
    for condition, parameters in (_changes(month), _leftovers(region, month)):
        cursor.execute(f"SELECT EXISTS (SELECT 1 {condition})", parameters)
        if cursor.fetchone()[0]:
            return True
    return False


def _merge(cursor: Any, region: Region, month: ServiceMonth, now: datetime) -> int:
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
