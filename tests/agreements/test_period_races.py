"""Two at the same moment: one renewal, and no period that overlaps the one it renews.

Each protection has a twin without it, which must fail, or the test proves nothing.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from time import sleep

import pytest
from django.db import connection, transaction

from sla_portal.agreements.models import Charge, Contract
from sla_portal.agreements.operations import (
    agree_later_end,
    change_charge,
    extend_contract,
    renew_contract,
    terminate_contract,
)
from sla_portal.agreements.queries import overlapping_periods
from sla_portal.audit.actors import Actor
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.races import at_once, outcomes

pytestmark = pytest.mark.django_db(transaction=True)

SYSTEM = Actor.system("test")
NOW = at("2026-12-01 04:00")
AT_ONCE = 3


@pytest.fixture
def contract() -> Contract:
    return a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31", reference="K-1")


def renewing(contract: Contract, reference: str) -> Callable[[], Contract]:
    return lambda: renew_contract(
        actor=SYSTEM, contract=contract, reference=reference, ends_on=on("2027-12-31"), monthly_charge=Decimal(49),
        currency="EUR", now=NOW,
    )  # fmt: skip


def extending(contract: Contract) -> Callable[[], None]:
    return lambda: extend_contract(actor=SYSTEM, contract=contract, minutes=1500, reason="C-2026-0001", now=NOW)


def test_of_several_who_renew_a_contract_at_once_one_does(contract):
    went = outcomes(*(renewing(contract, f"K-1-{number}") for number in range(AT_ONCE)))
    assert sorted(went) == ["AlreadyRenewed"] * (AT_ONCE - 1) + ["done"]
    assert Contract.objects.filter(renews=contract).count() == 1


def test_a_twin_that_looks_for_a_renewal_and_locks_and_links_nothing_signs_two(contract):
    looked = threading.Barrier(2)

    def renew_unprotected() -> None:
        renewed = Contract.objects.filter(starts_on=contract.next_day).exists()
        looked.wait(timeout=30)
        if not renewed:
            a_contract(contract.customer, "2027-01-01", "2027-12-31")

    at_once(renew_unprotected, renew_unprotected)
    assert Contract.objects.filter(starts_on=contract.next_day).count() == 2


def test_a_renewal_and_an_extension_at_once_leave_no_day_in_two_periods(contract):
    went = outcomes(renewing(contract, "K-1-2"), extending(contract))
    assert went in (["done", "done"], ["done", "ContractRenewed"])
    contract.refresh_from_db()
    assert Contract.objects.get(renews=contract).starts_on == contract.next_day
    assert contract.extended_minutes == (1500 if went[1] == "done" else 0)


def test_a_twin_that_reads_the_end_before_the_extension_and_links_nothing_overlaps_it(contract):
    read, extended = threading.Event(), threading.Event()

    def renew_unprotected() -> None:
        begins = Contract.objects.get(pk=contract.pk).next_day
        read.set()
        assert extended.wait(timeout=30)
        a_contract(contract.customer, str(begins), "2027-12-31")

    def extend() -> None:
        assert read.wait(timeout=30)
        extending(contract)()
        extended.set()

    at_once(renew_unprotected, extend)
    contract.refresh_from_db()
    assert Contract.objects.exclude(pk=contract.pk).get().starts_on <= contract.last_day


@pytest.mark.parametrize("renewal_first", [True, False])
def test_the_database_waits_for_a_renewal_or_an_end_that_is_being_written(contract, renewal_first):
    """Written without any lock of an operation's: by a script, or by an earlier build that still runs."""
    if connection.vendor == "sqlite":
        renewal_first = True  # SQLite writes one transaction after the other
    first_wrote, second_begins = threading.Event(), threading.Event()

    def renew() -> None:
        a_contract(contract.customer, "2027-01-01", "2027-12-31", renews=contract)

    def move_end() -> None:
        Contract.objects.filter(pk=contract.pk).update(ends_on=on("2027-01-31"))

    def first(write: Callable[[], None]) -> None:
        with transaction.atomic():
            write()
            first_wrote.set()
            if connection.vendor == "postgresql":
                assert second_begins.wait(timeout=30)
                sleep(0.3)  # until it waits in the database; any less time would only let an absent lock pass

    def second(write: Callable[[], None]) -> None:
        assert first_wrote.wait(timeout=30)
        second_begins.set()
        write()

    order = (renew, move_end) if renewal_first else (move_end, renew)
    assert outcomes(lambda: first(order[0]), lambda: second(order[1])) == ["done", "IntegrityError"]
    assert not overlapping_periods().exists()


def test_a_renewal_and_other_moves_of_the_end_at_once_fit_together(contract):
    ends = [
        lambda: terminate_contract(actor=SYSTEM, contract=contract, last_day=on("2026-12-20"), reason="Ends", now=NOW),
        lambda: agree_later_end(actor=SYSTEM, contract=contract, ends_on=on("2027-01-31"), reason="Later", now=NOW),
    ]
    went = outcomes(renewing(contract, "K-1-2"), *ends)
    assert went.count("done") >= 1
    contract.refresh_from_db()
    for renewal in Contract.objects.filter(renews=contract):
        assert renewal.starts_on == contract.last_day + timedelta(days=1)


def test_two_charges_for_one_month_at_once_are_two_revisions(contract):
    charging = [
        lambda amount=amount: change_charge(
            actor=SYSTEM, contract=contract, from_month=ServiceMonth(2026, 12), monthly_charge=Decimal(amount),
            reason="New price", now=NOW,
        )
        for amount in (59, 69)
    ]  # fmt: skip
    assert outcomes(*charging) == ["done", "done"]
    assert list(Charge.objects.values_list("revision", flat=True)) == [1, 2]


def test_a_twin_that_counts_revisions_and_locks_nothing_is_refused_by_the_database(contract):
    looked = threading.Barrier(2)

    def charge_unprotected() -> None:
        revision = contract.charges.count() + 1
        looked.wait(timeout=30)
        contract.charges.create(from_month=on("2026-12-01"), revision=revision, monthly_charge=59, recorded_at=NOW)

    assert sorted(outcomes(charge_unprotected, charge_unprotected)) == ["IntegrityError", "done"]
