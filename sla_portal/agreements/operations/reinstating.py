"""Decide on contracts that customers ended because of a version that was withdrawn (5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Delivery, Notice

from .. import emails
from ..models import AgreementVersion, Contract, Reinstatement
from ..queries import to_reinstate
from .answering import NameMissing, check_authorised, notify_of_response, restore_contract
from .refusals import NotAcceptable, check_reason, cleaned


class NothingToReinstate(Refused):
    """The contract did not end because of the version, or was decided on already."""


class ConsentMissing(Refused):
    """The customer's consent is not described."""

    field = "consent"


def reinstate_contracts(
    *,
    actor: Actor,
    version: AgreementVersion,
    contracts: Sequence[Contract],
    by_name: str,
    now: datetime,
    consent: str = "",
    delivery: Delivery | None = None,
) -> Notice:
    """Let contracts that ended because of a withdrawn version go on as they were before, and confirm it by one letter.

    The customer consents: through the personal link in a `delivery`, or as staff records it in `consent`.
    """
    require(actor, "agreements.register_answer")
    with transaction.atomic():
        customers = _locked_customers(contracts)
        if delivery:
            for customer in customers:
                check_authorised(customer, delivery.email)
        rows = _locked_rows(version, contracts)
        errors: dict[str, list[str]] = {}
        said = cleaned(Reinstatement(), {"consent_by": by_name.strip(), "consent": consent.strip()}, errors)
        if errors:
            raise NotAcceptable(errors)
        if not said["consent_by"]:
            raise NameMissing(_("Enter who agreed on behalf of the customer."))
        if not said["consent"] and not delivery:
            raise ConsentMissing(_("Enter when and how the customer agreed."))
        reason = _("Version %(version)s was withdrawn, and %(name)s agreed that the contract continues (5.2).") % {
            "version": version,
            "name": said["consent_by"],
        }
        for row in rows:
            restore_contract(actor=actor, answer=row.answer, contract=row.contract, reason=reason, now=now)
            _decide(actor, row, Reinstatement.Outcome.REINSTATED, now, delivery=delivery, **said)
        return notify_of_response(
            version,
            customers,
            emails.Event.REINSTATED,
            now,
            contracts=[row.contract for row in rows],
            by_name=said["consent_by"],
            delivery=delivery,
        )


def leave_terminated(
    *, actor: Actor, version: AgreementVersion, contracts: Sequence[Contract], reason: str, now: datetime
) -> None:
    """Leave contracts terminated that ended because of a withdrawn version, with a reason, such as the customer's wish."""
    require(actor, "agreements.register_answer")
    check_reason(reason)
    with transaction.atomic():
        _locked_customers(contracts)
        for row in _locked_rows(version, contracts):
            _decide(actor, row, Reinstatement.Outcome.LEFT, now, reason=reason.strip())
            record(actor=actor, action="left terminated", subject=row.contract, reason=reason, now=now)


def _locked_customers(contracts: Sequence[Contract]) -> list[Customer]:
    wanted = {contract.customer_id for contract in contracts}
    return list(Customer.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))


def _locked_rows(version: AgreementVersion, contracts: Sequence[Contract]) -> list[Any]:
    """Lock the contracts and return what each is listed by. Their customers are locked before."""
    wanted = [contract.pk for contract in contracts]
    locked = Contract.objects.select_for_update().in_bulk(wanted)
    rows = list(to_reinstate().filter(answer__version=version, contract__in=wanted))
    if not rows or {row.contract_id for row in rows} != set(wanted):
        raise NothingToReinstate(
            _("The contract did not end because of version %(version)s, or was decided on already. Reload the page.")
            % {"version": version}
        )
    for row in rows:
        row.contract = locked[row.contract_id]
    return rows


def _decide(actor: Actor, row: Any, outcome: Reinstatement.Outcome, now: datetime, **said: Any) -> None:
    Reinstatement.objects.create(
        answer=row.answer, contract=row.contract, outcome=outcome, decided_at=now, decided_by=actor.user, **said
    )
