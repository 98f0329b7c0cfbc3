"""Short ways to put things on record; whatever matters to a test is given in the test."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

from incidents.models import Incident, Outage
from maintenance.models import MaintenanceNotice, MaintenanceWindow
from sla_portal.agreements.models import AgreementVersion, Contract
from sla_portal.availability.models import Exclusion
from sla_portal.customers.models import Client, CoreFunction, Customer, Region

numbers = count(1)


def at(text: str) -> datetime:
    """An instant: `2026-09-10 01:02:03`, or to the minute, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on(text: str) -> date:
    return date.fromisoformat(text)


def a_region(code: str = "eu", **values) -> Region:
    return Region.objects.get_or_create(code=code, defaults={"name": code.title(), **values})[0]


def a_customer(region: Region, code: str = "", **values) -> Customer:
    code = code or f"C-{next(numbers)}"
    return Customer.objects.create(code=code, region=region, **{"name": f"Customer {code}", **values})


def a_contract(customer: Customer, starts_on: str, ends_on: str, **values) -> Contract:
    given = {"reference": f"K-{next(numbers)}", "monthly_charge": Decimal("49.00"), "currency": "EUR", **values}
    return Contract.objects.create(customer=customer, starts_on=on(starts_on), ends_on=on(ends_on), **given)


def an_incident(reference: str = "", **values) -> Incident:
    """An incident, detected on 10 September 2026 or, where that breaks the order of 2.2, at the first time given."""
    detected_at = min(filter(None, [at("2026-09-10 01:00"), values.get("acknowledged_at"), values.get("resolved_at")]))
    given = {"title": "Gateway lost", "detected_at": detected_at, **values}
    return Incident.objects.create(reference=reference or f"INC-{next(numbers)}", **given)


def an_outage(
    region: Region,
    start: str,
    end: str | None,
    *,
    incident: Incident | None = None,
    functions: tuple[str, ...] = (),
    clients: tuple[str, ...] = (),
) -> Outage:
    """An outage from `start` to `end`; None is still going on; no function or client named means all of them."""
    outage = Outage.objects.create(
        incident=incident or an_incident(), region=region, started_at=at(start), ended_at=at(end) if end else None
    )
    outage.functions.set(CoreFunction.objects.filter(code__in=functions))
    outage.clients.set(Client.objects.filter(code__in=clients))
    return outage


def an_exclusion(incident: Incident, clause: str = "4.10", status: str = "confirmed", **values) -> Exclusion:
    given = {"reason": "As the law says", "third_party": "Example Cloud" if clause == "4.11" else "", **values}
    return Exclusion.objects.create(incident=incident, clause=clause, status=status, **given)


def a_window(start: str, end: str, *notices: tuple[str, str | None, str | None], **values) -> MaintenanceWindow:
    """A window; each notice is when it was sent and what it announced (None and None: nothing)."""
    given = {"reference": f"MW-{next(numbers)}", "title": "Database upgrade", "kind": "upgrade", **values}
    window = MaintenanceWindow.objects.create(starts_at=at(start), ends_at=at(end), **given)
    for sent, announced, until in notices:
        MaintenanceNotice.objects.create(
            window=window,
            sent_at=at(sent),
            starts_at=at(announced) if announced else None,
            ends_at=at(until) if until else None,
        )
    return window


def a_version(version: str, effective_on: str, **terms) -> AgreementVersion:
    """A published version."""
    return AgreementVersion.objects.create(
        version=version, effective_on=on(effective_on), published_at=at(f"{effective_on} 00:00"), **terms
    )
