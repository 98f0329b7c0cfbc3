"""Sites of an installer: one level, contacts and rights inherited; held by the database, also between two people."""

from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, transaction

from sla_portal.customers.models import Customer, Right
from sla_portal.customers.queries import (
    acting_for,
    contacts_of,
    contacts_of_customer,
    contacts_with,
    marked_contacts,
    with_contact,
)
from sla_portal.customers.triggers import FUNCTION, LOCK, NAME
from tests.support.builders import a_customer, a_region
from tests.support.races import at_once
from tests.support.unguarded import unguarded

pytestmark = pytest.mark.django_db


def a_site(installer: Customer, code: str = "", **values) -> Customer:
    return a_customer(a_region(), code, installer=installer, **values)


def refused(write) -> bool:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        write()
    return NAME in str(error.value)


def test_an_installer_has_no_installer_whichever_row_comes_first():
    installer, other = a_customer(a_region()), a_customer(a_region())
    site = a_site(installer)
    assert refused(lambda: a_site(site))
    assert refused(lambda: Customer.objects.filter(pk=other.pk).update(installer=site))
    assert refused(lambda: Customer.objects.filter(pk=installer.pk).update(installer=other))
    Customer.objects.filter(pk=site.pk).update(installer=other)
    Customer.objects.filter(pk=installer.pk).update(installer=other)
    assert set(other.sites.all()) == {site, installer}


def test_a_site_has_its_own_contacts_and_those_of_its_installer():
    installer, alone = a_customer(a_region()), a_customer(a_region())
    site, bare = a_site(installer), a_site(a_customer(a_region()))
    shared, own = (one.contacts.create(email=f"{one.code}@example.com") for one in (installer, site))
    assert list(contacts_of_customer(site)) == [own, shared]
    assert list(contacts_of_customer(installer)) == [shared]
    everyone = Customer.objects.all()
    assert set(contacts_of(everyone.filter(pk__in=[site.pk, alone.pk]))) == {own, shared}
    assert set(with_contact(everyone)) == {installer, site}
    assert not {alone, bare} & set(with_contact(everyone))


@pytest.mark.parametrize("right", Right)
def test_where_contacts_are_marked_for_a_right_only_these_have_it_and_an_installers_for_its_sites(right):
    installer = a_customer(a_region())
    first, second = a_site(installer), a_site(installer)
    boss = installer.contacts.create(email="boss@example.com")
    clerk = installer.contacts.create(email="clerk@example.com")
    janitor = first.contacts.create(email="janitor@example.com")
    everyone = Customer.objects.all()

    def acting(contact):
        return set(acting_for(everyone, contact.email.upper(), right))

    def having(*customers):
        return set(contacts_with(right, everyone.filter(pk__in=[one.pk for one in customers])))

    assert having(installer, first, second) == {boss, clerk, janitor}
    assert acting(clerk) == {installer, first, second}
    assert acting(janitor) == {first}
    mark(boss, right)
    assert having(first) == having(installer, first, second) == {boss}
    assert acting(boss) == {installer, first, second}
    assert acting(clerk) == acting(janitor) == set()
    mark(janitor, right)
    assert acting(janitor) == {first}
    assert set(marked_contacts(first, right)) == having(first) == {boss, janitor}
    mark(boss, right, False)
    assert having(first) == {janitor}
    assert having(first, second) == {boss, clerk, janitor}
    assert all(set(acting_for(everyone, boss.email, other)) > {first} for other in Right if other != right)


def mark(contact, right: Right, has: bool = True) -> None:
    setattr(contact, right, has)
    contact.save()


def race() -> list[object]:
    """Two people make each of two customers the installer of the other."""
    one, two = a_customer(a_region()), a_customer(a_region())

    def write(site, installer):
        with transaction.atomic():
            Customer.objects.filter(pk=site.pk).update(installer=installer)

    return at_once(lambda: write(one, two), lambda: write(two, one))


@pytest.mark.django_db(transaction=True)
def test_of_two_that_make_each_other_a_site_one_is_refused():
    for _round in range(5):
        assert [isinstance(one, IntegrityError) for one in race()].count(True) == 1
    assert not Customer.objects.filter(installer__installer__isnull=False).exists()


@contextmanager
def one_lock_less():
    """PostgreSQL without the lock of the trigger; SQLite, which has one writer at a time, without the trigger."""
    if connection.vendor == "sqlite":
        with unguarded():
            yield
        return
    try:
        replace(FUNCTION.replace(LOCK, "").replace("RETURN NEW;", "PERFORM pg_sleep(0.5); RETURN NEW;"))
        yield
    finally:
        replace(FUNCTION)


def replace(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_both_would_be_written():
    with one_lock_less():
        # On a busy machine one may be through before the other begins.
        assert any("IntegrityError" not in {type(one).__name__ for one in race()} for _round in range(10))
        Customer.objects.update(installer=None)
