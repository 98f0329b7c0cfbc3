"""Template filters for claims: badges, claim periods, names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django import template
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from claims.models import Claim, ClaimedTime, Status
from sla_portal import badges
from sla_portal.availability import words as availability_words
from sla_portal.availability.rules import FigureStatus, MonthStatus
from sla_portal.clocks import month_name
from sla_portal.customers.models import Coded

from .. import words
from ..claims.queries import ClaimMonth, PeriodStatus

register = template.Library()

LOOKS = {
    Status.HELD: "waiting",
    Status.SUBMITTED: "plain",
    Status.WAITING: "open",
    Status.RECOMMENDED: "plain",
    Status.GRANTED: "up",
    Status.REFUSED: "counted",
    Status.WITHDRAWN: "outside",
}
WEEKEND = 5
"""Index of Saturday."""


@register.filter
def status_badge(claim: Claim) -> SafeString:
    """Render the badge of a claim's status."""
    label = str(claim.get_status_display())
    return badges.badge(LOOKS[Status(claim.status)], label[:1].upper() + label[1:])


@register.filter
def figure_badge(status: FigureStatus) -> SafeString:
    """Render the badge of a figure's status."""
    return badges.badge(*availability_words.status_badge(status))


@register.filter
def why_not_final(status: MonthStatus) -> str:
    """Say what keeps a figure from being final."""
    return availability_words.pending_sentence(status)


@register.filter
def period_badge(period: str) -> SafeString:
    """Render the badge of the claim period of a month."""
    look, word = {
        PeriodStatus.EARLY: ("waiting", pgettext("claims", "Not open yet")),
        PeriodStatus.OPEN: ("up", pgettext("claims", "Open")),
        PeriodStatus.CLOSED: ("outside", pgettext("claims", "Closed")),
    }[PeriodStatus(period)]
    return badges.badge(look, word)


@register.filter
def why_then(one: ClaimMonth) -> str:
    """List the working days that determine the opening of a claim period; mark those on a weekend."""
    days = [
        (_("%(day)s (a working weekend)") if day.weekday() >= WEEKEND else "%(day)s")
        # Translators: a day without its year, in Django's date format.
        % {"day": date_format(day, pgettext("date format", "D j F"))}
        for day in one.working_days
    ]
    return _("The day after working day %(count)s of %(month)s: %(days)s.") % {
        "count": len(days),
        "month": month_name(one.month.next),
        "days": words.listed(days),
    }


@register.filter
def spans(times: Iterable[ClaimedTime]) -> list[tuple[datetime, datetime]]:
    return [(time.starts_at, time.ends_at) for time in times]


@register.filter
def ticked(codes: Sequence[str], rows: Sequence[Coded]) -> str:
    """Name the ticked functions or clients; none ticked means all."""
    return names([row for row in rows if row.code in codes])


@register.filter
def names(rows: Sequence[Coded]) -> str:
    """Name functions or clients; none means all."""
    first, *others = (str(row) for row in rows) if rows else [_("all")]
    return words.listed([first, *map(words.inside, others)])
