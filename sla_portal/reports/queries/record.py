"""Compile the figures of reports from the judgement and the record."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Min

from claims.models import Entry
from incidents.models import Incident
from incidents.queries import connected_outages
from maintenance.queries import windows_of_region
from sla_portal.agreements.models import Clause, Contract, Suspension
from sla_portal.agreements.queries import contracts_in_force, suspensions_of
from sla_portal.agreements.rules import Terms, terms_at
from sla_portal.availability.clauses import PRECEDENCE
from sla_portal.availability.models import CustomerMonth, Exclusion, RegionMonth
from sla_portal.availability.models import Status as ExclusionStatus
from sla_portal.availability.queries import (
    days_measured,
    exclusions_of_region,
    first_service_day,
    judged_region,
    service_days_of,
    statuses_of_regions,
)
from sla_portal.availability.rules import (
    ExcludedTime,
    FailureEvent,
    Judgement,
    MonthFigures,
    Pending,
    cut,
    figures,
    for_customer,
    with_undecided_exclusion,
)
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import MINUTE, Span, clipped, epoch, instant, minutes_touching, touching
from sla_portal.kernel.months import ServiceDays, ServiceMonth, days_span
from sla_portal.operator.queries import operator_in_force

from ..rules import (
    FORMAT,
    Common,
    ConfirmedExclusion,
    ContractPeriod,
    Event,
    EvidenceFile,
    Figures,
    FigureStatement,
    LedgerEntry,
    ProposedExclusion,
    ReferenceAndTitle,
    StatedContract,
    Undecided,
    Version,
)
from .rows import (
    last_months,
    months_before,
    name_of,
    stated_claims,
    stated_entry,
    stated_map,
    stated_recovery,
    stated_suspension,
    stated_turns,
    stated_version,
    stated_window,
    what_was_unavailable,
)


@dataclass(frozen=True)
class CustomerExclusions:
    """The time that section 4 excludes for one customer only."""

    exclusions: tuple[Exclusion, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    proposed: tuple[Exclusion, ...] = ()
    """Undecided; not applied."""

    def applied_to(self, judgement: Judgement) -> Judgement:
        return self._applied(judgement, self.exclusions)

    def if_confirmed(self, judgement: Judgement) -> Judgement:
        return self._applied(judgement, (*self.exclusions, *self.proposed))

    def _applied(self, judgement: Judgement, exclusions: Iterable[Exclusion]) -> Judgement:
        return for_customer(
            judgement,
            [
                ExcludedTime(None, one.clause, epoch(one.starts_at), epoch(one.ends_at), key=one.pk)
                for one in exclusions
                if one.starts_at and one.ends_at
            ],
            [days_span(one.first_on, one.last_on, settings.SLA_ZONE) for one in self.suspensions],
        )


NO_EXCLUSIONS = CustomerExclusions()


class RegionRecord:
    """The record of a region's month, read once for the statements of the region and of its customers.

    Ongoing outages run to `now`. Raises `NoAgreementInForce`.
    """

    def __init__(self, region: Region, month: ServiceMonth, now: datetime) -> None:
        self.claims = stated_claims(month)
        self.region, self.month = region, month
        self.span = month.span(settings.SLA_ZONE)
        first = (
            contracts_in_force(month.first_day, month.last_day)
            .filter(customer__region=region)
            .aggregate(first=Min("starts_on"))["first"]
        )
        # Contract periods are stated as well, so the judgement goes back to the start of the first.
        reach = days_span(min(first or month.first_day, month.first_day), month.last_day, settings.SLA_ZONE)
        outages = connected_outages(region, instant(reach[0]), instant(reach[1]))
        self.judgement = judged_region(region, reach, now)
        self.incidents = {
            incident.reference: incident
            for incident in Incident.objects.filter(outages__in=outages)
            .distinct()
            .prefetch_related("outages__functions", "outages__clients")
        }
        effective = (ExclusionStatus.CONFIRMED, ExclusionStatus.PROPOSED)
        exclusions = list(exclusions_of_region(region, reach).filter(status__in=effective).prefetch_related("files"))
        self.exclusions = [one for one in exclusions if one.status == ExclusionStatus.CONFIRMED]
        self.proposed = [one for one in exclusions if one.status == ExclusionStatus.PROPOSED]
        self.if_confirmed = judged_region(region, reach, now, as_if_confirmed=self.proposed) if self.proposed else None
        self.status = statuses_of_regions([month], now, [region])[region.pk, month.first_day]
        self.windows = [
            stated_window(window)
            for window in windows_of_region(region, instant(self.span[0]), instant(self.span[1]))
            .prefetch_related(None)
            .prefetch_related("notices")
        ]
        self.clauses = {
            (clause.agreement_version.version, clause.number): clause
            for clause in Clause.objects.select_related("agreement_version")
        }
        self.operator = operator_in_force()
        self._titles: dict[tuple[int, str], str] = {}
        self._common: dict[Hashable, Common] = {}
        self._contract_periods: dict[Hashable, MonthFigures] = {}

    def of_region(self) -> Figures:
        """Return the figures of the region's month, in English or, where that is not offered, the operator's language."""
        language = self.operator.language_for(settings.LANGUAGE_CODE)
        days = service_days_of(self.region, self.month)
        common = self._in_common(frozenset(days), days[0], language, NO_EXCLUSIONS)
        rows = RegionMonth.objects.filter(region=self.region, month__in=months_before(self.month))
        return {
            **common,  # type: ignore[typeddict-item]  # compensation is a customer's, and absent without any
            "scope": "region",
            "code": self.region.code,
            "name": self.region.name_in(language),
            "contract_period": None,
            "months": last_months(self.month, rows, common),
        }

    def of_customers(self, customers: Sequence[Customer]) -> list[Figures]:
        """Return the figures of `customers` of the region, in their languages where these are offered, in a fixed number of queries."""
        contracts: dict[int, list[Contract]] = defaultdict(list)
        in_force = contracts_in_force(self.month.first_day, self.month.last_day).filter(customer__in=customers)
        for contract in in_force.order_by("starts_on"):
            contracts[contract.customer_id].append(contract)
        every = [contract for own in contracts.values() for contract in own]
        first = min((contract.starts_on for contract in every), default=self.month.first_day)
        suspensions = suspensions_of([contract.pk for contract in every], first, self.month.last_day)
        reach = days_span(first, self.month.last_day, settings.SLA_ZONE)
        exclusions: dict[int | None, list[Exclusion]] = defaultdict(list)
        proposed: dict[int | None, list[Exclusion]] = defaultdict(list)
        for exclusion in (
            Exclusion.objects.filter(
                status__in=(ExclusionStatus.CONFIRMED, ExclusionStatus.PROPOSED),
                customer__in=customers,
                starts_at__lt=instant(reach[1]),
                ends_at__gt=instant(reach[0]),
            )
            .select_related("proposed_by", "decided_by", "maintenance")
            .prefetch_related("files")
        ):
            if exclusion.status == ExclusionStatus.CONFIRMED:
                exclusions[exclusion.customer_id].append(exclusion)
            elif _lies_in(exclusion, self.span):
                proposed[exclusion.customer_id].append(exclusion)
        past: dict[int, list[CustomerMonth]] = defaultdict(list)
        for row in CustomerMonth.objects.filter(customer__in=customers, month__in=months_before(self.month)):
            past[row.customer_id].append(row)
        compensation: dict[int, list[LedgerEntry]] = defaultdict(list)
        for entry in (
            Entry.objects.filter(
                contract__customer__in=customers, at__gte=instant(self.span[0]), at__lt=instant(self.span[1])
            )
            .select_related("contract", "compensation__claim")
            .order_by("at", "id")
        ):
            compensation[entry.contract.customer_id].append(stated_entry(entry))
        return [
            self._of_customer(
                customer,
                contracts[customer.pk],
                CustomerExclusions(
                    tuple(exclusions[customer.pk]),
                    tuple(one for contract in contracts[customer.pk] for one in suspensions.get(contract.pk, ())),
                    tuple(proposed[customer.pk]),
                ),
                past[customer.pk],
                compensation[customer.pk],
            )
            for customer in customers
        ]

    def _of_customer(
        self,
        customer: Customer,
        contracts: Sequence[Contract],
        own: CustomerExclusions,
        past: Iterable[CustomerMonth],
        compensation: list[LedgerEntry],
    ) -> Figures:
        in_force = [(contract.starts_on, contract.last_day) for contract in contracts]
        first = first_service_day(in_force, self.month)
        measured = frozenset(days_measured(in_force, self.month, self._terms_on(first)))
        common = self._in_common(measured, first, self.operator.language_for(customer.language), own)
        stated: Figures = {
            **common,  # type: ignore[typeddict-item]  # compensation follows where there is any
            "scope": "customer",
            "code": customer.code,
            "name": customer.name,
            "contract_period": self._contract_period(contracts[-1], own) if contracts else None,
            "months": last_months(self.month, past, common),
        }
        # Absent where there is none, so that the figures of reports older than the ledger keep their SHA-256.
        return {**stated, "compensation": compensation} if compensation else stated

    def _terms_on(self, day: date) -> Terms:
        return terms_at(self.judgement.periods, days_span(day, day, settings.SLA_ZONE)[0])

    def _in_common(self, measured: frozenset[date], first: date, language: str, own: CustomerExclusions) -> Common:
        """Return the figures of all with these measured days, first service day and own exclusions; computed once."""
        key = measured, first, language, own
        if key not in self._common:
            self._common[key] = self._stated(measured, first, language, own)
        return self._common[key]

    def _stated(self, measured: frozenset[date], first: date, language: str, own: CustomerExclusions) -> Common:
        judgement = own.applied_to(self.judgement)
        days = ServiceDays.of(measured, settings.SLA_ZONE)
        terms = self._terms_on(first)
        judged = figures(judgement, days, terms)
        outages = [outage for outage in judgement.outages if touching(days.spans, (outage.start, outage.end))]
        incidents = sorted(
            (self.incidents[reference] for reference in {outage.incident for outage in outages}),
            key=lambda incident: (incident.detected_at, incident.pk),
        )
        minutes = _excluded_minutes(judgement, days)
        return {
            "format": FORMAT,
            "language": language,
            "month": str(self.month),
            "sla_zone": settings.SLA_TIME_ZONE,
            "reader_zone": self.region.time_zone,
            "region": {"code": self.region.code, "name": self.region.name_in(language)},
            "agreements": self._versions(terms, days),
            "first_day": min(measured, default=self.month.first_day).isoformat(),
            "last_day": max(measured, default=self.month.last_day).isoformat(),
            "service_days": judged.service_days,
            "total_minutes": judged.total_minutes,
            "unavailable_minutes": judged.unavailable_minutes,
            "excluded_minutes": judged.excluded_minutes,
            "availability": judged.availability if judged.availability is None else cut(judged.availability),
            "met": judged.met,
            "budget_minutes": judged.budget_minutes,
            "provisional": judged.provisional,
            **self._status(days, terms, own),
            "ongoing": self._named({outage.incident for outage in outages if outage.ongoing}, language),
            "unclassified": self._named({one.reference for one in incidents if one.attributable is None}, language),
            "reading_sensitive": judged.reading_sensitive,
            "readings": [
                {
                    "reading": reading.value,
                    "unavailable_minutes": under.unavailable_minutes,
                    "availability": under.availability if under.availability is None else cut(under.availability),
                    "met": under.met,
                }
                for reading, under in judged.under.items()
            ],
            **stated_turns(judged),
            "map": stated_map(judgement, days, self.span),
            "events": [self._event(judgement, event, language) for event in judged.events],
            "exclusions": self._exclusions({one.pk for one in incidents}, own, language, minutes),
            **self._undecided({one.pk for one in incidents}, own, language),
            "suspensions": [stated_suspension(one, minutes) for one in own.suspensions if _touches(one, days)],
            "windows": self.windows,
            "recovery": [stated_recovery(one, self._title(one, language)) for one in incidents],
            "claims": self.claims,
        }

    def _status(self, days: ServiceDays, terms: Terms, own: CustomerExclusions) -> FigureStatement:
        """Return the status of the figures, and the figures as they would be if what is undecided were confirmed."""
        status = with_undecided_exclusion(self.status) if own.proposed else self.status
        undecided = Pending.UNDECIDED_EXCLUSION in status.pending
        would = figures(own.if_confirmed(self.if_confirmed or self.judgement), days, terms) if undecided else None
        return {
            "status": status.status.value,
            "pending": [reason.value for reason in status.pending],
            "if_confirmed": {
                "unavailable_minutes": would.unavailable_minutes,
                "availability": would.availability if would.availability is None else cut(would.availability),
                "met": would.met,
            }
            if would
            else None,
        }

    def _versions(self, decisive: Terms, days: ServiceDays) -> list[Version]:
        """Return the decisive version first, then the others in force on some measured day."""
        in_force = [
            period.terms
            for period in self.judgement.periods
            if any(start < end for start, end in (period.cut(span) for span in days.spans))
        ]
        return [stated_version(terms) for terms in [decisive, *(terms for terms in in_force if terms != decisive)]]

    def _named(self, references: Iterable[str], language: str) -> list[ReferenceAndTitle]:
        return [
            {"reference": reference, "title": self._title(self.incidents[reference], language)}
            for reference in sorted(references)
        ]

    def _title(self, incident: Incident, language: str) -> str:
        """Return what was unavailable in the region: the title that staff gave an incident is not for customers."""
        key = incident.pk, language
        if key not in self._titles:
            self._titles[key] = what_was_unavailable(incident, self.region, language)
        return self._titles[key]

    def _event(self, judgement: Judgement, event: FailureEvent, language: str) -> Event:
        ongoing = any(one.ongoing and one.start < event.end <= one.end for one in judgement.outages)
        return {
            "started_at": instant_text(instant(event.start)),
            "ended_at": None if ongoing else instant_text(instant(event.end)),
            "seconds": event.end - event.start,
            "minutes": event.minutes,
            "excluded_minutes": event.excluded_minutes,
            "incidents": self._named(event.incidents, language),
        }

    def _exclusions(
        self, incidents: set[int], own: CustomerExclusions, language: str, minutes: Counter[object]
    ) -> list[ConfirmedExclusion]:
        """Return the exclusions of the month's incidents and the customer's own, in order of precedence."""
        shown = [
            *(one for one in self.exclusions if one.incident_id in incidents),
            *(one for one in own.exclusions if minutes[one.pk]),
        ]
        return [
            {
                **self._proposal(one, language),
                "confirmed_by": name_of(one.decided_by),
                "confirmed_at": instant_text(one.decided_at) if one.decided_at else None,
                "minutes": minutes[one.pk],
            }
            for one in sorted(shown, key=_precedence)
        ]

    def _undecided(self, incidents: set[int], own: CustomerExclusions, language: str) -> Undecided:
        """Return the proposed exclusions of the month's incidents and the customer's own; nothing where there is none."""
        proposed = [*(one for one in self.proposed if one.incident_id in incidents), *own.proposed]
        if not proposed:
            return {}
        return {"proposed": [self._proposal(one, language) for one in sorted(proposed, key=_precedence)]}

    def _proposal(self, one: Exclusion, language: str) -> ProposedExclusion:
        stated: ProposedExclusion = {
            "incident": self._named([one.incident.reference], language)[0] if one.incident else None,
            "customer_only": one.customer_id is not None,
            "clause": one.clause,
            "heading": self._heading(one, language),
            "starts_at": instant_text(one.starts_at) if one.starts_at else None,
            "ends_at": instant_text(one.ends_at) if one.ends_at else None,
            "reason": one.reason,
            "third_party": ", ".join(filter(None, [one.third_party, one.third_party_incident])),
            "maintenance": one.maintenance.reference if one.maintenance else None,
            "proposed_by": name_of(one.proposed_by),
        }
        evidence: list[EvidenceFile] = [{"name": file.name, "sha256": file.sha256} for file in one.files.all()]
        return {**stated, "evidence": evidence} if evidence else stated

    def _heading(self, one: Exclusion, language: str) -> str:
        """Return the heading of an exclusion's clause in the version in force where the exclusion begins in the month."""
        begins = one.starts_at or (one.incident.detected_at if one.incident else None)
        at = min(max(epoch(begins) if begins else self.span[0], self.span[0]), self.span[1] - 1)
        clause = self.clauses.get((terms_at(self.judgement.periods, at).version, one.clause))
        return (clause.heading_zh if language == "zh-hans" else "") or clause.heading if clause else ""

    def _contract_period(self, contract: Contract, own: CustomerExclusions) -> ContractPeriod:
        first, last = contract.starts_on, min(contract.last_day, self.month.last_day)
        key = first, last, own
        if key not in self._contract_periods:
            days = ServiceDays((last - first).days + 1, (days_span(first, last, settings.SLA_ZONE),))
            terms = self._terms_on(max(first, self.month.first_day))
            self._contract_periods[key] = figures(own.applied_to(self.judgement), days, terms)
        judged = self._contract_periods[key]
        return {
            "reference": contract.reference,
            "first_day": first.isoformat(),
            "last_day": last.isoformat(),
            "service_days": judged.service_days,
            "total_minutes": judged.total_minutes,
            "unavailable_minutes": judged.unavailable_minutes,
            "availability": judged.availability if judged.availability is None else cut(judged.availability),
        }


def _precedence(exclusion: Exclusion) -> tuple[int, int]:
    return PRECEDENCE.index(exclusion.clause), exclusion.pk


def stated_contracts(month: ServiceMonth, customers: Iterable[int]) -> dict[int | None, list[StatedContract]]:
    """Return the contracts of `customers` in force on some day of the month, by customer and first service day."""
    found: dict[int | None, list[StatedContract]] = defaultdict(list)
    in_force = contracts_in_force(month.first_day, month.last_day).filter(customer__in=customers)
    for contract in in_force.order_by("starts_on", "id"):
        found[contract.customer_id].append(
            {
                "reference": contract.reference,
                "first_day": contract.starts_on.isoformat(),
                "last_day": contract.last_day.isoformat(),
            }
        )
    return found


def _lies_in(exclusion: Exclusion, span: Span) -> bool:
    """Whether a customer's own exclusion, which has both instants, touches `span`."""
    return epoch(exclusion.starts_at) < span[1] and epoch(exclusion.ends_at) > span[0]  # type: ignore[arg-type]


def _excluded_minutes(judgement: Judgement, days: ServiceDays) -> Counter[object]:
    """Count the excluded minutes of each exclusion (by its key; of a suspension by its span's start).

    A minute that several cover is counted for the first of them, so that the counts add up to the month's.
    """
    left = {
        minute
        for start, end in judgement.in_force.excluded.spans
        for day_start, day_end in clipped(days.spans, (start, end))
        for minute in range(day_start, day_end, MINUTE)
    }
    counts: Counter[object] = Counter()
    in_order = sorted(judgement.excluded_times, key=lambda one: (PRECEDENCE.index(one.clause), str(one.key), one.start))
    for one in in_order:
        key = one.start if one.key is None else one.key
        for start, end in minutes_touching(clipped(judgement.in_force.events, (one.start, one.end))):
            taken = left.intersection(range(start, end, MINUTE))
            left -= taken
            counts[key] += len(taken)
    return counts


def _touches(one: Suspension, days: ServiceDays) -> bool:
    return bool(touching(days.spans, days_span(one.first_on, one.last_on, settings.SLA_ZONE)))
