"""The terms of agreement versions and the periods in which they are in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from fractions import Fraction

from sla_portal.kernel.intervals import Span
from sla_portal.kernel.months import MINUTES_A_DAY, ServiceMonth


class Reading(Enum):
    """The counting rule (1.4): when the service counts as unavailable."""

    ALL = "all"
    """While every core function is down on every client."""
    FUNCTION = "function"
    """While some core function is down on every client."""
    ANY = "any"
    """While any core function is down on any client."""


class MeasurementPeriod(Enum):
    """Which days one figure measures, where 1.6 and 2.1 say "service period" and 1.7 says month."""

    MONTH = "month"
    CONTRACT_PERIOD = "contract_period"


class Stage(Enum):
    """The stage of a version, by decisions of people."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    """Submitted for approval: the text is locked until it is sent back."""
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class DraftedClause:
    """A clause of a draft: texts in Markdown, English and Chinese."""

    number: str
    heading: str = ""
    heading_zh: str = ""
    summary: str = ""
    summary_zh: str = ""
    wording: str = ""
    wording_zh: str = ""


def plain_text(text: str) -> str:
    """Return a text with single line ends and without blanks around it, as drafts store it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


class AnswerKind(Enum):
    """A customer response to an amendment (5.2)."""

    OBJECTION = "objection"
    TERMINATION = "termination"


class Acceptance(Enum):
    """The status of a customer's response to an amendment (5.2)."""

    ACCEPTED = "accepted"
    """Deemed accepted: the version is in force and a contract continued on its effective date."""
    NO_RESPONSE = "no_response"
    """No response yet: a contract continues on the effective date, which has not come."""
    OBJECTED = "objected"
    """Objected; the contract continues under the new version unless it is terminated."""
    TERMINATED = "terminated"
    """Terminated the contract before the effective date."""
    EXPIRED = "expired"
    """The contract expired as agreed before the effective date."""


@dataclass(frozen=True)
class Terms:
    """The terms of one agreement version."""

    version: str
    effective_on: date
    availability_target: Fraction = Fraction(9999, 10000)
    target_text: str = "99.99"
    unavailability_reading: Reading = Reading.ALL
    maintenance_notice_hours: int = 0
    recommended_notice_hours: int = 72
    measurement_period: MeasurementPeriod = MeasurementPeriod.MONTH
    claim_opens_after_working_day: int = 5
    claim_closes_after_months: int = 2
    compensated_minutes_per_minute: int = 1
    compensation_cap_percent: int = 100
    voucher_valid_months: int = 12
    amendment_notice_days: int = 30


@dataclass(frozen=True)
class TermsPeriod:
    """The seconds during which `terms` are in force; None: without beginning or end."""

    start: int | None
    end: int | None
    terms: Terms

    def cut(self, span: Span) -> Span:
        """Return the part of `span` in the period; empty where its end is not after its start."""
        start, end = span
        return (
            start if self.start is None else max(start, self.start),
            end if self.end is None else min(end, self.end),
        )


def terms_at(periods: Sequence[TermsPeriod], seconds: int) -> Terms:
    """Return the terms in force at an instant; LookupError where no version is."""
    for period in periods:
        start, end = period.cut((seconds, seconds + 1))
        if start < end:
            return period.terms
    raise LookupError("No agreement version is in force at that moment.")


def earliest_effective_on(published_on: date, notice_days: int = 30) -> date:
    """Return the first day on which an amendment can take effect (5.2): full days lie between."""
    return published_on + timedelta(days=notice_days + 1)


def last_day_of_stopping(effective_on: date, today: date) -> date:
    """Return the last service day of a termination because of a version (5.2): the day before its effective date, or today after it."""
    return max(effective_on - timedelta(days=1), today)


def shortest_period_ends_on(starts_on: date) -> date:
    """Return the last day of the one month that a contract lasts at least (1.2).

    From the 15th to the 14th; from a day that the next month lacks to that month's last.
    """
    following = ServiceMonth.of(starts_on).next
    if starts_on.day > following.last_day.day:
        return following.last_day
    return following.first_day + timedelta(days=starts_on.day - 2)


def extended_to(ends_on: date, extended_minutes: int) -> date:
    """Return the last service day of a contract whose end moves by `extended_minutes`: a day begun is a service day (3.2)."""
    return ends_on + timedelta(days=-(-extended_minutes // MINUTES_A_DAY))


def in_order_of_numbers(number: str) -> tuple[int, ...]:
    """Return the sort key of a clause number: 3.9 before 3.10."""
    return tuple(int(part) for part in number.split("."))


def without_wording(clauses: Sequence[tuple[str, str]]) -> list[str]:
    """Return the numbers of clauses without a wording (5.2); one that only heads others needs none."""
    numbers = [number for number, _wording in clauses]
    return [
        number
        for number, wording in clauses
        if not wording and not any(other.startswith(f"{number}.") for other in numbers)
    ]
