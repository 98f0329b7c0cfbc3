"""A maintenance window: how it stands, what its notices cover, and what one more notice would do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.models import Incident, Outage
from maintenance.emails import Step, step
from maintenance.models import MaintenanceNotice, MaintenanceWindow
from maintenance.queries import notices_given, stage_of
from maintenance.rules import Stage, announced, lead
from maintenance.words import hours, is_short, short_notice, stage_mark
from sla_portal.agreements.queries import terms_periods
from sla_portal.agreements.rules import Terms, terms_at
from sla_portal.availability.queries import Grid
from sla_portal.availability.rules import covered_by_notice
from sla_portal.clocks import format_instant, format_length
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import Span, difference, epoch, instant, intersection, merged, seconds
from sla_portal.notices.queries import Progress, progress

from ..incidents.timeline import format_total_length

ON_THE_DAY = timedelta(hours=24)


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
        return format_total_length(self.covered)

    @property
    def not_covered_told(self) -> str:
        return format_total_length(self.not_covered)

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
        shown = {
            "until": format_instant(self.ends_at, timezone.get_current_timezone()),
            "length": format_length(abs(self.now - end)),
        }
        if self.stage is Stage.ANNOUNCED:
            return _("Starts in %(to_go)s, announced %(lead)s before") % {
                "to_go": format_length(start - self.now),
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
        shown = {"took": format_length(done - begun), "late": format_length(abs(late))}
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
