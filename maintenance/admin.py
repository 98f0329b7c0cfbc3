"""Maintenance windows: planned and changed here as drafts, announced and cancelled by operations."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Prefetch, Q
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.agreements.queries import version_in_force
from sla_portal.audit.actors import Actor
from sla_portal.audit.admin import (
    AuditedForm,
    AuditedModelAdmin,
    ChosenFilter,
    Link,
    MonthFilter,
    ReadOnlyRows,
    clock_column,
)
from sla_portal.clocks import ClockField, clock, length
from sla_portal.customers.admin import RegionFilter
from sla_portal.customers.forms import ScopedForm, ScopeField
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.marks import mark

from .models import MaintenanceNotice, MaintenanceWindow
from .operations import announce_window, cancel_window
from .queries import notices_given
from .rules import NoticeGiven, covered


def in_order(form: forms.BaseForm) -> None:
    """Refuse a window that ends before it starts."""
    starts_at, ends_at = form.cleaned_data.get("starts_at"), form.cleaned_data.get("ends_at")
    for name, at in (("starts_at", starts_at), ("ends_at", ends_at)):
        if at and at.microsecond:
            form.add_error(name, _("Give whole seconds."))
    if starts_at and ends_at and ends_at <= starts_at:
        form.add_error("ends_at", _("The window ends before it starts. Give an end after the start."))


class WindowForm(ScopedForm, AuditedForm):
    """A draft; what it names is named on purpose."""

    regions = ScopeField(label=gettext_lazy("Regions"))
    functions = ScopeField(label=gettext_lazy("Core functions"))
    clients = ScopeField(label=gettext_lazy("Clients"))

    class Meta:
        fields = ("reference", "title", "kind", "starts_at", "ends_at", "regions", "functions", "clients")

    def clean(self):
        facts = super().clean()
        in_order(self)
        for name in self.scopes:
            if not facts.get(name):
                self.add_error(name, _("Tick “all” or the ones that are concerned."))
        return facts


class AnnouncementForm(forms.Form):
    """The start and end that a notice announces."""

    starts_at = ClockField(label=gettext_lazy("From"))
    ends_at = ClockField(label=gettext_lazy("Until"))

    def clean(self):
        in_order(self)
        return self.cleaned_data


class CancellationForm(forms.Form):
    """Why an announced window will not be."""

    reason = forms.CharField(label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 2}), max_length=2000)


class NoticeRows(ReadOnlyRows):
    model = MaintenanceNotice
    fields = ("sent_at", "starts_at", "ends_at")
    nothing_yet = gettext_lazy("Not announced. Until a notice is sent, downtime in this window counts.")


class StateFilter(ChosenFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return (
            ("draft", _("draft")),
            ("coming", _("coming")),
            ("running", _("running")),
            ("over", _("over")),
            ("cancelled", _("cancelled")),
        )

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        now = timezone.now()
        standing = queryset.filter(cancelled_at__isnull=True)
        return {
            "draft": standing.filter(announced=False),
            "coming": standing.filter(announced=True, starts_at__gt=now),
            "running": standing.filter(announced=True, starts_at__lte=now, ends_at__gt=now),
            "over": standing.filter(announced=True, ends_at__lte=now),
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
        "told",
        "state",
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
    inlines = (NoticeRows,)
    add_words = gettext_lazy("Plan a window")
    nothing_yet = gettext_lazy(
        "No maintenance is planned. Plan a window and announce it before it starts: only what was announced is taken off."
    )

    def get_queryset(self, request):
        notices = MaintenanceNotice.objects.filter(window=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(announced=Exists(notices))
            .prefetch_related("regions", Prefetch("notices", MaintenanceNotice.objects.order_by("sent_at")))
        )

    def has_change_permission(self, request, obj=None):
        """A draft is changed; what was announced is announced anew."""
        is_draft = obj is None or not (obj.announced or obj.cancelled_at)
        return is_draft and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return False

    def get_inlines(self, request, obj):
        return self.inlines if obj else ()

    @admin.display(description=gettext_lazy("window"))
    def told(self, window):
        page = reverse("admin:maintenance_maintenancewindow_change", args=[window.pk])
        return format_html('<a href="{}">{}</a> {}', page, window.reference, window.title)

    @admin.display(description=gettext_lazy("state"))
    def state(self, window):
        now = timezone.now()
        if window.cancelled_at:
            return mark("outside", _("cancelled"))
        if not window.announced:
            return mark("waiting", _("draft"))
        if now < window.starts_at:
            return mark("up", _("announced"))
        return mark("excluded", _("running")) if now < window.ends_at else mark("plain", _("over"))

    @admin.display(description=gettext_lazy("regions"))
    def where(self, window):
        return get_text_list([region.name for region in window.regions.all()], _("and")) or _("all")

    @admin.display(description=gettext_lazy("lead time"))
    def lead(self, window):
        notices = window.notices.all()
        return lead_time(notices[0].sent_at, window.starts_at) if notices else "–"

    def record_links(self, request, window):
        if window.cancelled_at or not request.user.has_perm("maintenance.announce_maintenancewindow"):
            return
        name = _("Move or lengthen (tells everyone)") if window.announced else _("Announce")
        yield Link(name, reverse("admin:announce_window", args=[window.pk]), primary=True)
        if window.announced:
            yield Link(_("Cancel the window"), reverse("admin:cancel_window", args=[window.pk]))

    def get_urls(self):
        doors = [
            path("<int:pk>/announce/", self.admin_site.admin_view(self.announce), name="announce_window"),
            path("<int:pk>/cancel/", self.admin_site.admin_view(self.cancel), name="cancel_window"),
        ]
        return doors + super().get_urls()

    def announce(self, request, pk):
        """Announce a window for the first time, moved or lengthened; what the notice would cover is shown first."""
        window = self._window(request, pk)
        times = {"starts_at": window.starts_at, "ends_at": window.ends_at}
        form = AnnouncementForm(request.POST or None, initial=times)
        now = timezone.now()
        if request.method == "POST" and form.is_valid():
            times = form.cleaned_data
            if "send" in request.POST:
                try:
                    announce_window(actor=Actor.staff(request.user), window=window, **times, now=now)
                except Refused as refusal:
                    messages.error(request, str(refusal))
                else:
                    messages.success(request, _("%(window)s is announced.") % {"window": window})
                    return redirect("admin:maintenance_maintenancewindow_change", pk)
        context = {"form": form, "preview": None if form.errors else preview(window, **times, now=now)}
        return self._page(request, "maintenance/announce.html", _("Announce maintenance"), window, context)

    def cancel(self, request, pk):
        """Announce that a window will not be."""
        window = self._window(request, pk)
        form = CancellationForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                cancel_window(actor=Actor.staff(request.user), window=window, **form.cleaned_data, now=timezone.now())
            except Refused as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _("%(window)s is cancelled.") % {"window": window})
                return redirect("admin:maintenance_maintenancewindow_change", pk)
        return self._page(request, "maintenance/cancel.html", _("Cancel maintenance"), window, {"form": form})

    def _window(self, request, pk):
        if not request.user.has_perm("maintenance.announce_maintenancewindow"):
            raise PermissionDenied
        return get_object_or_404(MaintenanceWindow, pk=pk)

    def _page(self, request, template, title, window, context):
        shared = {**self.admin_site.each_context(request), "title": title, "subtitle": str(window), "window": window}
        return TemplateResponse(request, template, {**shared, **context})


def lead_time(sent_at, starts_at):
    """How long before its start a window was announced, in words."""
    lead = starts_at - sent_at
    return length(lead.total_seconds()) if lead > timedelta(0) else _("none: sent after the start")


def preview(window, starts_at, ends_at, now):
    """What a notice sent now would say, and what it would cover under 4.1."""
    terms = version_in_force(timezone.localdate(starts_at, settings.SLA_ZONE)).terms
    notice = NoticeGiven(sent=epoch(now), start=epoch(starts_at), end=epoch(ends_at))
    spans = covered([*notices_given(window), notice], terms.maintenance_notice_hours)
    lead = starts_at - now
    return {
        "starts_at": starts_at,
        "ends_at": ends_at,
        "lead": lead_time(now, starts_at),
        "short": lead < timedelta(hours=terms.recommended_notice_hours),
        "recommended": terms.recommended_notice_hours,
        "covered": [(clock(instant(start)), clock(instant(end))) for start, end in spans],
        "regions": get_text_list([region.name for region in window.regions.all()], _("and")) or _("all regions"),
        "functions": get_text_list([row.name for row in window.functions.all()], _("and")) or _("all core functions"),
        "clients": get_text_list([row.name for row in window.clients.all()], _("and")) or _("all clients"),
    }
