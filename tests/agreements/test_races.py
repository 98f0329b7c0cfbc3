"""Two at the same moment: one announcement, one reminder, and nobody who signs goes not_notified.

Each protection has a twin without it, which must fail, or the test proves nothing.
"""

import threading
from datetime import date

import pytest
from django.db import transaction

from sla_portal.agreements import emails
from sla_portal.agreements.models import AgreementVersion, Contract, FurtherNotice, Withdrawal, WithdrawalStatus
from sla_portal.agreements.operations import (
    AlreadyPublished,
    AlreadyWithdrawn,
    AnsweredAlready,
    AnswerOutOfTime,
    EveryoneNotified,
    confirm_withdrawal,
    notify_missed,
    publish_version,
    register_answer,
    remind_due,
    request_withdrawal,
    sign_contract,
)
from sla_portal.agreements.queries import (
    customers_not_notified,
    customers_under_contract,
    pending_versions,
    to_reinstate,
)
from sla_portal.agreements.rules import AnswerKind
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.queries import first_broken_link
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Delivery, Kind, Notice
from sla_portal.notices.operations import give_notice
from tests.support.amendments import ANNOUNCED, announced, legal, submitted, withdraw_version
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system("test")
AT_ONCE = 4


@pytest.fixture
def customer() -> Customer:
    found = a_customer(a_region())
    found.contacts.create(email="ops@example.com")
    a_contract(found, "2026-01-01", "2026-12-31")
    return found


def refusals(outcomes: list[object]) -> list[type]:
    return [type(outcome) for outcome in outcomes if isinstance(outcome, Refused)]


def tell(version: AgreementVersion, step: emails.Step, customers) -> Notice:
    return give_notice(
        actor=SYSTEM, kind=Kind.AMENDMENT, about=version.version, wordings=emails.words(version, step),
        customers=customers, public=False, now=ANNOUNCED,
    )  # fmt: skip


def everyone():
    return customers_under_contract((), date(2026, 6, 1), date(2026, 7, 1))


# Publishing


def test_publish_clicked_at_once_announces_once(customer):
    version = submitted()
    actors = [legal(f"clerk-{number}") for number in range(AT_ONCE)]
    outcomes = at_once(
        *(lambda actor=actor: publish_version(actor=actor, version=AgreementVersion(pk=version.pk), now=ANNOUNCED)
          for actor in actors)
    )  # fmt: skip
    assert refusals(outcomes) == [AlreadyPublished] * (AT_ONCE - 1)
    assert (Notice.objects.count(), Delivery.objects.count()) == (1, 1)
    assert first_broken_link() is None


def test_a_twin_that_looks_before_it_publishes_and_locks_nothing_announces_twice(customer):
    version = submitted()
    looked = threading.Barrier(2)

    def publish() -> Notice | None:
        found = AgreementVersion.objects.get(pk=version.pk)
        looked.wait(timeout=30)
        return None if found.published_at else tell(found, emails.Step.ANNOUNCEMENT, everyone())

    at_once(publish, publish)
    assert Notice.objects.count() == 2


# Reminding


def test_two_schedules_at_once_remind_once(customer):
    announced()
    outcomes = at_once(*[lambda: remind_due(now=at("2026-06-25 01:00"))] * AT_ONCE)
    assert sorted(outcomes) == [0] * (AT_ONCE - 1) + [1]
    assert FurtherNotice.objects.count() == 1
    assert (Notice.objects.count(), Delivery.objects.count()) == (2, 2)


def test_a_twin_that_looks_for_the_reminder_and_locks_nothing_reminds_twice(customer):
    version = announced()
    looked = threading.Barrier(2)

    def remind() -> Notice | None:
        given = FurtherNotice.objects.filter(version=version, days_before=7).exists()
        looked.wait(timeout=30)
        return None if given else tell(version, emails.Step.REMINDER, everyone())

    at_once(remind, remind)
    assert Notice.objects.count() == 3


# Telling later


def someone_left_out() -> Customer:
    found = a_customer(a_region(), "C-late")
    found.contacts.create(email="late@example.com")
    a_contract(found, "2026-01-01", "2026-12-31")
    return found


def test_clicked_at_once_those_left_out_are_told_once(customer):
    version = announced()
    someone_left_out()
    actor = legal("clerk")
    outcomes = at_once(*[lambda: notify_missed(actor=actor, version=version, now=at("2026-06-10 01:00"))] * AT_ONCE)
    assert refusals(outcomes) == [EveryoneNotified] * (AT_ONCE - 1)
    assert Delivery.objects.filter(email="late@example.com").count() == 1


def test_a_twin_that_looks_who_was_left_out_and_locks_nothing_tells_them_twice(customer):
    version = announced()
    someone_left_out()
    looked = threading.Barrier(2)

    def tell_later() -> Notice:
        found = list(customers_not_notified(version))
        looked.wait(timeout=30)
        return tell(version, emails.Step.ANNOUNCEMENT, Customer.objects.filter(pk__in=[one.pk for one in found]))

    at_once(tell_later, tell_later)
    assert Delivery.objects.filter(email="late@example.com").count() == 2


# Signing while it is published


def sign(customer: Customer, number: int) -> Contract:
    return sign_contract(
        actor=SYSTEM, customer=customer, reference=f"K-new-{number}", starts_on=on("2026-06-01"),
        ends_on=on("2027-05-31"), monthly_charge=49, currency="EUR", now=ANNOUNCED,
    )  # fmt: skip


def newcomers(how_many: int) -> list[Customer]:
    found = [a_customer(a_region(), f"C-new-{number}") for number in range(how_many)]
    for number, customer in enumerate(found):
        customer.contacts.create(email=f"new-{number}@example.com")
    return found


def test_who_signs_at_the_moment_of_publication_is_told_once():
    version = submitted()
    signers = newcomers(AT_ONCE)
    bob = legal("bob")
    signings = [lambda number=number, one=one: sign(one, number) for number, one in enumerate(signers)]
    outcomes = at_once(
        *signings, lambda: publish_version(actor=bob, version=AgreementVersion(pk=version.pk), now=ANNOUNCED)
    )
    assert refusals(outcomes) == []
    assert sorted(Delivery.objects.values_list("email", flat=True)) == [f"new-{n}@example.com" for n in range(AT_ONCE)]


def test_a_twin_that_looks_for_pending_versions_before_it_signs_leaves_the_signer_untold():
    version = submitted()
    (signer,) = newcomers(1)
    looked, published = threading.Event(), threading.Event()
    bob = legal("bob")

    def sign_unprotected() -> None:
        pending = pending_versions(date(2026, 6, 1))
        looked.set()
        assert published.wait(timeout=30)
        with transaction.atomic():
            a_contract(signer, "2026-06-01", "2027-05-31")
            for one in pending:
                tell(one, emails.Step.SIGNING, Customer.objects.filter(pk=signer.pk))

    def publish() -> None:
        assert looked.wait(timeout=30)
        publish_version(actor=bob, version=AgreementVersion(pk=version.pk), now=ANNOUNCED)
        published.set()

    at_once(sign_unprotected, publish)
    assert not Delivery.objects.exists()


# Answering and withdrawing


def test_an_answer_given_at_once_is_registered_once(customer):
    version = announced()

    def end() -> object:
        return register_answer(
            actor=SYSTEM, version=version, customer=customer, kind=AnswerKind.TERMINATION, by_name="Li Wei",
            now=at("2026-06-10 04:00"),
        )  # fmt: skip

    outcomes = at_once(*[end] * AT_ONCE)
    assert refusals(outcomes) == [AnsweredAlready] * (AT_ONCE - 1)
    assert Contract.objects.get().terminated_on == on("2026-07-01")


def test_a_withdrawal_and_a_reminder_at_once_leave_nobody_reminded_after_it(customer):
    version = announced()
    bob = legal("bob")
    withdrawn, _reminded = at_once(
        lambda: withdraw_version(
            actor=bob, version=AgreementVersion(pk=version.pk), reason="A slip", now=at("2026-06-25 01:00")
        ),
        lambda: remind_due(now=at("2026-06-25 01:00")),
    )
    told = list(Notice.objects.filter(about="2.0").order_by("id"))
    assert told[-1] == withdrawn


def withdrawing(version: AgreementVersion) -> Withdrawal:
    return request_withdrawal(
        actor=legal("ann"), version=version, reason="A slip", reason_zh="笔误", now=at("2026-06-10 04:00")
    )


def test_a_withdrawal_confirmed_by_two_at_once_is_told_once(customer):
    version = announced()
    asked = withdrawing(version)
    actors = [legal(f"clerk-{number}") for number in range(AT_ONCE)]
    outcomes = at_once(
        *(lambda actor=actor: confirm_withdrawal(actor=actor, withdrawal=asked, now=at("2026-06-10 05:00"))
          for actor in actors)
    )  # fmt: skip
    assert refusals(outcomes) == [AlreadyWithdrawn] * (AT_ONCE - 1)
    assert Notice.objects.count() == 2


def test_a_twin_that_looks_at_the_request_before_it_locks_tells_the_withdrawal_twice(customer):
    version = announced()
    asked = withdrawing(version)
    looked = threading.Barrier(2)

    def confirm_unprotected() -> None:
        assert Withdrawal.objects.get(pk=asked.pk).status == WithdrawalStatus.PENDING
        looked.wait(timeout=30)
        with transaction.atomic():
            tell(version, emails.Step.ANNOUNCEMENT, everyone())

    at_once(confirm_unprotected, confirm_unprotected)
    assert Notice.objects.count() == 3


def test_a_termination_while_the_version_is_withdrawn_is_refused_or_listed_to_be_reinstated(customer):
    version = announced()
    asked, bob, now = withdrawing(version), legal("bob"), at("2026-06-10 05:00")
    answered, _withdrawn = at_once(
        lambda: register_answer(
            actor=SYSTEM, version=version, customer=customer, kind=AnswerKind.TERMINATION, by_name="Li Wei", now=now
        ),
        lambda: confirm_withdrawal(actor=bob, withdrawal=asked, now=now),
    )
    if isinstance(answered, Refused):
        assert (type(answered), Contract.objects.get().terminated_on) == (AnswerOutOfTime, None)
    else:
        written = list(Entry.objects.filter(action__in=["registered", "withdrew"]).values_list("action", flat=True))
        assert written == ["withdrew", "registered"]  # the newest first
        assert to_reinstate().count() == 1


def test_a_twin_that_looks_at_the_version_before_it_is_withdrawn_ends_a_contract_because_of_it(customer):
    version = announced()
    asked, bob, now = withdrawing(version), legal("bob"), at("2026-06-10 05:00")
    looked, withdrawn = threading.Event(), threading.Event()

    def end_unprotected() -> None:
        assert AgreementVersion.objects.get(pk=version.pk).withdrawn_at is None
        looked.set()
        assert withdrawn.wait(timeout=30)
        Contract.objects.update(terminated_on=date(2026, 7, 1))

    def withdraw() -> None:
        assert looked.wait(timeout=30)
        confirm_withdrawal(actor=bob, withdrawal=asked, now=now)
        withdrawn.set()

    at_once(end_unprotected, withdraw)
    assert AgreementVersion.objects.get(pk=version.pk).withdrawn_at
    assert Contract.objects.get().terminated_on
