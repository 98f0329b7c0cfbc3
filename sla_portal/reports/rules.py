"""What a monthly availability report says: plain values, frozen when it is issued.

A statement has two parts. The *figures* are what was judged: they are attached to the paper, and their SHA-256 stands
on its last line. The *issue* is when, under which number and in which revision they were put on paper.

Instants are ISO 8601 in UTC to the second (`2026-09-10T01:02:03Z`), days `YYYY-MM-DD` and months `YYYY-MM` on the SLA
clock, availability is percent cut to five decimals, lengths are whole minutes unless a name says seconds.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, NotRequired, TypedDict

FORMAT = "sla-portal-report/1"

Verdict = bool | None
"""Whether the target was kept; None: not in service, neither kept nor missed."""
Stretch = list[str]
"""Two instants: from the first up to, not including, the second."""


class Named(TypedDict):
    code: str
    name: str


class ReferenceAndTitle(TypedDict):
    reference: str
    title: str


class Version(TypedDict):
    """An agreement version in force in the month, with the terms that judged it."""

    version: str
    effective_on: str
    target: str
    reading: str
    notice_hours: int
    recommended_notice_hours: int
    measurement_period: str


class ByReading(TypedDict):
    """The month as one reading of 1.4 would have it."""

    reading: str
    unavailable_minutes: int
    availability: str | None
    met: Verdict


class ContractPeriod(TypedDict):
    """The contract period up to the month's end, for information (2.1)."""

    reference: str
    first_day: str
    last_day: str
    service_days: int
    total_minutes: int
    unavailable_minutes: int
    availability: str | None


class MonthMap(TypedDict):
    """Which minutes of the month were what; the rest of it was up."""

    counted: list[Stretch]
    excluded: list[Stretch]
    not_in_service: list[Stretch]
    unknown: list[Stretch]


class PastMonth(TypedDict):
    """One of the last twelve months; minutes None: no judged month is on record."""

    month: str
    availability: str | None
    met: Verdict
    unavailable_minutes: int | None


class Event(TypedDict):
    """A failure event (1.5). Its instants are the whole event's, its minutes those of its part in the month."""

    started_at: str
    ended_at: str | None
    seconds: int
    minutes: int
    excluded_minutes: int
    incidents: list[ReferenceAndTitle]


class ConfirmedExclusion(TypedDict):
    """Time taken off under section 4. Without instants it covers the whole incident.

    One that was taken over from another record may not say who confirmed it.
    """

    incident: ReferenceAndTitle | None
    customer_only: bool
    clause: str
    heading: str
    starts_at: str | None
    ends_at: str | None
    reason: str
    third_party: str
    maintenance: str | None
    proposed_by: str
    confirmed_by: str
    confirmed_at: str | None
    minutes: int


class Suspended(TypedDict):
    """Days, both included, of suspension for non-payment (4.7), and the minutes they took off."""

    first_day: str
    last_day: str
    minutes: int


class NoticeSent(TypedDict):
    """A notice of maintenance: what it announced and how long before; a cancellation announces nothing."""

    sent_at: str
    starts_at: str | None
    ends_at: str | None
    lead_hours: int | None


class Window(TypedDict):
    reference: str
    title: str
    kind: str
    notices: list[NoticeSent]
    cancelled_at: str | None


class Recovery(TypedDict):
    """An incident's way from being noticed to being over (2.2)."""

    reference: str
    title: str
    source: str
    detected_at: str
    acknowledged_at: str | None
    resolved_at: str | None
    seconds_to_acknowledge: int | None
    seconds_to_restore: int | None
    attributable: bool | None


class Claims(TypedDict):
    """When the month can be claimed for (3.3.1). Provisional: the official calendar is not yet known."""

    working_day: int
    opens_at: str
    closes_at: str
    provisional: bool


class LedgerEntry(TypedDict):
    """An entry of the ledger that was made in the month (3.2, 5.1): `value` in the currency's smallest unit, below zero reversed."""

    claim: str
    month: str
    contract: str
    step: str
    minutes: int
    value: str
    currency: str


class Common(TypedDict):
    """What is judged alike for all customers of a region who have the same service days and nothing of their own."""

    format: str
    language: str
    month: str
    sla_zone: str
    reader_zone: str
    region: Named
    agreements: list[Version]
    first_day: str
    last_day: str
    service_days: int
    total_minutes: int
    unavailable_minutes: int
    excluded_minutes: int
    availability: str | None
    met: Verdict
    budget_minutes: int
    provisional: bool
    ongoing: list[ReferenceAndTitle]
    unclassified: list[ReferenceAndTitle]
    reading_sensitive: bool
    readings: list[ByReading]
    map: MonthMap
    events: list[Event]
    exclusions: list[ConfirmedExclusion]
    suspensions: list[Suspended]
    windows: list[Window]
    recovery: list[Recovery]
    claims: Claims


class Figures(Common):
    """Everything that was judged of one region's or one customer's month.

    Of `agreements` the first is the one in force on the first service day: its target and reading decide the month.
    """

    scope: Literal["region", "customer"]
    code: str
    name: str
    contract_period: ContractPeriod | None
    months: list[PastMonth]
    compensation: NotRequired[list[LedgerEntry]]
    """What was given to the customer in the month, for whichever month; where it was nothing the key is not there."""


class Change(TypedDict):
    """What a revision says differently: a key of the figures, and what stood there before and stands there now.

    Of a list that is how many entries there were and are, and how many came, went or differ.
    """

    what: str
    before: Any
    after: Any
    added: NotRequired[int]
    removed: NotRequired[int]
    changed: NotRequired[int]


class Issue(TypedDict):
    """When and as what the figures were put on paper."""

    number: str
    revision: int
    issued_at: str
    address: str
    changes: list[Change]
    reason: str
    """Why a closed month was corrected; empty otherwise."""


class Statement(TypedDict):
    figures: Figures
    issue: Issue


INDIVIDUAL = frozenset({"scope", "code", "name", "contract_period", "compensation"})
"""Figures that are one report's own; those that agree in the rest share the body of their pages."""

CHANGING = (
    "name",
    "availability",
    "met",
    "service_days",
    "unavailable_minutes",
    "excluded_minutes",
    "budget_minutes",
    "provisional",
    "reading_sensitive",
)
"""Figures whose change a revision tells by value, in the order told."""

LISTED: Mapping[str, tuple[str, ...]] = {
    "agreements": ("version",),
    "events": ("started_at",),
    "exclusions": ("incident", "clause", "starts_at"),
    "suspensions": ("first_day",),
    "windows": ("reference",),
    "recovery": ("reference",),
}
"""Lists whose change a revision tells by count and by entry, and what makes an entry the same one."""

MENTIONED = ("language", "region", "claims", "contract_period", "months", "compensation")
"""Figures whose change a revision only mentions. Those in none of the three follow from others."""


def number(scope: str, month: str, region: str, code: str) -> str:
    """Give the report's number: `SLA-2026-09-EU` for a region, `SLA-2026-09-EU-C-001` for a customer in it."""
    parts = [month, region] if scope == "region" else [month, region, code]
    return "-".join(["SLA", *parts]).upper()


def canonical(figures: Mapping[str, Any]) -> bytes:
    """Write the figures in the one form that is attached and hashed: sorted keys, no spaces, UTF-8."""
    return json.dumps(figures, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def shared(statement: Statement) -> dict[str, Any]:
    """Return all that the body of the pages says: it is printed once for all statements that agree in it."""
    figures = {key: value for key, value in statement["figures"].items() if key not in INDIVIDUAL}
    return {"address": statement["issue"]["address"], "figures": figures}


def digest(figures: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical figures: of the file attached to the paper."""
    return sha256(canonical(figures)).hexdigest()


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Say what the figures `after` tell differently from those `before`, in the order of the paper."""
    told: list[Change] = [
        {"what": key, "before": before[key], "after": after[key]} for key in CHANGING if before[key] != after[key]
    ]
    for key, identity in LISTED.items():
        old, new = ({str([entry[part] for part in identity]): entry for entry in side[key]} for side in (before, after))
        if before[key] != after[key]:
            told.append(
                {
                    "what": key,
                    "before": len(before[key]),
                    "after": len(after[key]),
                    "added": len(new.keys() - old.keys()),
                    "removed": len(old.keys() - new.keys()),
                    "changed": sum(old[entry] != new[entry] for entry in old.keys() & new.keys()),
                }
            )
    told += [{"what": key, "before": None, "after": None} for key in MENTIONED if before.get(key) != after.get(key)]
    return told
