"""Customers with their contacts; regions, core functions and clients."""

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import AuditedForm, AuditedModelAdmin, ChosenFilter, Link, Rows, day_column
from sla_portal.badges import badge
from sla_portal.clocks import DASH
from sla_portal.kernel.errors import Refused
from sla_portal.plausible import ask_whether_meant

from .models import Client, Contact, CoreFunction, Customer, Region, Right
from .triggers import NAME as AN_INSTALLER_HAS_NO_INSTALLER

SHOWN = 20
"""Sites and contacts that a customer's page names; the list has all."""
ONE_LEVEL = _("An installer has no installer itself, and a customer with sites cannot be a site.")


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


class InstallerFilter(ChosenFilter):
    """Rows of an installer and its sites; offers the first installers, accepts any in the URL. `path` leads to customers."""

    title = _("installer")
    parameter_name = "installer"
    path = ""
    most = 50

    def lookups(self, request, model_admin):
        installers = Customer.objects.filter(
            pk__in=Customer.objects.filter(installer__isnull=False).order_by().values("installer")
        )
        asked = self.used_parameters.get(self.parameter_name, "").replace("\0", "")
        named = installers.filter(code=asked) if asked else ()
        return sorted({(one.code, str(one)) for one in (*installers[: self.most], *named)})

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        customers = Customer.objects.filter(code=self.value())
        theirs = customers | Customer.objects.filter(installer__code=self.value())
        return queryset.filter(**{f"{self.path or 'pk'}__in": theirs.order_by().values("pk")})


class InstallerOfCustomerFilter(InstallerFilter):
    path = "customer"


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


class CustomerForm(AuditedForm):
    """A customer; an installer has no installer."""

    def clean_installer(self):
        installer, own = self.cleaned_data["installer"], self.instance.pk
        if installer and (installer.installer_id or installer.pk == own or Customer.objects.filter(installer=own or 0)):
            raise ValidationError(ONE_LEVEL)
        return installer


@admin.register(Customer)
class CustomerAdmin(AuditedModelAdmin):
    form = CustomerForm
    list_display = ("name", "code", "region", "installer", "language")
    list_select_related = ("region", "installer")
    list_filter = (RegionFilter, InstallerFilter)
    search_fields = ("code", "name", "contacts__email")
    search_help_text = _("Code, name or e-mail of a contact")
    sortable_by = ("code",)
    autocomplete_fields = ("region", "installer")
    inlines = (ContactRows,)
    nothing_yet = _("Customers are imported from a table, or added here one by one, by an administrator.")

    def list_links(self, request):
        if request.user.has_perms(("customers.add_customer", "agreements.add_contract")):
            yield Link(_("Import"), reverse("admin:import_customers"))

    def get_fields(self, request, obj=None):
        fields = list(super().get_fields(request, obj))
        return fields if obj else [name for name in fields if name not in self.get_readonly_fields(request, obj)]

    def get_readonly_fields(self, request, obj=None):
        return ("sites_shown", "contacts_of_the_installer")

    @admin.display(description=_("sites"))
    def sites_shown(self, customer):
        return _linked("customer", customer.sites.all())

    @admin.display(description=_("contacts of the installer"))
    def contacts_of_the_installer(self, customer):
        return _linked("contact", customer.installer.contacts.all()) if customer.installer else DASH

    def save_model(self, request, obj, form, change):
        try:
            with transaction.atomic():
                super().save_model(request, obj, form, change)
        except IntegrityError as error:
            # Another person made it an installer, or its installer a site, a moment ago.
            if AN_INSTALLER_HAS_NO_INSTALLER in str(error):
                raise Refused(str(ONE_LEVEL)) from error
            raise

    def record_links(self, request, customer):
        yield Link(_("Everything about this customer"), reverse("admin:customer", args=[customer.pk]))
        sites = customer.sites.count()
        if sites:
            all_of_them = f"{reverse('admin:customers_customer_changelist')}?installer={customer.code}"
            yield Link(_("All sites (%(count)d)") % {"count": sites}, all_of_them)
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


def _linked(model, rows):
    """Return links to the first rows, and how many there are."""
    first = list(rows[: SHOWN + 1])
    links = format_html_join(
        ", ",
        '<a href="{}">{}</a>',
        ((reverse(f"admin:customers_{model}_change", args=[row.pk]), row) for row in first[:SHOWN]),
    )
    return (format_html("{}, …", links) if len(first) > SHOWN else links) or DASH


@admin.register(Contact)
class ContactAdmin(AuditedModelAdmin):
    list_display = ("email", "name", "customer", "rights")
    list_select_related = ("customer",)
    list_filter = (InstallerOfCustomerFilter,)
    search_fields = ("email", "name", "customer__code")
    search_help_text = _("E-mail, name or customer's code")
    sortable_by = ()
    autocomplete_fields = ("customer",)
    nothing_yet = _("Contacts are the people at a customer who receive notices. Add a contact on the customer's page.")

    @admin.display(description=_("rights"))
    def rights(self, contact):
        marked = [badge("up", right.label) for right in Right if getattr(contact, right)]
        return format_html_join(" ", "{}", ((one,) for one in marked)) or DASH
