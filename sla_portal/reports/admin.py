"""The reports as issued: a list to read. They are asked for on a month's page."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.audit.admin import ChosenFilter, Link, MonthFilter, ReadOnlyModelAdmin, clock_column
from sla_portal.badges import badge
from sla_portal.kernel.months import ServiceMonth

from .models import Report, Status
from .queries import readable_by

STATES = {Status.QUEUED: "unknown", Status.RENDERING: "unknown", Status.READY: "up", Status.FAILED: "counted"}


class ReportMonthFilter(MonthFilter):
    def of_month(self, queryset, month):
        return queryset.filter(month=month.first_day)


class ScopeFilter(ChosenFilter):
    title = gettext_lazy("of")
    parameter_name = "of"

    def lookups(self, request, model_admin):
        return (("region", _("regions")), ("customer", _("customers")))

    def queryset(self, request, queryset):
        return queryset.filter(**{f"{self.value()}__isnull": False}) if self.value() else queryset


class StatusFilter(ChosenFilter):
    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request, model_admin):
        return Status.choices

    def queryset(self, request, queryset):
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(Report)
class ReportAdmin(ReadOnlyModelAdmin):
    list_display = (
        "told",
        "of",
        "revision",
        "state",
        clock_column("issued_at", gettext_lazy("issued")),
        "seal",
    )
    list_display_links = None
    list_select_related = ("region", "customer")
    list_filter = (ReportMonthFilter, ScopeFilter, StatusFilter)
    search_fields = ("number__istartswith",)
    search_help_text = gettext_lazy("Number of the report")
    sortable_by = ()
    fields = (
        "number", "revision", "month", "region", "customer", "issued_at", "status", "error", "rendered_at", "size",
        "file_sha256", "figures_sha256", "supersedes",
    )  # fmt: skip
    nothing_yet = gettext_lazy(
        "No report is issued yet. Last month's are issued by themselves; any month's can be issued on its page, under Months."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).filter(pk__in=readable_by(request.user).values("pk")).defer("statement")

    @admin.display(description=gettext_lazy("report"))
    def told(self, report):
        if report.status == Status.READY:
            return format_html('<a href="{}">{}</a>', reverse("report_file", args=[report.pk]), report.number)
        return report.number

    @admin.display(description=gettext_lazy("of"))
    def of(self, report):
        subject = report.region or report.customer
        scope = "region" if report.region_id else "customer"
        page = reverse("admin:month", args=[str(ServiceMonth.of(report.month)), scope, subject.code])
        return format_html('<a href="{}">{}</a>', page, subject)

    @admin.display(description=gettext_lazy("status"))
    def state(self, report):
        return badge(STATES[Status(report.status)], report.get_status_display())

    @admin.display(description="SHA-256")
    def seal(self, report):
        return format_html("<code>{}</code>", report.file_sha256[:16]) if report.file_sha256 else "–"

    def record_links(self, request, report):
        if report.status == Status.READY:
            yield Link(_("Open the PDF"), reverse("report_file", args=[report.pk]), primary=True)
        yield Link(_("To the request"), reverse("admin:report_run", args=[report.run_id]))

    def list_links(self, request):
        yield Link(_("Issue reports of a month"), reverse("admin:months"))
