"""Verdicts and reasons as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from claims.models import Status
from sla_portal.agreements.rules import Reading
from sla_portal.availability.queries import Grid
from sla_portal.availability.rules import ExcludedTime, Reason, Why
from sla_portal.clocks import format_instant, format_length
from sla_portal.kernel.intervals import MINUTE, Span, instant

from .grid import inside, listed

CLAIM_MARKS = {
    Status.HELD: "unknown",
    Status.SUBMITTED: "waiting",
    Status.WAITING: "unknown",
    Status.RECOMMENDED: "waiting",
    Status.GRANTED: "up",
    Status.REFUSED: "counted",
    Status.WITHDRAWN: "outside",
}
"""The badge of each status of a claim."""


def day_name(day: date) -> str:
    # Translators: a day with its weekday, in Django's date format.
    return date_format(day, pgettext("date format", "l, j F Y"))


def reading_name(reading: Reading) -> str:
    """The short name of a reading, as the agreement's field has it."""
    return {Reading.ALL: _("“all”"), Reading.FUNCTION: _("“function”"), Reading.ANY: _("“any”")}[reading]


def reading_sentence(reading: Reading) -> str:
    return {
        Reading.ALL: _("A minute counts when every core function was down on every client for the whole of it."),
        Reading.FUNCTION: _(
            "A minute counts when, at every moment of it, some core function was down on every client."
        ),
        Reading.ANY: _("A minute counts when, at any moment of it, any core function was down on any client."),
    }[reading]


def kind_name(kind: str) -> str:
    """The word for how a picture shows a minute."""
    return {
        "up": _("up"),
        "counted": _("counted"),
        "excluded": _("excluded"),
        "outside": _("not in service"),
        "unknown": _("not known yet"),
    }[kind]


def verdict(met: bool | None, over: bool) -> tuple[str, str]:
    """The mark and the word of a month's verdict; `over`: the month is."""
    if met is None:
        return "outside", _("Not in service")
    if met:
        return "up", _("Target met") if over else _("Target met so far")
    return "counted", _("Target missed") if over else _("Target missed so far")


@dataclass(frozen=True)
class Sentence:
    """A fact, the clause it rests on, and the record it is about."""

    text: str
    clause: str = ""
    url: str = ""
    link: str = ""


def decision(reason: Reason) -> Sentence:
    """What was decided about a minute, in one sentence."""
    return {
        Why.COUNTED: Sentence(_("It counts: this is a minute of service unavailability."), "1.4"),
        Why.EXCLUDED: Sentence(_("It does not count: section 4 takes it off."), _first_clause(reason)),
        Why.OWN_EXCLUSION: Sentence(
            _("It does not count for this customer: what happened was its own."), _first_clause(reason)
        ),
        Why.SUSPENDED: Sentence(
            _("It does not count for this customer: the service was suspended for non-payment. The day stays in T."),
            "4.7",
        ),
        Why.NOT_IN_SERVICE: Sentence(_("It is not measured: no contract was in force on this day."), "1.7"),
        Why.UNKNOWN: Sentence(_("It is not over yet, so nothing is decided.")),
        Why.NOT_WHOLLY_DOWN: Sentence(_("It does not count: for a part of it the service was available."), "1.4"),
        Why.NOT_A_FAILURE_EVENT: Sentence(
            _(
                "It does not count: the service was not down for more than sixty seconds, so there was no failure event."
            ),
            "1.5",
        ),
        Why.UP: Sentence(
            _("It does not count: something was down, but by the reading in force the service was not.")
            if reason.incidents
            else _("It does not count: nothing was down."),
            "1.4" if reason.incidents else "",
        ),
    }[reason.why]


def _first_clause(reason: Reason) -> str:
    return reason.excluded_times[0].clause if reason.excluded_times else "4"


def facts(
    reason: Reason, grid: Grid, zone: tzinfo, incidents: Mapping[str, str], exclusions: Mapping[object, str]
) -> list[Sentence]:
    """What the decision about a minute follows from.

    `incidents` are the addresses of incidents by reference, `exclusions` those of exclusions by key.
    """
    if reason.why is Why.NOT_IN_SERVICE:
        return []
    said = [Sentence(reading_sentence(reason.reading), "1.4")]
    said += [
        Sentence(_("Incident: something was down in this minute."), url=incidents.get(reference, ""), link=reference)
        for reference in reason.incidents
    ]
    if reason.incidents:
        said.append(Sentence(_available(reason.available, grid), "1.4"))
    said += [_stretch(stretch, zone) for stretch in reason.stretches]
    said += [_off(off, zone, exclusions) for off in reason.excluded_times]
    return said


def _available(available: Sequence[tuple[int, int]], grid: Grid) -> str:
    if not available:
        return _("All through the minute every core function was down on every client.")
    on: dict[tuple[int, ...], list[int]] = {}
    for function in dict.fromkeys(function for function, _client in available):
        on.setdefault(tuple(client for f, client in available if f == function), []).append(function)
    parts = [
        _("%(functions)s on %(clients)s")
        % {
            "functions": listed(inside(grid.functions[number]) for number in functions),
            "clients": _("every client")
            if len(clients) == len(grid.clients)
            else listed(inside(grid.clients[number]) for number in clients),
        }
        for clients, functions in on.items()
    ]
    return _("At some moment of the minute these could be used: %(available)s.") % {"available": "; ".join(parts)}


def _stretch(stretch: Span, zone: tzinfo) -> Sentence:
    start, end = stretch
    shown = {
        "start": format_instant(instant(start), zone),
        "end": format_instant(instant(end), zone),
        "length": format_length(end - start),
    }
    if end - start > MINUTE:
        text = _(
            "The service was down from %(start)s to %(end)s, %(length)s: longer than sixty seconds, a failure event."
        )
    else:
        text = _("The service was down from %(start)s to %(end)s, %(length)s: sixty seconds or less, no failure event.")
    return Sentence(text % shown, "1.5")


def _off(off: ExcludedTime, zone: tzinfo, exclusions: Mapping[object, str]) -> Sentence:
    shown = {"start": format_instant(instant(off.start), zone), "end": format_instant(instant(off.end), zone)}
    if off.key is None:
        return Sentence(_("Suspended for non-payment from %(start)s to %(end)s.") % shown, off.clause)
    text = _("Excluded from %(start)s to %(end)s by a confirmed exclusion.") % shown
    return Sentence(text, off.clause, url=exclusions.get(off.key, ""), link=off.incident or _("exclusion"))


def otherwise(reason: Reason) -> str:
    """What the other readings would make of the minute."""
    counted = [reading_name(reading) for reading, why in reason.under.items() if why is Why.COUNTED]
    if not counted:
        return _("Under none of the three readings would it count.")
    if len(counted) == len(reason.under):
        return _("Under all three readings it counts.")
    return ngettext(
        "Of the three readings, it counts under %(readings)s alone.",
        "Of the three readings, it counts under %(readings)s.",
        len(counted),
    ) % {"readings": listed(counted)}
