"""The changes of an amendment: text by clause, and terms in plain words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Any, Protocol

from django.utils.translation import gettext, ngettext

from sla_portal.kernel.months import MINUTES_A_DAY

from .redline import ClauseChange, ClauseWords, Kind, Run, Runs, clause_changes
from .rules import MeasurementPeriod, Reading, Terms

THIRTY_DAYS = 30 * MINUTES_A_DAY
CHINESE = "zh-hans"
FIELDS = ("heading", "wording", "summary")


# The text


class Worded(Protocol):
    """A clause with its texts in English and Chinese."""

    @property
    def number(self) -> str: ...
    @property
    def heading(self) -> str: ...
    @property
    def heading_zh(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def summary_zh(self) -> str: ...
    @property
    def wording(self) -> str: ...
    @property
    def wording_zh(self) -> str: ...


@dataclass(frozen=True)
class TextChanges:
    """The changes between two versions by clause; `language` is that of the wording."""

    language: str
    clauses: tuple[ClauseChange, ...]

    @property
    def changed(self) -> tuple[ClauseChange, ...]:
        return tuple(clause for clause in self.clauses if clause.is_changed)

    @property
    def unchanged(self) -> tuple[str, ...]:
        """The numbers of unchanged clauses."""
        return tuple(clause.number for clause in self.clauses if not clause.is_changed)


def text_changes(before: Sequence[Worded], after: Sequence[Worded], language: str) -> TextChanges:
    """Compare the clauses of two versions, in Chinese if requested and both have it."""
    chinese = {field for field in FIELDS if language == CHINESE and _has(before, field) and _has(after, field)}
    old, new = ([_words(clause, chinese) for clause in clauses] for clauses in (before, after))
    return TextChanges(CHINESE if "wording" in chinese else "en", clause_changes(old, new))


def words_in(clauses: Sequence[Worded], language: str) -> tuple[str, tuple[ClauseWords, ...]]:
    """Return the language of the wording and the clauses, in Chinese if requested and available."""
    chinese = {field for field in FIELDS if language == CHINESE and _has(clauses, field)}
    return CHINESE if "wording" in chinese else "en", tuple(_words(clause, chinese) for clause in clauses)


def _has(clauses: Sequence[Worded], field: str) -> bool:
    return any(getattr(clause, f"{field}_zh") for clause in clauses)


def _words(clause: Worded, chinese: Collection[str]) -> ClauseWords:
    heading, wording, summary = (
        (field in chinese and getattr(clause, f"{field}_zh")) or getattr(clause, field) for field in FIELDS
    )
    # A wording that is as short as its summary is said once.
    return ClauseWords(clause.number, heading, wording, summary if summary != wording else "")


# The terms


@dataclass(frozen=True)
class Term:
    """A term of a version: clause, name, value and meaning."""

    clause: str
    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class TermChange:
    """A changed term: clause, name, values before and after, and the effect."""

    clause: str
    name: str
    before: str
    after: str
    meaning: str


def terms_in_words(terms: Terms) -> tuple[Term, ...]:
    """Return the terms of a version in the order of `TERMS`."""
    values = vars(terms)
    return tuple(
        Term(kind.clause, kind.name(), kind.format(values[field]), kind.meaning(values))
        for field, kind in TERMS.items()
        if kind.meaning
    )


def term_changes(before: Terms, after: Terms) -> tuple[TermChange, ...]:
    """Return the terms that differ between two versions."""
    old, new = vars(before), vars(after)
    return tuple(
        TermChange(kind.clause, kind.name(), kind.format(old[field]), kind.format(new[field]), kind.effect(old, new))
        for field, kind in TERMS.items()
        if old[field] != new[field]
    )


# Both, as a published version shows them


@dataclass(frozen=True)
class Changes:
    """What a version changes, as shown in one language."""

    text: TextChanges
    terms: tuple[TermChange, ...]

    def stored(self) -> dict[str, Any]:
        """Return the form in which it is stored: for each clause number, earlier number and runs."""
        return {
            "language": self.text.language,
            "clauses": [
                [clause.number, clause.was, *(_stored_runs(getattr(clause, part)) for part in PARTS)]
                for clause in self.text.clauses
            ],
            "terms": [list(astuple(term)) for term in self.terms],
        }

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Changes:
        """Return what `stored` returned, read back."""
        clauses = (
            ClauseChange(number, was, *(_read_runs(runs) for runs in parts))
            for number, was, *parts in stored["clauses"]
        )
        return cls(
            TextChanges(stored["language"], tuple(clauses)), tuple(TermChange(*term) for term in stored["terms"])
        )


PARTS = ("heading", "text", "summary")


def _stored_runs(runs: Runs) -> list[list[str]]:
    return [[run.kind.value, run.text] for run in runs]


def _read_runs(stored: list[list[str]]) -> Runs:
    return tuple(Run(Kind(kind), text) for kind, text in stored)


def counting_rule_name(reading: Reading) -> str:
    return {
        Reading.ALL: gettext("All functions on all clients"),
        Reading.FUNCTION: gettext("Any function on all clients"),
        Reading.ANY: gettext("Any function on any client"),
    }[reading]


Values = dict[str, Any]


@dataclass(frozen=True)
class _Kind:
    """Name, format and meaning of a term (None: not listed), and the effect of changing it."""

    clause: str
    name: Callable[[], str]
    format: Callable[[Any], str]
    meaning: Callable[[Values], str] | None
    effect: Callable[[Values, Values], str]


def _percent(target: Any) -> str:
    # The percentage has at most five decimals.
    return f"{target * 100 * 10**5 // 1 / 10**5:.5f}".rstrip("0").rstrip(".") + " %"


def _hours(hours: int) -> str:
    return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}


def _days(days: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


def _months(months: int) -> str:
    return ngettext("%(count)s month", "%(count)s months", months) % {"count": months}


def _smallest(amount: Decimal) -> str:
    return (
        gettext("%(amount)s in the currency of the contract") % {"amount": f"{amount.normalize():f}"}
        if amount
        else gettext("any amount")
    )


def _notice(hours: int) -> str:
    return _hours(hours) if hours else gettext("any time before the start")


def _tenfold(field: str, old: Values, new: Values) -> dict[str, int]:
    return {"before": 10 * old[field], "after": 10 * new[field]}


def _of_the_target(old: Values, new: Values) -> str:
    before, after = (int((1 - values["availability_target"]) * THIRTY_DAYS) for values in (old, new))
    figures = {"target": _percent(new["availability_target"]), "total": THIRTY_DAYS, "before": before, "after": after}
    if before == after:
        return (
            gettext(
                "%(target)s: the downtime allowance (error budget) of a 30-day month (%(total)s minutes) stays at %(after)s min."
            )
            % figures
        )
    return (
        gettext(
            "%(target)s: the downtime allowance (error budget) of a 30-day month (%(total)s minutes) is "
            "%(after)s min, previously %(before)s min."
        )
        % figures
    )


def _of_the_reading(old: Values, new: Values) -> str:
    now = {
        Reading.ALL: gettext(
            "A minute now counts as unavailable only while all functions are down on all clients. If login "
            "still works in one app, the minute does not count."
        ),
        Reading.FUNCTION: gettext(
            "A minute now counts as unavailable while any one function, such as door opening, is down on all clients."
        ),
        Reading.ANY: gettext(
            "A minute now counts as unavailable as soon as any one function, such as door opening, is down "
            "on any one client, such as the app."
        ),
    }[new["unavailability_reading"]]
    order = list(Reading)
    if order.index(new["unavailability_reading"]) > order.index(old["unavailability_reading"]):
        return f"{now} {gettext('More minutes count as unavailable than before.')}"
    return f"{now} {gettext('Fewer minutes count as unavailable than before.')}"


def _of_the_notice(_old: Values, new: Values) -> str:
    hours = new["maintenance_notice_hours"]
    if not hours:
        return gettext("Maintenance is excluded from downtime (4.1) if it was announced at any time before it began.")
    return gettext(
        "Maintenance is excluded from downtime (4.1) only if it was announced at least %(hours)s before."
    ) % {"hours": _hours(hours)}


def _of_the_period(period: MeasurementPeriod) -> str:
    if period is MeasurementPeriod.MONTH:
        return gettext("Each calendar month is measured on its own, in the SLA time zone.")
    return gettext("Each month's figure covers the contract period from its first day to the end of that month.")


TERMS: dict[str, _Kind] = {
    "availability_target": _Kind(
        "2",
        lambda: gettext("Availability target"),
        _percent,
        lambda _values: gettext("At least this share of all minutes of a service month is available."),
        _of_the_target,
    ),
    "unavailability_reading": _Kind(
        "1.4",
        lambda: gettext("Counting rule"),
        lambda rule: f"{counting_rule_name(rule)} ({rule.value})",
        lambda values: {
            Reading.ALL: gettext(
                "A minute counts as unavailable only while all functions are down on all clients. If one "
                "function works on one client, the minute does not count."
            ),
            Reading.FUNCTION: gettext("A minute counts as unavailable while any one function is down on all clients."),
            Reading.ANY: gettext(
                "A minute counts as unavailable as soon as any one function is down on any one client."
            ),
        }[values["unavailability_reading"]],
        _of_the_reading,
    ),
    "measurement_period": _Kind(
        "1.7",
        lambda: gettext("Measurement period"),
        lambda period: (
            gettext("each service month")
            if period is MeasurementPeriod.MONTH
            else gettext("the contract period to date")
        ),
        lambda values: _of_the_period(values["measurement_period"]),
        lambda _old, new: _of_the_period(new["measurement_period"]),
    ),
    "maintenance_notice_hours": _Kind(
        "4.1",
        lambda: gettext("Minimum maintenance notice"),
        _notice,
        lambda values: (
            gettext("Maintenance announced at least this early is excluded from downtime. We aim for %(hours)s.")
            % {"hours": _hours(values["recommended_notice_hours"])}
        ),
        _of_the_notice,
    ),
    "recommended_notice_hours": _Kind(
        "4.1",
        lambda: gettext("Recommended maintenance notice"),
        _hours,
        None,
        lambda _old, _new: gettext(
            "It does not decide whether a minute counts: a shorter lead time only shows a warning to our staff."
        ),
    ),
    "claim_opens_after_working_day": _Kind(
        "3.3.1",
        lambda: gettext("Claims open"),
        lambda day: gettext("after working day %(count)s of the following month") % {"count": day},
        lambda values: (
            ngettext(
                "Claims close %(count)s month after the end of the service month.",
                "Claims close %(count)s months after the end of the service month.",
                values["claim_closes_after_months"],
            )
            % {"count": values["claim_closes_after_months"]}
        ),
        lambda old, new: (
            gettext("Claims open later than before.")
            if new["claim_opens_after_working_day"] > old["claim_opens_after_working_day"]
            else gettext("Claims open earlier than before.")
        ),
    ),
    "claim_closes_after_months": _Kind(
        "3.3.1",
        lambda: gettext("Claim period"),
        _months,
        None,
        lambda _old, _new: gettext("Counted from the end of the service month. Later claims are refused."),
    ),
    "credit_without_claim": _Kind(
        "3",
        lambda: gettext("Credit without a claim"),
        lambda yes: gettext("yes") if yes else gettext("no"),
        lambda values: (
            gettext("We may compensate a breached month that nobody claimed. A claim is possible as before.")
            if values["credit_without_claim"]
            else gettext("A breached month is compensated only if it is claimed.")
        ),
        lambda _old, new: (
            gettext("We may compensate a breached month that nobody claimed. A claim is possible as before.")
            if new["credit_without_claim"]
            else gettext("A breached month is compensated only if it is claimed. Credits granted before stay.")
        ),
    ),
    "compensated_minutes_per_minute": _Kind(
        "3.2",
        lambda: gettext("Compensation per minute"),
        lambda minutes: (
            ngettext("%(count)s minute of service", "%(count)s minutes of service", minutes) % {"count": minutes}
        ),
        lambda _values: gettext(
            "For each unavailable minute, this length of service is granted as a service extension or a voucher."
        ),
        lambda old, new: (
            gettext("For 10 unavailable minutes, %(after)s minutes of service are granted, previously %(before)s.")
            % _tenfold("compensated_minutes_per_minute", old, new)
        ),
    ),
    "compensation_cap_percent": _Kind(
        "5.1",
        lambda: gettext("Liability cap"),
        lambda percent: gettext("%(percent)s %% of the fees paid") % {"percent": percent},
        lambda _values: gettext("All compensations of a contract period together never exceed this."),
        lambda old, new: (
            gettext("Of 1000 paid for a contract period, at most %(after)s can be compensated, previously %(before)s.")
            % _tenfold("compensation_cap_percent", old, new)
        ),
    ),
    "voucher_valid_months": _Kind(
        "3.2",
        lambda: gettext("Voucher validity"),
        _months,
        lambda _values: gettext("Counted from the day on which the voucher is issued."),
        lambda _old, _new: gettext("Vouchers issued before keep their expiry date."),
    ),
    "smallest_voucher": _Kind(
        "3.2",
        lambda: gettext("Smallest voucher"),
        _smallest,
        lambda _values: gettext("A voucher of less is not issued: its minutes become service extension."),
        lambda _old, _new: gettext("Vouchers issued before keep their amount."),
    ),
    "amendment_notice_days": _Kind(
        "5.2",
        lambda: gettext("Amendment notice period"),
        _days,
        lambda _values: gettext(
            "This many full days lie between the announcement on this website and the effective date."
        ),
        lambda _old, new: (
            gettext("Amendments after this one are announced %(days)s before they take effect.")
            % {"days": _days(new["amendment_notice_days"])}
        ),
    ),
}
