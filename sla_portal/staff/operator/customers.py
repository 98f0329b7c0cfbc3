"""New customers get the language that the operator chose for them."""

from django.conf import settings
from django.contrib import admin

from sla_portal.customers.admin import CustomerAdmin
from sla_portal.customers.models import Customer
from sla_portal.operator.queries import operator_in_force

admin.site.unregister(Customer)


@admin.register(Customer)
class OperatorsCustomerAdmin(CustomerAdmin):
    """Customers, who choose among the languages offered; a new one has the operator's until another is chosen."""

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
