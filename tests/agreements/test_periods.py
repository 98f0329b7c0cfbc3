"""Contracts over years: renewed, ended, extended, corrected and charged anew (1.2, 1.3); what is closed stays."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from sla_portal.agreements.models import Charge, Contract
from sla_portal.agreements.operations import (
    AlreadyRenewed,
    ContractRenewed,
    ContractTerminated,
    DaysOutsideContract,
    PeriodsOverlap,
    RenewalStands,
    agree_later_end,
    change_charge,
    correct_contract,
    extend_contract,
    record_payment,
    renew_contract,
    resume_contract,
    sign_contract,
    terminate_contract,
    withdraw_renewal,
)
from sla_portal.agreements.queries import charges_in_force, overlapping_periods
from sla_portal.agreements.triggers import add, drop
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import ClosedMonth, Entry
from sla_portal.audit.operations import TouchesClosedMonth
from sla_portal.audit.verbs import verb
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_contract, a_customer, a_region, at, on

pytestmark = pytest.mark.django_db

NOW = at("2026-11-30 04:00")
ADMIN = Actor.system("administrator")
SAID = {"actor": ADMIN, "reason": "As agreed by letter", "now": NOW}
NAME = "a_contract_period_begins_after_the_one_it_renews"


@pytest.fixture
def contract() -> Contract:
    return a_contract(a_customer(a_region(), "C-1"), "2026-01-01", "2026-12-31", reference="K-1")


def renewed(contract: Contract, **values) -> Contract:
    given = {
        "reference": f"{contract.reference}-2",
        "ends_on": on("2027-12-31"),
        "monthly_charge": Decimal(59),
        "currency": "EUR",
    }
    return renew_contract(actor=ADMIN, contract=contract, now=NOW, **given | values)


def charge(contract: Contract, from_month: str, amount: str) -> None:
    change_charge(contract=contract, from_month=ServiceMonth.parse(from_month), monthly_charge=Decimal(amount), **SAID)


def charged(contract: Contract, *months: str) -> list[str]:
    return [f"{charges_in_force([contract], ServiceMonth.parse(month))[contract.pk]:.2f}" for month in months]


def closed(*months: str) -> None:
    ClosedMonth.objects.bulk_create(ClosedMonth(month=ServiceMonth.parse(month).first_day) for month in months)


def days(contract: Contract) -> tuple[str, str]:
    contract.refresh_from_db()
    return str(contract.starts_on), str(contract.last_day)


# Charges


def test_a_charge_holds_from_its_month_on_and_a_correction_supersedes_it(contract):
    charge(contract, "2026-12", "59.00")
    assert charged(contract, "2026-01", "2026-11", "2026-12") == ["49.00", "49.00", "59.00"]
    charge(contract, "2026-12", "60.00")
    charge(contract, "2026-03", "48.00")
    assert charged(contract, "2026-02", "2026-03", "2026-11", "2026-12") == ["49.00", "48.00", "48.00", "60.00"]
    contract.refresh_from_db()
    assert contract.monthly_charge == Decimal("49.00")
    assert list(Charge.objects.values_list("revision", "monthly_charge")) == [(1, 48), (1, 59), (2, 60)]
    entry = Entry.objects.order_by("id")[1]
    assert (entry.action, entry.changes) == (
        "changed the charge of",
        {"from_month": [None, "2026-12"], "monthly_charge": ["59.0000", "60.00"]},
    )
    for month, amount, refusal in (("2027-01", "70", DaysOutsideContract), ("2026-12", "60", Refused)):
        with pytest.raises(refusal):
            charge(contract, month, amount)
    with pytest.raises(IntegrityError, match="agreements_charge_is_only_added_to"), transaction.atomic():
        Charge.objects.update(monthly_charge=1)


def test_a_charge_that_changes_a_closed_month_is_a_correction_and_names_it(contract):
    closed("2026-09", "2026-10")
    charge(contract, "2026-11", "59.00")
    assert "closed_months" not in Entry.objects.latest("id").changes
    charge(contract, "2026-10", "59.00")
    entry = Entry.objects.latest("id")
    assert (entry.changes["closed_months"], entry.reason) == ([None, ["2026-10"]], "As agreed by letter")
    assert ClosedMonth.objects.get(changed_at__isnull=False).month == on("2026-10-01")


# Periods


def test_a_renewal_begins_the_day_after_the_last_service_day_and_is_linked(contract):
    contract.extended_minutes, contract.extended_to = 1441, on("2027-01-02")
    contract.save()
    renewal = renewed(contract)
    assert (renewal.renews, days(renewal)) == (contract, ("2027-01-03", "2027-12-31"))
    assert [entry.action for entry in Entry.objects.order_by("id")] == ["signed", "renewed"]
    with pytest.raises(AlreadyRenewed):
        renewed(contract, reference="K-1-3")
    assert Contract.objects.count() == 2


def test_a_contract_signed_or_renewed_into_a_closed_month_needs_a_reason(contract):
    closed("2027-01", "2026-02")
    with pytest.raises(TouchesClosedMonth):
        renewed(contract)
    given = {
        "customer": contract.customer,
        "reference": "K-9",
        "starts_on": on("2026-02-01"),
        "ends_on": on("2026-02-28"),
    }
    with pytest.raises(TouchesClosedMonth):
        sign_contract(actor=ADMIN, monthly_charge=Decimal(1), currency="EUR", now=NOW, **given)
    renewed(contract, reason="Signed late")
    assert Entry.objects.get(action="signed").changes["closed_months"] == [None, ["2027-01"]]


def test_the_end_of_a_renewed_period_stands(contract):
    renewal = renewed(contract)
    with pytest.raises(ContractRenewed):
        agree_later_end(contract=contract, ends_on=on("2027-06-30"), **SAID)
    for minutes in (10, -10):
        with pytest.raises(ContractRenewed):
            extend_contract(contract=contract, minutes=minutes, **SAID)
    agree_later_end(contract=renewal, ends_on=on("2028-01-31"), **SAID)
    assert (days(contract)[1], days(renewal)[1]) == ("2026-12-31", "2028-01-31")


def test_an_early_end_withdraws_a_renewal_that_has_not_begun_and_undoing_it_needs_a_new_one(contract):
    renewed(contract)
    terminate_contract(contract=contract, last_day=on("2026-12-10"), **SAID)
    assert list(Contract.objects.all()) == [contract]
    assert Entry.objects.get(action="withdrew").changes["reference"] == ["K-1-2", None]
    renewal = renewed(contract)
    assert days(renewal)[0] == "2026-12-11"
    with pytest.raises(PeriodsOverlap):
        resume_contract(contract=contract, **SAID)
    withdraw_renewal(actor=ADMIN, renewal=renewal, reason="A slip", now=NOW)
    resume_contract(contract=contract, **SAID)
    assert days(contract)[1] == "2026-12-31"
    with pytest.raises(ContractTerminated):
        resume_contract(contract=contract, **SAID)


def test_a_renewal_that_has_begun_or_was_paid_for_is_not_withdrawn(contract):
    renewal = renewed(contract)
    with pytest.raises(RenewalStands):
        withdraw_renewal(actor=ADMIN, renewal=renewal, reason="A slip", now=at("2027-01-01 04:00"))
    record_payment(
        actor=ADMIN, contract=renewal, reference="P-1", paid_on=on("2026-11-29"), amount=Decimal(59), now=NOW
    )
    for refused in (
        lambda: withdraw_renewal(actor=ADMIN, renewal=renewal, reason="A slip", now=NOW),
        lambda: terminate_contract(contract=contract, last_day=on("2026-12-10"), **SAID),
    ):
        with pytest.raises(RenewalStands):
            refused()
    assert days(contract)[1] == "2026-12-31"
    assert Contract.objects.count() == 2


def test_days_typed_wrongly_are_corrected_with_the_extension_behind_them(contract):
    contract.extended_minutes, contract.extended_to = 1441, on("2027-01-02")
    contract.save()
    other = a_contract(contract.customer, "2025-01-01", "2025-12-31", reference="K-0")
    closed("2026-01")
    said = {"starts_on": on("2026-01-15"), "ends_on": on("2027-01-14"), "trial_days": 0, "renews": other}
    correct_contract(contract=contract, **said, **SAID)
    assert (days(contract), contract.renews) == (("2026-01-15", "2027-01-16"), other)
    changes = Entry.objects.latest("id").changes
    assert (changes["starts_on"], changes["closed_months"]) == (["2026-01-01", "2026-01-15"], [None, ["2026-01"]])
    with pytest.raises(PeriodsOverlap):
        correct_contract(contract=contract, **said | {"starts_on": on("2025-12-31")}, **SAID)
    with pytest.raises(PeriodsOverlap):
        correct_contract(contract=other, **said | {"renews": other}, **SAID)


# What the database refuses


def test_the_database_refuses_periods_of_one_contract_that_overlap(contract):
    renewal = renewed(contract)
    rows = Contract.objects
    stranger = a_customer(a_region())
    for broken in (
        lambda: a_contract(contract.customer, "2027-12-31", "2028-12-31", renews=renewal),
        lambda: a_contract(stranger, "2028-01-01", "2028-12-31", renews=renewal),
        lambda: rows.filter(pk=renewal.pk).update(starts_on=on("2026-12-31")),
        lambda: rows.filter(pk=contract.pk).update(ends_on=on("2027-01-01")),
        lambda: rows.filter(pk=contract.pk).update(extended_to=on("2027-01-01"), extended_minutes=1),
        lambda: rows.filter(pk=contract.pk).update(customer=stranger),
    ):
        with pytest.raises(IntegrityError, match=NAME), transaction.atomic():
            broken()
    rows.filter(pk=contract.pk).update(ends_on=on("2026-12-30"))
    # Contracts of one customer that renew nothing run side by side.
    a_contract(contract.customer, "2026-06-01", "2027-06-01")


def test_overlapping_periods_of_an_earlier_build_are_listed_and_written_in_every_other_respect(contract):
    editor = connection.schema_editor()
    drop(None, editor)
    renewal = a_contract(contract.customer, "2026-12-31", "2027-12-31", renews=contract, reference="K-2")
    connection.check_constraints()
    add(None, editor)
    assert list(overlapping_periods()) == [renewal]
    Contract.objects.filter(pk=renewal.pk).update(currency="CNY", extended_minutes=1, extended_to=on("2028-01-01"))
    contract.save()
    said = {"ends_on": on("2027-12-31"), "trial_days": 0, "renews": contract}
    correct_contract(contract=renewal, starts_on=on("2027-01-01"), **said, **SAID)
    assert not overlapping_periods().exists()


def test_every_verb_has_its_words():
    for said in ("renewed", "withdrew", "agreed on a later end of", "corrected the days of", "changed the charge of"):
        assert verb(said)
