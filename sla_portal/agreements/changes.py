"""What an amendment changes: the text clause by clause, and the terms in plain words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.translation import gettext, ngettext

from sla_portal.kernel.months import MINUTES_A_DAY

from .redline import ClauseChange, ClauseWords, clause_changes
from .rules import MeasurementPeriod, Reading, Terms

THIRTY_DAYS = 30 * MINUTES_A_DAY
CHINESE = "zh-hans"
FIELDS = ("heading", "wording", "summary")


# The text


class Worded(Protocol):
    """A clause with its words in English and Chinese: a row, or what is public of it."""

    number: str
    heading: str
    heading_zh: str
    summary: str
    summary_zh: str
    wording: str
    wording_zh: str


@dataclass(frozen=True)
class TextChanges:
    """Two versions beside each other, clause by clause; `language` is that of their wording."""

    language: str
    clauses: tuple[ClauseChange, ...]

    @property
    def changed(self) -> tuple[ClauseChange, ...]:
        return tuple(clause for clause in self.clauses if clause.is_changed)

    @property
    def unchanged(self) -> tuple[str, ...]:
        """The numbers of the clauses that stayed as they were."""
        return tuple(clause.number for clause in self.clauses if not clause.is_changed)


def text_changes(before: Sequence[Worded], after: Sequence[Worded], language: str) -> TextChanges:
    """Compare the clauses of two versions, in Chinese where it is asked for and both have it."""
    chinese = {field for field in FIELDS if language == CHINESE and _has(before, field) and _has(after, field)}
    old, new = ([_words(clause, chinese) for clause in clauses] for clauses in (before, after))
    return TextChanges(CHINESE if "wording" in chinese else "en", clause_changes(old, new))


def words_in(clauses: Sequence[Worded], language: str) -> tuple[str, tuple[ClauseWords, ...]]:
    """The clauses of a version in Chinese where it is asked for and they have it; and the language of their wording."""
    chinese = {field for field in FIELDS if language == CHINESE and _has(clauses, field)}
    return CHINESE if "wording" in chinese else "en", tuple(_words(clause, chinese) for clause in clauses)


def _has(clauses: Sequence[Worded], field: str) -> bool:
    return any(getattr(clause, f"{field}_zh") for clause in clauses)


def _words(clause: Worded, chinese: Collection[str]) -> ClauseWords:
    heading, wording, summary = (
        (field in chinese and getattr(clause, f"{field}_zh")) or getattr(clause, field) for field in FIELDS
    )
    return ClauseWords(clause.number, heading, wording, summary)


# The terms


@dataclass(frozen=True)
class Term:
    """A term of a version: its clause, what it is called, its value, and what that means."""

    clause: str
    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class TermChange:
    """A term that an amendment changes: its clause, what it is called, from what to what, and what that does."""

    clause: str
    name: str
    before: str
    after: str
    meaning: str


def terms_in_words(terms: Terms) -> tuple[Term, ...]:
    """The terms of a version in the order of reading."""
    values = vars(terms)
    return tuple(
        Term(kind.clause, kind.name(), kind.shown(values[field]), kind.meaning(values))
        for field, kind in TERMS.items()
        if kind.meaning
    )


def term_changes(before: Terms, after: Terms) -> tuple[TermChange, ...]:
    """What differs between the terms of two versions; empty where nothing does."""
    old, new = vars(before), vars(after)
    return tuple(
        TermChange(kind.clause, kind.name(), kind.shown(old[field]), kind.shown(new[field]), kind.effect(old, new))
        for field, kind in TERMS.items()
        if old[field] != new[field]
    )


def reading_words(reading: Reading) -> str:
    return {
        Reading.ALL: gettext("every core function is down on every client"),
        Reading.FUNCTION: gettext("some core function is down on every client"),
        Reading.ANY: gettext("any core function is down on any client"),
    }[reading]


Values = dict[str, Any]


@dataclass(frozen=True)
class _Kind:
    """How a term is called and shown, what it means to a reader of a version (None: nothing), and what a change of it does."""

    clause: str
    name: Callable[[], str]
    shown: Callable[[Any], str]
    meaning: Callable[[Values], str] | None
    effect: Callable[[Values, Values], str]


def _percent(target: Any) -> str:
    # A ratio of two whole numbers, of which a hundredfold has at most five decimals.
    return f"{target * 100 * 10**5 // 1 / 10**5:.5f}".rstrip("0").rstrip(".") + " %"


def _hours(hours: int) -> str:
    return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}


def _days(days: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


def _months(months: int) -> str:
    return ngettext("%(count)s month", "%(count)s months", months) % {"count": months}


def _notice(hours: int) -> str:
    return _hours(hours) if hours else gettext("any prior moment")


def _tenfold(field: str, old: Values, new: Values) -> dict[str, int]:
    return {"before": 10 * old[field], "after": 10 * new[field]}


def _of_the_target(old: Values, new: Values) -> str:
    before, after = (int((1 - values["availability_target"]) * THIRTY_DAYS) for values in (old, new))
    told = {"target": _percent(new["availability_target"]), "total": THIRTY_DAYS, "before": before, "after": after}
    if before == after:
        return (
            gettext("%(target)s: of the %(total)s minutes of a 30-day month %(after)s may be lost, as before.") % told
        )
    return (
        gettext("%(target)s: of the %(total)s minutes of a 30-day month %(after)s may be lost instead of %(before)s.")
        % told
    )


def _of_the_reading(old: Values, new: Values) -> str:
    now = {
        Reading.ALL: gettext(
            "A minute now counts only while every function is down on every client: login that works in one app stops the count."
        ),
        Reading.FUNCTION: gettext(
            "A minute now counts while a single function, such as door opening, is down on every client."
        ),
        Reading.ANY: gettext(
            "A minute now counts as soon as a single function, such as door opening, is down on a single client, such as the app."
        ),
    }[new["unavailability_reading"]]
    order = list(Reading)
    more = order.index(new["unavailability_reading"]) > order.index(old["unavailability_reading"])
    return (
        f"{now} {gettext('More minutes count than before.') if more else gettext('Fewer minutes count than before.')}"
    )


def _of_the_notice(_old: Values, new: Values) -> str:
    hours = new["maintenance_notice_hours"]
    if not hours:
        return gettext("Maintenance takes minutes off the count however shortly before it is announced.")
    return gettext("Maintenance takes minutes off the count only where it was announced %(hours)s before.") % {
        "hours": _hours(hours)
    }


def _of_the_period(period: MeasurementPeriod) -> str:
    if period is MeasurementPeriod.MONTH:
        return gettext("Every calendar month is judged by itself, on the SLA clock.")
    return gettext("Each month's figure covers the contract from its first day to the end of that month.")


TERMS: dict[str, _Kind] = {
    "availability_target": _Kind(
        "2",
        lambda: gettext("Availability promised"),
        _percent,
        lambda _values: gettext("Of all minutes of a service month, at least this share is available."),
        _of_the_target,
    ),
    "unavailability_reading": _Kind(
        "1.4",
        lambda: gettext("A minute counts as unavailable when"),
        reading_words,
        lambda values: {
            Reading.ALL: gettext("While one function still works on one client, no minute counts."),
            Reading.FUNCTION: gettext("A function that works on no client is enough for a minute to count."),
            Reading.ANY: gettext("One function that fails on one client is enough for a minute to count."),
        }[values["unavailability_reading"]],
        _of_the_reading,
    ),
    "measurement_period": _Kind(
        "1.7",
        lambda: gettext("Measured over"),
        lambda period: (
            gettext("each service month")
            if period is MeasurementPeriod.MONTH
            else gettext("the contract period so far")
        ),
        lambda values: _of_the_period(values["measurement_period"]),
        lambda _old, new: _of_the_period(new["measurement_period"]),
    ),
    "maintenance_notice_hours": _Kind(
        "4.1",
        lambda: gettext("Notice of maintenance"),
        _notice,
        lambda values: (
            gettext("Announced that early, maintenance takes no minutes from the promise. We aim for %(hours)s.")
            % {"hours": _hours(values["recommended_notice_hours"])}
        ),
        _of_the_notice,
    ),
    "recommended_notice_hours": _Kind(
        "4.1",
        lambda: gettext("Notice of maintenance aimed for"),
        _hours,
        None,
        lambda _old, _new: gettext(
            "No minute counts or does not count because of it: less notice only warns our staff."
        ),
    ),
    "claim_opens_after_working_day": _Kind(
        "3.3.1",
        lambda: gettext("Compensation can be asked for"),
        lambda day: gettext("after working day %(count)s of the following month") % {"count": day},
        lambda values: (
            ngettext(
                "And no later than %(count)s month after the end of the month it is for.",
                "And no later than %(count)s months after the end of the month it is for.",
                values["claim_closes_after_months"],
            )
            % {"count": values["claim_closes_after_months"]}
        ),
        lambda old, new: (
            gettext("Compensation can be asked for later than before.")
            if new["claim_opens_after_working_day"] > old["claim_opens_after_working_day"]
            else gettext("Compensation can be asked for earlier than before.")
        ),
    ),
    "claim_closes_after_months": _Kind(
        "3.3.1",
        lambda: gettext("Time to ask for compensation"),
        _months,
        None,
        lambda _old, _new: gettext(
            "Counted from the end of the service month. An application that comes later is refused."
        ),
    ),
    "compensated_minutes_per_minute": _Kind(
        "3.2",
        lambda: gettext("Compensation for a minute"),
        lambda minutes: (
            ngettext("%(count)s minute of service", "%(count)s minutes of service", minutes) % {"count": minutes}
        ),
        lambda _values: gettext("For each minute that counts, so much service is given: as an extension or a voucher."),
        lambda old, new: (
            gettext("For 10 minutes that count, %(after)s minutes of service are given instead of %(before)s.")
            % _tenfold("compensated_minutes_per_minute", old, new)
        ),
    ),
    "compensation_cap_percent": _Kind(
        "5.1",
        lambda: gettext("Most that is compensated"),
        lambda percent: gettext("%(percent)s %% of the fees paid") % {"percent": percent},
        lambda _values: gettext("All compensations of a contract period together are worth no more than that."),
        lambda old, new: (
            gettext("Of 1000 paid for a contract period, at most %(after)s can be compensated instead of %(before)s.")
            % _tenfold("compensation_cap_percent", old, new)
        ),
    ),
    "voucher_valid_months": _Kind(
        "3.2",
        lambda: gettext("Vouchers are valid for"),
        _months,
        lambda _values: gettext("Counted from the day on which the voucher is issued."),
        lambda _old, _new: gettext("Vouchers issued before keep their day of expiry."),
    ),
    "amendment_notice_days": _Kind(
        "5.2",
        lambda: gettext("Notice of amendments"),
        _days,
        lambda _values: gettext(
            "So many full days lie between an announcement on this website and the day it takes effect."
        ),
        lambda _old, new: (
            gettext("Amendments after this one are announced %(days)s before they take effect.")
            % {"days": _days(new["amendment_notice_days"])}
        ),
    ),
}
