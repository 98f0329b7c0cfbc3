"""A voucher is redeemed in parts, within its amount, and given back part by part."""

import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from claims.models import Entry, Step, Voucher
from claims.operations import AmountNotPossible, NotRedeemable, redeem_voucher
from claims.operations.undoing import reversed_by
from claims.queries.ledger import Wanted, entries, totals
from sla_portal.audit.actors import Actor
from tests.support.builders import at
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, granted, support, undone
from tests.support.races import at_once, outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def voucher() -> Voucher:
    """Of 12.00 EUR."""
    a_missed_september()
    return granted(a_claim(a_claimant(monthly_charge=Decimal(43200))), voucher_minutes=12).voucher


def redeemed(voucher: Voucher, part: str | None, reference: str = "R-1", now=OPEN, **values) -> Entry:
    taken = None if part is None else Decimal(part)
    return redeem_voucher(
        actor=Actor.staff(support()), voucher=voucher, reference=reference, part=taken, now=now, **values
    )


def chain(voucher: Voucher) -> list[tuple[str, Decimal, Decimal]]:
    return [(entry.step, entry.taken, entry.left) for entry in voucher.entries.order_by("number")]


def last(voucher: Voucher) -> Entry:
    return voucher.entries.select_related("voucher", "compensation").latest("number")


def test_a_voucher_is_redeemed_in_parts_until_nothing_is_left(voucher):
    redeemed(voucher, "5.00")
    redeemed(voucher, "3.50")
    redeemed(voucher, None)
    assert chain(voucher) == [
        ("issued", 0, 12), ("redeemed", 5, 7), ("redeemed", Decimal("3.5"), Decimal("3.5")), ("redeemed", Decimal("3.5"), 0),
    ]  # fmt: skip
    with pytest.raises(NotRedeemable):
        redeemed(voucher, None)
    found = {total.step: total.amount for total in totals(entries(Wanted()))}
    assert (found[Step.ISSUED], found[Step.REDEEMED]) == (12, 12)


def test_parts_are_given_back_the_last_first_and_the_voucher_is_voided_when_nothing_is_redeemed(voucher):
    redeemed(voucher, "5.00")
    redeemed(voucher, "3.50")
    went = []
    while step := reversed_by(last(voucher)):
        undone(last(voucher))
        went.append((step, last(voucher).taken, last(voucher).left))
    assert went == [("returned", Decimal("-3.5"), 7), ("returned", -5, 12), ("voided", 0, 0)]
    assert last(voucher).total == 25


@pytest.mark.parametrize("part", ["0", "-1.00", "12.01", "0.001"])
def test_another_amount_than_a_part_of_what_is_left_is_refused(voucher, part):
    with pytest.raises(AmountNotPossible, match=r"12\.00 EUR"):
        redeemed(voucher, part)
    assert voucher.entries.count() == 1


def test_nothing_is_redeemed_after_another_entry_than_was_shown_or_after_the_last_day(voucher):
    shown = last(voucher)
    redeemed(voucher, "5.00", after=shown)
    with pytest.raises(NotRedeemable, match="newer entry"):
        redeemed(voucher, "5.00", after=shown)
    with pytest.raises(NotRedeemable):
        redeemed(voucher, "5.00", now=at("2027-10-20 16:00"))
    assert redeemed(voucher, "5.00", now=at("2027-10-20 15:59")).left == 2


@pytest.mark.parametrize(("taken", "balance"), [("12.01", "-0.01"), ("-1", "13"), ("5", "8")])
def test_the_database_keeps_a_voucher_within_its_amount(voucher, taken, balance):
    with pytest.raises(IntegrityError, match="a_voucher_is_redeemed_within_its_amount"), transaction.atomic():
        redeemed_by_hand(voucher, redeemed=taken, balance=balance)
    redeemed_by_hand(voucher, redeemed="5", balance="7")


def test_an_entry_of_an_earlier_build_redeemed_all_of_the_voucher(voucher):
    redeemed_by_hand(voucher)
    assert chain(voucher)[-1] == ("redeemed", 12, 0)
    undone(last(voucher))
    assert chain(voucher)[-1] == ("returned", -12, 12)


def redeemed_by_hand(voucher: Voucher, **values) -> Entry:
    before = last(voucher)
    return Entry.objects.create(
        contract_id=before.contract_id, number=before.number + 1, compensation=before.compensation, step=Step.REDEEMED,
        voucher=voucher, follows=before, minutes=0, value=0, currency="EUR", total=before.total, cap=before.cap,
        reason="R-1", at=OPEN, by=before.by, **values,
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_who_redeem_more_than_is_left_at_once_do_not_both(voucher):
    went = outcomes(lambda: redeemed(voucher, "8.00"), lambda: redeemed(voucher, "8.00", "R-2"))
    assert sorted(went) == ["AmountNotPossible", "done"]
    assert last(voucher).left == 4


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_looks_and_locks_nothing_is_refused_by_the_database(voucher):
    looked = threading.Barrier(2)

    def unlocked() -> None:
        before = last(voucher)
        looked.wait(timeout=30)
        Entry.objects.create(
            contract_id=before.contract_id, number=before.number + 1, compensation=before.compensation,
            step=Step.REDEEMED, voucher=voucher, follows=before, minutes=0, value=0, redeemed=8, balance=4, currency="EUR",
            total=before.total, cap=before.cap, reason="R-1", at=OPEN, by=before.by,
        )  # fmt: skip

    went = at_once(unlocked, unlocked)
    assert [isinstance(one, IntegrityError) for one in went].count(True) == 1
