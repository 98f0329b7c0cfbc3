"""Customers with their contacts; regions, core functions and clients."""

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import AuditedModelAdmin, ChosenFilter, Link, Rows

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


@admin.register(Region)
class RegionAdmin(AuditedModelAdmin):
    list_display = ("name", "name_zh", "code", "zone")
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
    nothing_yet = _("Customers come from a history file (manage.py loadhistory) or are added here by an administrator.")

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
