"""Queries of the ledger: filter, totals, histories and the export for billing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, F, QuerySet, Sum, When
from django.db.models.functions import Coalesce

from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.money import smallest_unit
from sla_portal.kernel.months import ServiceMonth

from ..models import Compensation, Entry, Step, Undoing, Voucher


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
        When(step=Step.REDEEMED, then=Coalesce("redeemed", "voucher__value")),
        When(step=Step.RETURNED, then=Coalesce("redeemed", -F("voucher__value"))),
        default=F("value"),
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


def open_undoings() -> QuerySet[Undoing]:
    """Return the proposed reversals that wait for their second person, the oldest first."""
    found = Undoing.objects.filter(outcome="").select_related("proposed_by", "compensation__claim__contract__customer")
    return found.prefetch_related("entries__voucher", "entries__extended").order_by("id")


def life_of(voucher: Voucher) -> list[Entry]:
    """List the entries of a voucher, oldest first."""
    return list(Entry.objects.filter(voucher=voucher).select_related("by", "voucher").order_by("number"))


def life_of_extension(compensation: Compensation) -> list[Entry]:
    """List the entries of the extension of a compensation, oldest first; empty if it has none."""
    of_it = Entry.objects.filter(compensation=compensation, extended__isnull=False)
    return list(of_it.select_related("by", "extended").order_by("number"))


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
