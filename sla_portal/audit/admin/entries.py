"""The audit log in the admin: its entries, read-only, and the integrity check."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.badges import badge
from sla_portal.clocks import DASH

from ..models import Check, Checkpoint, Entry
from ..queries import first_entry, inspect_log
from ..templatetags.audit_log import format_changes, subject
from ..verbs import verb
from ..words import sentence
from .base import ChosenFilter, Link, ReadOnlyModelAdmin, clock_column

DAY = timedelta(days=1)
CHECKS_SHOWN = 24


class ActionFilter(admin.SimpleListFilter):
    """Filter entries by verb; offers the verbs of the latest entries."""

    title = gettext_lazy("action")
    parameter_name = "action"
    latest = 2000

    def lookups(self, request, model_admin):
        latest = Entry.objects.order_by("-id").values_list("action", flat=True)[: self.latest]
        return sorted(((action, verb(action)) for action in set(latest)), key=lambda choice: choice[1])

    def queryset(self, request, queryset):
        return queryset.filter(action=self.value()) if self.value() and "\0" not in self.value() else queryset


class KindFilter(ChosenFilter):
    """Filter entries by the kind of record."""

    title = gettext_lazy("kind of record")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        kinds = [model._meta for model in model_admin.admin_site._registry]
        return sorted(((kind.label_lower, capfirst(kind.verbose_name)) for kind in kinds), key=lambda kind: kind[1])

    def queryset(self, request, queryset):
        return queryset.filter(subject_type=self.value()) if self.value() else queryset


class PersonFilter(ChosenFilter):
    """Filter entries by who acted: a member of staff, or the portal itself."""

    title = gettext_lazy("person")
    parameter_name = "person"
    PORTAL = "portal"

    def lookups(self, request, model_admin):
        staff = get_user_model().objects.filter(is_staff=True)
        named = sorted((user.get_full_name() or user.get_username(), str(user.pk)) for user in staff)
        return [*((pk, name) for name, pk in named), (self.PORTAL, _("the portal itself"))]

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        return queryset.filter(actor=None if self.value() == self.PORTAL else self.value())


class DayFilter(admin.SimpleListFilter):
    """Filter entries by a day in the time zone of the reader: `?day=2026-09-10`."""

    title = gettext_lazy("day")
    parameter_name = "day"
    template = "audit/day_filter.html"

    def lookups(self, request, model_admin):
        return ((self.used_parameters.get(self.parameter_name), ""),)

    def choices(self, changelist):
        """Yield the day, and the other filters of the list to keep."""
        others = changelist.get_filters_params().items()
        kept = [(name, value) for name, values in others if name != self.parameter_name for value in values]
        query = [(SEARCH_VAR, changelist.query)] if changelist.query else []
        yield {"day": self.value() or "", "kept": kept + query}

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        try:
            day = date.fromisoformat(self.value())
            zone = timezone.get_current_timezone()
            start, end = (datetime.combine(one, time.min, zone).astimezone(UTC) for one in (day, day + DAY))
        except (ValueError, OverflowError):
            raise IncorrectLookupParameters from None
        return queryset.filter(at__gte=start, at__lt=end)


@admin.register(Entry)
class EntryAdmin(ReadOnlyModelAdmin):
    list_display = (
        "number",
        clock_column("at", gettext_lazy("at")),
        "actor_name",
        "did",
        "record",
        "reason",
        "short_hash",
    )
    list_display_links = ("number",)
    list_filter = (PersonFilter, ActionFilter, KindFilter, DayFilter)
    search_fields = ("subject",)
    search_help_text = gettext_lazy("Name of the record")
    fields = ("at", "actor_name", "did", "subject", "shown_changes", "reason", "before", "whole_hash", "verified")
    readonly_fields = ("did", "shown_changes", "before", "whole_hash", "verified")
    log_at_foot = False
    nothing_yet = gettext_lazy(
        "The audit log is empty. Every write adds an entry with who, when, the changes and the reason."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).order_by("-id")

    @admin.display(description=gettext_lazy("no."))
    def number(self, entry):
        return entry.pk

    @admin.display(description=gettext_lazy("action"))
    def did(self, entry):
        return verb(entry.action)

    @admin.display(description=gettext_lazy("record"))
    def record(self, entry):
        return subject(entry)

    @admin.display(description=gettext_lazy("previous hash"))
    def before(self, entry):
        return entry.previous_hash

    @admin.display(description=gettext_lazy("hash"))
    def whole_hash(self, entry):
        return entry.hash

    @admin.display(description=gettext_lazy("hash"))
    def short_hash(self, entry):
        return format_html('<code title="{}">{}</code>', entry.hash, entry.hash[:12])

    @admin.display(description=gettext_lazy("changes"))
    def shown_changes(self, entry):
        return (
            format_html_join(
                "", "<div>{}: <del><bdi>{}</bdi></del> → <ins><bdi>{}</bdi></ins></div>", format_changes(entry)
            )
            or DASH
        )

    @admin.display(description=gettext_lazy("integrity"))
    def verified(self, entry):
        if entry.hash == entry.expected_hash():
            return badge("up", _("The hash matches the entry and the entry before it."))
        return badge("counted", _("The hash does not match the entry: it was changed outside the portal."))

    def list_links(self, request):
        yield Link(_("Integrity check"), reverse("admin:check_integrity"))

    def get_urls(self):
        return [
            path("check/", self.admin_site.admin_view(self.check_integrity), name="check_integrity"),
            *super().get_urls(),
        ]

    def check_integrity(self, request):
        """Verify the hash chain of the audit log from the first entry to the last."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        inspected = inspect_log()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Integrity check"),
            "count": inspected.entries,
            "last": Entry.objects.order_by("-id").first(),
            "faults": [sentence(finding) for finding in inspected.findings],
            "broken": first_entry(inspected.findings),
            "checkpoint": Checkpoint.objects.order_by("number").last(),
            "checks": Check.objects.order_by("-id")[:CHECKS_SHOWN],
        }
        return TemplateResponse(request, "audit/check.html", context)
