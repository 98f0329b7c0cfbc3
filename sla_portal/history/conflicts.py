"""What keeps a history file from being loaded into this portal: what it names or says against the record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import ManyToOneRel, Model

from claims.models import Claim
from claims.queries.entitlements import DECIDED
from incidents.models import Incident
from maintenance.models import MaintenanceWindow, RequestStatus
from sla_portal.agreements.models import AgreementVersion, Clause, Contract
from sla_portal.agreements.rules import Stage
from sla_portal.audit.models import ClosedMonth
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.months import ServiceMonth

from . import queries
from .format import Row
from .queries import chunks
from .reader import History, NotAHistory, shown


def check_against_portal(history: History) -> None:
    errors = []
    tables: dict[str, tuple[type[Model], str, str]] = {
        "regions": (Region, "code", "region"),
        "functions": (CoreFunction, "code", "core function"),
        "clients": (Client, "code", "client"),
        "maintenance": (MaintenanceWindow, "reference", "maintenance window"),
    }
    for kind, used in history.mentions.items():
        model, key, called = tables[kind]
        known = set()
        for chunk in chunks(list(used)):
            known |= set(model._default_manager.filter(**{f"{key}__in": chunk}).values_list(key, flat=True))
        errors += [
            f"{path}: Neither the file nor the portal has a {called} {shown(name)}."
            for name, path in used.items()
            if name not in known
        ]
    errors += _contracts_of_others(history)
    errors += _voided_incidents(history)
    errors += _versions_standing_still(history.agreements or [])
    errors += _days_taken(history.agreements or [])
    errors += _versions_in_use(history.agreements or [])
    errors += _windows_decided_here(history)
    errors += _work_on_record(history.maintenance)
    if errors:
        raise NotAHistory(errors)


def _contracts_of_others(history: History) -> Iterator[str]:
    owners = {
        contract["reference"]: customer["code"] for customer in history.customers for contract in customer["contracts"]
    }
    for chunk in chunks(list(owners)):
        for reference, owner in Contract.objects.filter(reference__in=chunk).values_list("reference", "customer__code"):
            if owner != owners[reference]:
                yield (
                    f"{history.paths['contracts'][reference]}: {shown(reference)} is on record as a contract of customer {owner}."
                )


def _voided_incidents(history: History) -> Iterator[str]:
    """An incident that was voided or merged here counts for nothing, and no file lets it count again."""
    for chunk in chunks([row["reference"] for row in history.incidents]):
        voided = Incident.objects.filter(reference__in=chunk, voided_at__isnull=False)
        for reference, other in voided.order_by("reference").values_list("reference", "merged_into__reference"):
            became = f"merged into {shown(other)}" if other else "voided"
            yield f"{history.paths['incidents'][reference]}: Incident {shown(reference)} was {became} here."


def _versions_standing_still(agreements: Sequence[Row]) -> Iterator[str]:
    """A version that customers were told of is never edited (5.2), and a draft is published by people."""
    on_record = {recorded.row["version"]: recorded.row for recorded in queries.agreements()}
    named = AgreementVersion.objects.filter(version__in=[row["version"] for row in agreements])
    stages = {version.version: (version.stage, version.notice_id) for version in named}
    told = AgreementVersion.objects.filter(notice__isnull=False).exists()
    for i, row in enumerate(agreements):
        stage, announced = stages.get(row["version"], (Stage.PUBLISHED, None))
        version = shown(row["version"])
        if stage is Stage.WITHDRAWN:
            yield f"agreements[{i}].version: Version {version} was withdrawn here and never takes effect."
        elif stage is not Stage.PUBLISHED:
            yield f"agreements[{i}].version: Version {version} is a draft here. Discard the draft first."
        elif announced and on_record[row["version"]] != row:
            yield f"agreements[{i}]: Customers were told of version {version} here, so it is not changed any more (5.2)."
        elif told and on_record.get(row["version"], row) != row:
            yield f"agreements[{i}]: An amendment was announced here, so version {version} is not changed any more (5.2)."


def _days_taken(agreements: Sequence[Row]) -> Iterator[str]:
    named = {row["version"] for row in agreements}
    staying = {
        version.takes_effect_on.isoformat(): version.version
        for version in AgreementVersion.objects.published().exclude(version__in=named)
        if stays(version)
    }
    for i, row in enumerate(agreements):
        if row["effective_on"] in staying:
            yield (
                f"agreements[{i}].effective_on: Version {staying[row['effective_on']]} takes effect on that day, and "
                "the portal's record refers to it."
            )


def _versions_in_use(agreements: Sequence[Row]) -> Iterator[str]:
    """What a month was closed or a claim decided by is neither changed nor removed, and nothing comes in between."""
    if not agreements:
        return
    on_record = [recorded.row for recorded in queries.agreements()]
    named = {row["version"] for row in agreements}
    staying = {
        version.version for version in AgreementVersion.objects.published().exclude(version__in=named) if stays(version)
    }
    after = sorted(
        [*agreements, *(row for row in on_record if row["version"] in staying)], key=lambda row: row["effective_on"]
    )
    decided = Claim.objects.filter(status__in=DECIDED).order_by().values_list("month", flat=True)
    for day in sorted({*ClosedMonth.objects.values_list("month", flat=True), *decided.distinct()}):
        month = ServiceMonth.of(day)
        before, then = _in_force(on_record, month), _in_force(after, month)
        if before == then:
            continue
        changed = next((i for i, row in enumerate(agreements) if (row in then) != (row in before)), None)
        where = f"agreements[{changed}]" if changed is not None else "agreements"
        versions = " and ".join(row["version"] for row in before)
        yield (
            f"{where}: {month} was closed or a claim for it decided by version {versions}, which is neither changed nor "
            "removed, and no other takes its place."
        )
        return


def _in_force(rows: Sequence[Row], month: ServiceMonth) -> list[Row]:
    """The versions in force on some day of a month; `rows` by their days."""
    days = [row["effective_on"] for row in rows]
    first, last = month.first_day.isoformat(), month.last_day.isoformat()
    return [
        row
        for row, starts, ends in zip(rows, days, [*days[1:], "9999-12-31"], strict=True)
        if starts <= last and ends > first
    ]


def _windows_decided_here(history: History) -> Iterator[str]:
    """A draft that was discarded here is named by no file, and what waits for a second person stays as it was shown."""
    paths = history.mentions["maintenance"] | history.paths["maintenance"]
    for chunk in chunks(list(paths)):
        named = MaintenanceWindow.objects.filter(reference__in=chunk)
        for reference in named.filter(discarded_at__isnull=False).values_list("reference", flat=True):
            yield f"{paths[reference]}: {shown(reference)} is a draft that was discarded here. Use another reference."
        waiting = set(named.filter(requests__status=RequestStatus.PENDING).values_list("reference", flat=True))
        on_record = queries.maintenance(waiting)
        for row in (row for row in history.maintenance if row["reference"] in waiting):
            if row != on_record[row["reference"]].row:
                yield (
                    f"{paths[row['reference']]}: The announcement of {shown(row['reference'])} waits for a second person "
                    "here. Withdraw the request first."
                )


def _work_on_record(windows: Sequence[Row]) -> Iterator[str]:
    """A file tells no start of work; what it tells of the work fits the start on record here."""
    told = {
        row["reference"]: (i, row) for i, row in enumerate(windows) if row["completed_at"] or row["not_carried_out_at"]
    }
    for chunk in chunks(list(told)):
        started: Any = MaintenanceWindow.objects.filter(reference__in=chunk, started_at__isnull=False)
        for reference, at in started.values_list("reference", "started_at"):
            (i, row), started_at = told[reference], instant_text(at)
            if row["not_carried_out_at"]:
                yield f"maintenance[{i}].not_carried_out_at: The start of its work is on record, {started_at}."
            # Both are UTC text to the second: its order is that of time.
            elif row["completed_at"] < started_at:
                yield (
                    f"maintenance[{i}].completed_at: It must not lie before the start of its work that is on record, "
                    f"{started_at}, but is {row['completed_at']}."
                )


def stays(version: AgreementVersion) -> bool:
    """Whether a version that the file does not name stays: customers were told of one, or something refers to it."""
    return AgreementVersion.objects.filter(notice__isnull=False).exists() or is_referred_to(version)


def is_referred_to(row: Model) -> bool:
    """Whether any row but a clause of its own refers to it."""
    return any(
        relation.related_model._default_manager.filter(**{relation.field.name: row}).exists()
        for relation in row._meta.get_fields(include_hidden=True)
        if isinstance(relation, ManyToOneRel) and relation.related_model is not Clause
    )
