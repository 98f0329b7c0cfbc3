"""5.1 under sixteen grants at once: never more than the fees paid, by the lock, and by the database where the lock is missing.

`CAP_ROUNDS` says how often; `make drill` does it a hundred times on either database.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, connections
from django.db.models import Sum

from claims.models import Claim, Compensation, Entry, Outcome, Proof, Recommendation, Status
from claims.operations import ChecksNotPassed, decide, ledger
from claims.queries import CapBalance, assess, cap_balance_of, windows_of
from sla_portal.agreements.models import Contract
from sla_portal.agreements.rules import Terms
from sla_portal.audit.actors import Actor
from sla_portal.availability.operations import close_month
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.claimants import DUE, PORTAL, Claimant, a_claimant, support

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = int(os.environ.get("CAP_ROUNDS", "3"))
AT_ONCE = 16
MONTHS = [ServiceMonth(2025, 6) + n for n in range(AT_ONCE)]
"""A contract has one claim for a month, so that sixteen at once are of sixteen months."""
NOW = at("2026-11-20 08:00")
MINUTES = 10
CAP = Decimal("100.00")
"""Ten minutes are worth some 10.00 by this charge: sixteen times that does not fit."""
CHARGE = Decimal("43200.00")


@dataclass
class Decider:
    """The second person of all claims, and the recommendations that wait for them."""

    user: User
    waiting: dict[int, list[Recommendation]]
    """By contract."""

    def decide(self, wanted: Recommendation) -> str:
        try:
            decide(
                actor=Actor.staff(self.user), claim=wanted.claim, recommendation=wanted.pk, key=uuid4(), now=NOW
            )  # fmt: skip
        except ChecksNotPassed:
            return "nothing left"
        except IntegrityError:
            return "refused by the database"
        return "granted"


def sixteen_missed_months(rounds: int, *, vouchers_only: bool = False) -> Decider:
    """Contracts, one for each round, with sixteen claims each that another person recommended to grant."""
    claimants = [
        a_claimant(paid=str(CAP), starts_on="2025-06-01", ends_on="2027-12-31", monthly_charge=CHARGE)
        for _n in range(rounds)
    ]
    for month in MONTHS:
        start, end = (at(f"{month}-10 0{hour}") for hour in ("1:00", f"1:{MINUTES}"))
        incident = an_incident(detected_at=start, resolved_at=end, attributable=True)
        an_outage(a_region(), f"{month}-10 01:00", f"{month}-10 01:{MINUTES}", incident=incident)
        close_month(actor=PORTAL, month=month, now=NOW)
    recommending = support("recommending")
    windows = windows_of(MONTHS)
    facts: dict[ServiceMonth, dict] = {}
    waiting: dict[int, list[Recommendation]] = {}
    for of in claimants:
        claims = Claim.objects.bulk_create(_claim(of, month, windows[month].opens_at, recommending) for month in MONTHS)
        Proof.objects.bulk_create(
            Proof(
                claim=claim, name="screen.png", kind="png", size=1, sha256=f"{claim.pk:064}", scan="not scanned",
                added_at=NOW, added_by_name="Ada Hafen", file="screen",
            )
            for claim in claims
        )  # fmt: skip
        # The same figures for everyone: looked up once.
        facts = facts or {claim.service_month: assess(Claim.objects.get(pk=claim.pk), NOW).facts() for claim in claims}
        waiting[of.contract.pk] = Recommendation.objects.bulk_create(
            Recommendation(
                claim=claim, outcome=Outcome.GRANT, clause="3.2", reason="As the record says",
                voucher_minutes=MINUTES if vouchers_only or number % 2 else MINUTES // 2,
                extension_minutes=0 if vouchers_only or number % 2 else MINUTES // 2,
                letter_subject="Your claim", letter_text="We looked at it.", facts=facts[claim.service_month],
                recommended_by=recommending, recommended_at=NOW,
            )
            for number, claim in enumerate(claims)
        )  # fmt: skip
    return Decider(support("deciding"), waiting)


def _claim(of: Claimant, month: ServiceMonth, received_at, entered_by: User) -> Claim:
    return Claim(
        number=f"C-{of.contract.pk}-{month}", contract=of.contract, month=month.first_day, contact=of.contact,
        email=of.contact.email, time_zone="UTC", source="phone", received_at=received_at, entered_by=entered_by,
        status=Status.RECOMMENDED, recommended_by=entered_by, **DUE,
    )  # fmt: skip


def at_once(do: Callable[[Recommendation], str], wanted: list[Recommendation], before=lambda _wanted: None) -> Counter:
    """Do something sixteen times at the same moment, each on a connection of its own; count how it went."""
    barrier = threading.Barrier(len(wanted))

    def one(recommendation: Recommendation) -> str:
        try:
            before(recommendation)
            barrier.wait()
            return do(recommendation)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(wanted)) as threads:
        return Counter(threads.map(one, wanted))


def given(contract: int) -> Decimal:
    return Entry.objects.filter(contract=contract).aggregate(sum=Sum("value"))["sum"] or Decimal(0)


def test_sixteen_grants_at_once_never_exceed_the_fees_paid():
    decider = sixteen_missed_months(ROUNDS)
    for contract, wanted in decider.waiting.items():
        went = at_once(decider.decide, wanted)
        assert set(went) <= {"granted", "nothing left"}
        assert went["granted"] > CAP // MINUTES
        # Vouchers are cut to the cent, an extension by whole minutes: what is left is less than one of them is worth.
        assert CAP - 1 < given(contract) <= CAP
        lines = list(Entry.objects.filter(contract=contract).order_by("number"))
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert lines[-1].total == given(contract)
        assert max(line.total for line in lines) <= CAP
        extended = Entry.objects.filter(extended=contract).aggregate(sum=Sum("minutes"))["sum"]
        assert Contract.objects.get(pk=contract).extended_minutes == extended
        cut = Compensation.objects.filter(contract=contract).aggregate(sum=Sum("cut_value"))["sum"]
        assert cut > 0


def test_a_grant_submitted_sixteen_times_at_once_is_granted_once():
    decider = sixteen_missed_months(1)
    ((contract, (wanted, *_others)),) = decider.waiting.items()
    key = uuid4()

    def sent(recommendation: Recommendation) -> str:
        made = decide(
            actor=Actor.staff(decider.user), claim=recommendation.claim, recommendation=recommendation.pk, key=key,
            now=NOW,
        )  # fmt: skip
        return str(made.pk)

    (times,) = at_once(sent, [wanted] * AT_ONCE).values()
    assert times == AT_ONCE
    assert Compensation.objects.filter(contract=contract).count() == 1


# Without the lock: the cap is read, and then something is written, as one does who forgets about others

known = threading.local()


def read_the_cap(wanted: Recommendation) -> None:
    known.cap_balance = cap_balance_of(wanted.claim.contract, Terms("1.0", wanted.claim.month))


@pytest.fixture
def no_lock(monkeypatch) -> None:
    def as_read(_contract: Contract, _terms: Terms) -> CapBalance:
        return known.cap_balance

    def unlocked(contract: int, _extended: int | None) -> Contract:
        return Contract.objects.get(pk=contract)

    monkeypatch.setattr(ledger, "locked", unlocked)
    monkeypatch.setattr(ledger, "cap_balance_of", as_read)


def read_the_cap_unguarded(wanted: Recommendation) -> None:
    """On SQLite a connection is told to take anything; two writers at once there are none, so no number is taken twice."""
    read_the_cap(wanted)
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA ignore_check_constraints = ON")


GUARDS = ("a_contracts_entries_are_numbered", "compensation_never_exceeds_the_fees_paid")


@contextmanager
def no_guard() -> Iterator[None]:
    """Take the database's own guards away, and put them back once what slipped through is gone."""
    if connection.vendor == "sqlite":
        yield
        return
    guards = [guard for guard in Entry._meta.constraints if guard.name in GUARDS]
    assert len(guards) == len(GUARDS)
    with connection.schema_editor() as schema:
        for guard in guards:
            schema.remove_constraint(Entry, guard)
    try:
        yield
    finally:
        call_command("flush", verbosity=0, interactive=False)
        with connection.schema_editor() as schema:
            for guard in guards:
                schema.add_constraint(Entry, guard)


@pytest.mark.usefixtures("no_lock")
def test_without_the_lock_the_database_refuses_what_exceeds_the_fees_paid():
    for contract, wanted in (decider := sixteen_missed_months(ROUNDS, vouchers_only=True)).waiting.items():
        went = at_once(decider.decide, wanted, before=read_the_cap)
        assert went["refused by the database"] > 0
        assert 0 < given(contract) <= CAP


@pytest.mark.usefixtures("no_lock")
def test_without_lock_and_constraints_the_fees_paid_are_exceeded():
    with no_guard():
        for contract, wanted in (decider := sixteen_missed_months(ROUNDS, vouchers_only=True)).waiting.items():
            at_once(decider.decide, wanted, before=read_the_cap_unguarded)
            assert given(contract) > CAP
