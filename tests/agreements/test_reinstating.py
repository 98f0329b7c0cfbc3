"""Contracts that ended because of a withdrawn version: listed, and kept as they were where the customer agrees (5.2)."""

import threading

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from sla_portal.agreements.models import Contract, Reinstatement
from sla_portal.agreements.operations import (
    ConsentMissing,
    NotAuthorised,
    NothingToReinstate,
    ReasonMissing,
    leave_terminated,
    register_answer,
    register_answers,
    reinstate_contracts,
    withdraw_answer,
)
from sla_portal.agreements.queries import ended_because_of, to_reinstate
from sla_portal.agreements.rules import AnswerKind
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import snapshot
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Notice
from tests.support.amendments import announced, legal, withdraw_version
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.races import at_once

SYSTEM = Actor.system("test")
ENDED, WITHDRAWN, KEPT = at("2026-06-05 04:00"), at("2026-06-10 04:00"), at("2026-06-12 04:00")
TERMINATION = AnswerKind.TERMINATION


def customers(how_many: int, **of) -> list[Customer]:
    region = a_region()
    found = [a_customer(region, f"C-{number:03}", **of) for number in range(how_many)]
    for number, customer in enumerate(found):
        customer.contacts.create(email=f"c-{number}@example.com", name="Li Wei")
        # Some were to end later anyhow, some are renewed before they would end.
        until = on("2026-09-30") if number % 3 == 1 else None
        first = a_contract(customer, "2026-01-01", "2026-12-31", terminated_on=until)
        if number % 3 == 2:
            a_contract(customer, "2027-01-01", "2027-12-31", renews=first)
    return found


def as_they_are() -> list[dict]:
    return [snapshot(contract) for contract in Contract.objects.order_by("reference")]


def ended(version, customer: Customer, **values):
    given = {"actor": SYSTEM, "by_name": "Li Wei", "now": ENDED, **values}
    return register_answer(version=version, customer=customer, kind=TERMINATION, **given)


def consented(version, contracts, **values) -> Notice:
    given = {"actor": SYSTEM, "by_name": "Li Wei", "consent": "By telephone", "now": KEPT, **values}
    return reinstate_contracts(version=version, contracts=contracts, **given)


@pytest.mark.django_db
def test_after_a_hundred_terminations_all_are_listed_and_all_go_on_as_before_with_consent():
    installer = a_customer(a_region(), "I-1")
    installer.contacts.create(email="ops@installer.example")
    those = customers(100, installer=installer)
    before = as_they_are()
    version = announced()
    register_answers(
        actor=SYSTEM, version=version, customers=those, kind=TERMINATION, by_name="Ops", now=ENDED,
        delivery=version.notice.deliveries.get(email="ops@installer.example"),
    )  # fmt: skip
    assert Contract.objects.filter(terminated_on=on("2026-07-01")).count() == 100
    assert Contract.objects.count() == 100
    withdraw_version(actor=legal("bob"), version=version, reason="A slip", now=WITHDRAWN)
    with CaptureQueriesContext(connection) as asked:
        listed = [row.contract.reference for row in to_reinstate()]
        assert [row.contract.reference for row in ended_because_of(version)] == listed
    assert (len(listed), len(asked)) == (100, 2)
    letters = Notice.objects.count()
    contracts = [row.contract for row in to_reinstate()]
    told = consented(version, contracts)
    assert as_they_are() == before
    assert not to_reinstate().exists()
    assert Notice.objects.count() == letters + 1
    assert told.deliveries.count() == 101
    assert set(ended_because_of(version).values_list("outcome", flat=True)) == {"reinstated"}


@pytest.mark.django_db
def test_a_contract_is_reinstated_only_with_consent_and_once_or_left_with_a_reason():
    first, second = customers(2)
    version = announced()
    ended(version, first)
    ended(version, second)
    one, other = (customer.contracts.get() for customer in (first, second))
    with pytest.raises(NothingToReinstate):
        consented(version, [one])
    withdraw_version(actor=legal("bob"), version=version, reason="A slip", now=WITHDRAWN)
    with pytest.raises(ConsentMissing):
        consented(version, [one], consent=" ")
    consented(version, [one])
    with pytest.raises(NothingToReinstate):
        consented(version, [one])
    with pytest.raises(ReasonMissing):
        leave_terminated(actor=SYSTEM, version=version, contracts=[other], reason=" ", now=KEPT)
    leave_terminated(actor=SYSTEM, version=version, contracts=[other], reason="They moved away", now=KEPT)
    with pytest.raises(NothingToReinstate):
        consented(version, [one, other])
    other.refresh_from_db()
    assert other.terminated_on == on("2026-07-01")


@pytest.mark.django_db
def test_who_may_not_terminate_does_not_keep_it_by_the_link_either_nor_undo_a_termination():
    (customer,) = customers(1)
    customer.contacts.create(email="boss@example.com", may_terminate=True)
    version = announced()
    given = ended(version, customer)
    mails = {one.email: one for one in version.notice.deliveries.all()}
    with pytest.raises(NotAuthorised, match=r"boss@example\.com"):
        withdraw_answer(actor=SYSTEM, answer=given, reason="No", delivery=mails["c-0@example.com"], now=WITHDRAWN)
    withdraw_version(actor=legal("bob"), version=version, reason="A slip", now=WITHDRAWN)
    contract = customer.contracts.get()
    with pytest.raises(NotAuthorised, match=r"boss@example\.com"):
        consented(version, [contract], delivery=mails["c-0@example.com"], consent="")
    consented(version, [contract], delivery=mails["boss@example.com"], consent="")
    assert Reinstatement.objects.get().delivery == mails["boss@example.com"]


@pytest.mark.django_db(transaction=True)
def test_a_contract_kept_by_two_at_once_is_reinstated_once():
    (customer,) = customers(1)
    version = announced()
    ended(version, customer)
    withdraw_version(actor=legal("bob"), version=version, reason="A slip", now=WITHDRAWN)
    contract = customer.contracts.get()
    outcomes = at_once(*[lambda: consented(version, [contract])] * 4)
    assert [type(one) for one in outcomes if isinstance(one, Refused)] == [NothingToReinstate] * 3
    assert Notice.objects.filter(kind="response").count() == 3  # of the termination two


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_looks_before_it_locks_confirms_a_reinstatement_twice():
    (customer,) = customers(1)
    version = announced()
    ended(version, customer)
    withdraw_version(actor=legal("bob"), version=version, reason="A slip", now=WITHDRAWN)
    looked = threading.Barrier(2)
    told = []

    def keep() -> None:
        waiting = list(to_reinstate(customer))
        looked.wait(timeout=30)
        with transaction.atomic():
            Contract.objects.filter(pk=waiting[0].contract.pk).update(terminated_on=None)
            told.append(waiting[0].contract.reference)

    at_once(keep, keep)
    assert len(told) == 2
