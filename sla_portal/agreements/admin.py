"""Agreement versions with their clauses; contracts with suspensions and payments."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import (
    AuditedForm,
    ChosenFilter,
    ClosedMonthsAdmin,
    ReadOnlyModelAdmin,
    ReadOnlyRows,
    Rows,
    check_closed_months_named,
    clock_column,
    day_column,
)
from sla_portal.audit.forms import MergingForm
from sla_portal.audit.operations import difference
from sla_portal.badges import badge
from sla_portal.customers.admin import InstallerOfCustomerFilter
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.months import days_span
from sla_portal.plausible import ask_whether_meant

from .models import AgreementVersion, Answer, Clause, Contract, Payment, RegisterEntry, Suspension
from .operations import notify_of_pending
from .queries import contracts_in_force
from .rules import Stage, extended_to

DATES = ("starts_on", "ends_on", "terminated_on")
"""The fields of a contract from which its service days follow."""


class ClauseRows(ReadOnlyRows):
    model = Clause
    fields = readonly_fields = ("number", "content", "wording")

    @admin.display(description=_("content"))
    def content(self, clause):
        chinese = (get_language() or "").startswith("zh")
        heading, summary = (
            (clause.heading_zh or clause.heading, clause.summary_zh or clause.summary)
            if chinese
            else (clause.heading, clause.summary)
        )
        return format_html("<b>{}</b> {}", heading, summary)


@admin.register(AgreementVersion)
class AgreementVersionAdmin(ReadOnlyModelAdmin):
    """Published versions are never edited (5.2)."""

    list_display = (
        "version",
        "state",
        day_column("effective_on", _("effective on")),
        "availability_target",
        "unavailability_reading",
    )
    sortable_by = ()
    inlines = (ClauseRows,)

    @admin.display(description=_("status"))
    def state(self, version):
        return {
            Stage.DRAFT: badge("waiting", _("draft")),
            Stage.SUBMITTED: badge("waiting", _("pending approval")),
            Stage.PUBLISHED: badge("up", _("published")),
            Stage.WITHDRAWN: badge("outside", _("withdrawn")),
        }[version.stage]


@admin.register(RegisterEntry)
class RegisterEntryAdmin(ReadOnlyModelAdmin):
    """Errata and interpretations; Legal writes and approves them on pages of their own."""

    list_display = ("clause", "matter", "asked", "approved_by_name", day_column("approved_at", _("approved at")))
    search_fields = ("clause", "question", "answer")
    sortable_by = ()

    @admin.display(description=_("open question"))
    def asked(self, entry):
        return entry.text("question")


@admin.register(Answer)
class AnswerAdmin(ReadOnlyModelAdmin):
    """Customer responses to amendments: registered, never edited."""

    list_display = ("version", "customer", "kind", "via", clock_column("received_at", _("received at")), "withdrawn")
    list_select_related = ("version", "customer")
    search_fields = ("customer__code", "customer__name", "version__version")
    search_help_text = _("Customer's code or name, or version")
    sortable_by = ()
    nothing_yet = _(
        "No customer has responded yet. Customers respond through the personal link in the e-mail about "
        "an amendment, or Support or Legal registers their response here."
    )

    @admin.display(description=_("withdrawn"))
    def withdrawn(self, answer):
        return badge("up", _("valid")) if answer.stands else badge("outside", _("withdrawn"))


class ContractForm(AuditedForm):
    """Check a contract's dates against each other (1.2); its extension (3.2) is computed from the agreed end."""

    def clean(self):
        facts = super().clean()
        check_closed_months_named(self.instance)
        starts_on, ends_on, terminated_on = (facts.get(name) for name in ("starts_on", "ends_on", "terminated_on"))
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error(
                "ends_on",
                _("The last service day is before the first. Choose a day on or after the first service day."),
            )
        minutes = self.instance.extended_minutes
        until = extended_to(ends_on, minutes) if ends_on and minutes else None
        self.instance.extended_to = until
        if starts_on and ends_on and terminated_on and not starts_on <= terminated_on <= (until or ends_on):
            self.add_error("terminated_on", _("The termination date must be one of the contract's service days."))
        if (facts.get("monthly_charge") or 0) < 0:
            self.add_error("monthly_charge", _("The monthly charge cannot be negative."))
        served = [facts["customer"].region] if facts.get("customer") else []
        for name, years in (("starts_on", 2), ("ends_on", 10), ("terminated_on", 2)):
            ask_whether_meant(self, name, timezone.now(), served, years=years)
        return facts

    def clean_currency(self):
        currency = self.cleaned_data["currency"].upper()
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            raise ValidationError(_("Enter the currency as three letters (ISO 4217), for example EUR."))
        return currency


class SuspensionForm(forms.ModelForm):
    """The days of a suspension (4.7)."""

    def clean(self):
        facts = super().clean()
        if facts.get("starts_on") and facts.get("ends_on") and facts["ends_on"] < facts["starts_on"]:
            self.add_error(
                "ends_on",
                _("The last day of the suspension is before its first day. Choose a day on or after the first day."),
            )
        return facts


class SuspensionRows(Rows):
    model = Suspension
    form = SuspensionForm


class PaymentForm(MergingForm):
    """A payment."""

    def clean(self):
        facts = super().clean()
        ask_whether_meant(self, "paid_on", timezone.now())
        return facts


class PaymentRows(Rows):
    """Payments can only be added; a repayment is a negative payment."""

    model = Payment
    form = PaymentForm
    can_delete = False

    def has_change_permission(self, request, obj=None):
        return False


class InForceFilter(ChosenFilter):
    title = _("in force")
    parameter_name = "in_force"

    def lookups(self, request, model_admin):
        return (("today", _("today")),)

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        today = timezone.localdate(timezone=settings.SLA_ZONE)
        return queryset.filter(pk__in=contracts_in_force(today, today).values("pk"))


@admin.register(Contract)
class ContractAdmin(ClosedMonthsAdmin):
    form = ContractForm
    list_display = ("reference", "customer", day_column("starts_on", _("first service day")), "last_day", "charge")
    list_select_related = ("customer",)
    list_filter = (InForceFilter, InstallerOfCustomerFilter)
    search_fields = ("reference", "customer__code", "customer__name")
    search_help_text = _("Reference, or customer's code or name")
    sortable_by = ("reference",)
    autocomplete_fields = ("customer",)
    readonly_fields = ("extended_minutes", "extended_to")
    inlines = (SuspensionRows, PaymentRows)
    nothing_yet = _("Contracts come from a history file (manage.py loadhistory) or are added here by an administrator.")

    def construct_change_message(self, request, form, formsets, add=False):
        """Record the end with extensions, which follows from the agreed end, with the change."""
        changes, reason, touching = super().construct_change_message(request, form, formsets, add)
        if form.instance.extended_to and "ends_on" in form.changed_data:
            before = extended_to(form.initial["ends_on"], form.instance.extended_minutes)
            changes |= difference({"extended_to": before}, {"extended_to": form.instance.extended_to})
        return changes, reason, touching

    def periods_changed(self, form, formsets):
        """Return the days that are, or are not, in service only after the change."""
        now = form.instance
        was = Contract(
            **{name: form.initial[name] for name in DATES},
            extended_to=extended_to(form.initial["ends_on"], now.extended_minutes) if now.extended_minutes else None,
        )
        spans = [(min(was.starts_on, now.starts_on), max(was.starts_on, now.starts_on) - timedelta(days=1))]
        spans += [(min(was.last_day, now.last_day) + timedelta(days=1), max(was.last_day, now.last_day))]
        for formset in formsets:
            if formset.model is Suspension:
                spans += [
                    (days["starts_on"], days["ends_on"])
                    for row in formset.forms
                    if row.has_changed() or row in formset.deleted_forms
                    for days in (row.initial, {} if row in formset.deleted_forms else row.cleaned_data)
                    if days.get("starts_on")
                ]
        return [
            tuple(map(instant, days_span(first, last, settings.SLA_ZONE))) for first, last in spans if first <= last
        ]

    def save_rows(self, request, form, formsets, change):
        super().save_rows(request, form, formsets, change)
        if not change:
            notify_of_pending(contract=form.instance, now=timezone.now())

    @admin.display(description=_("last service day"))
    def last_day(self, contract):
        return contract.last_day.isoformat()

    @admin.display(description=_("monthly charge"))
    def charge(self, contract):
        charge = contract.monthly_charge
        return f"{charge:.2f} {contract.currency}" if charge == round(charge, 2) else f"{charge} {contract.currency}"
