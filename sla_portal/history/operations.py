"""Bring a history file into the portal. It is recorded as it is told; nothing is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, Q
from django.utils import translation
from django.utils.translation import gettext as _

from incidents.models import Incident, Outage, OutageClient, OutageFunction, Update
from incidents.rules import Times, objections
from maintenance.models import MaintenanceNotice, MaintenanceWindow, WindowClient, WindowFunction, WindowRegion
from sla_portal.agreements.models import AgreementVersion, Charge, Contract, Payment, Suspension
from sla_portal.agreements.operations import time_changed
from sla_portal.agreements.rules import ContractRecord, extended_to, renewals_by_days
from sla_portal.agreements.rules import Period as ContractPeriod
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import ClosedMonth
from sla_portal.audit.operations import Period, Written, closed_months_touched, lock_chain, record_many
from sla_portal.availability.models import Exclusion
from sla_portal.customers.models import Client, Contact, CoreFunction, Customer, Region
from sla_portal.kernel.months import ServiceMonth

from . import queries
from .conflicts import check_against_portal, is_referred_to, stays
from .differences import changes, replaced, replaced_notices, without_status
from .format import CHARGES_BY, CONTRACTS_BY, PAYMENTS_BY, SERVICE_DAYS, Row, in_order
from .queries import CHUNK, Recorded, chunks
from .reader import History, NotAHistory

HISTORY_FILE = "A history file was loaded."
"""Why the record of a closed month is changed by a load."""
Loaded = dict[str, int]
"""How many rows of each list were new, changed or removed."""
Keys = dict[str, int]
"""Primary keys by code or reference."""
T = TypeVar("T")


def load_history(*, actor: Actor, history: History, now: datetime) -> Loaded:
    """Record a history: all of it or nothing. Rows that say the same already are not touched.

    Raises `NotAHistory` where it names what neither it nor the portal has, or contradicts what the portal keeps.
    """
    with transaction.atomic():
        lock_chain()
        check_against_portal(history)
        return _Loading(actor, now, history).load()


def _create(model: type[Model], rows: Iterable[Model]) -> None:
    model._default_manager.bulk_create(rows, batch_size=CHUNK)


def _delete(model: type[Model], keys: Sequence[int]) -> None:
    for chunk in chunks(keys):
        model._default_manager.filter(pk__in=chunk).delete()


def _upsert(model: type[T], rows: Sequence[T], by: Sequence[str], columns: Sequence[str]) -> Sequence[T]:
    """Write new rows and change those found again `by` their key; each then has its primary key."""
    written: Sequence[T] = model._default_manager.bulk_create(  # type: ignore[attr-defined]
        rows, batch_size=CHUNK, update_conflicts=True, unique_fields=by, update_fields=columns
    )
    return written


def _instant(text: Any) -> Any:
    return text and datetime.fromisoformat(text)


def _day(text: Any) -> Any:
    return text and date.fromisoformat(text)


def _outage_periods(row: Row, now: datetime) -> list[Period]:
    return [
        (_instant(outage["started_at"]), _instant(outage["ended_at"]) or now) for outage in row.get("outages") or ()
    ]


def _contract_periods(row: Row, before: Row) -> list[Period]:
    """The time whose service or worth the contracts of a customer change."""
    was, becomes = (
        {contract["reference"]: contract for contract in side.get("contracts") or ()} for side in (before, row)
    )
    return [
        period
        for reference, contract in becomes.items()
        if was.get(reference) != contract
        for period in time_changed(was.get(reference) and _record(was[reference]), _record(contract))
    ]


def _record(contract: Row) -> ContractRecord:
    return ContractRecord(
        starts_on=_day(contract["starts_on"]),
        last_day=_day(contract["terminated_on"] or contract["ends_on"]),
        monthly_charge=Decimal(contract["monthly_charge"]),
        currency=contract["currency"],
        trial_days=contract["trial_days"],
        charges=tuple((_month(one["from"]), Decimal(one["monthly_charge"])) for one in contract["charges"]),
        suspended=tuple((_day(one["starts_on"]), _day(one["ends_on"])) for one in contract["suspensions"]),
    )


def _days_of(contract: Row) -> list[str | None]:
    return [contract[name] for name in ("starts_on", "ends_on", "terminated_on")]


def _month(text: str) -> date:
    return ServiceMonth.parse(text).first_day


def _times(incident: Row) -> Times:
    return Times(
        detected_at=_instant(incident["detected_at"]),
        acknowledged_at=_instant(incident["acknowledged_at"]),
        resolved_at=_instant(incident["resolved_at"]),
        outages=tuple((_instant(row["started_at"]), _instant(row["ended_at"])) for row in incident["outages"]),
    )


class _Loading:
    """One load on its way: who loads what, when, the keys of what was found or made, and the count of what was written."""

    def __init__(self, actor: Actor, now: datetime, history: History) -> None:
        self.actor = actor
        self.now = now
        self.history = history
        self.loaded: Loaded = {}
        self.some_closed = ClosedMonth.objects.exists()

    def load(self) -> Loaded:
        history = self.history
        self._load_coded("regions", Region, history.regions, queries.regions())
        self._load_coded("functions", CoreFunction, history.functions, queries.coded(CoreFunction))
        self._load_coded("clients", Client, history.clients, queries.coded(Client))
        if history.agreements:
            self._load_agreements(history.agreements)
        self.regions: Keys = dict(Region.objects.values_list("code", "pk"))
        self.functions: Keys = dict(CoreFunction.objects.values_list("code", "pk"))
        self.clients: Keys = dict(Client.objects.values_list("code", "pk"))
        self._load_rows("customers", "code", history.customers, queries.customers, self._write_customers)
        self._load_rows("maintenance", "reference", history.maintenance, queries.maintenance, self._write_windows)
        self._load_rows("incidents", "reference", history.incidents, queries.incidents, self._write_incidents)
        # Last, because what the file's rows refer to stays.
        for kind, model, rows in (("functions", CoreFunction, history.functions), ("clients", Client, history.clients)):
            if rows:
                self._remove_coded(kind, model, rows)
        return self.loaded

    def _record(self, kind: str, entries: Sequence[Written]) -> None:
        record_many(actor=self.actor, entries=entries, now=self.now)
        self.loaded[kind] = self.loaded.get(kind, 0) + len(entries)

    # The portal's own lists

    def _load_coded(
        self,
        kind: str,
        model: type[Region | CoreFunction | Client],
        rows: list[Row] | None,
        on_record: Sequence[Recorded],
    ) -> None:
        before = {recorded.row["code"]: recorded for recorded in on_record}
        entries = []
        for position, row in enumerate(rows or [], 1):
            found = before.get(row["code"])
            said: dict[str, Any] = {"name": row["name"]}
            if model is Region:
                said |= {name: _day(row[name]) for name in SERVICE_DAYS}
            else:
                said["position"] = position
            subject = model(code=row["code"]) if found is None else model._default_manager.get(pk=found.pk)
            old = {name: getattr(subject, name) for name in said} if found else {}
            if found and old == said:
                continue
            for name, value in said.items():
                setattr(subject, name, value)
            if old.get("name") != row["name"]:
                subject.name_zh = ""  # a file carries the typed name alone, and the other translated the one before
            subject.save()
            action = "changed by a history file" if found else "loaded from a history file"
            entries.append(Written(action, subject, {name: [old.get(name), value] for name, value in said.items()}))
        self._record(kind, entries)

    def _remove_coded(self, kind: str, model: type[CoreFunction | Client], rows: list[Row]) -> None:
        """Take away what the file's list does not name and nothing on record refers to; the rest goes behind it."""
        entries = []
        position = len(rows)
        for row in model._default_manager.exclude(code__in=[row["code"] for row in rows]):
            if is_referred_to(row):
                position += 1
                if row.position != position:
                    entries.append(Written("changed by a history file", row, {"position": [row.position, position]}))
                    row.position = position
                    row.save(update_fields=["position"])
            else:
                entries.append(
                    Written("removed by a history file", row, {"code": [row.code, None], "name": [row.name, None]})
                )
                model._default_manager.filter(pk=row.pk).delete()
        self._record(kind, entries)

    def _load_agreements(self, rows: list[Row]) -> None:
        before = {recorded.row["version"]: recorded for recorded in queries.agreements()}
        entries = []
        for version, recorded in before.items():
            subject = AgreementVersion.objects.get(pk=recorded.pk)
            if version not in {row["version"] for row in rows} and not stays(subject):
                removed = {name: [value, None] for name, value in recorded.row.items()}
                entries.append(Written("removed by a history file", subject, removed))
                AgreementVersion.objects.filter(pk=subject.pk).delete()
        changed = [row for row in rows if row["version"] not in before or before[row["version"]].row != row]
        # Off the calendar first, so that two versions can change their days for one another's.
        named = AgreementVersion.objects.filter(version__in=[row["version"] for row in changed])
        published = dict(named.values_list("version", "published_at"))
        named.update(published_at=None)
        for row in changed:
            subject, _created = AgreementVersion.objects.update_or_create(
                version=row["version"],
                defaults={
                    "effective_on": _day(row["effective_on"]),
                    "published_at": published.get(row["version"]) or self.now,
                    "availability_target": Decimal(row["availability_target"]),
                    "unavailability_reading": row["unavailability_reading"],
                    "maintenance_notice_hours": row["maintenance_notice_hours"],
                },
            )
            found = before.get(row["version"])
            entries.append(
                Written(
                    "changed by a history file" if found else "loaded from a history file",
                    subject,
                    changes(found.row if found else None, row),
                )
            )
        self._record("agreements", entries)

    # The rows of the record

    def _load_rows(
        self,
        kind: str,
        key: str,
        rows: Sequence[Row],
        on_record: Callable[[Sequence[str]], dict[str, Recorded]],
        write: Callable[[list[Row], dict[str, Recorded]], Sequence[Model]],
    ) -> None:
        """Compare with what is on record, chunk by chunk, and write what differs."""
        for chunk in chunks(rows):
            before = on_record([row[key] for row in chunk])
            changed = [row for row in (_completed(row, before.get(row[key])) for row in chunk)
                       if row[key] not in before or before[row[key]].row != row]  # fmt: skip
            if not changed:
                continue
            subjects = write(changed, before)
            entries = []
            for subject, row in zip(subjects, changed, strict=True):
                found = before.get(row[key])
                action = "changed by a history file" if found else "loaded from a history file"
                touching = self._time_touched(row, found.row if found else {}) if self.some_closed else []
                entries.append(
                    Written(action, subject, changes(found.row if found else None, row), HISTORY_FILE, touching)
                    if closed_months_touched(touching)
                    else Written(action, subject, changes(found.row if found else None, row))
                )
            self._record(kind, entries)

    def _time_touched(self, row: Row, before: Row) -> list[Period]:
        """The time of the outages of a row before and after, or the time whose service or worth its contracts change."""
        return [
            *_outage_periods(row, self.now),
            *_outage_periods(before, self.now),
            *_contract_periods(row, before),
        ]

    def _write_customers(self, rows: list[Row], before: dict[str, Recorded]) -> Sequence[Model]:
        written = _upsert(
            Customer,
            [Customer(code=row["code"], name=row["name"], region_id=self.regions[row["region"]]) for row in rows],
            ["code"],
            ["name", "region"],
        )
        gone: list[int] = []
        contacts: list[Model] = []
        contracts: list[tuple[int, Row, Recorded | None]] = []
        for customer, row in zip(written, rows, strict=True):
            found = before.get(row["code"])
            left, joined = replaced(found.listed["contacts"] if found else (), row["contacts"])
            gone += [pk for pk, _email in left]
            contacts += [Contact(customer_id=customer.pk, email=email) for email in joined]
            for contract in row["contracts"]:
                old = found.contracts.get(contract["reference"]) if found else None
                if old is None or old.row != contract:
                    contracts.append((customer.pk, contract, old))
        # Those that leave go first: an address may only have changed its letters' case.
        _delete(Contact, gone)
        _create(Contact, contacts)
        self._write_contracts(contracts)
        return written

    def _write_contracts(self, contracts: Sequence[tuple[int, Row, Recorded | None]]) -> None:
        columns = ["starts_on", "ends_on", "monthly_charge", "currency", "trial_days", "terminated_on", *EXTENSION]
        moved = [row["reference"] for _customer, row, old in contracts if old and _days_of(old.row) != _days_of(row)]
        renewals = self._unlinked(moved)
        written = _upsert(
            Contract,
            [
                Contract(
                    customer_id=customer,
                    reference=row["reference"],
                    starts_on=_day(row["starts_on"]),
                    monthly_charge=Decimal(row["monthly_charge"]),
                    currency=row["currency"],
                    trial_days=row["trial_days"],
                    terminated_on=_day(row["terminated_on"]),
                    **_end(_day(row["ends_on"]), old.extended_minutes if old else 0),
                )
                for customer, row, old in contracts
            ],
            ["reference"],
            columns,
        )
        self._link_renewals(renewals, {customer for customer, _row, _old in contracts})
        gone: list[int] = []
        suspensions: list[Model] = []
        payments: list[Payment] = []
        charges: list[Model] = []
        for contract, (_customer, row, old) in zip(written, contracts, strict=True):
            left, joined = replaced(old.listed["suspensions"] if old else (), row["suspensions"])
            gone += [pk for pk, _suspension in left]
            suspensions += [
                Suspension(contract_id=contract.pk, starts_on=_day(days["starts_on"]), ends_on=_day(days["ends_on"]))
                for days in joined
            ]
            _left, joined = replaced(old.listed["payments"] if old else (), row["payments"])
            payments += [
                Payment(
                    contract_id=contract.pk,
                    reference=payment["reference"],
                    paid_on=_day(payment["paid_on"]),
                    amount=Decimal(payment["amount"]),
                )
                for payment in joined
            ]
            revisions = Counter(
                Charge.objects.filter(contract=contract.pk).values_list("from_month", flat=True) if old else ()
            )
            _left, joined = replaced(enumerate(old.row["charges"] if old else ()), row["charges"])
            charges += [
                Charge(
                    contract_id=contract.pk,
                    from_month=_month(charge["from"]),
                    revision=revisions[_month(charge["from"])] + 1,
                    monthly_charge=Decimal(charge["monthly_charge"]),
                    reason=HISTORY_FILE,
                    recorded_at=self.now,
                )
                for charge in joined
            ]
        _delete(Suspension, gone)
        _create(Suspension, suspensions)
        _create(Charge, charges)
        _upsert(Payment, payments, ["contract", "reference"], ["paid_on", "amount"])

    def _unlinked(self, references: Sequence[str]) -> list[tuple[int, int]]:
        """Unlink contracts of a file from the periods before and after them, while their days are written; return the links."""
        links: list[tuple[int, int]] = []
        for chunk in chunks(references):
            named = Q(reference__in=chunk) | Q(renews__reference__in=chunk)
            linked = Contract.objects.filter(named, renews__isnull=False)
            links += [(row.renews_id, row.pk) for row in linked if row.renews_id]
        for keys in chunks([later for _earlier, later in links]):
            Contract.objects.filter(pk__in=keys).update(renews=None)
        return links

    def _link_renewals(self, links: Sequence[tuple[int, int]], customers: Collection[int]) -> None:
        """Link the periods again, and those of the customers of which only the days say which renews which.

        Raises `NotAHistory` where the file lets two periods of one contract overlap.
        """
        periods = {
            row.pk: row
            for chunk in chunks(sorted(customers))
            for row in Contract.objects.filter(customer__in=chunk).order_by("pk")
        }
        for before, after in links:
            earlier, later = periods[before], periods[after]
            if later.starts_on <= earlier.last_day:
                raise NotAHistory(
                    [
                        f"{self._path_of(later, earlier)}: {later} renews {earlier} here. {earlier} ends on {earlier.last_day} and "
                        f"{later} begins on {later.starts_on}, so that they overlap."
                    ]
                )
        linked = [*links, *((row.renews_id, row.pk) for row in periods.values() if row.renews_id)]
        renewed, renewing = {before for before, _after in linked}, {after for _before, after in linked}
        by_days = renewals_by_days(
            [
                ContractPeriod(row.pk, row.customer_id, row.starts_on, row.ends_on, row.last_day)
                for row in periods.values()
            ]
        )
        new = [(before, after) for before, after in by_days if before not in renewed and after not in renewing]
        for before, after in [*links, *new]:
            if periods[after].starts_on > periods[before].last_day:
                Contract.objects.filter(pk=after).update(renews=before)

    def _path_of(self, *contracts: Contract) -> str:
        paths = self.history.paths["contracts"]
        return next(paths[one.reference] for one in contracts if one.reference in paths).removesuffix(".reference")

    def _write_windows(self, rows: list[Row], before: dict[str, Recorded]) -> Sequence[Model]:
        written = _upsert(
            MaintenanceWindow,
            [
                MaintenanceWindow(
                    reference=row["reference"],
                    title=row["title"],
                    kind=row["kind"],
                    starts_at=_instant(row["starts_at"]),
                    ends_at=_instant(row["ends_at"]),
                    cancelled_at=_instant(row["cancelled_at"]),
                    completed_at=_instant(row["completed_at"]),
                    not_carried_out_at=_instant(row["not_carried_out_at"]),
                )
                for row in rows
            ],
            ["reference"],
            ["title", "kind", "starts_at", "ends_at", "cancelled_at", "completed_at", "not_carried_out_at"],
        )
        scopes = (
            ("regions", WindowRegion, "region_id", self.regions),
            ("functions", WindowFunction, "function_id", self.functions),
            ("clients", WindowClient, "client_id", self.clients),
        )
        for name, through, column, keys in scopes:
            rescoped = [
                (window.pk, row[name])
                for window, row in zip(written, rows, strict=True)
                if row["reference"] not in before or before[row["reference"]].row[name] != row[name]
            ]
            through._default_manager.filter(window__in=[window for window, _codes in rescoped]).delete()
            _create(
                through,
                [through(window_id=window, **{column: keys[code]}) for window, codes in rescoped for code in codes],
            )
        gone: list[int] = []
        notices: list[Model] = []
        for window, row in zip(written, rows, strict=True):
            found = before.get(row["reference"])
            left, joined = replaced_notices(found.listed["notices"] if found else [], row["notices"])
            gone += left
            notices += [MaintenanceNotice(window_id=window.pk, **notice) for notice in joined]
        _delete(MaintenanceNotice, gone)
        _create(MaintenanceNotice, notices)
        return written

    def _write_incidents(self, rows: list[Row], before: dict[str, Recorded]) -> Sequence[Model]:
        written = _upsert(
            Incident,
            [
                Incident(
                    reference=row["reference"],
                    title=row["title"],
                    source=row["source"],
                    detected_at=_instant(row["detected_at"]),
                    acknowledged_at=_instant(row["acknowledged_at"]),
                    resolved_at=_instant(row["resolved_at"]),
                    attributable=row["attributable"],
                    recorded_as_is=True,  # until its outages are written too
                )
                for row in rows
            ],
            ["reference"],
            ["title", "source", "detected_at", "acknowledged_at", "resolved_at", "attributable", "recorded_as_is"],
        )
        of = [(incident.pk, row, before.get(row["reference"])) for incident, row in zip(written, rows, strict=True)]
        self._write_outages(of)
        in_order = [incident for incident, row, _found in of if not objections(_times(row))]
        Incident.objects.filter(pk__in=in_order).update(recorded_as_is=False)
        self._write_exclusions(of)
        _create(
            Update,
            [
                self._reopening(incident)
                for incident, row, found in of
                if found and found.row["resolved_at"] and not row["resolved_at"]
            ],
        )
        return written

    def _reopening(self, incident: int) -> Update:
        """What the public reads of an incident that the file reopens (2.2)."""
        texts = {}
        for language in ("en", "zh-hans"):
            with translation.override(language):
                texts[language] = _("This incident was reopened. We are investigating.")
        return Update(
            incident_id=incident,
            at=self.now,
            text=texts["en"],
            text_zh=texts["zh-hans"],
            public=True,
            author_name=self.actor.name,
        )

    def _write_outages(self, incidents: Sequence[tuple[int, Row, Recorded | None]]) -> None:
        gone: list[int] = []
        rows: list[Row] = []
        outages: list[Outage] = []
        for incident, row, found in incidents:
            left, joined = replaced(found.listed["outages"] if found else (), row["outages"])
            gone += [pk for pk, _outage in left]
            rows += joined
            outages += [
                Outage(
                    incident_id=incident,
                    region_id=self.regions[outage["region"]],
                    started_at=_instant(outage["started_at"]),
                    ended_at=_instant(outage["ended_at"]),
                )
                for outage in joined
            ]
        _delete(Outage, gone)
        _create(Outage, outages)
        _create(
            OutageFunction,
            [
                OutageFunction(outage_id=outage.pk, function_id=self.functions[code])
                for outage, row in zip(outages, rows, strict=True)
                for code in row["functions"]
            ],
        )
        _create(
            OutageClient,
            [
                OutageClient(outage_id=outage.pk, client_id=self.clients[code])
                for outage, row in zip(outages, rows, strict=True)
                for code in row["clients"]
            ],
        )

    def _write_exclusions(self, incidents: Sequence[tuple[int, Row, Recorded | None]]) -> None:
        gone: list[int] = []
        restated: list[Exclusion] = []
        added: list[tuple[int, Row]] = []
        for incident, row, found in incidents:
            left, joined = replaced(found.listed["exclusions"] if found else (), row["exclusions"])
            # One of which only the status or reason changed keeps its row, and with it its evidence and who proposed it.
            same = {without_status(exclusion): pk for pk, exclusion in left}
            for exclusion in joined:
                if pk := same.pop(without_status(exclusion), None):
                    restated.append(Exclusion(pk=pk, status=exclusion["status"], reason=exclusion["reason"]))
                else:
                    added.append((incident, exclusion))
            kept = {exclusion.pk for exclusion in restated}
            gone += [pk for pk, _exclusion in left if pk not in kept]
        self._check_unsealed(gone)
        _delete(Exclusion, gone)
        Exclusion.objects.bulk_update(restated, ["status", "reason"], batch_size=CHUNK)
        references = sorted({row["maintenance"] for _incident, row in added if row["maintenance"]})
        windows: Keys = {}
        for chunk in chunks(references):
            windows |= MaintenanceWindow.objects.filter(reference__in=chunk).values_list("reference", "pk")
        _create(
            Exclusion,
            [
                Exclusion(
                    incident_id=incident,
                    clause=row["clause"],
                    starts_at=_instant(row["starts_at"]),
                    ends_at=_instant(row["ends_at"]),
                    third_party=row["third_party"] or "",
                    maintenance_id=row["maintenance"] and windows[row["maintenance"]],
                    reason=row["reason"],
                    status=row["status"],
                )
                for incident, row in added
            ],
        )

    def _check_unsealed(self, exclusions: Sequence[int]) -> None:
        """An exclusion that a sealed file proves stays on record."""
        errors = [
            f"{self.history.paths['incidents'][reference].removesuffix('.reference')}.exclusions: On record is one under "
            f"{clause} with sealed evidence; it cannot be taken away. Name it with the status it has by now."
            for chunk in chunks(exclusions)
            for reference, clause in Exclusion.objects.filter(pk__in=chunk, files__isnull=False)
            .distinct()
            .values_list("incident__reference", "clause")
        ]
        if errors:
            raise NotAHistory(errors)


EXTENSION = ("extended_minutes", "extended_to")


def _extended(ends_on: str, contract: Recorded | None) -> str:
    """The end of a contract with its extensions, where a file says when it ends."""
    if contract is None or ends_on == contract.row["ends_on"]:
        return ends_on
    return extended_to(_day(ends_on), contract.extended_minutes).isoformat()


def _end(ends_on: date, extended_minutes: int) -> dict[str, Any]:
    """The columns of a contract's end, as agreed and as extended, by its end with the extensions."""
    if not extended_minutes:
        return {"ends_on": ends_on, "extended_minutes": 0, "extended_to": None}
    agreed = ends_on - (extended_to(ends_on, extended_minutes) - ends_on)
    return {"ends_on": agreed, "extended_minutes": extended_minutes, "extended_to": ends_on}


def _completed(row: Row, found: Recorded | None) -> Row:
    """A customer's contracts, payments and charges have keys of their own: those that the file does not name stay.

    So do the extensions of a contract (3.2): the file names its end as extended, or anew as agreed.
    """
    if found is None or "contracts" not in row:
        return row
    contracts = {reference: contract.row for reference, contract in found.contracts.items()}
    for contract in row["contracts"]:
        old = contracts.get(contract["reference"])
        payments = {
            payment["reference"]: payment for payment in [*(old["payments"] if old else ()), *contract["payments"]]
        }
        charges = {charge["from"]: charge for charge in [*(old["charges"] if old else ()), *contract["charges"]]}
        contracts[contract["reference"]] = {
            **contract,
            "ends_on": _extended(contract["ends_on"], found.contracts.get(contract["reference"])),
            "payments": in_order([*payments.values()], PAYMENTS_BY),
            "charges": in_order([*charges.values()], CHARGES_BY),
        }
    return {**row, "contracts": in_order([*contracts.values()], CONTRACTS_BY)}
