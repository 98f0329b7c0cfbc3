"""New customers get the language that the operator chose for them."""

from django.contrib import admin

from sla_portal.customers.admin import CustomerAdmin
from sla_portal.customers.models import Customer
from sla_portal.operator.queries import operator_in_force

admin.site.unregister(Customer)


@admin.register(Customer)
class OperatorsCustomerAdmin(CustomerAdmin):
    """Customers, of which a new one has the operator's language until another is chosen."""

    def get_changeform_initial_data(self, request):
        language = operator_in_force().customer_language
        return {"language": language, **super().get_changeform_initial_data(request)}
