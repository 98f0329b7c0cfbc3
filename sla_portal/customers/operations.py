"""Add regions, and customers with their contacts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, record, require, snapshot
from sla_portal.kernel.errors import Refused

from .models import Customer, Region


class CodeTaken(Refused):
    """Another row already has the code."""


class AddressTwice(Refused):
    """An e-mail address occurs twice."""


class InstallerOfInstaller(Refused):
    """A customer that has an installer itself cannot be one."""


def open_region(
    *,
    actor: Actor,
    code: str,
    name: str,
    name_zh: str = "",
    time_zone: str = "",
    first_service_day: date | None = None,
    now: datetime,
) -> Region:
    """Add a region; without a `time_zone` it uses the SLA time zone."""
    require(actor, "customers.add_region")
    with transaction.atomic():
        if Region.objects.filter(code=code).exists():
            raise CodeTaken(_("Region %(code)s already exists.") % {"code": code})
        region = Region.objects.create(
            code=code, name=name, name_zh=name_zh, time_zone=time_zone, first_service_day=first_service_day
        )
        record(actor=actor, action="opened", subject=region, changes=difference({}, snapshot(region)), now=now)
    return region


def enrol_customer(
    *,
    actor: Actor,
    code: str,
    name: str,
    region: Region,
    contacts: Sequence[tuple[str, str]],
    now: datetime,
    language: str = "en",
    installer: Customer | None = None,
) -> Customer:
    """Add a customer with its contacts, each an e-mail address and a name; with an `installer`, as a site of it."""
    require(actor, "customers.add_customer")
    if len({email.lower() for email, _name in contacts}) < len(contacts):
        raise AddressTwice(_("An e-mail address is entered twice."))
    with transaction.atomic():
        if Customer.objects.filter(code=code).exists():
            raise CodeTaken(_("Customer %(code)s already exists.") % {"code": code})
        if installer and Customer.objects.select_for_update().get(pk=installer.pk).installer_id:
            raise InstallerOfInstaller(
                _("%(customer)s is a site itself, so it cannot be an installer.") % {"customer": installer}
            )
        customer = Customer.objects.create(code=code, name=name, region=region, language=language, installer=installer)
        for email, person in contacts:
            customer.contacts.create(email=email, name=person)
        changes = difference({}, snapshot(customer)) | {"contacts": [None, [email for email, _name in contacts]]}
        record(actor=actor, action="enrolled", subject=customer, changes=changes, now=now)
    return customer


def choose_reports_by_mail(*, actor: Actor, customer: Customer, wanted: bool, now: datetime) -> None:
    """Tell the contacts of a customer when the reports of a closed month are issued, or stop; done already: no change."""
    require(actor, "customers.change_customer")
    with transaction.atomic():
        locked = Customer.objects.select_for_update().get(pk=customer.pk)
        if locked.reports_by_mail == wanted:
            return
        locked.reports_by_mail = wanted
        locked.save(update_fields=["reports_by_mail"])
        changes = {"reports_by_mail": [not wanted, wanted]}
        record(actor=actor, action="changed", subject=locked, changes=changes, now=now)
