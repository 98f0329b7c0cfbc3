"""A maintenance window: how it stands, what its notices cover, and what one more notice would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.models import Incident, Outage
from maintenance.letters import Step, invitation, step, words
from maintenance.models import MaintenanceNotice, MaintenanceWindow
from maintenance.queries import audience, notices_given, overlapping, stage_of, windows_between
from maintenance.rules import NoticeGiven, Stage, announced, lead
from maintenance.words import hours, is_short, short_notice, stage_mark
from sla_portal.agreements.queries import terms_periods
from sla_portal.agreements.rules import Terms, TermsPeriod, terms_at
from sla_portal.availability.queries import Grid
from sla_portal.availability.rules import covered_by_notice
from sla_portal.clocks import length, place, told
from sla_portal.customers.models import Contact, Region
from sla_portal.kernel.intervals import Span, difference, epoch, instant, intersection, merged, seconds
from sla_portal.kernel.months import day_span, local_date
from sla_portal.notices.queries import Progress, progress
from sla_portal.notices.wording import File, Words

from .pictures import TimelineRow, ticks, timeline_row
from .timeline import Axis, how_long, when

ON_THE_DAY = timedelta(hours=24)
FIRST_NAMES = 5
WIDEST = 4
"""How many times as long as the newest window a picture may get to show the earlier ones too."""


# What was told


@dataclass(frozen=True)
class Given:
    """A notice of a window: what it did to the one before, how long before the start it came, who got it."""

    row: MaintenanceNotice
    step: Step
    lead: int | None
    """Seconds from the sending to the start; None: a cancellation."""
    progress: Progress | None
    """None: it was brought in from another record, and nobody was mailed from here."""

    @property
    def name(self) -> str:
        return step_name(self.step)

    @property
    def before(self) -> str:
        return "" if self.lead is None else hours(self.lead)


def step_name(taken: Step) -> str:
    return {
        Step.FIRST: _("announced"),
        Step.MOVED: _("moved"),
        Step.LENGTHENED: _("lengthened"),
        Step.SHORTENED: _("shortened"),
        Step.CANCELLED: _("cancelled"),
    }[taken]


def given(window: MaintenanceWindow) -> list[Given]:
    """The notices of a window in the order of sending; the mail of all of them is counted by one query."""
    rows = list(window.notices.all())
    came = progress([row.notice for row in rows if row.notice])
    found = []
    before: MaintenanceNotice | None = None
    for row in rows:
        found.append(
            Given(
                row=row,
                step=step(before, row.starts_at, row.ends_at),
                lead=epoch(row.starts_at) - epoch(row.sent_at) if row.starts_at else None,
                progress=came[row.notice.pk] if row.notice else None,
            )
        )
        before = row
    return found


# How it stands


@dataclass(frozen=True)
class Down:
    """What was down in a region within the picture, of the functions and clients that the window names."""

    region: Region
    spans: list[Span]
    incidents: list[Incident]
    covered: int
    """Seconds of it that the notices cover."""

    @property
    def not_covered(self) -> int:
        return seconds(self.spans) - self.covered


@dataclass(frozen=True)
class Standing:
    """A window as it stands now. Times in seconds since the epoch."""

    window: MaintenanceWindow
    stage: Stage
    announced: Span | None
    work: list[Span]
    covered: list[Span]
    not_covered: list[Span]
    """What was planned, announced, worked or down, and is not covered: downtime in it counts."""
    downs: list[Down]
    lead: int | None
    terms: Terms
    now: int

    @property
    def span(self) -> Span:
        """As announced; of a draft as planned."""
        return self.announced or (epoch(self.window.starts_at), epoch(self.window.ends_at))

    @property
    def starts_at(self) -> datetime:
        return instant(self.span[0])

    @property
    def ends_at(self) -> datetime:
        return instant(self.span[1])

    @property
    def mark(self) -> tuple[str, str]:
        return stage_mark(self.stage)

    @property
    def lead_told(self) -> str:
        return "" if self.lead is None else hours(self.lead)

    @property
    def short(self) -> bool:
        return self.lead is not None and is_short(self.lead, self.terms)

    @property
    def short_notice(self) -> list[str]:
        if self.lead is None:
            return []
        return short_notice(self.lead, self.span[0] - self.lead, self.terms)

    @property
    def covered_told(self) -> str:
        return how_long(self.covered)

    @property
    def not_covered_told(self) -> str:
        return how_long(self.not_covered)

    @property
    def is_open(self) -> bool:
        """Whether more can be announced of it."""
        return self.stage not in (Stage.CANCELLED, Stage.FINISHED)

    @property
    def on_the_day(self) -> bool:
        """Whether the work is on, or about to be."""
        if self.stage in (Stage.RUNNING, Stage.OVERRUN, Stage.DUE):
            return True
        near = ON_THE_DAY.total_seconds()
        return (self.stage is Stage.ANNOUNCED and self.span[0] - self.now <= near) or (
            self.stage is Stage.OVER and self.now - self.span[1] <= near
        )

    @property
    def runs(self) -> bool:
        """Whether what the page shows changes by the second."""
        return self.on_the_day and self.stage is not Stage.OVER

    @property
    def headline(self) -> str:
        start, end = self.span
        shown = {"until": told(self.ends_at, timezone.get_current_timezone()), "length": length(abs(self.now - end))}
        if self.stage is Stage.ANNOUNCED:
            return _("Starts in %(to_go)s, announced %(lead)s before") % {
                "to_go": length(start - self.now),
                "lead": self.lead_told,
            }
        return {
            Stage.DRAFT: _("A draft: until it is announced, downtime in it counts"),
            Stage.DUE: _("Its time has come and nobody has started: it ends in %(length)s") % shown,
            Stage.RUNNING: _("Running: ends in %(length)s, as announced") % shown,
            Stage.OVERRUN: _("Overrun for %(length)s: time after %(until)s counts") % shown,
            Stage.OVER: _("Over: ended %(length)s ago, and nobody said that the work began") % shown,
            Stage.CANCELLED: _("Cancelled: from then on it covers nothing"),
            Stage.FINISHED: self._finished,
        }[self.stage]

    @property
    def _finished(self) -> str:
        begun, done = self.work[0] if self.work else (self.now, self.now)
        late = done - self.span[1]
        shown = {"took": length(done - begun), "late": length(abs(late))}
        if late > 0:
            return _("Finished after %(took)s, %(late)s past the announced end: that time counts") % shown
        if late == 0:
            return _("Finished after %(took)s, at the announced end") % shown
        return _("Finished after %(took)s, %(late)s before the announced end") % shown


def standing(window: MaintenanceWindow, now: datetime) -> Standing:
    """Read how a window stands, what its notices cover, and what was down meanwhile."""
    told_of = notices_given(window)
    periods = terms_periods()
    known = announced(told_of)
    work = _work(window, now)
    covered = covered_by_notice(told_of, periods)
    around = known or (epoch(window.starts_at), epoch(window.ends_at))
    reach = min([around[0], *(start for start, _end in work)]), max([around[1], *(end for _start, end in work)])
    downs = _downs(window, reach, covered, now)
    at_stake = merged([around, *work, *(span for down in downs for span in down.spans)])
    return Standing(
        window=window,
        stage=stage_of(window, now),
        announced=known,
        work=work,
        covered=covered,
        not_covered=difference(at_stake, covered),
        downs=downs,
        lead=lead(told_of),
        terms=terms_at(periods, around[0]),
        now=epoch(now),
    )


def _work(window: MaintenanceWindow, now: datetime) -> list[Span]:
    if window.started_at is None:
        return []
    return merged([(epoch(window.started_at), epoch(window.completed_at or now))])


def _downs(window: MaintenanceWindow, reach: Span, covered: list[Span], now: datetime) -> list[Down]:
    """Outages that begin or go on within `reach`, by region; of another function or client than the window's, none."""
    start, end = map(instant, reach)
    if now <= start:
        return []
    outages = (
        Outage.objects.filter(Q(ended_at__gt=start) | Q(ended_at__isnull=True), started_at__lt=min(end, now))
        .select_related("region", "incident")
        .prefetch_related("functions", "clients")
        .order_by("region__code", "started_at")
    )
    named = [region.pk for region in window.regions.all()]
    if named:
        outages = outages.filter(region__in=named)
    grid = Grid.current()
    concerned = grid.cells([row.pk for row in window.functions.all()], [row.pk for row in window.clients.all()])
    by_region: dict[Region, list[Outage]] = {}
    for outage in outages:
        down = grid.cells([row.pk for row in outage.functions.all()], [row.pk for row in outage.clients.all()])
        if down & concerned:
            by_region.setdefault(outage.region, []).append(outage)
    found = []
    for region, felt in by_region.items():
        spans = merged((epoch(outage.started_at), epoch(outage.ended_at or now)) for outage in felt)
        found.append(
            Down(
                region=region,
                spans=spans,
                incidents=list({outage.incident.pk: outage.incident for outage in felt}.values()),
                covered=seconds(intersection(spans, covered)),
            )
        )
    return found


# The picture


@dataclass(frozen=True)
class WindowTimeline:
    """Strips of a window: what was told, what was done and down, and what of it is covered."""

    axes: list[Axis]
    told: list[TimelineRow]
    happened: list[TimelineRow]
    covered: list[TimelineRow]


def timeline(now: Standing, notices: Sequence[Given]) -> WindowTimeline:
    """Draw a window. Where it was moved far, only the newest place is drawn and the earlier is told in words."""
    span = _shown(now, notices)
    zone = timezone.get_current_timezone()
    clocks = {zone: place(zone) for zone in (zone, settings.SLA_ZONE)}
    return WindowTimeline(
        axes=[Axis(name, ticks(span, zone)) for zone, name in clocks.items()],
        told=[_notice_row(notice, span) for notice in notices]
        or [timeline_row(_("Planned, not announced"), [now.span], "proposed", span, when)],
        happened=[
            *([timeline_row(_("Work"), now.work, "work", span, when)] if now.work else []),
            *(
                timeline_row(_("Down in %(region)s") % {"region": down.region}, down.spans, "down", span, when)
                for down in now.downs
            ),
        ],
        covered=[
            timeline_row(_("Covered (4.1)"), now.covered, "excluded", span, how_long),
            timeline_row(_("Not covered"), now.not_covered, "counted", span, how_long),
        ],
    )


def _shown(now: Standing, notices: Sequence[Given]) -> Span:
    focus = merged([now.span, *now.work, *(span for down in now.downs for span in down.spans)])
    start, end = focus[0][0], focus[-1][1]
    ever = [
        edge
        for notice in notices
        if notice.row.starts_at and notice.row.ends_at
        for edge in (epoch(notice.row.starts_at), epoch(notice.row.ends_at))
    ]
    first, last = min([start, *ever]), max([end, *ever])
    if last - first <= WIDEST * (end - start):
        start, end = first, last
    margin = max((end - start) // 8, 300)
    return start - margin, end + margin


def _notice_row(notice: Given, span: Span) -> TimelineRow:
    """What a notice announced, and the moment of its sending where that lies in the picture."""
    row = notice.row
    name = f"{notice.name.capitalize()} {told(row.sent_at.replace(second=0), timezone.get_current_timezone())}"
    said = [(epoch(row.starts_at), epoch(row.ends_at))] if row.starts_at and row.ends_at else []
    drawn = timeline_row(name, said, "window", span, when)
    sent = epoch(row.sent_at)
    moment = timeline_row(name, [(sent, sent + 1)], "sent", span, when)
    return TimelineRow(name, when(said) if said else _("nothing any more"), [*drawn.bars, *moment.bars])


# What one more notice would do


class Told(NamedTuple):
    """Who will be told: addresses, how many in each region, and the first of them."""

    addresses: int
    by_region: list[tuple[str, int]]
    first: list[Contact]

    @property
    def more(self) -> int:
        return self.addresses - len(self.first)


@dataclass(frozen=True)
class Preview:
    """A notice as it would go out now."""

    step: Step
    starts_at: datetime | None
    ends_at: datetime | None
    wordings: list[Words]
    calendar: File
    told: Told
    lead: int | None
    warnings: list[str]
    overlapping: list[MaintenanceWindow]
    covered: list[Span]
    not_covered: list[Span]
    terms: Terms
    after: int | None
    """The newest notice, on which all of this builds."""

    @property
    def lead_told(self) -> str:
        return "" if self.lead is None else hours(self.lead)

    @property
    def covered_told(self) -> str:
        return how_long(self.covered)

    @property
    def not_covered_told(self) -> str:
        return how_long(self.not_covered)

    @property
    def covered_between(self) -> list[tuple[datetime, datetime]]:
        return [(instant(start), instant(end)) for start, end in self.covered]

    @property
    def not_covered_between(self) -> list[tuple[datetime, datetime]]:
        return [(instant(start), instant(end)) for start, end in self.not_covered]


def preview(
    window: MaintenanceWindow, starts_at: datetime | None, ends_at: datetime | None, reason: str, now: datetime
) -> Preview:
    """What a notice sent now would say, whom it would tell, and what would be covered then; None and None cancel."""
    before = window.notices.last()
    told_of = notices_given(window)
    periods = terms_periods()
    known = announced(told_of) or (epoch(window.starts_at), epoch(window.ends_at))
    new = NoticeGiven(sent=epoch(now), start=_second(starts_at), end=_second(ends_at))
    stretch = (new.start, new.end) if new.start is not None and new.end is not None else known
    covered = covered_by_notice([*told_of, new], periods)
    # As the operation will find it: whom a window tells follows from its times.
    window.starts_at, window.ends_at = instant(stretch[0]), instant(stretch[1])
    terms = terms_at(periods, stretch[0])
    ahead = lead([*told_of, new]) if starts_at else None
    return Preview(
        step=step(before, starts_at, ends_at),
        starts_at=starts_at,
        ends_at=ends_at,
        wordings=words(window, before, starts_at, ends_at, reason),
        calendar=invitation(window, len(told_of), window.starts_at, window.ends_at, now, cancelled=starts_at is None),
        told=_told(window, now),
        lead=ahead,
        warnings=short_notice(ahead, stretch[0] - ahead, terms) if ahead is not None else [],
        overlapping=list(overlapping(window, starts_at, ends_at)) if starts_at and ends_at else [],
        covered=covered,
        not_covered=difference([stretch], covered) if starts_at else [],
        terms=terms,
        after=before.pk if before else None,
    )


def _second(at: datetime | None) -> int | None:
    return epoch(at) if at else None


def _told(window: MaintenanceWindow, now: datetime) -> Told:
    """An address that stands with several contacts is told once."""
    contacts = Contact.objects.filter(pk__in=audience(window, now).order_by().values("pk"))
    return Told(
        addresses=contacts.aggregate(count=Count(Lower("email"), distinct=True))["count"],
        by_region=list(
            contacts.order_by("customer__region__code")
            .values_list("customer__region__name")
            .annotate(addresses=Count(Lower("email"), distinct=True))
        ),
        first=list(contacts.select_related("customer").order_by("customer__code", "email")[:FIRST_NAMES]),
    )


# The coming weeks


@dataclass(frozen=True)
class Planned:
    """A window in the calendar; `overlapping` are the references of those at the same time in the same place."""

    window: MaintenanceWindow
    mark: tuple[str, str]
    lead: str
    short: bool
    overlapping: list[str]


class Day(NamedTuple):
    day: date
    today: bool
    past: bool
    windows: list[tuple[Planned, str]]
    """Each with its hours of that day."""


def calendar(first: date, weeks: int, now: datetime) -> list[list[Day]]:
    """The windows of some weeks from a Monday, by day of the reader's clock."""
    zone = timezone.get_current_timezone()
    days = [first + timedelta(days=n) for n in range(7 * weeks)]
    spans = [day_span(day, zone) for day in days]
    rows = list(windows_between(instant(spans[0][0]), instant(spans[-1][1])))
    periods = terms_periods()
    planned = [(row, _planned(row, rows, periods, now)) for row in rows]
    today = local_date(epoch(now), zone)
    found = [
        Day(
            day,
            today=day == today,
            past=day < today,
            windows=[
                (entry, _hours_of_day(row, span))
                for row, entry in planned
                if epoch(row.starts_at) < span[1] and epoch(row.ends_at) > span[0]
            ],
        )
        for day, span in zip(days, spans, strict=True)
    ]
    return [found[start : start + 7] for start in range(0, len(found), 7)]


def _planned(
    window: MaintenanceWindow, others: Sequence[MaintenanceWindow], periods: Sequence[TermsPeriod], now: datetime
) -> Planned:
    ahead = lead(notices_given(window))
    return Planned(
        window=window,
        mark=stage_mark(stage_of(window, now)),
        lead="" if ahead is None else hours(ahead),
        short=ahead is not None and is_short(ahead, terms_at(periods, epoch(window.starts_at))),
        overlapping=[other.reference for other in others if other != window and _overlap(window, other)],
    )


def _overlap(one: MaintenanceWindow, other: MaintenanceWindow) -> bool:
    if one.cancelled_at or other.cancelled_at:
        return False
    somewhere, elsewhere = ({region.pk for region in window.regions.all()} for window in (one, other))
    same_place = not somewhere or not elsewhere or bool(somewhere & elsewhere)
    return same_place and one.starts_at < other.ends_at and other.starts_at < one.ends_at


def _hours_of_day(window: MaintenanceWindow, span: Span) -> str:
    """`02:00 – 03:00`; what goes on beyond the day is open to that side."""
    zone = timezone.get_current_timezone()
    start, end = epoch(window.starts_at), epoch(window.ends_at)
    begins = f"{window.starts_at.astimezone(zone):%H:%M}" if start >= span[0] else "…"
    ends = f"{window.ends_at.astimezone(zone):%H:%M}" if end <= span[1] else "…"
    return f"{begins} – {ends}"
