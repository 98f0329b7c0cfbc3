"""The content of a monthly availability report: plain values, frozen when it is issued.

A statement has two parts. The *figures* are the judged values: they are attached to the PDF, and their SHA-256 is
printed on its last line. The *issue* is the number, revision and time under which they were issued.

Instants are ISO 8601 in UTC to the second (`2026-09-10T01:02:03Z`), days `YYYY-MM-DD` and months `YYYY-MM` on the SLA
clock, availability is percent cut to five decimals, lengths are whole minutes unless a name says seconds.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, NotRequired, TypedDict

FORMAT = "sla-portal-report/1"

Verdict = bool | None
"""Whether the SLA was met; None: not in service, neither met nor breached."""
Stretch = list[str]
"""Two instants: start, and end not included."""


class Named(TypedDict):
    code: str
    name: str


class ReferenceAndTitle(TypedDict):
    """An incident by what was unavailable: the title that staff gave it is internal."""

    reference: str
    title: str


class Version(TypedDict):
    """An agreement version in force in the month, with the terms that decide it."""

    version: str
    effective_on: str
    target: str
    reading: str
    notice_hours: int
    recommended_notice_hours: int
    measurement_period: str


class ByReading(TypedDict):
    """The figures of the month under one counting rule of 1.4."""

    reading: str
    unavailable_minutes: int
    availability: str | None
    met: Verdict


class Turn(TypedDict):
    """A version in force on some of the days measured, from the first of them to the last, and its minutes."""

    version: str
    reading: str
    first_day: str
    last_day: str
    unavailable_minutes: int
    excluded_minutes: int


class Turns(TypedDict, total=False):
    """The versions in force in turn in the days measured; empty where one version gives the figures alone."""

    rule: str | None
    """The counting rule that gives the figures; None: several in turn."""
    in_turn: list[Turn]
    """By time; their minutes add up to the month's."""


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
    """The minutes of the month by kind; the rest was operational."""

    counted: list[Stretch]
    excluded: list[Stretch]
    not_in_service: list[Stretch]
    unknown: list[Stretch]


class PastMonth(TypedDict):
    """One of the last twelve months; minutes None: no figures are on record."""

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


class EvidenceFile(TypedDict):
    """A file that proves an exclusion."""

    name: str
    sha256: str


class ProposedExclusion(TypedDict):
    """Time proposed to be excluded under section 4. Without instants it covers the whole incident."""

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
    evidence: NotRequired[list[EvidenceFile]]
    """Absent where there is none."""


class ConfirmedExclusion(ProposedExclusion):
    """Time excluded under section 4. An exclusion imported from another record may not state who confirmed it."""

    confirmed_by: str
    confirmed_at: str | None
    minutes: int


class Suspended(TypedDict):
    """Days, both included, of suspension for non-payment (4.7), and the minutes excluded."""

    first_day: str
    last_day: str
    minutes: int


class NoticeSent(TypedDict):
    """A maintenance notice: the announced time and its lead time; a cancellation announces nothing."""

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
    completed_at: str | None
    not_carried_out_at: str | None


class Recovery(TypedDict):
    """Detection, acknowledgement and recovery of an incident (2.2).

    To acknowledge is counted from detection, to restore from the start of the first outage to the end of the last; null:
    not yet, unless `acknowledgement` or `restoration` gives another reason.
    """

    reference: str
    title: str
    source: str
    detected_at: str
    acknowledged_at: str | None
    resolved_at: str | None
    seconds_to_acknowledge: int | None
    seconds_to_restore: int | None
    acknowledgement: NotRequired[Literal["not_stated", "logged_after_restoration"]]
    restoration: NotRequired[Literal["not_stated"]]
    attributable: bool | None


class Claims(TypedDict):
    """The claim period of the month (3.3.1). Provisional: the official calendar is not published yet."""

    working_day: int
    opens_at: str
    closes_at: str
    provisional: bool


class LedgerEntry(TypedDict):
    """A compensation ledger entry posted in the month (3.2, 5.1); a reversal has a negative `value`."""

    claim: str
    month: str
    contract: str
    step: str
    minutes: int
    value: str
    currency: str


class IfConfirmed(TypedDict):
    """The figures of the month as they would be if every undecided exclusion were confirmed."""

    unavailable_minutes: int
    availability: str | None
    met: Verdict


class FigureStatement(TypedDict):
    """How far figures can be relied on; see `Common`."""

    status: str
    pending: list[str]
    if_confirmed: IfConfirmed | None


class Closing(TypedDict):
    """The closing of the month on which a report rests. `one_person`: the second person was switched off."""

    revision: int
    closed_at: str
    closed_by: str
    requested_by: str
    one_person: bool
    reason: NotRequired[str]
    """Why the closed month was corrected; empty where it was not; absent in reports older than the key."""


class Undecided(TypedDict, total=False):
    """The undecided exclusions; empty where there is none."""

    proposed: list[ProposedExclusion]


class Common(Turns, Undecided):
    """Figures that are the same for all customers of a region with the same service days and no own exclusions."""

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
    """An ongoing outage reaches into the days judged."""
    status: NotRequired[str]
    """`in_progress`, `provisional` or `final`; absent in figures older than the key, as the next two."""
    pending: NotRequired[list[str]]
    """What keeps the figures from being final (docs/history.md)."""
    if_confirmed: NotRequired[IfConfirmed | None]
    """None: no exclusion is undecided."""
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
    """All judged figures of a region's or a customer's month.

    The first of `agreements` is the version in force on the first service day: its target and counting rule decide.
    """

    scope: Literal["region", "customer"]
    code: str
    name: str
    contract_period: ContractPeriod | None
    months: list[PastMonth]
    compensation: NotRequired[list[LedgerEntry]]
    """Compensation posted for the customer in the month, for any service month; the key is absent where there is none."""


class Change(TypedDict):
    """A difference between two revisions: a key of the figures with its values before and after.

    For a list: the number of entries before and after, and how many were added, removed or changed.
    """

    what: str
    before: Any
    after: Any
    added: NotRequired[int]
    removed: NotRequired[int]
    changed: NotRequired[int]


class StatedContract(TypedDict):
    reference: str
    first_day: str
    last_day: str


class Parties(TypedDict):
    """The operator, where empty is not stated; and a customer's contracts in force in the month."""

    operator_name: str
    operator_address: str
    operator_logo: NotRequired[str]
    """SHA-256 of its file; absent without a logo."""
    contracts: list[StatedContract]


class Issue(TypedDict):
    """Number, revision and time of issue of a report."""

    number: str
    revision: int
    issued_at: str
    address: str
    changes: list[Change]
    reason: str
    """Why the closed month was corrected; otherwise empty."""
    closing: NotRequired[Closing | None]
    """None: the month is not closed; absent in reports older than the key, as the next two."""
    issued_by: NotRequired[str]
    parties: NotRequired[Parties]
    check_code: NotRequired[str]
    """What the public page asks for beside the number; absent in reports older than the key, as the next."""
    seal: NotRequired[Literal["", "operator", "demonstration"]]
    """Whose key the PDF is sealed with; empty: with none."""
    mark: NotRequired[str]
    """`rehearsal` or `staging` on a report that is not real; absent on all others."""


class Statement(TypedDict):
    figures: Figures
    issue: Issue


INDIVIDUAL = frozenset({"scope", "code", "name", "contract_period", "compensation"})
"""Figures specific to one report; reports that agree in all others share the body of their pages."""

NUMBERS = frozenset({"number", "check_code"})
"""What names one report in its issue."""

STATUS = frozenset({"status", "pending", "if_confirmed"})
"""Figures that say how far the others can be relied on."""

CHANGING = (
    "name",
    "availability",
    "met",
    "service_days",
    "unavailable_minutes",
    "excluded_minutes",
    "budget_minutes",
    "provisional",
    "status",
    "reading_sensitive",
)
"""Figures whose change a revision lists by value, in this order."""

LISTED: Mapping[str, tuple[str, ...]] = {
    "agreements": ("version",),
    "events": ("started_at",),
    "exclusions": ("incident", "clause", "starts_at"),
    "proposed": ("incident", "clause", "starts_at"),
    "suspensions": ("first_day",),
    "windows": ("reference",),
    "recovery": ("reference",),
}
"""Lists whose change a revision states by count and by entry, with the keys that identify an entry."""

MENTIONED = (
    "pending",
    "if_confirmed",
    "in_turn",
    "language",
    "region",
    "claims",
    "contract_period",
    "months",
    "compensation",
)
"""Figures whose change a revision only mentions. Figures in none of the three follow from others."""


def number(scope: str, month: str, region: str, code: str) -> str:
    """Return the number of a report: `SLA-2026-09-EU` for a region, `SLA-2026-09-EU-C-001` for a customer in it."""
    parts = [month, region] if scope == "region" else [month, region, code]
    return "-".join(["SLA", *parts]).upper()


def canonical(figures: Mapping[str, Any]) -> bytes:
    """Serialise the figures in the form that is attached and hashed: sorted keys, no spaces, UTF-8."""
    return json.dumps(figures, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def shared(statement: Statement) -> dict[str, Any]:
    """Return the content of the shared body of the pages, rendered once for all statements that agree in it."""
    figures = {key: value for key, value in statement["figures"].items() if key not in INDIVIDUAL}
    return {"address": statement["issue"]["address"], "figures": figures}


def anonymous(statement: Statement) -> dict[str, Any]:
    """Return what a statement does not share, without the names, numbers and contracts of one report.

    Statements that agree in this and in what they share are laid out once (`sla_portal.reports.pdf`).
    """
    figures, issue = statement["figures"], statement["issue"]
    own: dict[str, Any] = {key: figures[key] for key in INDIVIDUAL & figures.keys()}  # type: ignore[literal-required]
    hidden: dict[str, Any] = {key: _unnamed(value) if key in NUMBERS else value for key, value in issue.items()}
    if parties := issue.get("parties"):
        hidden["parties"] = {**parties, "contracts": _unnamed(parties["contracts"])}
    return {
        "figures": {**own, **{key: _unnamed(own[key]) for key in ("code", "name", "contract_period")}},
        "issue": hidden,
    }


def _unnamed(value: Any) -> Any:
    """Replace texts and numbers, but keep whether a text has Chinese characters: they make a line taller."""
    if isinstance(value, list):
        return [_unnamed(one) for one in value]
    if isinstance(value, dict):
        return {key: _unnamed(one) for key, one in value.items()}
    if isinstance(value, str):
        return "".join(
            sorted({"户" if character > "\u2e7f" else "n" for character in value if not character.isspace()})
        )
    return value if value is None else 0


def digest(figures: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical figures, the file attached to the PDF."""
    return sha256(canonical(figures)).hexdigest()


def without_status(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures as reports stated them before they named their status."""
    return {key: value for key, value in figures.items() if key not in STATUS}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return the differences of the figures `after` from those `before`, in the order of the PDF."""
    found: list[Change] = [
        {"what": key, "before": before.get(key), "after": after.get(key)}
        for key in CHANGING
        if before.get(key) != after.get(key)
    ]
    for key, identity in LISTED.items():
        old, new = (
            {str([entry[part] for part in identity]): entry for entry in side.get(key, ())} for side in (before, after)
        )
        if before.get(key, []) != after.get(key, []):
            found.append(
                {
                    "what": key,
                    "before": len(before.get(key, ())),
                    "after": len(after.get(key, ())),
                    "added": len(new.keys() - old.keys()),
                    "removed": len(old.keys() - new.keys()),
                    "changed": sum(old[entry] != new[entry] for entry in old.keys() & new.keys()),
                }
            )
    found += [{"what": key, "before": None, "after": None} for key in MENTIONED if before.get(key) != after.get(key)]
    return found
