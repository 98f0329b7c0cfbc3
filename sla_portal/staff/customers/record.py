"""The form of a customer: in the operator's language at first, and of a move it says what that changes in closed months."""

from django.conf import settings
from django.contrib import admin
from django.utils import timezone

from sla_portal.agreements.operations import time_changed
from sla_portal.agreements.queries import record_of_contract
from sla_portal.audit.admin import ClosedMonthsAdmin, ClosedMonthsForm
from sla_portal.availability.operations import preview_change_of_customer
from sla_portal.customers.admin import CustomerAdmin, CustomerForm
from sla_portal.customers.models import Customer
from sla_portal.operator.queries import operator_in_force

from ..incidents.closed_months import format_changes

admin.site.unregister(Customer)


class CorrectionForm(ClosedMonthsForm, CustomerForm):
    """A customer; another region changes what its closed months would say."""


@admin.register(Customer)
class OperatorsCustomerAdmin(ClosedMonthsAdmin, CustomerAdmin):
    """Customers, who choose among the languages offered; a new one has the operator's until another is chosen."""

    form = CorrectionForm

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        # The one on record stays a choice, so that what else is changed can be saved.
        if language := form.base_fields.get("language"):
            kept = {*operator_in_force().offered, obj.language if obj else ""}
            language.choices = [(code, name) for code, name in settings.LANGUAGES if code in kept]
        return form

    def get_changeform_initial_data(self, request):
        language = operator_in_force().customer_language
        return {"language": language, **super().get_changeform_initial_data(request)}

    def periods_changed(self, form, _formsets):
        """Return the time under the customer's contracts, if it moves to another region."""
        if not form.initial or "region" not in form.changed_data:
            return []
        contracts = form.instance.contracts.all()
        return [period for contract in contracts for period in time_changed(None, record_of_contract(contract))]

    def preview(self, record, months, write):
        changed = preview_change_of_customer(write=write, customer=record, months=months, now=timezone.now())
        return format_changes(changed)
