"""The status of a maintenance window: stage, notices, work, downtime, and what the notices cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from incidents.models import Incident, Outage
from maintenance.emails import Step, step
from maintenance.models import MaintenanceNotice, MaintenanceWindow
from maintenance.queries import conduct, notices_given, stage_of
from maintenance.rules import Stage, announced, lead
from maintenance.words import below_recommended, format_lead_time, lead_time_warnings, stage_badge
from sla_portal.agreements.queries import terms_periods
from sla_portal.agreements.rules import Terms, terms_at
from sla_portal.availability.models import MonthClosing
from sla_portal.availability.queries import Grid
from sla_portal.availability.rules import covered_by_notice
from sla_portal.badges import badge
from sla_portal.clocks import format_instant, format_length
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import Span, difference, epoch, instant, intersection, merged, seconds
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.notices.queries import Progress, progress

from ..addresses import minutes_of_region
from ..incidents.timeline import format_total_length

ON_THE_DAY = timedelta(hours=24)


@dataclass(frozen=True)
class SentNotice:
    """A notice of a window: what it changed, its lead time and its delivery."""

    row: MaintenanceNotice
    step: Step
    lead: int | None
    """Seconds from sending to the start; None: cancellation."""
    progress: Progress | None
    """None: imported from another record, with no e-mail sent from here."""

    @property
    def name(self) -> str:
        return step_name(self.step)

    @property
    def lead_time(self) -> str:
        return "" if self.lead is None else format_lead_time(self.lead)


def step_name(taken: Step) -> str:
    return {
        Step.FIRST: _("announced"),
        Step.RESCHEDULED: _("rescheduled"),
        Step.EXTENDED: pgettext("a maintenance window", "extended"),
        Step.SHORTENED: _("shortened"),
        Step.CANCELLED: _("cancelled"),
    }[taken]


def sent_notices(window: MaintenanceWindow) -> list[SentNotice]:
    """The notices of a window in the order of sending; one query counts the deliveries of all of them."""
    rows = list(window.notices.all())
    delivered = progress([row.notice for row in rows if row.notice])
    found = []
    before: MaintenanceNotice | None = None
    for row in rows:
        found.append(
            SentNotice(
                row=row,
                step=step(before, row.starts_at, row.ends_at),
                lead=epoch(row.starts_at) - epoch(row.sent_at) if row.starts_at else None,
                progress=delivered[row.notice.pk] if row.notice else None,
            )
        )
        before = row
    return found


@dataclass(frozen=True)
class RegionDowntime:
    """The downtime in a region during the window, of the functions and clients it affects."""

    region: Region
    spans: list[Span]
    incidents: list[Incident]
    covered: int
    """Seconds covered by the notices."""

    @property
    def not_covered(self) -> int:
        return seconds(self.spans) - self.covered

    @property
    def minutes(self) -> str:
        """The address of its minutes, from its start on."""
        return minutes_of_region(self.region, self.spans[0][0])


@dataclass(frozen=True)
class WindowStatus:
    """The status of a window now. Times in seconds since the epoch."""

    window: MaintenanceWindow
    stage: Stage
    announced: Span | None
    work: list[Span]
    covered: list[Span]
    not_covered: list[Span]
    """The planned, announced, work and downtime periods that no notice covers: downtime in them counts."""
    downtime: list[RegionDowntime]
    lead: int | None
    terms: Terms
    now: int

    @property
    def span(self) -> Span:
        """The announced period; for a draft the planned one."""
        return self.announced or (epoch(self.window.starts_at), epoch(self.window.ends_at))

    @property
    def starts_at(self) -> datetime:
        return instant(self.span[0])

    @property
    def ends_at(self) -> datetime:
        return instant(self.span[1])

    @property
    def badge(self) -> tuple[str, str]:
        return stage_badge(self.stage)

    @property
    def lead_time(self) -> str:
        return "" if self.lead is None else format_lead_time(self.lead)

    @property
    def below_recommended(self) -> bool:
        return self.lead is not None and below_recommended(self.lead, self.terms)

    @property
    def lead_time_warnings(self) -> list[str]:
        if self.lead is None:
            return []
        return lead_time_warnings(self.lead, self.span[0] - self.lead, self.terms)

    @property
    def covered_length(self) -> str:
        return format_total_length(self.covered)

    @property
    def not_covered_length(self) -> str:
        return format_total_length(self.not_covered)

    @property
    def is_open(self) -> bool:
        """Whether another notice can be sent."""
        return self.stage not in (Stage.CANCELLED, Stage.COMPLETED, Stage.NOT_CARRIED_OUT, Stage.DISCARDED)

    @property
    def may_be_not_carried_out(self) -> bool:
        """Whether the announced start has come and nobody started the work."""
        return self.stage in (Stage.DUE, Stage.ENDED)

    @property
    def may_record_work(self) -> bool:
        """Whether the announced start has come, or the work was started, and its completion is not on record."""
        return self.stage in (Stage.DUE, Stage.ENDED, Stage.IN_PROGRESS, Stage.OVERRUNNING)

    @property
    def started_early(self) -> bool:
        """Whether the work was started and the announced start is still to come."""
        return self.stage is Stage.IN_PROGRESS and self.now < self.span[0]

    @property
    def on_the_day(self) -> bool:
        """Whether the work is in progress, or the window is within 24 hours."""
        if self.stage in (Stage.IN_PROGRESS, Stage.OVERRUNNING, Stage.DUE):
            return True
        near = ON_THE_DAY.total_seconds()
        return (self.stage is Stage.SCHEDULED and self.span[0] - self.now <= near) or (
            self.stage is Stage.ENDED and self.now - self.span[1] <= near
        )

    @property
    def is_live(self) -> bool:
        """Whether the page needs a running clock."""
        return self.on_the_day and self.stage is not Stage.ENDED

    @property
    def headline(self) -> str:
        start, end = self.span
        shown = {
            "until": format_instant(self.ends_at, timezone.get_current_timezone()),
            "length": format_length(abs(self.now - end)),
        }
        if self.stage is Stage.SCHEDULED:
            return _("Starts in %(to_go)s, announced %(lead)s in advance") % {
                "to_go": format_length(start - self.now),
                "lead": self.lead_time,
            }
        return {
            Stage.DRAFT: _("Draft: downtime counts until the window is announced"),
            Stage.DISCARDED: _("Discarded: this draft will not be announced"),
            Stage.DUE: _("Due, not started: ends in %(length)s") % shown,
            Stage.IN_PROGRESS: _("In progress: announced end in %(length)s") % shown,
            Stage.OVERRUNNING: _("Overrunning by %(length)s: downtime after %(until)s counts") % shown,
            Stage.ENDED: _("Ended %(length)s ago, not started") % shown,
            Stage.NOT_CARRIED_OUT: _("Not carried out: downtime in this window counts"),
            Stage.CANCELLED: _("Cancelled: downtime after the cancellation counts"),
            Stage.COMPLETED: self._completed,
        }[self.stage]

    @property
    def _completed(self) -> str:
        if not self.work:
            return _("Completed: downtime after the completion counts")
        begun, done = self.work[0]
        late = done - self.span[1]
        shown = {"took": format_length(done - begun), "late": format_length(abs(late))}
        if late > 0:
            return _("Completed after %(took)s, %(late)s after the announced end: downtime in that time counts") % shown
        if late == 0:
            return _("Completed after %(took)s, at the announced end") % shown
        return (
            _("Completed after %(took)s, %(late)s before the announced end: downtime after the completion counts")
            % shown
        )


class MonthTouched(NamedTuple):
    month: ServiceMonth
    closed: bool


MONTHS_SHOWN = 12
"""A history file can hold a window of any length."""


def months_of_each(spans: Iterable[Span]) -> list[list[MonthTouched]]:
    """The service months that each span touches, with whether each is closed; one query."""
    touched = [list(islice(_months(start, end), MONTHS_SHOWN + 1)) for start, end in spans]
    days = {month.first_day for months in touched for month in months}
    closed = set(MonthClosing.objects.filter(month__in=days).values_list("month", flat=True))
    return [[MonthTouched(month, month.first_day in closed) for month in months] for months in touched]


def format_months(months: Sequence[MonthTouched]) -> SafeString:
    """Format months with a badge on each closed one; an ellipsis stands for those beyond `MONTHS_SHOWN`."""
    closed = format_html(" {}", badge("plain", _("closed")))
    shown = [(one.month, closed if one.closed else "") for one in months[:MONTHS_SHOWN]]
    return format_html_join(", ", "{}{}", [*shown, *([("…", "")] if len(months) > MONTHS_SHOWN else [])])


def _months(start: int, end: int) -> Iterator[ServiceMonth]:
    month, last = (ServiceMonth.of(local_date(at, settings.SLA_ZONE)) for at in (start, end - 1))
    while month <= last:
        yield month
        month += 1


def window_status(window: MaintenanceWindow, now: datetime) -> WindowStatus:
    """Read the status of a window, what its notices cover, and the downtime in it."""
    notices = notices_given(window)
    periods = terms_periods()
    known = announced(notices)
    work = _work(window, now)
    covered = covered_by_notice(notices, conduct(window), periods)
    around = known or (epoch(window.starts_at), epoch(window.ends_at))
    reach = min([around[0], *(start for start, _end in work)]), max([around[1], *(end for _start, end in work)])
    downtime = _downtime(window, reach, covered, now)
    at_stake = merged([around, *work, *(span for down in downtime for span in down.spans)])
    return WindowStatus(
        window=window,
        stage=stage_of(window, now),
        announced=known,
        work=work,
        covered=covered,
        not_covered=difference(at_stake, covered),
        downtime=downtime,
        lead=lead(notices),
        terms=terms_at(periods, around[0]),
        now=epoch(now),
    )


def _work(window: MaintenanceWindow, now: datetime) -> list[Span]:
    if window.started_at is None:
        return []
    return merged([(epoch(window.started_at), epoch(window.completed_at or now))])


def _downtime(window: MaintenanceWindow, reach: Span, covered: list[Span], now: datetime) -> list[RegionDowntime]:
    """The outages within `reach` of the functions and clients that the window affects, by region."""
    start, end = map(instant, reach)
    if now <= start:
        return []
    outages = (
        Outage.objects.valid()
        .filter(Q(ended_at__gt=start) | Q(ended_at__isnull=True), started_at__lt=min(end, now))
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
        cells = grid.cells([row.pk for row in outage.functions.all()], [row.pk for row in outage.clients.all()])
        if cells & concerned:
            by_region.setdefault(outage.region, []).append(outage)
    found = []
    for region, affected in by_region.items():
        spans = merged((epoch(outage.started_at), epoch(outage.ended_at or now)) for outage in affected)
        found.append(
            RegionDowntime(
                region=region,
                spans=spans,
                incidents=list({outage.incident.pk: outage.incident for outage in affected}.values()),
                covered=seconds(intersection(spans, covered)),
            )
        )
    return found
