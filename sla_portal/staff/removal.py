"""Remove what nothing rests on: regions, functions, clients, customers, contracts and members of staff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db import OperationalError, models, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from claims.models import Claim
from claims.models import Entry as LedgerEntry
from incidents.models import Incident, Outage, OutageClient, OutageFunction
from maintenance.models import MaintenanceWindow, WindowClient, WindowFunction, WindowRegion
from sla_portal.agreements.models import Contract
from sla_portal.audit.models import ClosedMonth
from sla_portal.audit.operations import closed_months_touched, lock_chain, snapshot
from sla_portal.audit.queries import entries_about
from sla_portal.availability.models import CustomerMonth, MonthClosing, RegionMonth
from sla_portal.customers.models import Client, Contact, CoreFunction, Customer, Region
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.months import days_span

PARTS = {Customer: (Contact,)}
"""What goes with a record."""
FOLLOWING = (RegionMonth, CustomerMonth)
"""What follows from the record and is judged anew, until the month is closed."""
OWN_ROWS = ("auth.User_groups", "auth.User_user_permissions")
"""The roles of a member of staff, which go with the account."""
NAMED_AS = {
    OutageFunction: Outage,
    OutageClient: Outage,
    WindowRegion: MaintenanceWindow,
    WindowFunction: MaintenanceWindow,
    WindowClient: MaintenanceWindow,
}
"""Tables that say what a record is about, by that record."""
LISTS = {Outage: Incident}
"""What is found in the list of something else."""
PAGES = {Claim: "claims", LedgerEntry: "ledger", MonthClosing: "months"}
"""Lists with a page of their own."""
NEVER_RECORDED = {"password"}


@dataclass(frozen=True)
class Resting:
    """Rows that rest on a record: what they are called, how many, and where they are listed."""

    name: str
    count: int
    url: str

    @property
    def shown(self) -> SafeString:
        name = format_html('<a href="{}">{}</a>', self.url, self.name) if self.url else self.name
        return format_html("{}: {}", name, self.count)


def resting_on(record: models.Model, request: HttpRequest) -> list[Resting]:
    """Return what rests on a record, by kind; empty: it can be removed."""
    counts: dict[type[models.Model], int] = {}
    for model, count in (*_rows_on(record), *_closed_months_on(record)):
        named = NAMED_AS.get(model, model)
        counts[named] = counts.get(named, 0) + count
    return [
        Resting(str(capfirst(model._meta.verbose_name_plural)), count, _list_of(model, record, request))
        for model, count in counts.items()
        if count
    ]


def _rows_on(record: models.Model) -> Iterator[tuple[type[models.Model], int]]:
    parts = PARTS.get(type(record), ())
    for model, field in _references_to(type(record)):
        rows = model._base_manager.filter(**{field.name: record})
        if model not in parts:
            yield _keeper(model, field), rows.count()
            continue
        for other, of_part in _references_to(model):
            yield _keeper(other, of_part), other._base_manager.filter(**{f"{of_part.name}__in": rows}).count()


def _references_to(model: type[models.Model]) -> Iterator[tuple[type[models.Model], models.Field]]:
    """Yield every key that leads to a model, those of tables that Django keeps for lists included."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel) or relation.related_model in FOLLOWING:
            continue
        if relation.related_model._meta.label not in OWN_ROWS:
            yield relation.related_model, relation.field


def _keeper(model: type[models.Model], field: models.Field) -> type[models.Model]:
    """Return the record that has the list, of a table that Django keeps for it."""
    if not model._meta.auto_created:
        return model
    return next(key.related_model for key in model._meta.concrete_fields if key.is_relation and key is not field)


def _closed_months_on(record: Any) -> Iterator[tuple[type[models.Model], int]]:
    """Yield how many closed months rest on the record."""
    closed = ClosedMonth.objects.values("month")
    if isinstance(record, Region):
        yield MonthClosing, RegionMonth.objects.filter(region=record, month__in=closed).count()
    elif isinstance(record, Customer):
        yield MonthClosing, CustomerMonth.objects.filter(customer=record, month__in=closed).count()
    elif isinstance(record, Contract):
        first, end = days_span(record.starts_on, record.last_day, settings.SLA_ZONE)
        yield MonthClosing, len(closed_months_touched([(instant(first), instant(end))]))
    elif isinstance(record, CoreFunction | Client):
        # 1.4 asks of all functions and clients that there are, whether an incident names them or not.
        added = entries_about(record).filter(action="added").last()
        since = {"closed_at__gte": added.at} if added else {}
        yield MonthClosing, MonthClosing.objects.filter(**since).count()


def _list_of(model: type[models.Model], record: Any, request: HttpRequest) -> str:
    """Return the list that has these rows, narrowed to the record where the list can be."""
    if page := PAGES.get(model):
        return reverse(f"admin:{page}")
    listed = LISTS.get(model, model)
    desk = admin.site._registry.get(listed)
    if desk is None or not desk.has_view_permission(request):
        return ""
    url = reverse(f"admin:{listed._meta.app_label}_{listed._meta.model_name}_changelist")
    kind, code = record._meta.model_name, getattr(record, "code", "")
    if kind in {getattr(one, "parameter_name", "") for one in desk.list_filter}:
        return f"{url}?{kind}={code}"
    return f"{url}?q={code}" if f"{kind}__code" in desk.search_fields else url


class Removable:
    """Let a record be removed while nothing rests on it; what does is listed otherwise."""

    def get_deleted_objects(self, objs, request):
        (record,) = objs
        parts = [
            part for model in PARTS.get(type(record), ()) for part in model._base_manager.filter(**self._of(record))
        ]
        return [str(one) for one in (record, *parts)], {}, set(), [one.shown for one in resting_on(record, request)]

    def delete_view(self, request, object_id, extra_context=None):
        if request.method != "POST":
            return super().delete_view(request, object_id, extra_context)
        request.removing = True
        try:
            with transaction.atomic():
                # Whoever holds this lock waits for no row, so that of two none waits for the other for ever.
                lock_chain()
                return super().delete_view(request, object_id, extra_context)
        except OperationalError:
            sentence = _("This record is in use at this moment. Nothing was removed. Try again.")
            messages.error(request, sentence)
            return redirect(request.get_full_path())

    def get_object(self, request, object_id, from_field=None):
        """Lock the row that is to be removed: a row that is to rest on it waits, and is refused, or is there already."""
        if getattr(request, "removing", False):
            row = self.get_queryset(request).select_for_update(of=("self",), nowait=True)
            return row.filter(pk=object_id).first() if object_id.isascii() and object_id.isdigit() else None
        return super().get_object(request, object_id, from_field)

    def log_deletions(self, request, queryset):
        for record in queryset:
            changes = {
                name: [value, None]
                for name, value in snapshot(record).items()
                if value not in (None, "") and name not in NEVER_RECORDED
            }
            for model in PARTS.get(type(record), ()):
                parts = model._base_manager.filter(**self._of(record))
                changes["contacts"] = [sorted(map(str, parts)), None]
            self._record(request, record, "deleted", changes, request.POST["why"])

    @staticmethod
    def _of(record: models.Model) -> dict[str, models.Model]:
        return {str(record._meta.model_name): record}


def allow_removal() -> None:
    """Let the pages of what is set up offer it."""
    for model in (Region, CoreFunction, Client, Customer, Contract):
        desk = type(admin.site._registry[model])
        admin.site.unregister(model)
        admin.site.register(model, type(desk.__name__, (Removable, desk), {}))


allow_removal()
