"""Read-only list of the issued reports. They are requested on the page of a month."""

from __future__ import annotations

from django.contrib import admin
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.audit.admin import ChosenFilter, Link, MonthFilter, ReadOnlyModelAdmin, clock_column
from sla_portal.audit.models import Kind
from sla_portal.audit.queries import document
from sla_portal.badges import badge
from sla_portal.kernel.months import ServiceMonth

from .models import Report, Status
from .queries import readable_by

BADGES = {Status.QUEUED: "unknown", Status.RENDERING: "unknown", Status.READY: "up", Status.FAILED: "counted"}


class ReportMonthFilter(MonthFilter):
    def of_month(self, queryset, month):
        return queryset.filter(month=month.first_day)


class ScopeFilter(ChosenFilter):
    title = gettext_lazy("scope")
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
        "report_link",
        "subject",
        "revision",
        "status_badge",
        clock_column("issued_at", gettext_lazy("issued at")),
        "file_hash",
    )
    list_display_links = None
    list_select_related = ("region", "customer")
    list_filter = (ReportMonthFilter, ScopeFilter, StatusFilter)
    search_fields = ("number__istartswith",)
    search_help_text = gettext_lazy("Report number")
    sortable_by = ()
    fields = (
        "number", "revision", "month", "region", "customer", "issued_at", "status", "error", "rendered_at", "size",
        "file_sha256", "figures_sha256", "supersedes", "check_code", "seal",
    )  # fmt: skip
    nothing_yet = gettext_lazy(
        "No reports have been issued yet. Last month's are issued automatically, any other month's on its page under Months."
    )

    def get_queryset(self, request):
        return super().get_queryset(request).filter(pk__in=readable_by(request.user).values("pk")).defer("statement")

    @admin.display(description=gettext_lazy("report"))
    def report_link(self, report):
        if report.status == Status.READY:
            return format_html('<a href="{}">{}</a>', reverse("report_file", args=[report.pk]), report.number)
        return report.number

    @admin.display(description=gettext_lazy("region or customer"))
    def subject(self, report):
        subject = report.region or report.customer
        scope = "region" if report.region_id else "customer"
        page = reverse("admin:month", args=[str(ServiceMonth.of(report.month)), scope, subject.code])
        return format_html('<a href="{}">{}</a>', page, subject)

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, report):
        return badge(BADGES[Status(report.status)], report.get_status_display())

    @admin.display(description="SHA-256")
    def file_hash(self, report):
        return format_html("<code>{}</code>", report.file_sha256[:16]) if report.file_sha256 else "–"

    @admin.display(description=gettext_lazy("check code"))
    def check_code(self, report):
        found = document(Kind.REPORT, report.about, report.revision)
        return found.check_code if found else "–"

    @admin.display(description=gettext_lazy("electronic seal"))
    def seal(self, report):
        found = document(Kind.REPORT, report.about, report.revision)
        return render_to_string("staff/_seal.html", {"document": found}) if found else _("Unsealed")

    def record_links(self, request, report):
        if report.status == Status.READY:
            yield Link(_("Open PDF"), reverse("report_file", args=[report.pk]), primary=True)
        yield Link(_("Minutes"), reverse("admin:report_minutes", args=[report.pk]))
        yield Link(_("Report request"), reverse("admin:report_run", args=[report.run_id]))

    def list_links(self, request):
        yield Link(_("Issue reports"), reverse("admin:months"))
