"""Format and parse instants in the time zone of the reader and in the SLA time zone.

The time zone of the reader is the active one of Django (`staff.middleware` activates it). Only the SLA time zone
counts, so both are shown where they differ.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from sla_portal.kernel.months import ServiceMonth

DASH = "–"


def zone_name(zone: tzinfo) -> str:
    """The city of a zone in the reader's language: Berlin, 柏林 for Europe/Berlin."""
    if (get_language() or "").startswith("zh"):
        return _city_in_chinese(str(zone))
    return str(zone).rpartition("/")[2].replace("_", " ")


@cache
def _city_in_chinese(zone: str) -> str:
    from babel.dates import get_timezone_location  # loaded where somebody reads Chinese, and nowhere else

    return get_timezone_location(zone, locale="zh_Hans", return_city=True)


def format_instant(at: datetime, zone: tzinfo) -> str:
    """Format an instant in `zone`; add the offset in an hour that occurs twice."""
    local = at.astimezone(zone)
    seconds = ":%S" if local.second else ""
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%Y-%m-%d %H:%M{seconds}}{f'{local:%z}' if twice else ''} {zone_name(zone)}"


def clock(at: datetime | None) -> SafeString:
    """Format an instant in the time zone of the reader and, where it differs, in the SLA time zone."""
    if at is None:
        return SafeString(DASH)
    reader = timezone.get_current_timezone()
    machine = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if at.astimezone(reader).utcoffset() == at.astimezone(settings.SLA_ZONE).utcoffset():
        return format_html('<time class="clock" datetime="{}">{}</time>', machine, format_instant(at, reader))
    return format_html(
        '<time class="clock" datetime="{}">{}<span class="sla"> {} {}</span></time>',
        machine,
        format_instant(at, reader),
        gettext("SLA"),
        format_instant(at, settings.SLA_ZONE),
    )


def format_length(seconds: float) -> str:
    """Format a duration in its two largest units: `1 h 12 min`, `12 min 30 s`, `3 d 4 h`."""
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    units = ((days, gettext("d")), (hours, gettext("h")), (minutes, gettext("min")), (rest, gettext("s")))
    first = next((n for n, (count, _unit) in enumerate(units) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count) or f"0 {gettext('s')}"


def format_minutes(count: int) -> str:
    """Format a number of minutes: `1 minute`, `12 minutes`."""
    return ngettext("%(count)s minute", "%(count)s minutes", count) % {"count": count}


class ClockWidget(forms.SplitDateTimeWidget):
    """Native inputs for date and time with labels, and the time zone they are read in."""

    template_name = "clocks/day_and_time.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            attrs,
            date_format="%Y-%m-%d",
            time_format="%H:%M:%S",
            date_attrs={"type": "date"},
            time_attrs={"type": "time", "step": "1"},
        )

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, value, attrs) | {"zone": timezone.get_current_timezone_name()}


class ClockField(forms.SplitDateTimeField):
    """An instant typed as date and time in the time zone of the reader; a skipped or repeated local time is refused."""

    widget = ClockWidget

    def compress(self, data_list: Any) -> datetime | None:
        if data_list and data_list[0] and not 1900 <= data_list[0].year <= 9998:
            raise ValidationError(_("Enter the year in four digits, for example 2026."))
        try:
            return super().compress(data_list)
        except ValidationError as error:
            if error.code != "ambiguous_timezone":
                raise
            raise ValidationError(_which_change(datetime.combine(*data_list))) from None


def _which_change(naive: datetime) -> str:
    zone = timezone.get_current_timezone()
    there_and_back = naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    sentence = (
        _(
            "%(time)s happens twice in %(zone)s: the clocks are put back. "
            "Choose UTC as your time zone at the top of the page and enter the time in UTC."
        )
        if there_and_back == naive
        else _(
            "%(time)s does not exist in %(zone)s: the clocks are put forward over it. "
            "Enter a time before or after the change, or choose UTC as your time zone at the top of the page."
        )
    )
    return sentence % {"time": f"{naive:%Y-%m-%d %H:%M}", "zone": str(zone)}


def month_name(month: ServiceMonth) -> str:
    """The name of a month in the language of the reader."""
    # Translators: a month, in Django's date format.
    return date_format(month.first_day, pgettext("date format", "F Y"))
