"""Read-only lists of exclusions and judged service months. Only operations write them."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.audit.admin import ChosenFilter, Link, MonthFilter, ReadOnlyModelAdmin, clock_column
from sla_portal.badges import badge
from sla_portal.clocks import DASH
from sla_portal.customers.admin import InstallerOfCustomerFilter, RegionFilter
from sla_portal.kernel.months import ServiceMonth

from .clauses import CLAUSES
from .models import CustomerMonth, Exclusion, MonthClosing, RegionMonth, Status
from .rules import availability, cut, stored_status
from .words import status_badge

BADGES = {
    Status.PROPOSED: "waiting",
    Status.CONFIRMED: "excluded",
    Status.REJECTED: "outside",
    Status.REVOKED: "counted",
    Status.WITHDRAWN: "outside",
}
PROPOSED_AT = clock_column("proposed_at", gettext_lazy("proposed at"))


class StatusFilter(ChosenFilter):
    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request, model_admin):
        return Status.choices

    def queryset(self, request, queryset):
        return queryset.filter(status=self.value()) if self.value() else queryset


class ClauseFilter(ChosenFilter):
    title = gettext_lazy("clause")
    parameter_name = "clause"

    def lookups(self, request, model_admin):
        return [(clause, clause) for clause in CLAUSES]

    def queryset(self, request, queryset):
        return queryset.filter(clause=self.value()) if self.value() else queryset


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyModelAdmin):
    list_display = (
        "clause_link",
        "status_badge",
        "subject",
        "reason",
        "proposed",
        clock_column("proposed_at", gettext_lazy("proposed at")),
        "decided",
    )
    list_display_links = None
    list_select_related = ("incident", "customer", "proposed_by", "decided_by")
    list_filter = (StatusFilter, ClauseFilter)
    search_fields = ("incident__reference", "customer__code", "third_party", "third_party_incident")
    search_help_text = gettext_lazy("Incident, customer's code or third party")
    nothing_yet = gettext_lazy(
        "There are no exclusions yet. To propose one, open an incident and choose a clause of section 4."
    )

    @admin.display(description=gettext_lazy("clause"))
    def clause_link(self, exclusion):
        page = reverse("admin:availability_exclusion_change", args=[exclusion.pk])
        return format_html('<a href="{}">{}</a>', page, exclusion.clause)

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, exclusion):
        shown = badge(BADGES[exclusion.status], exclusion.get_status_display())
        if exclusion.incident and exclusion.incident.voided_at:
            return format_html("{} {}", shown, badge("outside", _("incident does not count")))
        return shown

    @admin.display(description=gettext_lazy("incident or customer"))
    def subject(self, exclusion):
        if exclusion.incident is None:
            return str(exclusion.customer)
        page = reverse("admin:incident_page", args=[exclusion.incident_id])
        return format_html('<a href="{}">{}</a> {}', page, exclusion.incident.reference, exclusion.incident.title)

    @admin.display(description=gettext_lazy("proposed by"))
    def proposed(self, exclusion):
        return _named(exclusion.proposed_by)

    @admin.display(description=gettext_lazy("decided by"))
    def decided(self, exclusion):
        return _named(exclusion.decided_by)

    def record_links(self, request, exclusion):
        if exclusion.incident_id:
            page = reverse("admin:incident_page", args=[exclusion.incident_id])
            yield Link(_("Open incident"), page, primary=True)


class OutcomeFilter(ChosenFilter):
    title = gettext_lazy("SLA")
    parameter_name = "target"

    def lookups(self, request, model_admin):
        return (("met", _("SLA met")), ("missed", _("SLA breached")), ("none", _("Not in service")))

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        return queryset.filter(met={"met": True, "missed": False}.get(self.value()))


class FlagFilter(ChosenFilter):
    title = gettext_lazy("flag")
    parameter_name = "marked"

    def lookups(self, request, model_admin):
        return (("provisional", _("an outage is ongoing")), ("sensitive", _("depends on the counting rule")))

    def queryset(self, request, queryset):
        field = {"provisional": "provisional", "sensitive": "reading_sensitive"}.get(self.value() or "")
        return queryset.filter(**{field: True}) if field else queryset


class JudgedMonthFilter(MonthFilter):
    def of_month(self, queryset, month):
        return queryset.filter(month=month.first_day)


class JudgedMonthAdmin(ReadOnlyModelAdmin):
    """The figures of a service month as last calculated; the page of the month explains them."""

    sortable_by = ()
    list_display_links = None
    nothing_yet = gettext_lazy(
        "There are no figures yet. A month is calculated automatically once it has begun, and again when the record changes."
    )

    @admin.display(description=gettext_lazy("month"))
    def month_link(self, row):
        month = str(ServiceMonth.of(row.month))
        page = reverse("admin:month", args=[month, self.scope, getattr(row, self.scope).code])
        return format_html('<a href="{}">{}</a>', page, month)

    @admin.display(description=gettext_lazy("availability"))
    def percent(self, row):
        ratio = availability(row.unavailable_minutes, row.total_minutes)
        return DASH if ratio is None else f"{cut(ratio)} %"

    @admin.display(description=gettext_lazy("SLA"))
    def outcome(self, row):
        if row.met is None:
            return badge("outside", _("Not in service"))
        return badge("up", _("SLA met")) if row.met else badge("counted", _("SLA breached"))

    @admin.display(description=gettext_lazy("unavailable min"))
    def unavailable(self, row):
        return self._minutes(row, row.unavailable_minutes, "only=counted")

    @admin.display(description=gettext_lazy("excluded min"))
    def excluded(self, row):
        return self._minutes(row, row.excluded_minutes, "only=excluded")

    @admin.display(description=gettext_lazy("U: all / function / any"))
    def by_counting_rule(self, row):
        under = ("all", row.unavailable_all), ("function", row.unavailable_function), ("any", row.unavailable_any)
        return format_html_join(" / ", "{}", ((self._minutes(row, count, f"rule={rule}"),) for rule, count in under))

    def _minutes(self, row, count, asked):
        page = reverse("admin:minutes", args=[ServiceMonth.of(row.month), self.scope, getattr(row, self.scope).code])
        return format_html('<a href="{}?{}">{}</a>', page, asked, count)

    def get_queryset(self, request):
        closed = MonthClosing.objects.filter(month=OuterRef("month"))
        return super().get_queryset(request).annotate(closed=Exists(closed))

    @admin.display(description=gettext_lazy("status"))
    def figure_status(self, row):
        present = ServiceMonth.of(timezone.localdate(timezone=settings.SLA_ZONE))
        return badge(*status_badge(stored_status(row.month, {row.month} if row.closed else (), present)))

    @admin.display(description=gettext_lazy("flags"))
    def flags(self, row):
        named = [_("an outage is ongoing")] if row.provisional else []
        return ", ".join([*named, _("depends on the counting rule")] if row.reading_sensitive else named) or DASH

    def record_links(self, request, row):
        page = reverse("admin:month", args=[str(ServiceMonth.of(row.month)), self.scope, getattr(row, self.scope).code])
        yield Link(_("Open month"), page, primary=True)


FIGURES = ("percent", "outcome", "figure_status", "unavailable", "excluded", "by_counting_rule", "flags")


@admin.register(RegionMonth)
class RegionMonthAdmin(JudgedMonthAdmin):
    scope = "region"
    export_page = "export_region_months"
    list_display = ("month_link", "region", *FIGURES)
    list_select_related = ("region",)
    list_filter = (JudgedMonthFilter, RegionFilter, OutcomeFilter, FlagFilter)

    def list_links(self, request):
        if request.user.has_perm("availability.view_customermonth"):
            yield Link(_("Customer months"), reverse("admin:availability_customermonth_changelist"))


class RegionOfCustomerFilter(RegionFilter):
    path = "customer__region"


@admin.register(CustomerMonth)
class CustomerMonthAdmin(JudgedMonthAdmin):
    scope = "customer"
    export_page = "export_customer_months"
    list_display = ("month_link", "customer", *FIGURES)
    list_select_related = ("customer",)
    list_filter = (JudgedMonthFilter, RegionOfCustomerFilter, InstallerOfCustomerFilter, OutcomeFilter, FlagFilter)
    search_fields = ("customer__code", "customer__name")
    search_help_text = gettext_lazy("Customer's code or name")

    def list_links(self, request):
        yield Link(_("Region months"), reverse("admin:availability_regionmonth_changelist"))


def _named(person):
    return DASH if person is None else person.get_full_name() or person.get_username()
