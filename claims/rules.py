"""When a month can be claimed (3.3.1), whether a claim passes the checks of section 3, and what it is worth (3.2, 5.1)."""

import re
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from zoneinfo import ZoneInfo

from sla_portal.agreements.rules import Terms
from sla_portal.availability.clauses import CLAUSES
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.money import rounded, smallest_unit
from sla_portal.kernel.months import ServiceMonth, day_span
from sla_portal.kernel.working_days import WorkingDays


@dataclass(frozen=True)
class ClaimWindow:
    """The claim period of one service month: `[opens_at, closes_at)`, UTC (3.3.1)."""

    last_day_to_wait: date
    """The fifth working day of the following month, after which the window opens."""
    opens_at: datetime
    closes_at: datetime
    provisional: bool
    """The official calendar of that year is not published yet: the opening may change."""


def claim_window(month: ServiceMonth, terms: Terms, working_days: WorkingDays, zone: ZoneInfo) -> ClaimWindow:
    """Calculate the claim period of `month` in the SLA time zone `zone` (3.3.1)."""
    following = month.next
    last_day_to_wait = working_days.nth(terms.claim_opens_after_working_day, following)
    first_day_too_late = (following + terms.claim_closes_after_months).first_day
    return ClaimWindow(
        last_day_to_wait=last_day_to_wait,
        opens_at=instant(day_span(last_day_to_wait + timedelta(days=1), zone)[0]),
        closes_at=instant(day_span(first_day_too_late, zone)[0]),
        provisional=not working_days.is_known(following.year),
    )


class Check(Enum):
    """The checks before a grant, in the order of the agreement."""

    CREDITED = "credited"
    """Of a credit without a claim, in place of the checks of an application."""
    IN_TIME = "in time"
    UNDER_CONTRACT = "under contract"
    NOT_CLAIMED_BEFORE = "not claimed before"
    PROVED = "proved"
    FIGURES_FINAL = "figures final"
    EXCLUSIONS_DECIDED = "exclusions decided"
    BELOW_TARGET = "below target"
    COUNTED_MINUTES = "counted minutes"
    CAP_LEFT = "cap left"


CLAUSE_OF = {
    Check.CREDITED: "3",
    Check.IN_TIME: "3.3.1",
    Check.UNDER_CONTRACT: "1.2",
    Check.NOT_CLAIMED_BEFORE: "3.2",
    Check.PROVED: "3.3.2",
    Check.FIGURES_FINAL: "2.1",
    Check.EXCLUSIONS_DECIDED: "4",
    Check.BELOW_TARGET: "2",
    Check.COUNTED_MINUTES: "3.1",
    Check.CAP_LEFT: "5.1",
}
GROUNDS = ("1.2", "1.3", "2", "3.1", "3.2", "3.3.1", "3.3.2", *CLAUSES, "5.1")
"""The clauses on which a claim can be refused."""


@dataclass(frozen=True)
class Facts:
    """The input of the checks of a claim."""

    window: ClaimWindow
    received_at: datetime
    under_contract: bool
    claimed_before: bool
    proofs: int
    closed: bool
    agrees_with_closing: bool
    """The current figures equal those frozen at the closing."""
    provisional: bool
    undecided_exclusions: int
    """Proposed exclusions that touch minutes of the claim and that nobody decided yet."""
    met: bool | None
    counted_minutes: int
    cap_left: Decimal
    worth: Decimal
    """Value of all minutes that carry a charge, in the currency of the contract."""
    credited: bool | None = None
    """Whether the agreement credits a month without a claim; None: somebody claimed it."""


OF_AN_APPLICATION = (Check.IN_TIME, Check.PROVED)


@dataclass(frozen=True)
class Finding:
    """The result of one check, with the clause that requires it."""

    check: Check
    passed: bool | None
    """None: pending."""

    @property
    def clause(self) -> str:
        return CLAUSE_OF[self.check]


def examine(facts: Facts) -> tuple[Finding, ...]:
    """Check a claim in the order of the agreement; a failed check is an objection with its clause."""
    final = facts.closed and facts.agrees_with_closing and not facts.provisional
    findings = (
        Finding(Check.IN_TIME, facts.received_at < facts.window.closes_at),
        Finding(Check.UNDER_CONTRACT, facts.under_contract),
        Finding(Check.NOT_CLAIMED_BEFORE, not facts.claimed_before),
        # 3.3.2: proof of a claim received by phone or ticket may follow later
        Finding(Check.PROVED, True if facts.proofs else None),
        Finding(Check.FIGURES_FINAL, True if final else None),
        # 4: a grant waits for exclusions of its minutes that nobody decided yet
        Finding(Check.EXCLUSIONS_DECIDED, None if facts.undecided_exclusions else True),
        # 2: entitled below the target
        Finding(Check.BELOW_TARGET, facts.met is False),
        # 3.1: only counted minutes
        Finding(Check.COUNTED_MINUTES, facts.counted_minutes > 0),
        # 5.1: a claim without monetary value does not need a balance
        Finding(Check.CAP_LEFT, facts.cap_left > 0 or not facts.worth),
    )
    if facts.credited is None:
        return findings
    # 3: nobody applied, so nothing was received in time or proved; the agreement must allow it instead
    others = (finding for finding in findings if finding.check not in OF_AN_APPLICATION)
    return (Finding(Check.CREDITED, facts.credited), *others)


def grounds(findings: Iterable[Finding], excluded_under: Collection[str], *, only_trial: bool) -> tuple[str, ...]:
    """Return the clauses on which the record lets a claim be refused, in the order of the agreement.

    Each check that fails; each clause of section 4 under which claimed minutes are excluded; the free trial where nothing but
    minutes without charge is due and no contract can be extended (`only_trial`); and proof that does not suffice (3.3.2),
    which people judge.
    """
    failed = {finding.clause for finding in findings if finding.passed is False}
    possible = failed | {*excluded_under, "3.3.2"} | ({"1.3"} if only_trial else set())
    return tuple(clause for clause in GROUNDS if clause in possible)


NAMED = re.compile(r"(?<![\w@.])@([a-z0-9_](?:[a-z0-9_.+-]*[a-z0-9_+-])?)", re.IGNORECASE | re.ASCII)


def mentions(text: str, known: Container[str]) -> tuple[list[str], list[str]]:
    """Return the user names that a note mentions with `@`, folded: those in `known`, and the others."""
    named = list(dict.fromkeys(name.casefold() for name in NAMED.findall(text)))
    return [name for name in named if name in known], [name for name in named if name not in known]


@dataclass(frozen=True)
class Entitlement:
    """The unavailable minutes of a contract in a month, with the charge that gives their value."""

    counted_minutes: int
    trial_minutes: int
    """Those of them in the free trial: without charge (1.3), so without monetary value."""
    minutes_per_minute: int
    monthly_charge: Decimal
    """The charge in force in the month (1.3)."""
    month_minutes: int
    """The minutes of the whole calendar month, however many of its days are days of the contract (3.2)."""
    currency: str
    smallest_voucher: Decimal = Decimal(0)
    """What a voucher is at least worth (3.2)."""

    @property
    def minutes(self) -> int:
        """Minutes of service to compensate (3.2)."""
        return self.counted_minutes * self.minutes_per_minute

    @property
    def trial(self) -> int:
        """Those of them without charge: compensated as service extension only."""
        return self.trial_minutes * self.minutes_per_minute

    @property
    def paid(self) -> int:
        """Those of them with charge: compensated as service extension or as voucher."""
        return self.minutes - self.trial


def worth(minutes: int, entitlement: Entitlement) -> Decimal:
    """Value minutes that carry a charge (3.2): charge × minutes ÷ minutes of the calendar month, rounded half up once."""
    exact = Fraction(entitlement.monthly_charge) * minutes / entitlement.month_minutes
    return rounded(exact, entitlement.currency)


@dataclass(frozen=True)
class Division:
    """Minutes and value of voucher, service extension and cut; they add up to the minutes to compensate, and to their worth.

    The cap reduces the value of a voucher but not its minutes; it reduces an extension by whole minutes.
    """

    voucher_minutes: int
    voucher_value: Decimal
    extension_minutes: int
    extension_value: Decimal
    cut_minutes: int
    cut_value: Decimal
    small_minutes: int = 0
    """Of the extension: those of a voucher that would have been worth less than the smallest that is issued."""

    @property
    def value(self) -> Decimal:
        return self.voucher_value + self.extension_value


def divide(entitlement: Entitlement, voucher_minutes: int, cap_left: Decimal, *, extendable: bool) -> Division:
    """Divide the minutes between voucher and service extension within the balance under the cap (3.2, 5.1).

    `voucher_minutes` are at most those with charge, else ValueError; the rest becomes extension, and so does a voucher
    that would be smaller than is issued. If no contract can be extended, the rest is cut.
    """
    if not 0 <= voucher_minutes <= entitlement.paid:
        raise ValueError("More minutes as voucher than carry a charge.")
    # 3.2: a minute extended is valued as a minute paid, and all of them are rounded once
    charged, whole = entitlement.paid - voucher_minutes, worth(entitlement.paid, entitlement)
    voucher_share = worth(voucher_minutes, entitlement)
    # 5.1: the cap cuts the whole first
    within = min(whole, _whole_units(cap_left, entitlement))
    fitting, extension_value = (charged, whole - voucher_share) if extendable else (0, Decimal(0))
    if extension_value > within:
        fitting = min(charged, _minutes_worth(within, entitlement))
        extension_value = worth(fitting, entitlement)
    voucher_value = min(voucher_share, within - extension_value)
    if extendable and 0 < voucher_value < entitlement.smallest_voucher:
        return replace(divide(entitlement, 0, cap_left, extendable=True), small_minutes=voucher_minutes)
    return Division(
        voucher_minutes=voucher_minutes,
        voucher_value=voucher_value,
        extension_minutes=fitting + (entitlement.trial if extendable else 0),
        extension_value=extension_value,
        cut_minutes=charged - fitting + (0 if extendable else entitlement.trial),
        cut_value=whole - extension_value - voucher_value,
    )


def apportioned(value: Decimal, weights: Sequence[int], currency: str) -> list[Decimal]:
    """Share a value in proportion to positive weights, in smallest units of its currency; the shares add up to it."""
    unit = smallest_unit(currency)
    exact = [Fraction(value) * weight / sum(weights) / Fraction(unit) for weight in weights]
    units = [int(share // 1) for share in exact]
    # What is left over goes to the largest remainders.
    left = int(Fraction(value) / Fraction(unit)) - sum(units)
    for n in sorted(range(len(units)), key=lambda n: units[n] - exact[n])[:left]:
        units[n] += 1
    return [count * unit for count in units]


def _whole_units(cap_left: Decimal, entitlement: Entitlement) -> Decimal:
    unit = smallest_unit(entitlement.currency)
    return max(cap_left, Decimal(0)) // unit * unit


def _minutes_worth(value: Decimal, entitlement: Entitlement) -> int:
    """The most minutes whose worth, rounded, does not exceed `value`, a whole number of the smallest unit."""
    if not entitlement.monthly_charge:
        return entitlement.paid
    # What is less than half a unit above the value is rounded down to it.
    half = Fraction(smallest_unit(entitlement.currency)) / 2
    exact = (Fraction(value) + half) * entitlement.month_minutes / Fraction(entitlement.monthly_charge)
    most = int(exact)
    return most if most < exact else most - 1
