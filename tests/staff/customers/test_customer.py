"""Everything about one customer on one page: each role sees what it may, by a fixed number of queries; and the search."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from sla_portal.notices.models import Notice
from tests.support.builders import a_contract, a_customer, a_region
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, granted
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now():
    with travel(OPEN, tick=False):
        yield


@pytest.fixture
def made():
    """A grant of a site, with an installer, a second contract and somebody else's grant."""
    a_missed_september()
    other, of = a_claimant(), a_claimant()
    granted(a_claim(other), voucher_minutes=10)
    of.customer.installer = a_customer(a_region(), "I-1")
    of.customer.save()
    return granted(a_claim(of), voucher_minutes=10)


def test_each_role_sees_of_a_customer_what_it_may(made):
    claim, customer = made.claim, made.claim.contract.customer
    page = reverse("admin:customer", args=[customer.pk])
    everything = {claim.contract.reference, "2026-09", claim.number, made.voucher.code, claim.email, "I-1"}
    for role in ("Support", "Legal", "Auditor", "Administrator"):
        shown = text_of(signed_in(a_member(role)).get(page))
        assert {one for one in everything if one in shown} == everything
        assert ("Enter a claim" in shown) == (role == "Support")
        assert shown.count("Voucher") < 9 and "ops-" in shown
    assert signed_in(a_member("NOC")).get(page).status_code == 403


def test_the_page_asks_as_often_for_many_rows_as_for_few(made):
    customer = made.claim.contract.customer
    client = signed_in(a_member("Legal", "lena"))
    page = reverse("admin:customer", args=[customer.pk])

    def asked() -> int:
        client.get(page)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page).status_code == 200
        return len(queries)

    few = asked()
    for number in range(3):
        contract = a_contract(customer, "2026-01-01", "2026-12-31")
        contract.payments.create(reference=f"P-{number}", paid_on="2026-01-05", amount="490.00")
        contact = customer.contacts.create(email=f"{number}@example.com")
        of = type("Of", (), {"customer": customer, "contact": contact, "contract": contract})
        granted(a_claim(of, closed=False), voucher_minutes=10)
        a_customer(a_region(), installer=customer.installer)
    assert asked() == few


def test_the_search_finds_every_number_and_leads_from_a_customer_to_its_page(made):
    client = signed_in(a_member("Legal", "lena"))
    claim = made.claim
    notice = Notice.objects.filter(about=claim.number).latest("pk")
    places = {
        claim.contract.customer.code: ("customer", claim.contract.customer.pk),
        claim.contract.reference: ("agreements_contract_change", claim.contract.pk),
        "p-1": ("agreements_contract_change", claim.contract.pk),
        claim.number.lower(): ("claim", claim.pk),
        made.voucher.code.lower().replace("-", " "): ("voucher", made.voucher.pk),
        notice.number.lower(): ("notices_notice_change", notice.pk),
        "1.0": ("amendment", None),
    }
    for typed, (name, pk) in places.items():
        page = client.get(reverse("admin:search"), {"q": typed}).content.decode()
        wanted = reverse(f"admin:{name}", args=[pk or 1])
        assert f'href="{wanted if pk else wanted[: wanted.index("1/")]}' in page, typed
