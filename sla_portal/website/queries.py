"""Reads what is public, and nothing else, from the record.

Each function here makes a fixed number of queries, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Generic, TypeVar, cast

from django.conf import settings
from django.db.models import Exists, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery

from incidents.models import Incident, Outage, Update
from maintenance.models import MaintenanceNotice, MaintenanceWindow
from sla_portal.agreements.models import AgreementVersion, Clause
from sla_portal.agreements.queries import published_versions
from sla_portal.audit.rules import canonical
from sla_portal.availability.models import MonthClosing, RegionMonth
from sla_portal.availability.queries import judged_region
from sla_portal.availability.rules import availability, cut, error_budget, figures, picture
from sla_portal.customers.models import Client, CoreFunction, Region, Translated
from sla_portal.kernel.instants import parse_instant
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import ServiceDays, ServiceMonth, day_span, local_date
from sla_portal.notices.models import Kind, Notice
from sla_portal.notices.private import concealed
from sla_portal.pictures import KINDS
from sla_portal.reports.models import Report

from .rules import (
    Announcement,
    ClosedMonth,
    FailureEvent,
    Impact,
    MonthMap,
    Named,
    Phase,
    PublicClause,
    PublicIncident,
    PublicNotice,
    PublicOutage,
    PublicUpdate,
    PublicVersion,
    PublicWindow,
    RegionState,
    Said,
    Scope,
    Stage,
    VersionStatus,
    impact,
    phase,
    present_state,
    stage,
)

T = TypeVar("T")

MONTHS_SHOWN = 12
LATELY = timedelta(days=30)
FEW = 5
MANY = 50
"""As many as status-page clients expect of incidents and of maintenance."""


@dataclass(frozen=True)
class Grid:
    """All regions, core functions and clients, in order."""

    regions: tuple[Named, ...]
    functions: tuple[Named, ...]
    clients: tuple[Named, ...]

    @classmethod
    def current(cls) -> Grid:
        return cls(_named(Region.objects.all()), _named(CoreFunction.objects.all()), _named(Client.objects.all()))

    def scope(self, functions: Iterable[CoreFunction], clients: Iterable[Client]) -> Scope:
        """A scope as stored: none named means all, and so does naming all."""
        return Scope(_all_or(_named(functions), self.functions), _all_or(_named(clients), self.clients))


@dataclass(frozen=True)
class RegionYear:
    """The last closed months of a region, newest first; None where it was not yet measured."""

    region: Named
    months: tuple[ClosedMonth | None, ...]


@dataclass(frozen=True)
class Years:
    """The last closed months, newest first, with the figures of each region."""

    months: tuple[ServiceMonth, ...]
    regions: tuple[RegionYear, ...]


@dataclass(frozen=True)
class Present:
    """Current status, scheduled maintenance and recent incidents."""

    grid: Grid
    since: datetime
    """When the first version of the agreement took effect; without one, the epoch."""
    state: tuple[RegionState, ...]
    open: tuple[PublicIncident, ...]
    lately: tuple[PublicIncident, ...]
    planned: tuple[PublicWindow, ...]
    years: Years
    notices: tuple[PublicNotice, ...]
    amendments: tuple[PublicVersion, ...]
    """Versions of the agreement that will take effect, the next first."""


@dataclass(frozen=True)
class MonthOf(Generic[T]):
    """The rows of a month, newest first, and the nearest months before and after that have any."""

    month: ServiceMonth
    rows: tuple[T, ...]
    earlier: ServiceMonth | None
    later: ServiceMonth | None


@dataclass(frozen=True)
class Maintenance:
    """The windows of a month, those scheduled or in progress, and the regions with a calendar."""

    of_month: MonthOf[PublicWindow]
    planned: tuple[PublicWindow, ...]
    regions: tuple[Named, ...]


@dataclass(frozen=True)
class Agreement:
    """A published version with its clauses, and all published versions, newest first."""

    version: PublicVersion
    clauses: tuple[PublicClause, ...]
    versions: tuple[PublicVersion, ...]
    in_force: str
    """The version in force; empty before the first takes effect."""


@dataclass(frozen=True)
class Comparison:
    """Two published versions with their clauses."""

    before: PublicVersion
    after: PublicVersion
    clauses_before: tuple[PublicClause, ...]
    clauses_after: tuple[PublicClause, ...]


# Current status


def present(now: datetime) -> Present:
    """Return the facts of the front page, and of the API and the feeds."""
    grid = Grid.current()
    ongoing = _incidents(grid, now, _public_incidents().filter(_open(now)))
    planned = _planned(grid, now)
    versions = [version for version in _versions() if not version.withdrawn_at]
    return Present(
        grid=grid,
        since=instant(day_span(versions[-1].effective_on, settings.SLA_ZONE)[0] if versions else 0),
        state=present_state(
            grid.regions,
            grid.functions,
            grid.clients,
            [outage for incident in ongoing for outage in incident.outages if outage.is_ongoing(now)],
            [window for window in planned if window.phase in {Phase.IN_PROGRESS, Phase.OVERRUNNING}],
        ),
        open=ongoing,
        lately=_incidents(
            grid, now, _public_incidents().exclude(_open(now)).filter(detected_at__gt=now - LATELY)[:FEW]
        ),
        planned=planned,
        years=_years(grid),
        notices=tuple(map(_notice, _notices(now)[:FEW])),
        amendments=_announced(versions, now),
    )


# Incidents


def latest_incidents(now: datetime) -> tuple[PublicIncident, ...]:
    """The newest fifty."""
    return _incidents(Grid.current(), now, _public_incidents()[:MANY])


def incidents_of(month: ServiceMonth, now: datetime) -> MonthOf[PublicIncident]:
    """The incidents detected in a month in the SLA time zone."""
    return _month_of(_public_incidents(), "detected_at", month, lambda rows: _incidents(Grid.current(), now, rows))


def incident(reference: str, now: datetime) -> PublicIncident | None:
    found = _incidents(Grid.current(), now, _public_incidents().filter(reference=reference))
    return found[0] if found else None


def _public_incidents() -> QuerySet[Incident]:
    """Incidents with an outage or a public update, and those that another was merged into; reads public fields only."""
    return (
        Incident.objects.filter(
            Exists(Outage.objects.filter(incident=OuterRef("pk")))
            | Exists(Update.objects.filter(incident=OuterRef("pk"), public=True))
            | Exists(Incident.objects.filter(merged_into=OuterRef("pk")))
        )
        .select_related("merged_into")
        .only("reference", "detected_at", "resolved_at", "voided_at", "merged_into__reference")
        .order_by("-detected_at", "-id")
    )


def _open(now: datetime) -> Q:
    still_down = Outage.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now), started_at__lte=now)
    unresolved = Q(resolved_at__isnull=True) | Q(resolved_at__gt=now) | Q(pk__in=still_down.values("incident"))
    return Q(voided_at__isnull=True) & unresolved


def _incidents(grid: Grid, now: datetime, incidents: QuerySet[Incident]) -> tuple[PublicIncident, ...]:
    read = incidents.prefetch_related(
        Prefetch("outages", Outage.objects.select_related("region").prefetch_related("functions", "clients")),
        Prefetch("updates", Update.objects.filter(public=True, at__lte=now).only("incident_id", "at", "text")),
    )
    return tuple(_incident(grid, now, row) for row in read)


def _incident(grid: Grid, now: datetime, row: Incident) -> PublicIncident:
    outages = tuple(
        PublicOutage(
            region=named(outage.region),
            scope=grid.scope(outage.functions.all(), outage.clients.all()),
            started_at=outage.started_at,
            ended_at=outage.ended_at,
        )
        for outage in row.outages.all()
    )
    ended = Stage.MERGED if row.merged_into else Stage.VOIDED if row.voided_at else None
    return PublicIncident(
        reference=row.reference,
        stage=ended or stage(row.resolved_at, outages, now),
        impact=Impact.NONE if ended else impact(outages, grid.functions, grid.clients),
        detected_at=row.detected_at,
        resolved_at=row.resolved_at,
        outages=outages,
        updates=tuple(PublicUpdate(update.pk, update.at, update.text) for update in row.updates.all()),
        voided_at=row.voided_at,
        merged_into=row.merged_into.reference if row.merged_into else "",
    )


# Maintenance


def latest_windows(now: datetime) -> tuple[PublicWindow, ...]:
    """The fifty that start last."""
    return _windows(Grid.current(), now, _announced_windows(now)[:MANY])


def maintenance_of(month: ServiceMonth, now: datetime) -> Maintenance:
    """The windows announced to start in a month in the SLA time zone, and those scheduled or in progress."""
    grid = Grid.current()
    of_month = _month_of(_announced_windows(now), "announced_from", month, lambda rows: _windows(grid, now, rows))
    return Maintenance(of_month, _planned(grid, now), grid.regions)


def window(reference: str, now: datetime) -> PublicWindow | None:
    found = _windows(Grid.current(), now, _announced_windows(now).filter(reference=reference))
    return found[0] if found else None


def _announced_windows(now: datetime) -> QuerySet[MaintenanceWindow]:
    """Windows that were announced; drafts are not."""
    told = MaintenanceNotice.objects.filter(window=OuterRef("pk"), starts_at__isnull=False, sent_at__lte=now)
    return (
        MaintenanceWindow.objects.annotate(
            announced_from=Subquery(told.order_by("-sent_at", "-id").values("starts_at")[:1])
        )
        .filter(announced_from__isnull=False)
        .order_by("-announced_from", "-id")
    )


def _planned(grid: Grid, now: datetime) -> tuple[PublicWindow, ...]:
    """Windows scheduled or in progress, the next first."""
    still_to_come = MaintenanceNotice.objects.filter(window=OuterRef("pk"), ends_at__gt=now)
    begun = Q(started_at__isnull=False, completed_at__isnull=True, cancelled_at__isnull=True)
    windows = _windows(grid, now, _announced_windows(now).filter(Exists(still_to_come) | begun))
    wanted = {Phase.SCHEDULED, Phase.IN_PROGRESS, Phase.OVERRUNNING}
    return tuple(
        sorted((one for one in windows if one.phase in wanted), key=lambda one: (one.starts_at, one.reference))
    )


def _windows(grid: Grid, now: datetime, windows: QuerySet[MaintenanceWindow]) -> tuple[PublicWindow, ...]:
    read = windows.prefetch_related(
        "regions",
        "functions",
        "clients",
        Prefetch("notices", MaintenanceNotice.objects.filter(sent_at__lte=now).select_related("notice")),
    )
    return tuple(_window(grid, now, row) for row in read)


def _window(grid: Grid, now: datetime, row: MaintenanceWindow) -> PublicWindow:
    announced = tuple(
        Announcement(
            sent_at=given.sent_at,
            starts_at=given.starts_at,
            ends_at=given.ends_at,
            number=given.notice.number if given.notice and given.notice.public else "",
        )
        for given in row.notices.all()
    )
    starts_at, ends_at = [(a.starts_at, a.ends_at) for a in announced if a.starts_at and a.ends_at][-1]
    cancelled_at = row.cancelled_at or (None if announced[-1].starts_at else announced[-1].sent_at)
    return PublicWindow(
        reference=row.reference,
        title=row.title,
        kind=row.kind,
        regions=_all_or(_named(row.regions.all()), grid.regions),
        scope=grid.scope(row.functions.all(), row.clients.all()),
        phase=phase(starts_at, ends_at, row.started_at, row.completed_at, cancelled_at, now),
        starts_at=starts_at,
        ends_at=ends_at,
        completed_at=row.completed_at,
        cancelled_at=cancelled_at,
        announced=announced,
    )


# Availability


def years() -> Years:
    """The last twelve closed months of every region."""
    return _years(Grid.current())


def _years(grid: Grid) -> Years:
    newest = MonthClosing.objects.order_by("-month").values_list("month", flat=True).distinct()[:MONTHS_SHOWN]
    months = [ServiceMonth.of(first) for first in newest]
    first_days = [month.first_day for month in months]
    closings = {row.month: row for row in MonthClosing.objects.filter(month__in=first_days).order_by("revision")}
    published = published_versions()
    judged = {
        (row.region.code, row.month): _closed(row, closings[row.month], published)
        for row in RegionMonth.objects.filter(month__in=first_days).select_related("region", "agreement_version")
    }
    return Years(
        months=tuple(months),
        regions=tuple(
            RegionYear(region, tuple(judged.get((region.code, first)) for first in first_days))
            for region in grid.regions
        ),
    )


def _closed(row: RegionMonth, closing: MonthClosing, published: Iterable[AgreementVersion]) -> ClosedMonth:
    terms = row.agreement_version.terms
    month = ServiceMonth.of(row.month)
    within = [one for one in published if month.first_day < one.takes_effect_on <= month.last_day]
    reached = availability(row.unavailable_minutes, row.total_minutes)
    return ClosedMonth(
        month=month,
        availability=None if reached is None else cut(reached),
        met=row.met,
        versions=(terms.version, *(one.version for one in within)),
        target=terms.target_text,
        unavailable_minutes=row.unavailable_minutes,
        excluded_minutes=row.excluded_minutes,
        total_minutes=row.total_minutes,
        budget_minutes=error_budget(terms.availability_target, row.total_minutes),
        revision=closing.revision,
        closed_at=closing.closed_at,
    )


def maps(code: str, months: Sequence[ClosedMonth]) -> tuple[MonthMap, ...]:
    """Which minutes of closed months counted in a region, in the order of `months`.

    As the issued report states it; a month without a report is judged from the record as of the newest closing.
    """
    region = Region.objects.get(code=code)
    found = _stated_maps(region, months)
    missing = [month for month in months if month.month not in found]
    if missing:
        found |= _judged_maps(region, missing)
    return tuple(found[month.month] for month in months)


def _stated_maps(region: Region, months: Sequence[ClosedMonth]) -> dict[ServiceMonth, MonthMap]:
    """What the newest report of each month states, where its figures are those of the closed month."""
    closed = {month.month.first_day: month for month in months}
    reports = Report.objects.filter(region=region, month__in=closed).order_by("revision")
    newest = {first: statement["figures"] for first, statement in reports.values_list("month", "statement")}
    return {
        closed[first].month: _stated(closed[first].month, said)
        for first, said in newest.items()
        if not said["provisional"]
        and said["unavailable_minutes"] == closed[first].unavailable_minutes
        and said["excluded_minutes"] == closed[first].excluded_minutes
    }


def _stated(month: ServiceMonth, figures: dict[str, Any]) -> MonthMap:
    runs = [
        (epoch(parse_instant(start)), epoch(parse_instant(end)), kind)
        for shade, kind in KINDS.items()
        for start, end in figures["map"][shade.value]
    ]
    events = [
        FailureEvent(
            started_at=parse_instant(event["started_at"]),
            ended_at=parse_instant(event["ended_at"]),
            minutes=event["minutes"],
            excluded_minutes=event["excluded_minutes"],
            incidents=tuple(incident["reference"] for incident in event["incidents"]),
        )
        for event in figures["events"]
    ]
    return MonthMap(month, tuple(sorted(runs)), tuple(events))


def _judged_maps(region: Region, months: Sequence[ClosedMonth]) -> dict[ServiceMonth, MonthMap]:
    zone = settings.SLA_ZONE
    spans = [month.month.span(zone) for month in months]
    whole = min(start for start, _ in spans), max(end for _, end in spans)
    judgement = judged_region(region, whole, max(month.closed_at for month in months))
    terms = {
        row.month: row.agreement_version.terms
        for row in RegionMonth.objects.filter(
            region=region, month__in=[month.month.first_day for month in months]
        ).select_related("agreement_version")
    }
    found = {}
    for month, span in zip(months, spans, strict=True):
        days = ServiceDays.of(month.month.days, zone)
        runs = tuple((start, end, KINDS[shade]) for start, end, shade in picture(judgement, days, span))
        events = tuple(
            FailureEvent(
                instant(event.start), instant(event.end), event.minutes, event.excluded_minutes, event.incidents
            )
            for event in figures(judgement, days, terms[month.month.first_day]).events
        )
        found[month.month] = MonthMap(month.month, runs, events)
    return found


# Announcements


def notices(page: int, now: datetime) -> tuple[tuple[PublicNotice, ...], bool]:
    """A page of announcements, newest first, and whether there are more."""
    found = _notices(now)[(page - 1) * MANY : page * MANY + 1]
    return tuple(map(_notice, found))[:MANY], len(found) > MANY


def notice(number: str, now: datetime) -> PublicNotice | None:
    found = _notices(now).filter(number=number).first()
    if not found:
        return None
    versions = AgreementVersion.objects.filter(version=found.about, based_on__published_at__isnull=False)
    before = versions.values_list("based_on__version", flat=True).first() if found.kind == Kind.AMENDMENT else ""
    return replace(_notice(found), before=before or "")


def _notices(now: datetime) -> QuerySet[Notice]:
    return (
        Notice.objects.filter(public=True, given_at__lte=now)
        .only("number", "kind", "about", "given_at", "sha256")
        .prefetch_related("wordings")
        .order_by("-given_at", "-id")
    )


def _notice(row: Notice) -> PublicNotice:
    return PublicNotice(
        number=row.number,
        kind=row.kind,
        about=row.about,
        given_at=row.given_at,
        sha256=row.sha256,
        said=tuple(
            Said(wording.language, wording.subject, concealed(wording.html, wording.language))
            for wording in row.wordings.all()
        ),
    )


# The agreement


def agreement(version: str | None, now: datetime) -> Agreement | None:
    """A published version by its name, or the one in force; None where there is none."""
    versions = _versions()
    standing = [one for one in versions if not one.withdrawn_at]
    today = local_date(epoch(now), settings.SLA_ZONE)
    in_force = next((one.version for one in standing if one.effective_on <= today), "")
    # Before the first takes effect, it is the one to read.
    wanted = version or in_force or (standing[-1].version if standing else "")
    found = next((one for one in versions if one.version == wanted), None)
    return Agreement(found, _clauses(found), versions, in_force) if found else None


def comparison(before: str, after: str) -> Comparison | None:
    """Two published versions to be compared; None where one is not published."""
    versions = {one.version: one for one in _versions()}
    if before not in versions or after not in versions:
        return None
    old, new = versions[before], versions[after]
    return Comparison(old, new, _clauses(old), _clauses(new))


def _announced(versions: Sequence[PublicVersion], now: datetime) -> tuple[PublicVersion, ...]:
    today = local_date(epoch(now), settings.SLA_ZONE)
    return tuple(one for one in reversed(versions) if one.status(today) is VersionStatus.ANNOUNCED)


def hashed_content(version: str) -> bytes | None:
    """Text and terms of a published version, byte for byte as its SHA-256 covers them; None where none was taken."""
    found = _published().filter(version=version).exclude(sha256="").first()
    return canonical(found.content()).encode() if found else None


def _published() -> QuerySet[AgreementVersion]:
    """Every version that was ever published: one that was withdrawn stays to be read."""
    return AgreementVersion.objects.filter(published_at__isnull=False)


def _versions() -> tuple[PublicVersion, ...]:
    """The newest first."""
    rows = list(
        _published().select_related("notice", "withdrawal_notice", "based_on").order_by("effective_on", "published_at")
    )
    standing = [row for row in rows if not row.withdrawn_at]
    until = {row: following.takes_effect_on - timedelta(days=1) for row, following in pairwise(standing)}
    came_after = {following: row for row, following in pairwise(standing)}
    return tuple(_version(row, until.get(row), row.based_on or came_after.get(row)) for row in rows)[::-1]


def _version(row: AgreementVersion, until: date | None, before: AgreementVersion | None) -> PublicVersion:
    return PublicVersion(
        version=row.version,
        effective_on=row.takes_effect_on,
        until=until,
        published_at=cast("datetime", row.published_at),
        withdrawn_at=row.withdrawn_at,
        notice=_public_number(row.notice),
        withdrawal_notice=_public_number(row.withdrawal_notice),
        sha256=row.sha256,
        before=before.version if before and before.published_at else "",
        summary=row.summary_of_changes,
        summary_zh=row.summary_of_changes_zh,
        terms=row.terms,
    )


def _public_number(notice: Notice | None) -> str:
    return notice.number if notice and notice.public else ""


def _clauses(version: PublicVersion) -> tuple[PublicClause, ...]:
    rows = Clause.objects.filter(agreement_version__version=version.version)
    return tuple(
        PublicClause(row.number, row.heading, row.heading_zh, row.summary, row.summary_zh, row.wording, row.wording_zh)
        for row in rows
    )


# Shared


def zones_of_regions() -> tuple[str, ...]:
    """The time zones of the regions."""
    return tuple(dict.fromkeys(str(region.zone) for region in Region.objects.all()))


def named(row: Translated) -> Named:
    return Named(row.code, row.name, row.name_zh)


def _named(rows: Iterable[Translated]) -> tuple[Named, ...]:
    return tuple(named(row) for row in rows)


def _all_or(some: tuple[Named, ...], everything: tuple[Named, ...]) -> tuple[Named, ...] | None:
    return None if not some or len(some) == len(everything) else some


def _month_of(
    rows: QuerySet[Any], field: str, month: ServiceMonth, read: Callable[[QuerySet[Any]], tuple[T, ...]]
) -> MonthOf[T]:
    start, end = (instant(edge) for edge in month.span(settings.SLA_ZONE))
    before = rows.filter(**{f"{field}__lt": start}).aggregate(at=Max(field))["at"]
    after = rows.filter(**{f"{field}__gte": end}).aggregate(at=Min(field))["at"]
    return MonthOf(
        month=month,
        rows=read(rows.filter(**{f"{field}__gte": start, f"{field}__lt": end})),
        earlier=_month_at(before),
        later=_month_at(after),
    )


def _month_at(at: datetime | None) -> ServiceMonth | None:
    return ServiceMonth.of(local_date(epoch(at), settings.SLA_ZONE)) if at else None
