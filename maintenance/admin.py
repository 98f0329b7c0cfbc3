"""The list of maintenance windows and the form of a draft. The page of a window handles everything after that."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Exists, OuterRef, Prefetch, Q
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.agreements.queries import terms_periods
from sla_portal.agreements.rules import terms_at
from sla_portal.audit.admin import AuditedForm, AuditedModelAdmin, ChosenFilter, Link, MonthFilter, clock_column
from sla_portal.audit.operations import check_unchanged
from sla_portal.audit.versions import acting
from sla_portal.badges import badge
from sla_portal.clocks import DASH
from sla_portal.customers.admin import RegionFilter
from sla_portal.customers.forms import ALL, ScopedForm, ScopeField
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.plausible import ask_whether_meant

from .models import MaintenanceNotice, MaintenanceWindow
from .operations import WindowInThePast, WindowTooFarAhead, WindowTooLong, check_period
from .queries import next_reference, notices_given, overlapping, stage_of
from .rules import lead
from .words import format_lead_time, format_regions, planning_warnings, stage_badge


def in_order(form) -> None:
    """Refuse a window that ends before it starts, and one that could not be announced."""
    starts_at, ends_at = form.cleaned_data.get("starts_at"), form.cleaned_data.get("ends_at")
    for name, at in (("starts_at", starts_at), ("ends_at", ends_at)):
        if at and at.microsecond:
            form.add_error(name, _("Enter whole seconds."))
    if not (starts_at and ends_at):
        return
    if ends_at <= starts_at:
        form.add_error("ends_at", _("The window ends before it starts. Enter an end after the start."))
        return
    try:
        check_period(starts_at, ends_at, timezone.now())
    except WindowTooFarAhead as refused:
        form.add_error("starts_at", str(refused))
    except (WindowInThePast, WindowTooLong) as refused:
        form.add_error("ends_at", str(refused))


class WindowForm(ScopedForm, AuditedForm):
    """Plan a window. An empty scope is refused, because "all" must be chosen explicitly."""

    regions = ScopeField(label=gettext_lazy("Regions"))
    functions = ScopeField(label=gettext_lazy("Core functions"))
    clients = ScopeField(label=gettext_lazy("Clients"))

    class Meta:
        fields = ("reference", "title", "kind", "starts_at", "ends_at", "regions", "functions", "clients")

    def clean(self):
        facts = super().clean()
        in_order(self)
        named = [pk for pk in facts.get("regions", ()) if pk != ALL]
        ask_whether_meant(self, "starts_at", timezone.now(), Region.objects.filter(pk__in=named))
        for name in self.scopes:
            if not facts.get(name):
                self.add_error(name, _("Select “all”, or the affected ones."))
        return facts


class StateFilter(ChosenFilter):
    title = gettext_lazy("status")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return (
            ("draft", _("draft")),
            ("coming", _("scheduled")),
            ("running", _("in progress")),
            ("over", _("completed or ended")),
            ("not-carried-out", _("not carried out")),
            ("cancelled", _("cancelled")),
            ("discarded", _("discarded")),
        )

    def queryset(self, request, queryset):
        if self.value() == "discarded":
            return queryset.filter(discarded_at__isnull=False)
        queryset = queryset.filter(discarded_at__isnull=True)
        if self.value() is None:
            return queryset
        now = timezone.now()
        remaining = queryset.filter(cancelled_at__isnull=True, not_carried_out_at__isnull=True)
        at_work = Q(started_at__isnull=False, completed_at__isnull=True)
        return {
            "draft": remaining.filter(announced=False),
            "coming": remaining.filter(announced=True, started_at=None, completed_at=None, starts_at__gt=now),
            "running": remaining.filter(
                at_work | Q(started_at=None, completed_at=None, starts_at__lte=now, ends_at__gt=now), announced=True
            ),
            "over": remaining.filter(
                Q(completed_at__isnull=False) | Q(started_at=None, ends_at__lte=now), announced=True
            ),
            "not-carried-out": queryset.filter(cancelled_at__isnull=True, not_carried_out_at__isnull=False),
            "cancelled": queryset.filter(cancelled_at__isnull=False),
        }[self.value()]


class WindowMonthFilter(MonthFilter):
    def of_month(self, queryset, month):
        start, end = map(instant, month.span(settings.SLA_ZONE))
        return queryset.filter(starts_at__lt=end, ends_at__gt=start)


class WindowRegionFilter(RegionFilter):
    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        of_region = MaintenanceWindow.regions.through.objects.filter(region__code=self.value()).values("window")
        return queryset.filter(Q(pk__in=of_region) | Q(regions__isnull=True))


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(AuditedModelAdmin):
    form = WindowForm
    list_display = (
        "window",
        "status",
        clock_column("starts_at", gettext_lazy("from")),
        clock_column("ends_at", gettext_lazy("until")),
        "where",
        "lead",
    )
    list_display_links = None
    sortable_by = ("starts_at",)
    list_filter = (StateFilter, WindowMonthFilter, WindowRegionFilter)
    search_fields = ("reference", "title")
    search_help_text = gettext_lazy("Reference or title")
    add_words = gettext_lazy("Plan a window")
    export_page = "export_windows"
    nothing_yet = gettext_lazy(
        "No maintenance windows yet. Plan a window and announce it before it starts: "
        "only announced maintenance can be excluded under 4.1."
    )

    def get_changeform_initial_data(self, request):
        return {"reference": next_reference(timezone.now()), **super().get_changeform_initial_data(request)}

    def get_queryset(self, request):
        notices = MaintenanceNotice.objects.filter(window=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(announced=Exists(notices))
            .prefetch_related("regions", Prefetch("notices", MaintenanceNotice.objects.order_by("sent_at")))
        )

    def has_change_permission(self, request, obj=None):
        """Allow changes to drafts only; an announced window is changed by another notice."""
        is_draft = obj is None or not (
            obj.notices.all() or obj.cancelled_at or obj.discarded_at or obj.requests.pending().exists()
        )
        return is_draft and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=gettext_lazy("window"))
    def window(self, window):
        page = reverse("admin:maintenance_window", args=[window.pk])
        return format_html('<a href="{}">{}</a> {}', page, window.reference, window.title)

    @admin.display(description=gettext_lazy("status"))
    def status(self, window):
        return badge(*stage_badge(stage_of(window, timezone.now())))

    @admin.display(description=gettext_lazy("regions"))
    def where(self, window):
        return format_regions(window)

    @admin.display(description=gettext_lazy("lead time"))
    def lead(self, window):
        seconds = lead(notices_given(window))
        return DASH if seconds is None else format_lead_time(seconds)

    def list_links(self, request):
        yield Link(gettext_lazy("Calendar"), reverse("admin:maintenance_calendar"))

    def add_view(self, request, form_url="", extra_context=None):
        return super().add_view(request, form_url, {"title": _("Plan a window"), **(extra_context or {})})

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show the form of a draft; redirect to the page of a window that is not changed (any more)."""
        # Django's own lookup, which takes no lock.
        window = super(AuditedModelAdmin, self).get_object(request, unquote(object_id))
        locked = window and window.requests.pending().exists()
        fixed = window and (window.announced or window.cancelled_at or window.discarded_at)
        if (locked or fixed) and request.method == "POST" and self.has_view_permission(request):
            check_unchanged(acting(request), window, refusal=_("It is not a draft that can be edited any more."))
        if locked and self.has_view_permission(request):
            messages.warning(
                request, _("The announcement of this window waits for confirmation. Withdraw the request to change it.")
            )
            return redirect("admin:maintenance_window", window.pk)
        if fixed and self.has_view_permission(request):
            return redirect("admin:maintenance_window", window.pk)
        return super().change_view(request, object_id, form_url, extra_context)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        window, now = form.instance, timezone.now()
        terms = terms_at(terms_periods(), epoch(window.starts_at))
        for warning in planning_warnings(window, overlapping(window, window.starts_at, window.ends_at), terms, now):
            messages.warning(request, warning)

    def response_post_save_add(self, request, obj):
        return redirect("admin:maintenance_window", obj.pk)

    def response_post_save_change(self, request, obj):
        return redirect("admin:maintenance_window", obj.pk)
