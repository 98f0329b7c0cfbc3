"""The form that corrects a contract, with what it would change in the customer's closed months."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone

from sla_portal.agreements.admin import ContractAdmin
from sla_portal.agreements.models import Contract
from sla_portal.availability.operations import preview_change_of_customer

from ..incidents.closed_months import format_changes

admin.site.unregister(Contract)


@admin.register(Contract)
class ContractCorrectionAdmin(ContractAdmin):
    def preview(self, record, months, write):
        changed = preview_change_of_customer(write=write, customer=record.customer, months=months, now=timezone.now())
        return format_changes(changed)
