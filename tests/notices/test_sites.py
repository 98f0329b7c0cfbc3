"""Notices to installers: one e-mail for all sites with their list or, by choice, one for each; each customer on record."""

from email import message_from_bytes
from email.policy import default

import pytest
from django.db import IntegrityError, transaction

from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Customer
from sla_portal.notices.mail.message import MailMessage
from sla_portal.notices.models import Delivery, DeliveryCustomer, Notice
from sla_portal.notices.operations import correct_address, give_notice
from sla_portal.notices.wording import Words
from tests.support.amendments import legal
from tests.support.builders import a_customer, a_region, at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-22 10:00")
WORDS = [Words("en", "Maintenance", "We work."), Words("zh-hans", "维护", "我们将进行维护。")]


@pytest.fixture
def installer() -> Customer:
    """With a contact, two sites, one of which has a contact of its own, and no contract."""
    installer = a_customer(a_region(), "I-1", name="Wall & Sons", language="zh-hans")
    installer.contacts.create(email="wall@example.com", name="Ann Wall")
    for code in ("S-1", "S-2"):
        a_customer(a_region(), code, name=f"House <{code}>", installer=installer)
    Customer.objects.get(code="S-2").contacts.create(email="porter@example.com")
    return installer


def given(customers, **values) -> Notice:
    told = {"actor": Actor.system("test"), "kind": "maintenance", "about": "MW-1", "wordings": WORDS, "public": True}
    return give_notice(customers=customers, now=NOW, **told, **values)


def sites() -> object:
    return Customer.objects.filter(code__startswith="S-")


def told(notice: Notice) -> dict[tuple[str, str | None], list[str]]:
    """The customers of each delivery, by address and site."""
    return {
        (one.email, one.site and one.site.code): [row.customer.code for row in one.customers.all()]
        for one in notice.deliveries.all()
    }


def mail(delivery: Delivery):
    wording = delivery.notice.wording(delivery.language)
    return message_from_bytes(MailMessage(delivery.notice, wording, []).source(delivery), policy=default)


def test_an_installer_gets_one_mail_that_lists_its_sites(installer):
    notice = given(sites())
    assert told(notice) == {("wall@example.com", None): ["S-1", "S-2"], ("porter@example.com", None): []}
    sent = notice.deliveries.get(email="wall@example.com")
    assert (sent.language, sent.contact.customer, notice.deliveries.count()) == ("zh-hans", installer, 2)
    Customer.objects.filter(code="S-1").update(name="Renamed")
    message = mail(Delivery.objects.get(pk=sent.pk))
    text = message.get_body(("plain",)).get_content()
    assert "本邮件涉及以下2个客户：\nHouse <S-1> (S-1)\nHouse <S-2> (S-2)" in text.replace("\r\n", "\n")
    assert "House &lt;S-1&gt; (S-1)<br>House &lt;S-2&gt; (S-2)" in message.get_body(("html",)).get_content()
    porter = mail(notice.deliveries.get(email="porter@example.com")).get_body(("plain",)).get_content()
    assert porter.startswith("Hello,") and "S-2" not in porter


def test_an_installer_that_chose_so_gets_one_mail_for_each_site(installer):
    Customer.objects.filter(pk=installer.pk).update(bundled=False)
    # The porter's address is the installer's, too: one e-mail for the site.
    installer.contacts.create(email="PORTER@example.com")
    notice = given(sites())
    assert told(notice) == {
        ("wall@example.com", "S-1"): ["S-1"],
        ("wall@example.com", "S-2"): ["S-2"],
        ("PORTER@example.com", "S-1"): ["S-1"],
        ("porter@example.com", None): [],
    }
    text = mail(notice.deliveries.get(site__code="S-1", email="wall@example.com")).get_body(("plain",)).get_content()
    assert "本邮件涉及House <S-1> (S-1)。" in text
    with pytest.raises(IntegrityError, match="is_only_added_to"), transaction.atomic():
        notice.deliveries.filter(site__isnull=False).update(site=None)


def test_what_an_address_stands_for_is_recorded_whoevers_contact_it_is(installer):
    stranger = a_customer(a_region(), "C-9")
    stranger.contacts.create(email="Wall@Example.com")
    a_customer(a_region(), "C-8").contacts.create(email="alone@example.com")
    notice = given(Customer.objects.exclude(pk=installer.pk))
    assert told(notice) == {
        ("wall@example.com", None): ["C-9", "S-1", "S-2"],
        ("porter@example.com", None): [],
        ("alone@example.com", None): [],
    }
    only = given(sites(), audience=stranger.contacts.all())
    assert not only.deliveries.exists()


def test_a_corrected_address_is_for_the_same_customers(installer):
    wrong = given(sites()).deliveries.get(email="wall@example.com")
    Delivery.objects.filter(pk=wrong.pk).update(status="failed")
    wrong.refresh_from_db()
    new = correct_address(actor=legal("ann"), delivery=wrong, email="ann@example.com", reason="Moved", now=NOW)
    assert [one.named for one in new.customers.all()] == ["House <S-1> (S-1)", "House <S-2> (S-2)"]
    assert set(installer.contacts.values_list("email", flat=True)) == {"ann@example.com"}


def test_the_customers_of_a_mail_stay(installer):
    rows = DeliveryCustomer.objects.filter(delivery__in=given(sites()).deliveries.all())
    for change in (lambda: rows.update(named="x"), lambda: rows._raw_delete(rows.db)):
        with pytest.raises(IntegrityError, match="is_only_added_to"), transaction.atomic():
            change()


@pytest.mark.parametrize("bundled", [True, False])
def test_a_hundred_sites_cost_as_many_queries_as_one(installer, bundled, django_assert_max_num_queries):
    Customer.objects.filter(pk=installer.pk).update(bundled=bundled)
    Customer.objects.bulk_create(
        Customer(code=f"S-1{n}", name=f"House {n}", region=a_region(), installer=installer) for n in range(100)
    )
    with django_assert_max_num_queries(26):
        notice = given(sites())
    assert DeliveryCustomer.objects.filter(delivery__notice=notice).count() == 102
