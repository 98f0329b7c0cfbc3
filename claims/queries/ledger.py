"""Queries of the ledger: filter, totals, histories and the export for billing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce

from sla_portal.customers.models import Customer
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.money import smallest_unit
from sla_portal.kernel.months import ServiceMonth

from ..models import BillingExport, Compensation, Entry, Step, Undoing, Voucher

ASKED_AT_ONCE = 500
WHOLE = {Step.REDEEMED: F("voucher__value"), Step.RETURNED: -F("voucher__value")}
"""What an entry of an earlier build took of a voucher."""


@dataclass(frozen=True)
class Wanted:
    """A filter for ledger entries; empty selects all."""

    month: ServiceMonth | None = None
    """The month in which the entry was posted, in the SLA time zone."""
    contract: str = ""
    step: str = ""
    code: str = ""

    def as_changes(self) -> dict[str, str]:
        """Return the filter for the audit log."""
        return {name: str(value) for name, value in asdict(self).items() if value} | (
            {"month": str(self.month)} if self.month else {}
        )


@dataclass(frozen=True)
class Total:
    """Number and sum of the entries of one type in one currency."""

    currency: str
    step: Step
    entries: int
    minutes: int
    amount: Decimal
    """For a redemption, what it took of the voucher, although the entry does not count against the cap again."""


def entries(wanted: Wanted) -> QuerySet[Entry]:
    """Return the filtered entries, newest first."""
    found = Entry.objects.order_by("-at", "-id")
    if wanted.month:
        start, end = (instant(edge) for edge in wanted.month.span(settings.SLA_ZONE))
        found = found.filter(at__gte=start, at__lt=end)
    if wanted.contract:
        found = found.filter(contract__reference=wanted.contract)
    if wanted.step:
        found = found.filter(step=wanted.step)
    if wanted.code:
        found = found.filter(voucher__code=wanted.code)
    return found


def totals(found: QuerySet[Entry]) -> list[Total]:
    """Sum the entries by currency and type, ordered by currency and `Step`."""
    amount = Case(
        *[When(step=step, then=Coalesce("redeemed", whole)) for step, whole in WHOLE.items()], default=F("value")
    )
    rows = (
        found.order_by()
        .values("currency", "step")
        .annotate(entries=Count("id"), all_minutes=Sum("minutes"), amount=Sum(amount))
    )
    order = list(Step)
    # SQLite sums in floating point: round to the smallest unit.
    added_up = [
        Total(
            row["currency"],
            Step(row["step"]),
            row["entries"],
            row["all_minutes"],
            _money(row["amount"], row["currency"]),
        )
        for row in rows
    ]
    return sorted(added_up, key=lambda total: (total.currency, order.index(total.step)))


@dataclass(frozen=True)
class Balance:
    """What became of the vouchers of a customer in a currency: issued is the sum of the other four."""

    customer: str
    customer_name: str
    currency: str
    issued: Decimal
    redeemed: Decimal
    voided: Decimal
    expired: Decimal
    """What was left of vouchers when their last day was over."""
    outstanding: Decimal


def balances(today: date, *, after: str = "", most: int | None = None) -> list[Balance]:
    """Return the balances of the customers with vouchers whose code follows `after`, by code and currency.

    Of `most` customers at most; `today` is the day in the SLA time zone.
    """
    vouchers = Entry.objects.filter(step=Step.ISSUED, contract__customer=OuterRef("pk"))
    found = Customer.objects.filter(Exists(vouchers), code__gt=after).order_by("code")[:most]
    customers = {pk: (code, name) for pk, code, name in found.values_list("pk", "code", "name")}
    # SQLite takes no more than some thousand parameters, so many are asked for in turns.
    turns = [list(customers)[at : at + ASKED_AT_ONCE] for at in range(0, len(customers), ASKED_AT_ONCE)]
    return [balance for turn in turns for balance in _balances(turn, customers, today)]


def balances_of(customer: int, today: date) -> list[Balance]:
    """Return the balances of one customer by currency; none without a voucher."""
    code, name = Customer.objects.values_list("code", "name").get(pk=customer)
    return _balances([customer], {customer: (code, name)}, today)


def _balances(asked: Sequence[int], customers: Mapping[int, tuple[str, str]], today: date) -> list[Balance]:
    of_vouchers = Entry.objects.filter(contract__customer__in=asked, voucher__isnull=False).order_by()
    taken = Coalesce("redeemed", Case(*[When(step=step, then=amount) for step, amount in WHOLE.items()]))
    sums = of_vouchers.values("contract__customer", "currency").annotate(
        issued=Sum("value", filter=Q(step=Step.ISSUED)),
        sum_taken=Sum(taken, filter=Q(step__in=WHOLE)),
        gone=Sum("value", filter=Q(step=Step.VOIDED)),
    )
    whole = Case(When(step__in=(Step.ISSUED, Step.RETURNED), then=F("voucher__value")), default=Decimal(0))
    over = (
        of_vouchers.filter(followed_by=None, voucher__expires_on__lt=today)
        .values("contract__customer", "currency")
        .annotate(sum_left=Sum(Coalesce("balance", whole)))
    )
    expired = {(row["contract__customer"], row["currency"]): row["sum_left"] for row in over}
    made = []
    for row in sums:
        customer, currency = row["contract__customer"], row["currency"]
        issued, redeemed, gone, left = (
            _money(one or Decimal(0), currency)
            for one in (row["issued"], row["sum_taken"], row["gone"], expired.get((customer, currency)))
        )
        outstanding = issued - redeemed + gone - left
        made.append(Balance(*customers[customer], currency, issued, redeemed, -gone, left, outstanding))
    return sorted(made, key=lambda one: (one.customer, one.currency))


def exports_for_billing() -> QuerySet[BillingExport]:
    """Return the exports for billing, the newest first."""
    return BillingExport.objects.select_related("exported_by").order_by("-number")


def open_undoings() -> QuerySet[Undoing]:
    """Return the proposed reversals that wait for their second person, the oldest first."""
    found = Undoing.objects.filter(outcome="").select_related("proposed_by", "compensation__claim__contract__customer")
    return found.prefetch_related("entries__voucher", "entries__extended").order_by("id")


def life_of(voucher: Voucher) -> list[Entry]:
    """List the entries of a voucher, oldest first."""
    return list(Entry.objects.filter(voucher=voucher).select_related("by", "voucher", "credit_note").order_by("number"))


def life_of_extension(compensation: Compensation) -> list[Entry]:
    """List the entries of the extension of a compensation, oldest first; empty if it has none."""
    of_it = Entry.objects.filter(compensation=compensation, extended__isnull=False)
    return list(of_it.select_related("by", "extended").order_by("number"))


BALANCE_COLUMNS = tuple(field.name for field in fields(Balance))
COLUMNS = (
    "entered_at", "contract", "entry", "step", "customer", "customer_name", "month", "claim", "voucher", "voucher_value",
    "redeemed", "balance", "contract_extended", "minutes", "value", "total", "cap", "currency", "reason", "entered_by",
)  # fmt: skip


def for_billing(found: QuerySet[Entry], *, with_codes: bool) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of an export, oldest first: numbers as numbers, everything else as text."""
    related = "contract__customer", "compensation__claim", "voucher", "extended", "by"
    for entry in found.order_by("at", "id").select_related(*related).iterator(chunk_size=2000):
        claim, voucher = entry.compensation.claim, entry.voucher
        yield (
            instant_text(entry.at),
            entry.contract.reference,
            entry.number,
            entry.step,
            entry.contract.customer.code,
            entry.contract.customer.name,
            str(claim.service_month),
            claim.number,
            (voucher.code if with_codes else "") if voucher else "",
            _money(voucher.value, entry.currency) if voucher else "",
            _money(entry.taken, entry.currency) if entry.taken else "",
            _money(entry.left, entry.currency) if voucher else "",
            entry.extended.reference if entry.extended else "",
            entry.minutes,
            _money(entry.value, entry.currency),
            _money(entry.total, entry.currency),
            _money(entry.cap, entry.currency),
            entry.currency,
            entry.reason,
            entry.by.get_full_name() or entry.by.get_username(),
        )


def _money(amount: Decimal, currency: str) -> Decimal:
    return Decimal(amount).quantize(smallest_unit(currency))
