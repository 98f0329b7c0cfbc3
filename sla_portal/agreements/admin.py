"""Agreement versions with their clauses; contracts with suspensions and payments."""

from dataclasses import replace
from decimal import Decimal

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import (
    ChosenFilter,
    ClosedMonthsAdmin,
    ClosedMonthsForm,
    ReadOnlyModelAdmin,
    ReadOnlyRows,
    Rows,
    clock_column,
    day_column,
)
from sla_portal.audit.forms import MergingForm
from sla_portal.badges import badge
from sla_portal.customers.admin import InstallerOfCustomerFilter
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.money import format_amount
from sla_portal.plausible import ask_whether_meant
from sla_portal.typed import AmountField

from .models import AgreementVersion, Answer, Clause, Contract, Payment, RegisterEntry, Suspension
from .operations import check_currency, check_decimals, notify_of_pending, time_changed
from .queries import charges_of, contracts_in_force, record_of_contract
from .rules import FIRST_DAY, LAST_DAY, Stage, charge_on, shortest_period_ends_on


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
    exclude = ("credit_without_claim",)
    readonly_fields = ("credits_without_claim",)

    @admin.display(description=_("credit without a claim"))
    def credits_without_claim(self, version):
        # The column is empty in versions of an earlier build.
        return _("yes") if version.credit_without_claim else _("no")

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


class ContractForm(ClosedMonthsForm):
    """Check a new contract's days (1.2) and charge. Of one on record, operations of their own change these."""

    class Meta:
        field_classes = {"monthly_charge": AmountField}

    def clean(self):
        facts = super().clean()
        for name in ("starts_on", "ends_on"):
            if facts.get(name) and not FIRST_DAY <= facts[name] <= LAST_DAY:
                self.add_error(name, _("Check the year of this day."))
        starts_on, ends_on = facts.get("starts_on"), facts.get("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error(
                "ends_on",
                _("The last service day is before the first. Choose a day on or after the first service day."),
            )
        elif starts_on and ends_on and ends_on < (earliest := shortest_period_ends_on(starts_on)):
            self.add_error(
                "ends_on",
                _("A contract lasts at least one month: if it starts on %(start)s, it ends on %(end)s or later.")
                % {"start": starts_on, "end": earliest},
            )
        if (facts.get("monthly_charge") or 0) < 0:
            self.add_error("monthly_charge", _("The monthly charge cannot be negative."))
        self._check_money(facts)
        served = [facts["customer"].region] if facts.get("customer") else []
        for name, years in (("starts_on", 2), ("ends_on", 10)):
            ask_whether_meant(self, name, timezone.now(), served, years=years)
        return facts

    def _check_money(self, facts):
        """A currency on record stays, whatever became of it."""
        currency = facts.get("currency")
        starts_on = facts.get("starts_on", self.instance.starts_on)
        charge = facts.get("monthly_charge", self.instance.monthly_charge)
        if currency is None or currency == self.initial.get("currency"):
            return
        try:
            if starts_on:
                check_currency(currency, starts_on)
            if charge is not None:
                check_decimals(charge, currency)
        except Refused as refused:
            self.add_error(refused.field if refused.field in self.fields else "currency", str(refused))

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

    class Meta:
        field_classes = {"amount": AmountField}

    def clean(self):
        facts = super().clean()
        ask_whether_meant(self, "paid_on", timezone.now())
        return facts


class PaymentFormSet(forms.BaseInlineFormSet):
    """Payments in the currency of their contract."""

    def clean(self):
        super().clean()
        for form in self.extra_forms:
            amount = form.cleaned_data.get("amount") if form.is_valid() else None
            try:
                check_decimals(amount or Decimal(0), self.instance.currency)
            except Refused as refused:
                form.add_error("amount", str(refused))


class PaymentRows(Rows):
    """Payments can only be added; a repayment is a negative payment."""

    model = Payment
    form = PaymentForm
    formset = PaymentFormSet
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
        return queryset.filter(pk__in=contracts_in_force(today(), today()).values("pk"))


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
    inlines = (SuspensionRows, PaymentRows)
    nothing_yet = _("Contracts come from a history file (manage.py loadhistory) or are added here by an administrator.")
    agreed = ("customer", "starts_on", "ends_on", "monthly_charge")
    """The fields of a new contract that only operations change afterwards."""
    followed = ("terminated_on", "extended_minutes", "extended_to", "renews", "later_charges")
    """Those that only operations write."""

    def get_fields(self, request, obj=None):
        return [
            "customer", "reference", "starts_on", "ends_on", "monthly_charge", "currency", "trial_days",
            *(self.followed if obj else ()),
        ]  # fmt: skip

    def get_readonly_fields(self, request, obj=None):
        return (*self.agreed, *self.followed) if obj else ()

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("charges")

    def periods_changed(self, form, formsets):
        """Return the time whose service or worth the form changes."""
        becomes = record_of_contract(form.instance)
        was = None
        if form.initial:
            was = replace(becomes, **{name: form.initial[name] for name in ("currency", "trial_days")})
            for formset in formsets:
                if formset.model is Suspension:
                    before, after = suspended(formset)
                    was, becomes = replace(was, suspended=before), replace(becomes, suspended=after)
        return time_changed(was, becomes)

    def save_rows(self, request, form, formsets, change):
        super().save_rows(request, form, formsets, change)
        if not change:
            notify_of_pending(contract=form.instance, now=timezone.now())

    def response_add(self, request, contract, post_url_continue=None):
        """Say which contracts of the customer run at the same time: a renewal is not a contract of its own."""
        others = contracts_in_force(contract.starts_on, contract.last_day).filter(customer=contract.customer_id)
        if names := ", ".join(map(str, others.exclude(pk=contract.pk))):
            messages.warning(
                request,
                _(
                    "The customer has other contracts on some of these days: %(contracts)s. To renew one, use Renew there."
                )
                % {"contracts": names},
            )
        return super().response_add(request, contract, post_url_continue)

    @admin.display(description=_("later charges"))
    def later_charges(self, contract):
        return "; ".join(
            _("%(charge)s from %(month)s")
            % {"charge": format_amount(charge, contract.currency), "month": f"{month:%Y-%m}"}
            for month, charge in charges_of(contract)
        )

    @admin.display(description=_("last service day"))
    def last_day(self, contract):
        return contract.last_day.isoformat()

    @admin.display(description=_("monthly charge"))
    def charge(self, contract):
        shown = min(contract.last_day, max(contract.starts_on, today()))
        return format_amount(charge_on(contract.monthly_charge, charges_of(contract), shown), contract.currency)


def suspended(formset):
    """Return the suspensions of a form as they were and as they become: first and last days."""
    after = [row.cleaned_data if row.has_changed() else row.initial
             for row in formset.forms if row not in formset.deleted_forms]  # fmt: skip
    return [
        tuple((days["starts_on"], days["ends_on"]) for days in side if days.get("starts_on"))
        for side in ([row.initial for row in formset.initial_forms], after)
    ]


def today():
    """Return the day in the SLA time zone."""
    return timezone.localdate(timezone=settings.SLA_ZONE)
