"""Sites of an installer at the desk: entered, found, filtered, and claimed for."""

import pytest
from django.urls import reverse

from sla_portal.audit.queries import entries_about
from sla_portal.customers.models import Customer
from tests.support.builders import a_contract, a_customer, a_region
from tests.support.desk import a_member, filled, signed_in, text_of

pytestmark = pytest.mark.django_db
LIST = reverse("admin:customers_customer_changelist")


@pytest.fixture
def installer() -> Customer:
    installer = a_customer(a_region(), "I-1", name="Wall & Sons")
    installer.contacts.create(email="wall@example.com")
    for code in ("S-1", "S-2"):
        site = a_customer(a_region(), code, name=f"House {code}", installer=installer)
        a_contract(site, "2026-01-01", "2026-12-31", reference=f"K-{code}")
    return installer


def page_of(customer: Customer) -> str:
    return reverse("admin:customers_customer_change", args=[customer.pk])


def test_the_pages_of_an_installer_and_its_sites_lead_to_one_another(installer):
    client = signed_in(a_member("Administrator"))
    words = text_of(client.get(page_of(installer)))
    assert "House S-1 (S-1) , House S-2 (S-2)" in words and "All sites (2)" in words
    assert "wall@example.com" in text_of(client.get(page_of(installer.sites.first())))
    assert 'id="id_installer"' in client.get(reverse("admin:customers_customer_add")).content.decode()


def test_a_customer_becomes_a_site_and_one_with_sites_does_not(installer):
    client = signed_in(a_member("Administrator"))
    other = a_customer(a_region(), "C-9")

    def put(customer, under):
        page = page_of(customer)
        return filled(client, client.get(page), page, "why", installer=under.pk, why="They told us")

    for customer, under in ((installer, other), (other, installer.sites.first()), (other, other)):
        assert "An installer has no installer itself" in text_of(put(customer, under))
    assert put(other, installer).status_code == 302
    other.refresh_from_db()
    assert other.installer == installer
    assert entries_about(other)[0].changes["installer"] == [None, "Wall & Sons (I-1)"]


def test_lists_are_filtered_by_installer_and_search_finds_its_sites(installer):
    a_contract(a_customer(a_region(), "C-9", name="Elsewhere"), "2026-01-01", "2026-12-31", reference="K-9")
    client = signed_in(a_member("Support"))
    listed = text_of(client.get(LIST, {"installer": "I-1"}))
    assert "House S-1" in listed and "House S-2" in listed and "Elsewhere" not in listed
    contracts = text_of(client.get(reverse("admin:agreements_contract_changelist"), {"installer": "I-1"}))
    assert "K-S-1" in contracts and "K-9" not in contracts
    assert client.get(LIST, {"installer": "\0"}, follow=True).status_code == 200
    found = text_of(client.get("/admin/search/", {"q": "wall@example.com"}))
    assert "House S-1 (S-1)" in found and "House S-2 (S-2)" in found and "Elsewhere" not in found


def test_support_enters_a_claim_of_a_site_for_the_installers_contact(installer):
    client = signed_in(a_member("Support"))
    enter = reverse("admin:enter_claim")
    assert "K-S-2" in text_of(client.get(enter, {"customer": installer.pk}))
    contract = installer.sites.first().contracts.get()
    assert "wall@example.com" in client.get(enter, {"contract": contract.pk}).content.decode()
