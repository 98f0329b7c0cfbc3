"""Public facts as plain values, and what follows from them.

Pages, feeds and the read API are made of these alone: what has no field here cannot become public.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from incidents.rules import AffectedScope, Severity, scope_severity, worst_severity
from sla_portal.agreements.rules import Terms
from sla_portal.kernel.months import ServiceMonth

Cell = tuple[str, str]
"""The codes of a core function and of a client."""
Run = tuple[int, int, str]
"""Start and end in seconds since the epoch, and the kind in a picture of the month."""


@dataclass(frozen=True)
class Named:
    """A region, core function or client, with its name in each language; an empty one is missing."""

    code: str
    name: str
    name_zh: str = ""

    def name_in(self, language: str | None) -> str:
        return (self.name_zh if (language or "").startswith("zh") else "") or self.name or self.code


@dataclass(frozen=True)
class Scope:
    """Core functions and clients; None is all of them, those added later included."""

    functions: tuple[Named, ...] | None = None
    clients: tuple[Named, ...] | None = None

    def cells(self, functions: Iterable[Named], clients: Iterable[Named]) -> set[Cell]:
        """The cells of the grid of all `functions` and `clients` that lie in this scope."""
        clients = clients if self.clients is None else self.clients
        clients = list(clients)
        return {
            (function.code, client.code)
            for function in (functions if self.functions is None else self.functions)
            for client in clients
        }


# Incidents


class Stage(Enum):
    """The step of an incident."""

    ONGOING = "ongoing"
    """An outage is ongoing."""
    MONITORING = "monitoring"
    """All outages have ended; the incident is not resolved yet."""
    RESOLVED = "resolved"
    VOIDED = "voided"
    """It was logged by mistake."""
    MERGED = "merged"
    """It is a duplicate of another."""


@dataclass(frozen=True)
class PublicOutage:
    """An outage of a scope in a region; without an end it is ongoing."""

    region: Named
    scope: Scope
    started_at: datetime
    ended_at: datetime | None

    def is_ongoing(self, now: datetime) -> bool:
        return self.started_at <= now and (self.ended_at is None or self.ended_at > now)


@dataclass(frozen=True)
class PublicUpdate:
    """A public update of an incident; `key` identifies it."""

    key: int
    at: datetime
    text: str
    text_zh: str = ""


@dataclass(frozen=True)
class PublicAction:
    """An action that follows from an incident."""

    text: str
    text_zh: str
    due_on: date | None
    done_on: date | None


@dataclass(frozen=True)
class PublicReview:
    """The published review of an incident, as Markdown; an empty Chinese text is missing."""

    published_at: datetime
    cause: str
    cause_zh: str
    timeline: str
    timeline_zh: str
    actions: tuple[PublicAction, ...]


@dataclass(frozen=True)
class PublicIncident:
    """An incident with its outages, public updates and published review.

    `resolved_at` of a resolved incident is None where its outages contradict it (2.2): it is not stated.
    """

    reference: str
    stage: Stage
    severity: Severity | None
    """Set by a person or derived from the scope; None without outages."""
    severity_set: bool
    """Whether a person set it."""
    detected_at: datetime
    resolved_at: datetime | None
    outages: tuple[PublicOutage, ...]
    updates: tuple[PublicUpdate, ...]
    voided_at: datetime | None = None
    """When it was voided, or merged into another: it does not count."""
    merged_into: str = ""
    """The reference of the incident that it is a duplicate of."""
    review: PublicReview | None = None

    @property
    def started_at(self) -> datetime:
        return min((outage.started_at for outage in self.outages), default=self.detected_at)

    @property
    def ended_at(self) -> datetime | None:
        """When the last outage ended; None while one is ongoing, or without outages."""
        ends = [outage.ended_at for outage in self.outages]
        return None if not ends or None in ends else max(end for end in ends if end)

    def changed_at(self, now: datetime) -> datetime:
        """The newest instant of its public facts."""
        told = [self.ended_at, self.resolved_at, self.voided_at, *(update.at for update in self.updates)]
        told += [self.review.published_at] if self.review else []
        return max((at for at in told if at and at <= now), default=self.started_at)


def stage(resolved_at: datetime | None, outages: Iterable[PublicOutage], now: datetime) -> Stage:
    """Return the step of an incident; while an outage is ongoing it is not resolved."""
    if any(outage.is_ongoing(now) for outage in outages):
        return Stage.ONGOING
    return Stage.RESOLVED if resolved_at and resolved_at <= now else Stage.MONITORING


def down_stretches(one: PublicIncident, now: datetime) -> list[tuple[datetime, datetime | None]]:
    """Return when anything of an incident was down: outages that overlap or meet are one stretch; None: it is down now."""
    joined: list[tuple[datetime, datetime | None]] = []
    for outage in sorted(one.outages, key=lambda outage: outage.started_at):
        if outage.started_at > now:
            break
        end = outage.ended_at if outage.ended_at and outage.ended_at <= now else None
        if joined and (joined[-1][1] is None or outage.started_at <= joined[-1][1]):
            before = joined[-1][1]
            joined[-1] = joined[-1][0], None if before is None or end is None else max(before, end)
        else:
            joined.append((outage.started_at, end))
    return joined


def severity_by_scope(
    outages: Iterable[PublicOutage], functions: Collection[Named], clients: Collection[Named]
) -> Severity | None:
    """Return the severity derived from the scope of the outages."""

    def codes(named: Iterable[Named]) -> list[str]:
        return [one.code for one in named]

    scopes = [
        AffectedScope(
            outage.region.code,
            None if outage.scope.functions is None else codes(outage.scope.functions),
            None if outage.scope.clients is None else codes(outage.scope.clients),
        )
        for outage in outages
    ]
    return scope_severity(scopes, codes(functions), codes(clients))


def present_severity(
    incidents: Iterable[PublicIncident], functions: Collection[Named], clients: Collection[Named], now: datetime
) -> Severity | None:
    """Return the severity of what is ongoing: incidents together by their scope, and each as a person set it."""
    ongoing = {
        incident: outages
        for incident in incidents
        if (outages := [outage for outage in incident.outages if outage.is_ongoing(now)])
    }
    by_scope = [outage for incident, outages in ongoing.items() if not incident.severity_set for outage in outages]
    return worst_severity(
        [severity_by_scope(by_scope, functions, clients), *(one.severity for one in ongoing if one.severity_set)]
    )


# Maintenance


class Phase(Enum):
    """The status of a window, by its newest notice and the work done."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    OVERRUNNING = "overrunning"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NOT_CARRIED_OUT = "not_carried_out"


@dataclass(frozen=True)
class Announcement:
    """The start and end that a notice announced; both None: a cancellation. `number` is that of the public notice."""

    sent_at: datetime
    starts_at: datetime | None
    ends_at: datetime | None
    number: str = ""


@dataclass(frozen=True)
class PublicWindow:
    """A maintenance window as its newest notice announced it."""

    reference: str
    title: str
    kind: str
    regions: tuple[Named, ...] | None
    scope: Scope
    phase: Phase
    starts_at: datetime
    ends_at: datetime
    completed_at: datetime | None
    cancelled_at: datetime | None
    not_carried_out_at: datetime | None
    announced: tuple[Announcement, ...]
    """Every notice, in the order of sending."""

    def changed_at(self, now: datetime) -> datetime:
        """The newest instant of its public facts; a cancelled window has no start and end."""
        told = [announcement.sent_at for announcement in self.announced]
        told += [at for at in (self.completed_at, self.cancelled_at, self.not_carried_out_at) if at]
        told += [] if self.phase is Phase.CANCELLED else [self.starts_at, self.ends_at]
        return max((at for at in told if at <= now), default=told[0])

    def concerns(self, region: Named) -> bool:
        return self.regions is None or region in self.regions


def phase(
    starts_at: datetime,
    ends_at: datetime,
    started_at: datetime | None,
    completed_at: datetime | None,
    cancelled_at: datetime | None,
    not_carried_out_at: datetime | None,
    now: datetime,
) -> Phase:
    """Return the status of a window announced from `starts_at` to `ends_at`."""
    if cancelled_at and cancelled_at <= now:
        return Phase.CANCELLED
    if not_carried_out_at and not_carried_out_at <= now:
        return Phase.NOT_CARRIED_OUT
    if completed_at and completed_at <= now:
        return Phase.COMPLETED
    begun = started_at is not None and started_at <= now
    if now < ends_at:
        return Phase.IN_PROGRESS if begun or starts_at <= now else Phase.SCHEDULED
    return Phase.OVERRUNNING if begun else Phase.COMPLETED


# Current status


class State(Enum):
    """The current status of a function in a region."""

    OPERATIONAL = "operational"
    MAINTENANCE = "maintenance"
    PARTIAL_OUTAGE = "partial_outage"
    """Unavailable on some clients."""
    MAJOR_OUTAGE = "major_outage"
    """Unavailable on every client."""


@dataclass(frozen=True)
class FunctionState:
    """The current status of a core function in a region, and the clients on which it is unavailable."""

    function: Named
    state: State
    down_on: tuple[Named, ...] = ()


@dataclass(frozen=True)
class RegionState:
    region: Named
    functions: tuple[FunctionState, ...]

    @property
    def all_up(self) -> bool:
        return all(one.state is State.OPERATIONAL for one in self.functions)

    @property
    def worst(self) -> State:
        """A major outage where every function has one; otherwise a partial outage where any function is affected."""
        found = {one.state for one in self.functions}
        if found == {State.MAJOR_OUTAGE}:
            return State.MAJOR_OUTAGE
        if found & {State.MAJOR_OUTAGE, State.PARTIAL_OUTAGE}:
            return State.PARTIAL_OUTAGE
        return State.MAINTENANCE if State.MAINTENANCE in found else State.OPERATIONAL


def present_state(
    regions: Iterable[Named],
    functions: Sequence[Named],
    clients: Sequence[Named],
    outages: Sequence[PublicOutage],
    windows: Sequence[PublicWindow],
) -> tuple[RegionState, ...]:
    """Return the status of each function in each region by ongoing `outages` and `windows` in progress."""

    def state(region: Named, function: Named) -> FunctionState:
        down = {
            client
            for outage in outages
            if outage.region == region
            for code, client in outage.scope.cells(functions, clients)
            if code == function.code
        }
        if down:
            whole = len(down) == len(clients)
            down_on = () if whole else tuple(client for client in clients if client.code in down)
            return FunctionState(function, State.MAJOR_OUTAGE if whole else State.PARTIAL_OUTAGE, down_on)
        worked_on = any(
            window.concerns(region) and (window.scope.functions is None or function in window.scope.functions)
            for window in windows
        )
        return FunctionState(function, State.MAINTENANCE if worked_on else State.OPERATIONAL)

    return tuple(RegionState(region, tuple(state(region, function) for function in functions)) for region in regions)


# Closed months


@dataclass(frozen=True)
class ClosedMonth:
    """A closed month of a region as frozen: minutes, and availability in percent cut to five decimals.

    Availability and `met` are None where the region was not in service.
    """

    month: ServiceMonth
    availability: str | None
    met: bool | None
    versions: tuple[str, ...]
    """The agreement version that decides, and those that took effect within the month."""
    target: str
    unavailable_minutes: int
    excluded_minutes: int
    total_minutes: int
    budget_minutes: int
    revision: int
    closed_at: datetime


@dataclass(frozen=True)
class FailureEvent:
    """A failure event (1.5) with the minutes of its part in the month; its instants are the whole event's."""

    started_at: datetime
    ended_at: datetime
    minutes: int
    excluded_minutes: int
    incidents: tuple[str, ...]


@dataclass(frozen=True)
class MonthMap:
    """The runs of a month that were not available, by kind, and its failure events."""

    month: ServiceMonth
    runs: tuple[Run, ...]
    events: tuple[FailureEvent, ...]


@dataclass(frozen=True)
class PublicExclusion:
    """Why minutes are excluded under section 4: the clause, and what proves it.

    Its reason, the third party, who proposed and who confirmed it are not public.
    """

    clause: str
    own: bool
    """It is of one customer alone."""
    evidence: tuple[str, ...] = ()
    """The SHA-256 of each file."""
    window: str = ""
    notices: tuple[Announcement, ...] = ()


@dataclass(frozen=True)
class PublicRun:
    """Consecutive minutes with an outage, of all of which the same holds. Instants are seconds since the epoch."""

    start: int
    end: int
    state: str
    """The name of a `Why`; the website's words are those of the desk."""
    clause: str
    incidents: tuple[str, ...]
    events: tuple[tuple[datetime, datetime], ...]
    """The failure events that reach into them."""
    exclusions: tuple[PublicExclusion, ...]

    @property
    def minutes(self) -> int:
        return (self.end - self.start) // 60


WITHOUT_OUTAGE = "without_outage"


@dataclass(frozen=True)
class PublicMinutes:
    """The minutes of a figure: the runs with an outage, and what all minutes add up to."""

    runs: tuple[PublicRun, ...]
    total_minutes: int
    unavailable_minutes: int
    excluded_minutes: int
    availability: str | None
    met: bool | None
    sums: tuple[tuple[str, int], ...] = ()
    """The number of minutes by `Why`, then those without an outage (`WITHOUT_OUTAGE`); empty where a report states the runs."""
    days: tuple[tuple[int, int], ...] = ()
    """The spans of the service days; not stated by a report."""
    as_reported: bool = False
    """The runs are those that a report states: the counted and the excluded ones, and not how the others were."""


@dataclass(frozen=True)
class RegionMinutes:
    """The minutes of a month of a region; without figures where it is not closed, without minutes where nothing states them."""

    region: Named
    month: ServiceMonth
    closed: ClosedMonth | None = None
    minutes: PublicMinutes | None = None


# Agreement and announcements


@dataclass(frozen=True)
class PublicClause:
    number: str
    heading: str
    heading_zh: str
    summary: str
    summary_zh: str
    wording: str
    wording_zh: str


@dataclass(frozen=True)
class PublicPreamble:
    """Title of a version, and what stands before its first clause."""

    title: str
    title_zh: str
    text: str
    text_zh: str


class VersionStatus(Enum):
    """The status of a published version on a day: a question of dates, unless it was withdrawn."""

    IN_FORCE = "in_force"
    ANNOUNCED = "announced"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class PublicVersion:
    """A published version of the agreement. `until` is the last day before the next one takes effect.

    `notice` and `withdrawal_notice` are the numbers of announcements, `before` the version that it amends; each is empty where
    there is none.
    """

    version: str
    effective_on: date
    until: date | None
    published_at: datetime
    withdrawn_at: datetime | None
    notice: str
    withdrawal_notice: str
    sha256: str
    before: str
    summary: str
    summary_zh: str
    terms: Terms
    preamble: PublicPreamble | None = None

    def status(self, today: date) -> VersionStatus:
        if self.withdrawn_at:
            return VersionStatus.WITHDRAWN
        if self.effective_on > today:
            return VersionStatus.ANNOUNCED
        return VersionStatus.SUPERSEDED if self.until and self.until < today else VersionStatus.IN_FORCE


@dataclass(frozen=True)
class Said:
    """A notice in one language; `html` is a fragment that `notices` made safe to show."""

    language: str
    subject: str
    html: str


@dataclass(frozen=True)
class PublicCheckpoint:
    """Where the audit log stood: what others keep, to compare the log with."""

    number: int
    made_at: datetime
    entries: int
    entry: int
    hash: str
    sealed: bool
    rehearsed: bool
    """Made while the portal was tried out; the log goes on."""


@dataclass(frozen=True)
class PublicNotice:
    """An announcement, frozen when it was published."""

    number: str
    kind: str
    about: str
    given_at: datetime
    sha256: str
    said: tuple[Said, ...]
    before: str = ""
    """Of an amendment the version that it starts from."""
    withdrawn_at: datetime | None = None
    """When the version that it announces was withdrawn."""
    document: PublicDocument | None = None

    def in_language(self, language: str) -> Said:
        """Its text in `language`, or else in the first language in which it was published."""
        return next((said for said in self.said if said.language == language), self.said[0])


@dataclass(frozen=True)
class Seal:
    """With which certificate a document was sealed, and when."""

    sealed_at: datetime
    timestamped_at: datetime | None
    holder: str
    fingerprint: str
    demonstration: bool


@dataclass(frozen=True)
class PublicDocument:
    """An issued document. Whoever is shown it has the document, or reads it on the website."""

    kind: str
    number: str
    revision: int
    issued_at: datetime
    sha256: str
    check_code: str
    seal: Seal | None
    rehearsed: bool
    """Issued to try the portal out before it was opened: void."""


@dataclass(frozen=True)
class Verified:
    """A document that somebody asked about, and by which revision it is superseded, if it is."""

    document: PublicDocument
    sealed_copy: bool | None
    """Whether the file was the sealed PDF; None where no file was asked about."""
    newest_revision: int | None = None
    newest_issued_at: datetime | None = None


@dataclass(frozen=True)
class PublicCertificate:
    """A certificate that documents were sealed with."""

    fingerprint: str
    holder: str
    issuer: str
    valid_from: datetime
    valid_until: datetime
    first_used_at: datetime
    demonstration: bool
    pem: str
