"""Entitlements of many contracts in one month: contracts entitled to compensation, and claims affected by a correction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from sla_portal.agreements.models import AgreementVersion, Contract
from sla_portal.agreements.queries import charges_in_force, contracts_in_force, suspensions_of
from sla_portal.agreements.rules import MeasurementPeriod
from sla_portal.availability.models import CustomerMonth, Deviation
from sla_portal.availability.queries import closing_of, customer_exclusions, judged_region
from sla_portal.availability.rules import FigureStatus, Judgement, for_customer
from sla_portal.customers.models import Region
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import Span, instant
from sla_portal.kernel.money import smallest_unit
from sla_portal.kernel.months import ServiceMonth, days_span

from ..models import Claim, Recommendation, Status
from ..models.applying import OPEN
from ..rules import ClaimWindow, Entitlement, worth
from .assessing import contract_days

CHUNK = 1000


@dataclass(frozen=True)
class ContractEntitlement:
    """What a contract is entitled to in a month, by the last calculated figures."""

    contract: Contract
    met: bool | None
    entitlement: Entitlement

    @property
    def minutes(self) -> int:
        """Minutes of service to compensate; 0 if the SLA was met."""
        return self.entitlement.minutes if self.met is False else 0

    @property
    def worth(self) -> Decimal:
        """Value of the minutes with charge, before the cap (5.1)."""
        return worth(self.entitlement.paid, self.entitlement) if self.met is False else Decimal(0)


class Month:
    """A service month for many contracts; a region is calculated at most once, and only if its stored rows do not suffice."""

    def __init__(self, month: ServiceMonth, now: datetime) -> None:
        self.month, self.now = month, now
        self.span = month.span(settings.SLA_ZONE)
        self._regions: dict[int, Judgement] = {}
        published = AgreementVersion.objects.filter(published_at__isnull=False)
        self._terms = {version.pk: version.terms for version in published}

    def entitled(self, customers: Iterable[int]) -> dict[int, list[ContractEntitlement]]:
        """Return the entitlements of contracts by customer, in a fixed number of queries per region."""
        rows = {
            row.customer_id: row
            for row in CustomerMonth.objects.filter(month=self.month.first_day, customer__in=list(customers))
        }
        contracts: dict[int, list[Contract]] = defaultdict(list)
        for contract in (
            contracts_in_force(self.month.first_day, self.month.last_day)
            .filter(customer__in=list(rows))
            .select_related("customer")
            .order_by("starts_on", "id")
        ):
            contracts[contract.customer_id].append(contract)
        divided = [
            customer for customer, own in contracts.items() if own and not self._row_suffices(rows[customer], own)
        ]
        excluded = customer_exclusions(divided, *(instant(edge) for edge in self.span))
        charges = charges_in_force([one for own in contracts.values() for one in own], self.month)
        suspended = self._suspended([contract.pk for customer in divided for contract in contracts[customer]])
        found: dict[int, list[ContractEntitlement]] = {}
        for customer, own in contracts.items():
            row = rows[customer]
            if customer not in divided:
                found[customer] = [self._entitlement(own[0], row, row.unavailable_minutes, 0, charges)]
                continue
            judgement = for_customer(
                self._region(own[0].customer.region_id),
                excluded.get(customer, []),
                [span for contract in own for span in suspended.get(contract.pk, [])],
            )
            counted = judgement.in_force.counted
            found[customer] = [
                self._entitlement(
                    one,
                    row,
                    counted.within(contract_days(one, self.month).spans),
                    counted.within(contract_days(one, self.month, one.trial_ends_on).spans) if one.trial_ends_on else 0,
                    charges,
                )
                for one in own
            ]
        return found

    def _row_suffices(self, row: CustomerMonth, contracts: Sequence[Contract]) -> bool:
        """Whether the stored month of a customer suffices: one contract, no trial day, measured by the month."""
        only = contracts[0]
        in_trial = only.trial_ends_on is not None and only.trial_ends_on >= self.month.first_day
        by_month = self._terms[row.agreement_version_id].measurement_period is MeasurementPeriod.MONTH
        return len(contracts) == 1 and not in_trial and by_month

    def _entitlement(
        self, contract: Contract, row: CustomerMonth, counted: int, trial: int, charges: Mapping[int, Decimal]
    ) -> ContractEntitlement:
        terms = self._terms[row.agreement_version_id]
        return ContractEntitlement(
            contract,
            row.met,
            Entitlement(
                counted_minutes=counted,
                trial_minutes=trial,
                minutes_per_minute=terms.compensated_minutes_per_minute,
                monthly_charge=charges[contract.pk],
                month_minutes=self.month.total_minutes,
                currency=contract.currency,
            ),
        )

    def _region(self, pk: int) -> Judgement:
        if pk not in self._regions:
            self._regions[pk] = judged_region(Region.objects.get(pk=pk), self.span, self.now)
        return self._regions[pk]

    def _suspended(self, contracts: Sequence[int]) -> dict[int, list[Span]]:
        first, last = self.month.first_day, self.month.last_day
        return {
            contract: [
                days_span(max(one.first_on, first), min(one.last_on, last), settings.SLA_ZONE) for one in suspensions
            ]
            for contract, suspensions in suspensions_of(contracts, first, last).items()
        }


# Contracts entitled to compensation

CLAIMED = (*OPEN, Status.GRANTED)


@dataclass(frozen=True)
class EntitledContract:
    """A contract entitled to compensation, with its claim if there is one."""

    entitled: ContractEntitlement
    claim: Claim | None

    @property
    def claimed(self) -> bool:
        return self.claim is not None and self.claim.status in CLAIMED


def below_target(month: ServiceMonth, *, unclaimed: bool = False) -> QuerySet[CustomerMonth]:
    """Return customers below the target in the month; `unclaimed`: only those with a contract without claim."""
    found = CustomerMonth.objects.filter(month=month.first_day, met=False).order_by("customer")
    if not unclaimed:
        return found
    claimed = Claim.objects.filter(contract=OuterRef("pk"), month=month.first_day, status__in=CLAIMED)
    open_to_claim = (
        contracts_in_force(month.first_day, month.last_day)
        .filter(customer=OuterRef("customer"))
        .exclude(Exists(claimed))
    )
    return found.filter(Exists(open_to_claim))


def entitled_contracts(of: Month, customers: Sequence[int], *, unclaimed: bool = False) -> list[EntitledContract]:
    """List the entitled contracts of customers, in the order of the customers."""
    entitled = of.entitled(customers)
    lines = [one for customer in customers for one in entitled.get(customer, ()) if one.minutes]
    claims: dict[int, Claim] = {}
    for claim in Claim.objects.filter(
        month=of.month.first_day, contract__in=[one.contract.pk for one in lines]
    ).order_by("id"):
        if claim.contract_id not in claims or claims[claim.contract_id].status not in CLAIMED:
            claims[claim.contract_id] = claim
    found = [EntitledContract(one, claims.get(one.contract.pk)) for one in lines]
    return [line for line in found if not (unclaimed and line.claimed)]


def entitled_contract(of: Month, contract: Contract) -> EntitledContract | None:
    """Return what a contract is entitled to for a closed month; None if the SLA was met or the month is not closed."""
    if closing_of(of.month) is None:
        return None
    lines = entitled_contracts(of, [contract.customer_id])
    return next((line for line in lines if line.entitled.contract.pk == contract.pk), None)


COLUMNS = (
    "month", "contract", "customer", "customer_name", "counted_minutes", "minutes_to_give", "worth", "currency", "opens_at",
    "closes_at", "claim", "claim_status", "figure_status",
)  # fmt: skip


def for_export(of: Month, window: ClaimWindow, *, unclaimed: bool) -> Iterator[tuple[Any, ...]]:
    """Yield the export rows of all entitled contracts, queried in chunks."""
    everyone = list(below_target(of.month, unclaimed=unclaimed).values_list("customer", flat=True))
    left = Deviation.objects.filter(month=of.month.first_day).exists()
    # Only a closed month is exported.
    status = FigureStatus.PROVISIONAL if left else FigureStatus.FINAL
    for start in range(0, len(everyone), CHUNK):
        for line in entitled_contracts(of, everyone[start : start + CHUNK], unclaimed=unclaimed):
            contract, claim = line.entitled.contract, line.claim
            yield (
                str(of.month),
                contract.reference,
                contract.customer.code,
                contract.customer.name,
                line.entitled.entitlement.counted_minutes,
                line.entitled.minutes,
                line.entitled.worth.quantize(smallest_unit(contract.currency)),
                contract.currency,
                instant_text(window.opens_at),
                instant_text(window.closes_at),
                claim.number if claim else "",
                claim.status if claim else "",
                status.value,
            )


# Claims affected by a correction


@dataclass(frozen=True)
class AffectedClaim:
    """A decided claim of a corrected month, with the figures then and now."""

    claim: Claim
    recommendation: Recommendation
    entitled: ContractEntitlement | None
    """None: the contract has no service day in the month any more."""

    @property
    def counted_then(self) -> int:
        return int(self.recommendation.facts["counted_minutes"])

    @property
    def charge_now(self) -> Decimal:
        return self.entitled.entitlement.monthly_charge if self.entitled else Decimal(0)

    @property
    def counted_now(self) -> int:
        return self.entitled.entitlement.counted_minutes if self.entitled else 0

    @property
    def trial_now(self) -> int:
        return self.entitled.entitlement.trial_minutes if self.entitled else 0

    @property
    def minutes_now(self) -> int:
        return self.entitled.minutes if self.entitled else 0

    @property
    def differs(self) -> bool:
        """Whether minutes, those of the free trial or the charge differ, or the SLA is met now."""
        granted_for_nothing = self.claim.status == Status.GRANTED and not self.minutes_now
        return (
            granted_for_nothing
            or self.counted_now != self.counted_then
            or self.trial_now != self.recommendation.facts["trial_minutes"]
            or self.charge_now != Decimal(self.recommendation.facts["monthly_charge"])
        )


DECIDED = (Status.GRANTED, Status.REFUSED)


def affected_claims(of: Month, after: int = 0) -> tuple[list[AffectedClaim], int]:
    """Return the affected claims among the next 1,000 decided claims of a month after claim `after`.

    Also returns the claim after which the next page starts; 0 at the end.
    """
    claims = list(
        Claim.objects.filter(month=of.month.first_day, status__in=DECIDED, pk__gt=after)
        .select_related("contract__customer")
        .prefetch_related("compensations__entries")
        .order_by("pk")[: CHUNK + 1]
    )
    going_on = claims[CHUNK - 1].pk if len(claims) > CHUNK else 0
    claims = claims[:CHUNK]
    by_contract = {
        one.contract.pk: one
        for entitled in of.entitled({claim.contract.customer_id for claim in claims}).values()
        for one in entitled
    }
    last: dict[int, Recommendation] = {}
    for recommendation in Recommendation.objects.filter(claim__in=claims).order_by("id"):
        last[recommendation.claim_id] = recommendation
    found = [AffectedClaim(claim, last[claim.pk], by_contract.get(claim.contract_id)) for claim in claims]
    return [one for one in found if one.differs], going_on
