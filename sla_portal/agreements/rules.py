"""The terms of agreement versions and the periods in which they are in force."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from sla_portal.kernel.intervals import Span, difference, intersection, merged, seconds
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

    ACCEPTANCE = "acceptance"
    OBJECTION = "objection"
    TERMINATION = "termination"


class Acceptance(Enum):
    """The status of a customer's response to an amendment (5.2)."""

    AGREED = "agreed"
    """Accepted expressly; a contract continues on the effective date."""
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
    credit_without_claim: bool = False
    """Whether two people may credit a breached month that nobody claimed (3)."""
    compensated_minutes_per_minute: int = 1
    compensation_cap_percent: int = 100
    voucher_valid_months: int = 12
    smallest_voucher: Decimal = Decimal(0)
    """In the currency of the contract; what is worth less becomes service extension."""
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


FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2199, 12, 31)
"""The days that a contract may have; others are typing mistakes."""


def shortest_period_ends_on(starts_on: date) -> date:
    """Return the last day of the one month that a contract lasts at least (1.2)."""
    return period_ends_on(starts_on, 1)


def period_ends_on(starts_on: date, months: int) -> date:
    """Return the last day of a period of so many months.

    From the 15th to the 14th; from a day that the last month lacks to that month's last.
    """
    following = ServiceMonth.of(starts_on) + months
    if starts_on.day > following.last_day.day:
        return following.last_day
    return following.first_day + timedelta(days=starts_on.day - 2)


def as_long(starts_on: date, ends_on: date, again_on: date) -> date:
    """Return the last day of a period from `again_on` that is as long as another: in months or, where it is none, in days."""
    months = (ends_on.year - starts_on.year) * 12 + ends_on.month - starts_on.month
    for many in (months, months + 1):
        if many and period_ends_on(starts_on, many) == ends_on:
            return period_ends_on(again_on, many)
    return again_on + (ends_on - starts_on)


def extended_to(ends_on: date, extended_minutes: int) -> date:
    """Return the last service day of a contract whose end moves by `extended_minutes`: a day begun is a service day (3.2)."""
    return ends_on + timedelta(days=-(-extended_minutes // MINUTES_A_DAY))


@dataclass(frozen=True)
class ContractRecord:
    """What the months of a contract period are worth and rest on: its days, charges, free trial and suspensions."""

    starts_on: date
    last_day: date
    monthly_charge: Decimal
    """The first; it holds until `charges` say otherwise."""
    currency: str
    trial_days: int = 0
    charges: tuple[tuple[date, Decimal], ...] = ()
    """First days of the service months from which another charge holds, in order."""
    suspended: tuple[tuple[date, date], ...] = ()
    """First and last days, both included."""

    def charge_in(self, month: ServiceMonth) -> Decimal:
        """Return the charge in force in a service month (1.3)."""
        return charge_on(self.monthly_charge, self.charges, month.first_day)

    @property
    def in_service(self) -> list[Span]:
        return _days([(self.starts_on, self.last_day)])

    @property
    def in_trial(self) -> list[Span]:
        return intersection(
            self.in_service, _days([(self.starts_on, self.starts_on + timedelta(days=self.trial_days - 1))])
        )

    @property
    def without_service(self) -> list[Span]:
        """Suspended days (4.7) of the period."""
        return intersection(self.in_service, _days(self.suspended))


def charge_on(first: Decimal, charges: Iterable[tuple[date, Decimal]], day: date) -> Decimal:
    """Return the charge in force on a day: `first`, or the last of `charges`, in order, that holds by then."""
    in_force = first
    for from_month, charge in charges:
        if from_month <= day:
            in_force = charge
    return in_force


def days_changed(was: ContractRecord | None, becomes: ContractRecord | None) -> list[tuple[date, date]]:
    """Return the days, both included, whose service or worth differs between two records; None: no such contract."""
    if was is None or becomes is None:
        one = was or becomes
        return [(one.starts_on, one.last_day)] if one else []
    both = intersection(was.in_service, becomes.in_service)
    differing = [
        *_either(was.in_service, becomes.in_service),
        *_either(was.in_trial, becomes.in_trial),
        *_either(was.without_service, becomes.without_service),
        *(both if was.currency != becomes.currency else []),
        *intersection(both, _other_charges(was, becomes)),
    ]
    return [(date.fromordinal(first), date.fromordinal(end - 1)) for first, end in merged(differing)]


def _days(stretches: Iterable[tuple[date, date]]) -> list[Span]:
    return merged((first.toordinal(), last.toordinal() + 1) for first, last in stretches)


def _either(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    return [*difference(some, others), *difference(others, some)]


def _other_charges(was: ContractRecord, becomes: ContractRecord) -> list[Span]:
    """The days on which another charge is in force."""
    edges = sorted({date.min, *(month for one in (was, becomes) for month, _charge in one.charges)})
    return merged(
        (start.toordinal(), end.toordinal())
        for start, end in zip(edges, [*edges[1:], date.max], strict=True)
        if charge_on(was.monthly_charge, was.charges, start)
        != charge_on(becomes.monthly_charge, becomes.charges, start)
    )


MOST_MONTHS = 600
"""Months of a period that are listed: fifty years."""


@dataclass(frozen=True)
class MonthCost:
    """What a service month of a contract period cost, and its days."""

    month: ServiceMonth
    service_days: int
    trial_days: int
    suspended_days: int
    charge: Decimal | None
    """In force in the month; None where no service day carries one."""
    paid: Decimal
    """Received in the calendar month."""


def month_costs(record: ContractRecord, payments: Sequence[tuple[date, Decimal]]) -> list[MonthCost]:
    """List the months of a contract period, and those in which something was paid for it, in order."""
    days = [record.starts_on, record.last_day, *(paid_on for paid_on, _amount in payments)]
    month, last = ServiceMonth.of(min(days)), ServiceMonth.of(max(days))
    costs: list[MonthCost] = []
    while month <= last and len(costs) < MOST_MONTHS:
        span = [(month.first_day.toordinal(), month.last_day.toordinal() + 1)]
        service, trial = (seconds(intersection(of, span)) for of in (record.in_service, record.in_trial))
        costs.append(
            MonthCost(
                month=month,
                service_days=service,
                trial_days=trial,
                suspended_days=seconds(intersection(record.without_service, span)),
                charge=record.charge_in(month) if service > trial else None,
                paid=sum((amount for on, amount in payments if ServiceMonth.of(on) == month), Decimal(0)),
            )
        )
        month = month.next
    return costs


@dataclass(frozen=True)
class Period:
    """A contract period of a customer, known by its `key`."""

    key: int
    customer: int
    starts_on: date
    agreed_until: date
    last_day: date


def renewals_by_days(periods: Sequence[Period]) -> list[tuple[int, int]]:
    """Pair each period with the one that renews it, where only the days say so.

    A period that starts the day after another of the customer ends, as agreed or in fact, renews it; where several end or
    several start so, nothing says which.
    """
    following: dict[tuple[int, date], list[Period]] = {}
    for one in periods:
        following.setdefault((one.customer, one.starts_on), []).append(one)
    found = []
    for one in periods:
        days = {last + timedelta(days=1) for last in (one.agreed_until, one.last_day)}
        found += [(one.key, later.key) for day in days for later in following.get((one.customer, day), ())]
    earlier, later = Counter(pair[0] for pair in found), Counter(pair[1] for pair in found)
    return [pair for pair in found if earlier[pair[0]] == later[pair[1]] == 1]


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
