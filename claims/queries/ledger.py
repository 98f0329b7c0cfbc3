"""The ledger, as it is looked up, added up and taken to billing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, F, QuerySet, Sum, When

from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.money import smallest_unit
from sla_portal.kernel.months import ServiceMonth

from ..models import Compensation, Entry, Step, Voucher


@dataclass(frozen=True)
class Wanted:
    """Which entries of the ledger are asked for: all of them where nothing is said."""

    month: ServiceMonth | None = None
    """In which the entry was made, on the SLA clock."""
    contract: str = ""
    step: str = ""
    code: str = ""

    def told(self) -> dict[str, str]:
        """What was asked for, for the record."""
        return {name: str(value) for name, value in asdict(self).items() if value} | (
            {"month": str(self.month)} if self.month else {}
        )


@dataclass(frozen=True)
class Total:
    """How many entries of one kind there are in a currency, and what they come to."""

    currency: str
    step: Step
    entries: int
    minutes: int
    amount: Decimal
    """Of a redemption, the voucher's value: against the cap it counts for nothing anew."""


def entries(wanted: Wanted) -> QuerySet[Entry]:
    """The entries asked for, newest first."""
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
    """Add up entries by currency and step, in the order of a voucher's and an extension's life."""
    amount = Case(
        When(step=Step.REDEEMED, then=F("voucher__value")),
        When(step=Step.RETURNED, then=-F("voucher__value")),
        default=F("value"),
    )
    rows = (
        found.order_by()
        .values("currency", "step")
        .annotate(entries=Count("id"), all_minutes=Sum("minutes"), amount=Sum(amount))
    )
    order = list(Step)
    # SQLite adds up in floating point: what it says is brought back to the unit.
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


def life_of(voucher: Voucher) -> list[Entry]:
    """What became of a voucher, from its issue on."""
    return list(Entry.objects.filter(voucher=voucher).select_related("by").order_by("number"))


def life_of_extension(compensation: Compensation) -> list[Entry]:
    """What became of the extension that a compensation gave; empty where it gave none."""
    of_it = Entry.objects.filter(compensation=compensation, extended__isnull=False)
    return list(of_it.select_related("by", "extended").order_by("number"))


COLUMNS = (
    "entered_at", "contract", "entry", "step", "customer", "customer_name", "month", "claim", "voucher", "voucher_value",
    "contract_extended", "minutes", "value", "total", "cap", "currency", "reason", "entered_by",
)  # fmt: skip


def for_billing(found: QuerySet[Entry], *, with_codes: bool) -> Iterator[tuple[Any, ...]]:
    """The rows of an export, oldest first, read as they are asked for: numbers as numbers, everything else as text."""
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
