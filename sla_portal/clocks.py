"""Format and parse instants in the time zone of the reader and in the SLA time zone.

The time zone of the reader is the active one of Django (`staff.middleware` activates it). Only the SLA time zone
counts, so both are shown where they differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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


@dataclass(frozen=True)
class Question:
    """Whether a date is meant: the name and value of the box that confirms it, and whether it was ticked."""

    name: str
    day: str
    confirmed: bool


class AskingWidget(forms.Widget):
    """An input of a date that shows a box below it where `question` asks whether the date is meant."""

    question: Question | None = None

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["question"] = self.question
        return context


class DayInput(AskingWidget, forms.DateInput):
    """A native input of a day."""

    template_name = "clocks/day.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"type": "date", **(attrs or {})}, format="%Y-%m-%d")


class ClockWidget(AskingWidget, forms.MultiWidget):
    """Native inputs for date and time with labels, and the time zone they are read in.

    The zone is sent with them, so that a change of the reader's zone never makes another instant of what is typed.
    Where the clocks are changed, the two instants that a local time may mean stand below as choices.
    """

    template_name = "clocks/day_and_time.html"
    supports_microseconds = False

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        day = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        time = forms.TimeInput(attrs={"type": "time", "step": "1"}, format="%H:%M:%S")
        super().__init__([day, time, forms.HiddenInput(), forms.HiddenInput()], attrs)

    def decompress(self, value: datetime | None) -> list[Any]:
        zone = timezone.get_current_timezone()
        if value is None:
            return [None, None, str(zone), ""]
        local = value.astimezone(zone)
        return [local.date(), local.time(), str(zone), _sent(value)]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["subwidgets"][1]["attrs"].pop("autofocus", None)
        day, time, zone, chosen = (part["value"] or "" for part in context["widget"]["subwidgets"])
        known = _zone(zone) or timezone.get_current_timezone()
        return context | {"zone": str(known), "instants": instants_to_choose(day, time, known, chosen)}


class AmbiguousTime(ValidationError):
    """A local time that the clocks skip or show twice, with the two instants that it may mean."""

    def __init__(self, naive: datetime, zone: tzinfo, instants: list[datetime]) -> None:
        there_and_back = instants[0].astimezone(zone).replace(tzinfo=None)
        sentence = (
            _("%(time)s happens twice in %(zone)s: the clocks are put back. Choose which of the two you mean.")
            if there_and_back == naive
            else _(
                "%(time)s does not exist in %(zone)s: the clocks are put forward over it. "
                "Choose the time before or after the change."
            )
        )
        super().__init__(sentence % {"time": f"{naive:%Y-%m-%d %H:%M}", "zone": str(zone)})
        self.instants = instants


class ClockField(forms.SplitDateTimeField):
    """An instant typed as date and time, in the time zone that was sent with them or else in that of the reader.

    A local time that is skipped or happens twice is refused until one of its two instants is chosen.
    """

    widget = ClockWidget

    def clean(self, value: Any) -> datetime | None:
        if not isinstance(value, list | tuple):
            return super().clean(value)
        day, time, zone, chosen = [*value, "", "", "", ""][:4]
        known = _zone(zone) if zone else timezone.get_current_timezone()
        if known is None:
            raise ValidationError(_("The time zone of this time is unknown. Open the page again and enter the time."))
        with timezone.override(known):
            try:
                return super().clean([day, time])
            except AmbiguousTime as error:
                for at in error.instants:
                    if chosen == _sent(at):
                        return at
                raise

    def compress(self, data_list: Any) -> datetime | None:
        if data_list and data_list[0] and not 1900 <= data_list[0].year <= 9998:
            raise ValidationError(_("Enter the year in four digits, for example 2026."))
        if data_list and None not in data_list:
            naive, zone = datetime.combine(*data_list), timezone.get_current_timezone()
            if instants := _instants(naive, zone):
                raise AmbiguousTime(naive, zone, instants)
        return super().compress(data_list)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare instants: the same one, typed in another time zone, is no change."""
        if self.disabled:
            return False
        if not any((data or ())[:2]):
            return bool(initial)
        try:
            return self.clean(data) != initial
        except ValidationError:
            return True


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _instants(naive: datetime, zone: tzinfo) -> list[datetime]:
    """The two instants that a local time may mean where the clocks are changed, in order; else none."""
    instants = {naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(instants) if len(instants) == 2 else []


def instants_to_choose(day: str, time: str, zone: tzinfo, chosen: str) -> list[dict[str, Any]]:
    """The two instants that a local time as it was typed may mean where the clocks are changed; else none.

    Each as it is `sent`, as it is shown (`local`), and whether it is the one that was `chosen`.
    """
    try:
        naive = datetime.combine(forms.DateField().clean(day), forms.TimeField().clean(time))
    except ValidationError:
        return []
    return [
        {"sent": _sent(at), "local": _with_offset(at, zone), "chosen": _sent(at) == chosen}
        for at in (_instants(naive, zone) if 1900 <= naive.year <= 9998 else ())
    ]


def _sent(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _with_offset(at: datetime, zone: tzinfo) -> str:
    """Format an instant with its offset: `2026-10-25 02:30 (UTC+01:00)`."""
    local = at.astimezone(zone)
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M}{f':{local:%S}' if local.second else ''} (UTC{offset[:3]}:{offset[3:5]})"


def month_name(month: ServiceMonth) -> str:
    """The name of a month in the language of the reader."""
    # Translators: a month, in Django's date format.
    return date_format(month.first_day, pgettext("date format", "F Y"))
