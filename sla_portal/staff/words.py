"""Outcomes and reasons as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from claims.models import Status
from incidents.rules import Length, Unmeasured
from sla_portal.agreements.rules import Reading
from sla_portal.availability.queries import Grid
from sla_portal.availability.rules import ExcludedTime, Reason, Why
from sla_portal.clocks import format_instant, format_length
from sla_portal.kernel.intervals import MINUTE, Span, instant
from sla_portal.minutes import reading_name

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


def reading_sentence(reading: Reading) -> str:
    return {
        Reading.ALL: _(
            "A minute counts as unavailable if every core function was unavailable on every client for the whole minute."
        ),
        Reading.FUNCTION: _(
            "A minute counts as unavailable if, at every moment of it, at least one core function was unavailable on every client."
        ),
        Reading.ANY: _(
            "A minute counts as unavailable if, at any moment of it, any core function was unavailable on any client."
        ),
    }[reading]


def kind_name(kind: str) -> str:
    """Return the legend text of a kind of minutes in a chart."""
    return {
        "up": _("operational"),
        "counted": _("unavailable"),
        "excluded": _("excluded"),
        "outside": _("not in service"),
        "unknown": _("not over yet"),
    }[kind]


def length(length: Length) -> str:
    """Return the time to acknowledge or to restore (2.2), or why it is not stated; empty before either happened."""
    if not isinstance(length, Unmeasured):
        return format_length(length)
    return {
        Unmeasured.NOT_YET: "",
        Unmeasured.NOT_STATED: _("not stated"),
        Unmeasured.LOGGED_AFTER_RESTORATION: _("logged after restoration"),
    }[length]


def verdict(met: bool | None, over: bool) -> tuple[str, str]:
    """Return the badge and the text of a month's outcome; `over`: the month has ended."""
    if met is None:
        return "outside", _("Not in service")
    if met:
        return "up", _("SLA met") if over else _("SLA met (in progress)")
    return "counted", _("SLA breached") if over else _("SLA breached (in progress)")


@dataclass(frozen=True)
class Sentence:
    """A fact, its clause, and a link to its record."""

    text: str
    clause: str = ""
    url: str = ""
    link: str = ""


def decision(reason: Reason) -> Sentence:
    """Return the decision about a minute in one sentence."""
    return {
        Why.COUNTED: Sentence(_("Counts as downtime: the service was unavailable in this minute."), "1.4"),
        Why.EXCLUDED: Sentence(_("Excluded under section 4."), _first_clause(reason)),
        Why.OWN_EXCLUSION: Sentence(_("Excluded for this customer: caused by the customer."), _first_clause(reason)),
        Why.SUSPENDED: Sentence(
            _("Excluded for this customer: the service was suspended for non-payment. The day remains in T."),
            "4.7",
        ),
        Why.NOT_IN_SERVICE: Sentence(_("Not measured: no contract was in force on this day."), "1.7"),
        Why.UNKNOWN: Sentence(_("The minute is not over yet, so it is undecided.")),
        Why.NOT_WHOLLY_DOWN: Sentence(_("Does not count: the service was available during part of the minute."), "1.4"),
        Why.NOT_A_FAILURE_EVENT: Sentence(
            _("Does not count: the service was unavailable for sixty seconds or less, which is not a failure event."),
            "1.5",
        ),
        Why.UP: Sentence(
            _("Does not count: there was an outage, but under the counting rule in force the service was available.")
            if reason.incidents
            else _("Does not count: there was no outage."),
            "1.4" if reason.incidents else "",
        ),
    }[reason.why]


def _first_clause(reason: Reason) -> str:
    return reason.excluded_times[0].clause if reason.excluded_times else "4"


def grounds(
    reason: Reason, grid: Grid, zone: tzinfo, incidents: Mapping[str, str], exclusions: Mapping[object, str]
) -> list[Sentence]:
    """Return the facts that the decision about a minute rests on.

    `incidents` maps references to URLs, `exclusions` maps keys to URLs.
    """
    if reason.why is Why.NOT_IN_SERVICE:
        return []
    sentences = [Sentence(reading_sentence(reason.reading), "1.4")]
    sentences += [
        Sentence(_("This incident had an outage in this minute."), url=incidents.get(reference, ""), link=reference)
        for reference in reason.incidents
    ]
    if reason.incidents:
        sentences.append(Sentence(_available(reason.available, grid), "1.4"))
    sentences += [_stretch(stretch, zone) for stretch in reason.stretches]
    sentences += [_excluded(off, zone, exclusions) for off in reason.excluded_times]
    return sentences


def _available(available: Sequence[tuple[int, int]], grid: Grid) -> str:
    if not available:
        return _("Every core function was unavailable on every client for the whole minute.")
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
            "The service was unavailable from %(start)s to %(end)s, %(length)s: more than sixty seconds, so a failure event."
        )
    else:
        text = _(
            "The service was unavailable from %(start)s to %(end)s, %(length)s: sixty seconds or less, so no failure event."
        )
    return Sentence(text % shown, "1.5")


def _excluded(off: ExcludedTime, zone: tzinfo, exclusions: Mapping[object, str]) -> Sentence:
    shown = {"start": format_instant(instant(off.start), zone), "end": format_instant(instant(off.end), zone)}
    if off.key is None:
        return Sentence(_("Suspended for non-payment from %(start)s to %(end)s.") % shown, off.clause)
    text = _("Excluded from %(start)s to %(end)s by a confirmed exclusion.") % shown
    return Sentence(text, off.clause, url=exclusions.get(off.key, ""), link=off.incident or _("exclusion"))


def other_counting_rules(reason: Reason) -> str:
    """State under which counting rules the minute counts."""
    counted = [reading_name(reading) for reading, why in reason.under.items() if why is Why.COUNTED]
    if not counted:
        return _("Under none of the three counting rules does it count.")
    if len(counted) == len(reason.under):
        return _("Under all three counting rules it counts.")
    return ngettext(
        "Of the three counting rules, it counts under this one only: %(rules)s.",
        "Of the three counting rules, it counts under these: %(rules)s.",
        len(counted),
    ) % {"rules": join_names(counted)}
