"""Read the record as rows of a history file, with a fixed number of queries for each call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model

from incidents.models import Incident, Outage, OutageClient, OutageFunction
from maintenance.models import MaintenanceNotice, MaintenanceWindow, WindowClient, WindowFunction, WindowRegion
from sla_portal.agreements.models import AgreementVersion, Charge, Contract, Payment, Suspension
from sla_portal.availability.models import Exclusion, RegionMonth, Status
from sla_portal.availability.queries import (
    changed_closed_months,
    closed_rows_of_regions,
    is_as_closed,
    region_month,
    regions_in_service,
)
from sla_portal.availability.rules import MonthFigures
from sla_portal.customers.models import Client, Contact, CoreFunction, Customer, Region
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.months import ServiceMonth

from .format import (
    CONTRACTS_BY,
    EXCLUSIONS_BY,
    NOTICES_BY,
    OUTAGES_BY,
    PAYMENTS_BY,
    SERVICE_DAYS,
    SUSPENSIONS_BY,
    Row,
    canonical_money,
    canonical_percentage,
    in_order,
)

T = TypeVar("T")

CHUNK = 1000
"""Rows read or written by one query."""


def chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


@dataclass(frozen=True)
class Recorded:
    """A recorded row: its primary key, its row of a history file, and the keys of the rows in its lists."""

    pk: int
    row: Row
    listed: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    contracts: dict[str, Recorded] = field(default_factory=dict)
    extended_minutes: int = 0
    """For a contract: the minutes by which compensation extended it (3.2). `ends_on` of its row is the extended end."""


def closed_months_changed(since: datetime) -> Iterator[tuple[ServiceMonth, Region, RegionMonth, MonthFigures]]:
    """Return the closed months whose record was changed `since`, where their figures differ: as closed, and by the record."""
    months = [ServiceMonth.of(day) for day, at in sorted(changed_closed_months().items()) if at >= since]
    frozen = closed_rows_of_regions(months)
    for month in months:
        for region in regions_in_service(month):
            row, figures = frozen[region.pk, month.first_day], region_month(region, month, since).figures
            if not is_as_closed(row, figures):
                yield month, region, row, figures


def _instant(at: Any) -> str | None:
    return at and instant_text(at)


def _day(day: Any) -> str | None:
    return day and day.isoformat()


def regions() -> list[Recorded]:
    """Return regions by code."""
    # Sorted here, as in `coded`, because databases sort text differently.
    return [
        Recorded(
            region.pk,
            {"code": region.code, "name": region.name}
            | {name: day.isoformat() for name in SERVICE_DAYS if (day := getattr(region, name))},
        )
        for region in sorted(Region.objects.all(), key=lambda region: region.code)
    ]


def coded(model: type[CoreFunction | Client]) -> list[Recorded]:
    """Return core functions or clients in their order."""
    found = model._default_manager.values_list("pk", "code", "name", "position", "code")
    return [
        Recorded(pk, {"code": code, "name": name}) for pk, code, name, *_order in sorted(found, key=lambda row: row[3:])
    ]


def agreements() -> list[Recorded]:
    """Return published versions by effective date; drafts and withdrawn versions are not part of the record."""
    return [
        Recorded(
            version.pk,
            {
                "version": version.version,
                "effective_on": version.takes_effect_on.isoformat(),
                "availability_target": canonical_percentage(version.availability_target),
                "unavailability_reading": version.unavailability_reading,
                "maintenance_notice_hours": version.maintenance_notice_hours,
            },
        )
        for version in AgreementVersion.objects.published().order_by("effective_on")
    ]


Listed = dict[int, list[tuple[int, Any]]]
"""Rows of lists with their keys, by the key of the row that has the list."""


def _by_owner(rows: Iterable[tuple[Any, int, Any]]) -> Listed:
    """Group `(owner, pk, row)` by owner."""
    grouped: Listed = defaultdict(list)
    for owner, pk, row in rows:
        grouped[owner].append((pk, row))
    return grouped


def _rows(listed: list[tuple[int, Any]], by: tuple[str, ...]) -> list[Row]:
    return in_order([row for _pk, row in listed], by)


def _names(through: type[Model], owner: str, name: str, owners: Collection[int]) -> dict[int, list[str]]:
    """Return the codes in the scopes of rows, by the key of the row; `owner` is the lookup from the scope to `owners`."""
    found: dict[int, list[str]] = defaultdict(list)
    row_of_scope, _, _ = owner.partition("__")
    scopes = through._default_manager.filter(**{f"{owner}__in": owners})
    for row, code in scopes.values_list(row_of_scope, f"{name}__code"):
        found[row].append(code)
    return found


def customers(codes: Collection[str]) -> dict[str, Recorded]:
    """Return customers with contacts and contracts, by code."""
    found = list(Customer.objects.filter(code__in=codes).values_list("pk", "code", "name", "region__code"))
    keys = [pk for pk, *_ in found]
    contacts = _by_owner(Contact.objects.filter(customer__in=keys).values_list("customer", "pk", "email"))
    contracts = _contracts(keys)
    return {
        code: Recorded(
            pk,
            {
                "code": code,
                "name": name,
                "region": region,
                "contacts": sorted(email for _pk, email in contacts[pk]),
                "contracts": in_order([contract.row for contract in contracts[pk]], CONTRACTS_BY),
            },
            {"contacts": contacts[pk]},
            {contract.row["reference"]: contract for contract in contracts[pk]},
        )
        for pk, code, name, region in found
    }


def _contracts(customers: Collection[int]) -> dict[int, list[Recorded]]:
    suspensions = _by_owner(
        (contract, pk, {"starts_on": _day(starts_on), "ends_on": _day(ends_on)})
        for contract, pk, starts_on, ends_on in Suspension.objects.filter(contract__customer__in=customers).values_list(
            "contract", "pk", "starts_on", "ends_on"
        )
    )
    payments = _by_owner(
        (contract, pk, {"reference": reference, "paid_on": _day(paid_on), "amount": canonical_money(amount)})
        for contract, pk, reference, paid_on, amount in Payment.objects.filter(
            contract__customer__in=customers
        ).values_list("contract", "pk", "reference", "paid_on", "amount")
    )
    charges: dict[int, dict[str, str]] = defaultdict(dict)
    for owner, month, charge in (
        Charge.objects.filter(contract__customer__in=customers)
        .order_by("from_month", "revision")
        .values_list("contract", "from_month", "monthly_charge")
    ):
        charges[owner][f"{month:%Y-%m}"] = canonical_money(charge)
    found: dict[int, list[Recorded]] = defaultdict(list)
    for contract in Contract.objects.filter(customer__in=customers):
        found[contract.customer_id].append(
            Recorded(
                contract.pk,
                {
                    "reference": contract.reference,
                    "starts_on": _day(contract.starts_on),
                    "ends_on": _day(contract.extended_to or contract.ends_on),
                    "monthly_charge": canonical_money(contract.monthly_charge),
                    "charges": [
                        {"from": month, "monthly_charge": charge} for month, charge in charges[contract.pk].items()
                    ],
                    "currency": contract.currency,
                    "trial_days": contract.trial_days,
                    "terminated_on": _day(contract.terminated_on),
                    "suspensions": _rows(suspensions[contract.pk], SUSPENSIONS_BY),
                    "payments": _rows(payments[contract.pk], PAYMENTS_BY),
                },
                {"suspensions": suspensions[contract.pk], "payments": payments[contract.pk]},
                extended_minutes=contract.extended_minutes,
            )
        )
    return found


def maintenance(references: Collection[str]) -> dict[str, Recorded]:
    """Return maintenance windows with their notices, by reference."""
    found = list(MaintenanceWindow.objects.filter(reference__in=references))
    keys = [window.pk for window in found]
    scopes = {
        name: _names(through, "window", singular, keys)
        for name, through, singular in (
            ("regions", WindowRegion, "region"),
            ("functions", WindowFunction, "function"),
            ("clients", WindowClient, "client"),
        )
    }
    notices = _by_owner(
        (window, pk, {"sent_at": _instant(sent_at), "starts_at": _instant(starts_at), "ends_at": _instant(ends_at)})
        for window, pk, sent_at, starts_at, ends_at in MaintenanceNotice.objects.filter(window__in=keys).values_list(
            "window", "pk", "sent_at", "starts_at", "ends_at"
        )
    )
    return {
        window.reference: Recorded(
            window.pk,
            {
                "reference": window.reference,
                "title": window.title,
                "kind": window.kind,
                **{name: sorted(codes[window.pk]) for name, codes in scopes.items()},
                "starts_at": _instant(window.starts_at),
                "ends_at": _instant(window.ends_at),
                "cancelled_at": _instant(window.cancelled_at),
                "completed_at": _instant(window.completed_at),
                "not_carried_out_at": _instant(window.not_carried_out_at),
                "notices": _rows(notices[window.pk], NOTICES_BY),
            },
            {"notices": notices[window.pk]},
        )
        for window in found
    }


def incidents(references: Collection[str]) -> dict[str, Recorded]:
    """Return incidents with their outages and exclusions, by reference."""
    found = list(Incident.objects.filter(reference__in=references))
    keys = [incident.pk for incident in found]
    functions = _names(OutageFunction, "outage__incident", "function", keys)
    clients = _names(OutageClient, "outage__incident", "client", keys)
    outages = _by_owner(
        (
            incident,
            pk,
            {
                "region": region,
                "functions": sorted(functions[pk]),
                "clients": sorted(clients[pk]),
                "started_at": _instant(started_at),
                "ended_at": _instant(ended_at),
            },
        )
        for incident, pk, region, started_at, ended_at in Outage.objects.filter(incident__in=keys)
        .order_by()
        .values_list("incident", "pk", "region__code", "started_at", "ended_at")
    )
    exclusions = _by_owner(
        (
            exclusion.incident_id,
            exclusion.pk,
            {
                "clause": exclusion.clause,
                "starts_at": _instant(exclusion.starts_at),
                "ends_at": _instant(exclusion.ends_at),
                "third_party": exclusion.third_party if exclusion.clause == "4.11" else None,
                "maintenance": exclusion.maintenance and exclusion.maintenance.reference,
                "reason": exclusion.reason,
                # The format knows no withdrawn proposal. Like a rejected one it excludes nothing.
                "status": Status.REJECTED if exclusion.status == Status.WITHDRAWN else exclusion.status,
            },
        )
        for exclusion in Exclusion.objects.filter(incident__in=keys).select_related("maintenance")
    )
    return {
        incident.reference: Recorded(
            incident.pk,
            {
                "reference": incident.reference,
                "title": incident.title,
                "source": incident.source,
                "detected_at": _instant(incident.detected_at),
                "acknowledged_at": _instant(incident.acknowledged_at),
                "resolved_at": _instant(incident.resolved_at),
                "attributable": incident.attributable,
                "outages": _rows(outages[incident.pk], OUTAGES_BY),
                "exclusions": _rows(exclusions[incident.pk], EXCLUSIONS_BY),
            },
            {"outages": outages[incident.pk], "exclusions": exclusions[incident.pk]},
        )
        for incident in found
    }
