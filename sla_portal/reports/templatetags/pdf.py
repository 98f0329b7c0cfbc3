"""Template filters that format the values of a statement.

A report has one form of dates: days and instants as in ISO 8601, in text and tables alike; only the month that it is about
is named in words.
"""

from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import template
from django.utils.formats import date_format
from django.utils.translation import pgettext

from sla_portal.kernel.instants import parse_instant
from sla_portal.kernel.intervals import MINUTE, epoch, instant
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.rules import Common

register = template.Library()

DASH = "–"


@register.filter
def clock(at: str | None, zone: str) -> str:
    """Write an instant on the clock of `zone`, to the second; a dash for none."""
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}" if at else DASH


@register.filter
def moment(at: str, zone: str) -> str:
    """Write an instant in words of the reader's language, on the clock of `zone`."""
    local = datetime.fromisoformat(at).astimezone(ZoneInfo(zone))
    # Translators: an instant in running text, in Django's date format.
    return date_format(local, pgettext("date format", "j F Y, H:i:s"))


@register.filter
def as_minute(at: str, figures: Common) -> str:
    """Return the query that asks the pages of minutes for the first whole minute from an instant on, within the month."""
    zone = ZoneInfo(figures["sla_zone"])
    start, end = ServiceMonth.parse(figures["month"]).span(zone)
    minute = min(max(-(-epoch(parse_instant(at)) // MINUTE) * MINUTE, start), end - MINUTE)
    return urlencode({"at": instant(minute).astimezone(zone).isoformat(timespec="minutes")})


@register.filter
def last_moment(end: str, zone: str) -> str:
    """Write the last second before `end`, which is not included."""
    return clock((datetime.fromisoformat(end) - timedelta(seconds=1)).isoformat(), zone)


@register.filter
def long_day(on: str) -> str:
    """Write a day in words of the reader's language."""
    # Translators: a day in running text, in Django's date format.
    return date_format(date.fromisoformat(on[:10]), pgettext("date format", "j F Y"))


@register.filter
def long_month(month: str) -> str:
    """Write a month in words of the reader's language."""
    # Translators: a month in running text, in Django's date format.
    return date_format(date.fromisoformat(f"{month}-01"), pgettext("date format", "F Y"))


@register.filter
def lasting(seconds: int | None) -> str:
    """Write a length as hours:minutes:seconds; a dash for none."""
    if seconds is None:
        return DASH
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


@register.filter
def grouped(count: int) -> str:
    """Write a count with a narrow no-break space between thousands."""
    return f"{count:,}".replace(",", "\u202f")


@register.filter
def row_day(day: date) -> str:
    """Write a day as beside its row in the picture of the month."""
    # Translators: a day beside a row of a chart, in Django's date format.
    return date_format(day, pgettext("date format", "D j"))
