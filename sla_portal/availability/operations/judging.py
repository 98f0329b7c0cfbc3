"""Judge service months and store the results as rows; judging again writes only rows that changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import copy
from datetime import date, datetime
from typing import Any, Unpack

from django.conf import settings
from django.db import transaction
from django.db.models import Min

from sla_portal.agreements.models import AgreementVersion, Contract, Payment, Suspension
from sla_portal.agreements.queries import published_versions
from sla_portal.agreements.rules import MeasurementPeriod
from sla_portal.audit.models import ClosedMonth, Entry
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.intervals import Span, clipped, epoch
from sla_portal.kernel.months import ServiceDays, ServiceMonth, days_span, local_date

from ..models import CustomerMonth, Deviation, Exclusion, MonthClosing, RegionMonth, Sweep
from ..queries import (
    Decisions,
    changed_closed_months,
    closing_of,
    in_service_since,
    judged_region,
    service_days_of,
)
from .customer_months import Verdicts, contracts_of_customers, customers_judged, differing, merge

CUSTOMER_SPECIFIC_MODELS = (Customer, Contract, Suspension, Payment, Exclusion, AgreementVersion)


def judge_month(*, region: Region, month: ServiceMonth, now: datetime) -> int:
    """Judge a month of a region and of its customers; return how many customers' rows were added or changed.

    The caller checks that the month may be written: `closing` does, and `judge_due_months`.
    """
    versions = published_versions()
    if not versions or versions[0].takes_effect_on > month.first_day:
        return 0
    verdicts = verdicts_of(region, month, versions, now)
    with transaction.atomic():
        _store_region(_locked(region), verdicts, now)
        with customers_judged(region, verdicts) as cursor:
            return merge(cursor, region, month, now)


def count_changed_outcomes(
    *, region: Region, month: ServiceMonth, now: datetime, **decisions: Unpack[Decisions]
) -> int:
    """Count the customers whose month would change between SLA met and breached by decisions (`judged_region`)."""
    versions = published_versions()
    if not versions or versions[0].takes_effect_on > month.first_day:
        return 0
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
            with customers_judged(region, verdicts) as cursor:
                cursor.execute("SELECT customer_id, met FROM judged")
                met.append(dict(cursor.fetchall()))
    return sum(met[0][customer] != verdict for customer, verdict in met[1].items())


def judge_due_months(*, now: datetime) -> int:
    """Judge every month in service again; return how many customers' rows changed.

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
    if not versions:
        return 0
    months = _months_in_service(versions, now)
    closings = MonthClosing.objects.filter(month__gte=versions[0].takes_effect_on)
    closed = set(closings.values_list("month", flat=True))
    _forget_others(months)
    months = sorted({*months, *map(ServiceMonth.of, closed)})
    if not months:
        return 0
    span = months[0].span(settings.SLA_ZONE)[0], months[-1].span(settings.SLA_ZONE)[1]
    changed_before = changed_closed_months()
    deviated = set(Deviation.objects.values_list("month", flat=True))
    deviating = set()
    changed = 0
    for region in Region.objects.all():
        judgement = judged_region(region, span, now)
        for month in months:
            verdicts = Verdicts(month, judgement, versions, _reach(region, month, versions))
            with transaction.atomic():
                locked = _locked(region)
                if month.first_day in closed:
                    if _deviates(region, verdicts, customers=contracts_changed or month.first_day in deviated):
                        deviating.add(month.first_day)
                # The month may have been closed since the sweep began.
                elif not closing_of(month) and (_store_region(locked, verdicts, now) or contracts_changed):
                    with customers_judged(region, verdicts) as cursor:
                        changed += merge(cursor, region, month, now)
    Deviation.objects.exclude(month__in=deviating).delete()
    Deviation.objects.bulk_create(
        [Deviation(month=month, noticed_at=now) for month in sorted(deviating)], ignore_conflicts=True
    )
    for day, changed_at in changed_before.items():
        # A change during this sweep waits for the next.
        ClosedMonth.objects.filter(month=day, changed_at=changed_at).update(changed_at=None)
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
        first = contracts_of_customers(region, month).aggregate(first=Min("starts_on"))["first"] or month.first_day
        return days_span(min(first, month.first_day), month.last_day, settings.SLA_ZONE)
    return month.span(settings.SLA_ZONE)


def _months_in_service(versions: Sequence[AgreementVersion], now: datetime) -> list[ServiceMonth]:
    """Return the months from the first one in service to the present one, in which an agreement version is in force."""
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    month = max(in_service_since(present), ServiceMonth.of(versions[0].takes_effect_on))
    if month.first_day < versions[0].takes_effect_on:
        month = month.next
    months = []
    while month <= present:
        months.append(month)
        month = month.next
    return months


def _forget_others(months: Sequence[ServiceMonth]) -> None:
    """Delete what was computed of months that are not in service any more: a day was corrected, or an outage voided."""
    for computed in (RegionMonth, CustomerMonth):
        others = computed._default_manager.exclude(month__in=MonthClosing.objects.values("month"))
        (others.filter(month__lt=months[0].first_day) if months else others).delete()


def _locked(region: Region) -> Region:
    """Serialise judging per region; outages can be logged concurrently. Return the region as it is now."""
    return Region.objects.select_for_update(no_key=True).get(pk=region.pk)


def region_columns(verdicts: Verdicts, service_days: Sequence[date]) -> dict[str, Any]:
    """Return the row of the region, by its service days in the month."""
    month = verdicts.month
    first, last = (service_days[0], service_days[-1]) if service_days else (month.first_day, month.last_day)
    return {
        **verdicts.columns_of_days(ServiceDays.of(service_days, settings.SLA_ZONE), verdicts.version_on(first)),
        "first_service_day": None if first == month.first_day else first,
        "last_service_day": None if last == month.last_day else last,
        "digest": _digest(verdicts),
    }


def _store_region(region: Region, verdicts: Verdicts, now: datetime) -> bool:
    """Store the row of the region; return whether the minutes that its customers' months derive from may have changed.

    A region without a service day in the month has no row.
    """
    month = verdicts.month
    rows = RegionMonth.objects.filter(region=region, month=month.first_day)
    service_days = service_days_of(region, month)
    if not service_days:
        rows.delete()
        return contracts_of_customers(region, month).exists()
    columns = region_columns(verdicts, service_days)
    if rows.filter(**columns).exists():
        return False
    RegionMonth.objects.update_or_create(region=region, month=month.first_day, defaults={**columns, "judged_at": now})
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
    """Return whether a closed month of a region disagrees with the record; `customers`: compare theirs too.

    What is set of a region's service days later changes no closed month, nor does a region that was opened later; the
    contracts of its customers may.
    """
    rows = RegionMonth.objects.filter(region=region, month=verdicts.month.first_day)
    closed = rows.first()
    if closed and not rows.filter(**region_columns(verdicts, closed.days)).exists():
        return True
    if closed and not customers:
        return False
    with customers_judged(region, verdicts) as cursor:
        return differing(cursor, region, verdicts.month)


def _digest(verdicts: Verdicts) -> str:
    """Return the SHA-256 of the minutes that the customers' months derive from; the same for any span judged."""
    judgement, reach = verdicts.judgement, verdicts.reach
    readings = [judgement.in_force, *judgement.under.values()]
    minutes = [clipped(spans, reach) for read in readings for spans in (read.counted.spans, read.excluded.spans)]
    ongoing = [outage.start for outage in judgement.outages if outage.ongoing and outage.start < reach[1]]
    return hashlib.sha256(repr((minutes, ongoing)).encode()).hexdigest()
