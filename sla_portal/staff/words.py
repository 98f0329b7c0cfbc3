"""Labels and sentences for SLA results and for the reasons of a minute."""

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

from .grid import in_sentence, join_names

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
    """The name of a counting rule."""
    return {
        Reading.ALL: _("All functions on all clients"),
        Reading.FUNCTION: _("Any function on all clients"),
        Reading.ANY: _("Any function on any client"),
    }[reading]


def reading_sentence(reading: Reading) -> str:
    return {
        Reading.ALL: _("A minute counts when every core function was down on every client for the whole of it."),
        Reading.FUNCTION: _(
            "A minute counts when, at every moment of it, some core function was down on every client."
        ),
        Reading.ANY: _("A minute counts when, at any moment of it, any core function was down on any client."),
    }[reading]


def kind_name(kind: str) -> str:
    """The label of a kind of minute in a chart."""
    return {
        "up": _("up"),
        "counted": _("counted"),
        "excluded": _("excluded"),
        "outside": _("not in service"),
        "unknown": _("not known yet"),
    }[kind]


def verdict(met: bool | None, over: bool) -> tuple[str, str]:
    """The badge and the label of an SLA result; `over`: the month is over."""
    if met is None:
        return "outside", _("Not in service")
    if met:
        return "up", _("SLA met") if over else _("SLA met (in progress)")
    return "counted", _("SLA breached") if over else _("SLA breached (in progress)")


@dataclass(frozen=True)
class Sentence:
    """A sentence, the clause it is based on, and a link to its record."""

    text: str
    clause: str = ""
    url: str = ""
    link: str = ""


def decision(reason: Reason) -> Sentence:
    """The result for a minute in one sentence."""
    return {
        Why.COUNTED: Sentence(_("It counts: this is a minute of service unavailability."), "1.4"),
        Why.EXCLUDED: Sentence(_("It does not count: excluded under section 4."), _first_clause(reason)),
        Why.OWN_EXCLUSION: Sentence(
            _("It does not count for this customer: caused by the customer (4.2–4.9)."), _first_clause(reason)
        ),
        Why.SUSPENDED: Sentence(
            _("It does not count for this customer: the service was suspended for non-payment. The day stays in T."),
            "4.7",
        ),
        Why.NOT_IN_SERVICE: Sentence(_("It is not measured: no contract was in force on this day."), "1.7"),
        Why.UNKNOWN: Sentence(_("This minute is not over yet, so there is no result.")),
        Why.NOT_WHOLLY_DOWN: Sentence(_("It does not count: the service was available for part of it."), "1.4"),
        Why.NOT_A_FAILURE_EVENT: Sentence(
            _(
                "It does not count: the service was not down for more than sixty seconds, so there was no failure event."
            ),
            "1.5",
        ),
        Why.UP: Sentence(
            _("It does not count: under the counting rule in force the service was available.")
            if reason.incidents
            else _("It does not count: nothing was down."),
            "1.4" if reason.incidents else "",
        ),
    }[reason.why]


def _first_clause(reason: Reason) -> str:
    return reason.taken_off[0].clause if reason.taken_off else "4"


def grounds(
    reason: Reason, grid: Grid, zone: tzinfo, incidents: Mapping[str, str], exclusions: Mapping[object, str]
) -> list[Sentence]:
    """The facts on which the result for a minute is based.

    `incidents` maps references to URLs, `exclusions` maps keys to URLs.
    """
    if reason.why is Why.NOT_IN_SERVICE:
        return []
    sentences = [Sentence(reading_sentence(reason.reading), "1.4")]
    sentences += [
        Sentence(_("Incident: something was down in this minute."), url=incidents.get(reference, ""), link=reference)
        for reference in reason.incidents
    ]
    if reason.incidents:
        sentences.append(Sentence(_available(reason.available, grid), "1.4"))
    sentences += [_stretch(stretch, zone) for stretch in reason.stretches]
    sentences += [_excluded(off, zone, exclusions) for off in reason.taken_off]
    return sentences


def _available(available: Sequence[tuple[int, int]], grid: Grid) -> str:
    if not available:
        return _("For the whole minute, every core function was down on every client.")
    on: dict[tuple[int, ...], list[int]] = {}
    for function in dict.fromkeys(function for function, _client in available):
        on.setdefault(tuple(client for f, client in available if f == function), []).append(function)
    parts = [
        _("%(functions)s on %(clients)s")
        % {
            "functions": join_names(in_sentence(grid.functions[number]) for number in functions),
            "clients": _("every client")
            if len(clients) == len(grid.clients)
            else join_names(in_sentence(grid.clients[number]) for number in clients),
        }
        for clients, functions in on.items()
    ]
    return _("Available at some moment of the minute: %(available)s.") % {"available": "; ".join(parts)}


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


def _excluded(off: ExcludedTime, zone: tzinfo, exclusions: Mapping[object, str]) -> Sentence:
    shown = {"start": format_instant(instant(off.start), zone), "end": format_instant(instant(off.end), zone)}
    if off.key is None:
        return Sentence(_("Suspended for non-payment from %(start)s to %(end)s.") % shown, off.clause)
    text = _("Excluded from %(start)s to %(end)s by a confirmed exclusion.") % shown
    return Sentence(text, off.clause, url=exclusions.get(off.key, ""), link=off.incident or _("exclusion"))


def other_counting_rules(reason: Reason) -> str:
    """The result for the minute under the other counting rules."""
    counted = [reading_name(reading) for reading, why in reason.under.items() if why is Why.COUNTED]
    if not counted:
        return _("It counts under none of the three counting rules.")
    if len(counted) == len(reason.under):
        return _("It counts under all three counting rules.")
    return ngettext(
        "Of the three counting rules, it counts only under: %(rules)s.",
        "Of the three counting rules, it counts under: %(rules)s.",
        len(counted),
    ) % {"rules": join_names(counted)}
