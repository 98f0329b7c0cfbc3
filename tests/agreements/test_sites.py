"""Amendments and the sites of an installer (5.2): who is told, by which e-mail, and who may respond for whom."""

import pytest

from sla_portal.agreements.operations import (
    NotAuthorised,
    notify_missed,
    notify_of_pending,
    register_answers,
)
from sla_portal.agreements.queries import acceptance_counts, customers_answering, customers_not_notified
from sla_portal.agreements.rules import AnswerKind
from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Customer
from sla_portal.notices.models import Notice
from tests.support.amendments import announced, legal, withdraw_version
from tests.support.builders import a_contract, a_customer, a_region, at
from tests.support.races import outcomes

pytestmark = pytest.mark.django_db

LATER = at("2026-06-10 04:00")


@pytest.fixture
def installer() -> Customer:
    installer = a_customer(a_region(), "I-1")
    installer.contacts.create(email="wall@example.com", name="Ann Wall")
    for code in ("S-1", "S-2"):
        a_contract(site(installer, code), "2026-01-01", "2027-06-30")
    return installer


def site(installer: Customer, code: str) -> Customer:
    return a_customer(a_region(), code, installer=installer)


def named(notice: Notice) -> list[tuple[str, list[str]]]:
    rows = notice.deliveries.order_by("pk")
    return [(one.email, list(one.customers.values_list("customer__code", flat=True))) for one in rows]


def test_every_site_is_told_at_the_announcement_at_signing_later_and_of_the_withdrawal(installer):
    version = announced()
    assert named(version.notice) == [("wall@example.com", ["S-1", "S-2"])]
    assert not customers_not_notified(version).exists()
    # Its contact was told of the version, but not for this site.
    signer = site(installer, "S-3")
    [signing] = notify_of_pending(contract=a_contract(signer, "2026-06-05", "2027-06-04"), now=at("2026-06-05 04:00"))
    assert named(signing) == [("wall@example.com", ["S-3"])]
    assert notify_of_pending(contract=a_contract(signer, "2026-06-06", "2027-06-04"), now=at("2026-06-06 04:00")) == []
    missed = site(installer, "S-4")
    a_contract(missed, "2026-01-01", "2027-06-30")
    assert list(customers_not_notified(version)) == [missed]
    assert named(notify_missed(actor=legal("bob"), version=version, now=LATER)) == [("wall@example.com", ["S-4"])]
    assert not customers_not_notified(version).exists()
    # A site that left it is told through its own contact; the installer, of what it was told.
    Customer.objects.filter(code__in=["S-1", "S-2", "S-3"]).update(installer=None)
    Customer.objects.get(code="S-1").contacts.create(email="own@example.com")
    Customer.objects.filter(code="S-4").update(installer=None)
    withdrawal = withdraw_version(actor=legal("bob"), version=version, reason="A mistake.", now=at("2026-06-20 04:00"))
    assert sorted(named(withdrawal)) == [("own@example.com", []), ("wall@example.com", ["S-1", "S-2", "S-3", "S-4"])]


def test_the_installers_contact_responds_for_one_some_or_all_sites(installer):
    version = announced()
    mail = version.notice.deliveries.get()
    both = list(customers_answering(mail, version).order_by("code"))
    assert [one.code for one in both] == ["S-1", "S-2"]
    given = {"actor": Actor.system("link"), "version": version, "by_name": "Ann", "delivery": mail, "now": LATER}
    register_answers(customers=both, kind=AnswerKind.OBJECTION, **given)
    register_answers(customers=both[:1], kind=AnswerKind.TERMINATION, **given)
    counts = acceptance_counts(version, LATER)
    assert (counts["objected"], counts["terminated"]) == (1, 1)


def test_only_contacts_for_legal_notices_are_told_where_some_are_marked(installer):
    Customer.objects.get(code="S-1").contacts.create(email="counsel@example.com", legal_notices=True)
    version = announced()
    assert named(version.notice) == [("wall@example.com", ["S-2"]), ("counsel@example.com", [])]
    assert not customers_not_notified(version).exists()


def test_a_mail_for_one_site_responds_for_that_site(installer):
    Customer.objects.filter(pk=installer.pk).update(bundled=False)
    version = announced()
    mail = version.notice.deliveries.get(site__code="S-2")
    assert [one.code for one in customers_answering(mail, version)] == ["S-2"]


def test_contracts_are_ended_by_authorised_contacts_and_all_together_or_not_at_all(installer):
    version = announced()
    mail = version.notice.deliveries.get()
    Customer.objects.get(code="S-2").contacts.create(email="boss@example.com", may_terminate=True)
    both = Customer.objects.filter(installer=installer)
    given = {"actor": Actor.system("link"), "version": version, "by_name": "Ann", "delivery": mail, "now": LATER}
    with pytest.raises(NotAuthorised, match=r"S-2.*boss@example\.com"):
        register_answers(customers=both, kind=AnswerKind.TERMINATION, **given)
    assert not version.answers.exists()
    register_answers(customers=both, kind=AnswerKind.OBJECTION, **given)
    register_answers(customers=both.filter(code="S-1"), kind=AnswerKind.TERMINATION, **given)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_respond_for_the_same_sites_at_once_the_second_is_refused(installer):
    version = announced()
    mail, both = version.notice.deliveries.get(), list(Customer.objects.filter(installer=installer).order_by("pk"))
    given = {"actor": Actor.system("link"), "version": version, "by_name": "Ann", "delivery": mail, "now": LATER}

    def respond(customers):
        return lambda: register_answers(customers=customers, kind=AnswerKind.TERMINATION, **given)

    assert sorted(outcomes(respond(both), respond(both[::-1]))) == ["AnsweredAlready", "done"]
    assert version.answers.count() == 2
