"""What billing gets: credit notes without gaps, exports up to a mark, and balances that add up."""

import threading
from dataclasses import astuple
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from claims.models import BilledEntry, BillingExport, CreditNote, Entry, Voucher
from claims.operations import NothingToExport, mark_exported
from claims.queries.ledger import balances, balances_of
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry as LogEntry
from tests.support.builders import at, on
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, granted, support, undone
from tests.support.races import at_once, outcomes

from .test_redeeming import last, redeemed, voucher  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db


def marked() -> BillingExport:
    return mark_exported(actor=Actor.staff(support()), now=OPEN)


# Credit notes


def test_each_redemption_has_a_numbered_credit_note_and_its_reversal_cancels_it(voucher):  # noqa: F811
    redeemed(voucher, "5.00", "INV-1")
    redeemed(voucher, "3.50", "INV-2")
    undone(last(voucher))
    redeemed(voucher, None, "INV-3", now=at("2026-12-31 16:00"))
    said = [(note.number, note.statement["amount"], note.statement["reference"]) for note in CreditNote.objects.all()]
    assert said == [
        ("CN-2026-0001", "5.00 EUR", "INV-1"), ("CN-2026-0002", "3.50 EUR", "INV-2"), ("CN-2026-0003", "-3.50 EUR", "INV-2"),
        ("CN-2027-0001", "7.00 EUR", "INV-3"),
    ]  # fmt: skip
    assert CreditNote.objects.get(number="CN-2026-0003").cancels.number == "CN-2026-0002"
    assert voucher.code not in str(list(CreditNote.objects.values_list("statement", flat=True)))


def test_what_a_credit_note_states_is_never_changed(voucher):  # noqa: F811
    note = redeemed(voucher, "5.00").credit_note
    for change in ({"statement": {}}, {"number": "CN-2026-0002"}):
        with pytest.raises(IntegrityError, match="claims_creditnote_is_only_added_to"), transaction.atomic():
            CreditNote.objects.filter(pk=note.pk).update(**change)
    CreditNote.objects.filter(pk=note.pk).update(pdf="a.pdf", sha256="0" * 64)
    with pytest.raises(IntegrityError, match="claims_creditnote_is_only_added_to"), transaction.atomic():
        CreditNote.objects.filter(pk=note.pk).update(pdf="b.pdf")


@pytest.mark.django_db(transaction=True)
def test_credit_notes_of_several_redemptions_at_once_leave_no_gap():
    a_missed_september()
    claimants = [a_claimant(monthly_charge=Decimal(43200)) for _n in range(3)]
    vouchers = [granted(a_claim(of), voucher_minutes=12).voucher for of in claimants]
    went = outcomes(*(lambda one=one: redeemed(one, "5.00") for one in vouchers))
    assert went == ["done"] * 3
    assert sorted(CreditNote.objects.values_list("number", flat=True)) == [f"CN-2026-000{n}" for n in (1, 2, 3)]


# Exported up to here


def test_an_export_for_billing_has_the_entries_since_the_one_before(voucher):  # noqa: F811
    first = marked()
    assert (first.number, first.entries, first.billed.count()) == (1, 2, 2)
    with pytest.raises(NothingToExport):
        marked()
    entry = redeemed(voucher, "5.00")
    second = marked()
    assert (second.number, second.entries, second.billed.get().entry) == (2, 1, entry)
    noted = LogEntry.objects.filter(action="exported for billing up to").latest("id")
    assert (noted.changes, noted.subject_id) == ({"entries": [None, 1]}, str(second.pk))
    with pytest.raises(IntegrityError, match="claims_billedentry_is_only_added_to"), transaction.atomic():
        BilledEntry.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_export_at_once_one_does(voucher):  # noqa: F811
    assert sorted(outcomes(marked, marked)) == ["NothingToExport", "done"]
    assert BilledEntry.objects.count() == Entry.objects.count()


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_looks_what_is_new_and_locks_nothing_is_refused_by_the_database(voucher):  # noqa: F811
    looked, by = threading.Barrier(2), support()

    def unlocked(number: int) -> None:
        new = list(Entry.objects.filter(billed=None))
        looked.wait(timeout=30)
        with transaction.atomic():
            made = BillingExport.objects.create(number=number, exported_at=OPEN, exported_by=by, entries=len(new))
            BilledEntry.objects.bulk_create(BilledEntry(entry=entry, export=made) for entry in new)

    went = at_once(lambda: unlocked(1), lambda: unlocked(2))
    assert [isinstance(one, IntegrityError) for one in went].count(True) == 1


# Balances


def test_what_was_issued_is_redeemed_voided_expired_or_outstanding():
    a_missed_september()
    claimants = [a_claimant(monthly_charge=Decimal(43200), currency=currency) for currency in ("EUR", "EUR", "JPY")]
    one, other, yen = (granted(a_claim(of), voucher_minutes=12).voucher for of in claimants)
    redeemed(one, "5.00")
    redeemed(one, "1.00")
    undone(last(one))
    undone(last(other))
    redeemed(yen, None)
    before, after = on("2027-10-20"), on("2027-10-21")
    assert [astuple(balance)[2:] for balance in balances(before)] == [
        ("EUR", 12, 5, 0, 0, 7), ("EUR", 12, 0, 12, 0, 0), ("JPY", 12, 12, 0, 0, 0),
    ]  # fmt: skip
    assert [astuple(balance)[3:] for balance in balances(after)] == [
        (12, 5, 0, 7, 0),
        (12, 0, 12, 0, 0),
        (12, 12, 0, 0, 0),
    ]
    assert [str(balance.issued) for balance in balances(before)] == ["12.00", "12.00", "12"]
    first = claimants[0].customer
    assert balances(before, most=1) == balances_of(first.pk, before)
    assert len(balances(before, after=first.code)) == 2
    assert Voucher.objects.count() == 3


def test_the_number_of_queries_does_not_depend_on_the_number_of_customers(django_assert_num_queries):
    a_missed_september()
    claimants = [a_claimant(monthly_charge=Decimal(43200)) for _n in range(3)]
    for of in claimants:
        granted(a_claim(of), voucher_minutes=12)
    for most in (1, 3):
        with django_assert_num_queries(3):
            assert len(balances(on("2026-11-01"), most=most)) == most
