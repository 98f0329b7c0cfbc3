"""Claims in public templates: marks, and times with their reasons."""

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
from sla_portal.clocks import month_name
from sla_portal.customers.models import Coded

from .. import words
from ..claims.queries import ClaimMonth, Standing

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
"""The first of its weekdays."""


@register.filter
def status_mark(claim: Claim) -> SafeString:
    """The state of a claim: mark, word and colour."""
    label = str(claim.get_status_display())
    return badges.badge(LOOKS[Status(claim.status)], label[:1].upper() + label[1:])


@register.filter
def standing_mark(standing: str) -> SafeString:
    """How a month stands to claims: mark, word and colour."""
    look, word = {
        Standing.EARLY: ("waiting", pgettext("claims", "Not open yet")),
        Standing.OPEN: ("up", pgettext("claims", "Open")),
        Standing.CLOSED: ("outside", pgettext("claims", "Closed")),
    }[Standing(standing)]
    return badges.badge(look, word)


@register.filter
def why_then(one: ClaimMonth) -> str:
    """The working days on which the opening of a month hangs, one by one; those on a weekend are marked."""
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
    """The functions or clients that were ticked, by name; none ticked is all."""
    return names([row for row in rows if row.code in codes])


@register.filter
def names(rows: Sequence[Coded]) -> str:
    """Functions or clients by name; none named is all."""
    first, *others = (str(row) for row in rows) if rows else [_("all")]
    return words.listed([first, *map(words.inside, others)])
