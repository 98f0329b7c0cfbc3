"""Dates that are hardly meant: outside the service days of a region, or years away. A form asks about one at its field."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Protocol

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sla_portal.clocks import Question
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date


class Served(Protocol):
    """A region with its service days; None leaves a side open."""

    first_service_day: date | None
    last_service_day: date | None


def doubt(day: date, today: date, regions: Iterable[Served] = (), *, years: int = 1) -> str:
    """Return why a date is hardly meant: out of service in one of `regions`, or `years` away or more; empty if it may be."""
    for region in regions:
        if region.first_service_day and day < region.first_service_day:
            return _("%(day)s lies before the first service day of %(region)s (%(first)s).") % {
                "day": day.isoformat(),
                "region": region,
                "first": region.first_service_day.isoformat(),
            }
        if region.last_service_day and day > region.last_service_day:
            return _("%(day)s lies after the last service day of %(region)s (%(last)s).") % {
                "day": day.isoformat(),
                "region": region,
                "last": region.last_service_day.isoformat(),
            }
    ago, ahead = _years_between(day, today), _years_between(today, day)
    if ago >= years:
        sentence = ngettext(
            "%(day)s lies %(count)s year or more in the past.", "%(day)s lies %(count)s years or more in the past.", ago
        )
        return sentence % {"day": day.isoformat(), "count": ago}
    if ahead >= years:
        sentence = ngettext(
            "%(day)s lies %(count)s year or more in the future.",
            "%(day)s lies %(count)s years or more in the future.",
            ahead,
        )
        return sentence % {"day": day.isoformat(), "count": ahead}
    return ""


def _years_between(first: date, last: date) -> int:
    """Count the whole years from `first` to `last`; negative where `last` comes before."""
    return last.year - first.year - ((last.month, last.day) < (first.month, first.day))


def ask_whether_meant(
    form: forms.BaseForm, name: str, now: datetime, regions: Iterable[Served] = (), *, years: int = 1, because: str = ""
) -> None:
    """Refuse a date that was typed and is hardly meant, until it is confirmed by a box at its field.

    The box confirms this date alone. `regions` and `years` as in `doubt`; the widget is one of `clocks`. With a reason of
    the form's own, `because`, a date that was proposed is asked about, too.
    """
    typed: Any = form.cleaned_data.get(name)
    if typed is None or not (because or name in form.changed_data):
        return
    day = local_date(epoch(typed), settings.SLA_ZONE) if isinstance(typed, datetime) else typed
    why = because or doubt(day, local_date(epoch(now), settings.SLA_ZONE), regions, years=years)
    if not why:
        return
    box = f"{form.add_prefix(name)}-meant"
    confirmed = form.data.get(box) == day.isoformat()
    form.fields[name].widget.question = Question(box, day.isoformat(), confirmed)
    if not confirmed:
        form.add_error(name, _("%(why)s Is this date meant? Correct it, or tick the box at the field.") % {"why": why})
