"""The form of a contract, with what it would change in the customer's closed months, and links to what is done with it."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from sla_portal.agreements.admin import ContractAdmin, today
from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import renewal_of
from sla_portal.audit.admin import Link
from sla_portal.availability.operations import preview_change_of_customer

from ..incidents.closed_months import format_changes

admin.site.unregister(Contract)


@admin.register(Contract)
class ContractCorrectionAdmin(ContractAdmin):
    def preview(self, record, months, write):
        changed = preview_change_of_customer(write=write, customer=record.customer, months=months, now=timezone.now())
        return format_changes(changed)

    def record_links(self, request, contract):
        yield Link(_("Contract periods"), reverse("admin:customer_periods", args=[contract.customer_id]))
        renewed = renewal_of(contract)
        if request.user.has_perm("agreements.add_contract") and not renewed:
            yield self._to("renew_contract", _("Renew"), contract, primary=True)
        if not request.user.has_perm("agreements.change_contract"):
            return
        yield self._to("change_charge", _("Change the charge"), contract)
        if contract.terminated_on:
            yield self._to("resume_contract", _("Undo the early end"), contract)
        else:
            yield self._to("end_contract", _("End early"), contract)
            if not renewed:
                yield self._to("agree_later_end", _("Agree on a later end"), contract)
        if contract.renews_id and contract.starts_on > today():
            yield self._to("withdraw_renewal", _("Withdraw the renewal"), contract)
        yield self._to("correct_contract", _("Correct the days"), contract)

    def _to(self, page, name, contract, **values):
        return Link(name, reverse(f"admin:{page}", args=[contract.pk]), **values)
