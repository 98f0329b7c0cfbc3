"""Customers with their contacts; regions, core functions and clients."""

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import AuditedForm, AuditedModelAdmin, ChosenFilter, Link, Rows, day_column
from sla_portal.plausible import ask_whether_meant

from .models import Client, Contact, CoreFunction, Customer, Region


class RegionFilter(ChosenFilter):
    """Rows of one region, which `path` leads to."""

    title = _("region")
    parameter_name = "region"
    path = "region"

    def lookups(self, request, model_admin):
        return [(region.code, str(region)) for region in Region.objects.all()]

    def queryset(self, request, queryset):
        return queryset.filter(**{f"{self.path}__code": self.value()}) if self.value() else queryset


class RegionForm(AuditedForm):
    """A region with its service days."""

    def clean(self):
        facts = super().clean()
        first, last = facts.get("first_service_day"), facts.get("last_service_day")
        if first and last and last < first:
            self.add_error(
                "last_service_day",
                _("The last service day is before the first. Choose a day on or after the first service day."),
            )
        for name in ("first_service_day", "last_service_day"):
            ask_whether_meant(self, name, timezone.now(), years=5)
        return facts


@admin.register(Region)
class RegionAdmin(AuditedModelAdmin):
    form = RegionForm
    list_display = (
        "name",
        "name_zh",
        "code",
        "zone",
        day_column("first_service_day", _("first service day")),
        day_column("last_service_day", _("last service day")),
    )
    search_fields = ("code", "name", "name_zh")
    sortable_by = ("code",)
    nothing_yet = _(
        "Regions are the parts of the platform that are available or unavailable as a whole. Outages and customers belong to a region."
    )

    @admin.display(description=_("time zone"))
    def zone(self, region):
        return str(region.zone)


@admin.register(CoreFunction, Client)
class PositionedAdmin(AuditedModelAdmin):
    list_display = ("name", "name_zh", "code", "position")
    sortable_by = ()
    nothing_yet = _("Clause 1.4 names the core functions and clients. An outage records which of them were down.")


class ContactRows(Rows):
    model = Contact
    show_change_link = True


@admin.register(Customer)
class CustomerAdmin(AuditedModelAdmin):
    list_display = ("name", "code", "region", "language")
    list_select_related = ("region",)
    list_filter = (RegionFilter,)
    search_fields = ("code", "name", "contacts__email")
    search_help_text = _("Code, name or e-mail of a contact")
    sortable_by = ("code",)
    autocomplete_fields = ("region",)
    inlines = (ContactRows,)
    nothing_yet = _("Customers are imported from a table, or added here one by one, by an administrator.")

    def list_links(self, request):
        if request.user.has_perms(("customers.add_customer", "agreements.add_contract")):
            yield Link(_("Import"), reverse("admin:import_customers"))

    def record_links(self, request, customer):
        contracts = reverse("admin:agreements_contract_changelist")
        months = reverse("admin:availability_customermonth_changelist")
        if request.user.has_perm("agreements.view_contract"):
            yield Link(_("Contracts"), f"{contracts}?q={customer.code}")
            yield Link(_("Contract periods"), reverse("admin:customer_periods", args=[customer.pk]))
        if request.user.has_perm("availability.view_customermonth"):
            yield Link(_("Months"), f"{months}?q={customer.code}")
        if request.user.has_perm("claims.enter_claim"):
            yield Link(_("Enter a claim"), f"{reverse('admin:enter_claim')}?customer={customer.pk}", primary=True)
        if request.user.has_perm("customers.add_contact"):
            yield Link(_("Add a contact"), f"{reverse('admin:customers_contact_add')}?customer={customer.pk}")


@admin.register(Contact)
class ContactAdmin(AuditedModelAdmin):
    list_display = ("email", "name", "customer")
    list_select_related = ("customer",)
    search_fields = ("email", "name", "customer__code")
    search_help_text = _("E-mail, name or customer's code")
    sortable_by = ()
    autocomplete_fields = ("customer",)
    nothing_yet = _("Contacts are the people at a customer who receive notices. Add a contact on the customer's page.")
