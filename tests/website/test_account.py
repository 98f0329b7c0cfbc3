"""The customer account: signing in without a password, and what one customer sees of its own."""

import json
from contextlib import suppress
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from time_machine import travel

from claims.models import Application
from sla_portal.audit.models import Entry
from sla_portal.customers.models import AccountSession, Contact, Customer, SignInCode
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Delivery
from sla_portal.website.account import operations
from sla_portal.website.account.operations import forget_sign_ins, mail_codes, sign_in
from tests.support.accounts import asked, code_in_mail, in_account, link_in_mail
from tests.support.builders import a_contract, a_customer, a_region, at
from tests.support.claimants import a_claim, a_claimant, a_missed_september, close_september, granted
from tests.support.desk import a_member, text_of
from tests.support.desk import signed_in as at_the_desk
from tests.support.races import at_once

pytestmark = pytest.mark.django_db
NOW = at("2026-10-20 09:00")
PAGES = ("account_customer", "account_months", "account_claims", "account_messages", "account_agreement")


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def contact() -> Contact:
    return a_customer(a_region(), "C-1").contacts.create(email="ada@example.com")


# Signing in


def test_the_link_asks_for_a_press_and_works_once(contact):
    asked("Ada@Example.com")
    mail_codes(now=NOW)
    link, scanner = link_in_mail(contact.email), Client()
    for method in (scanner.get, scanner.head):
        assert method(link).status_code == 200
    assert not AccountSession.objects.exists()
    client = Client()
    response = client.post(link)
    cookie = response.cookies["account_session"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/account/", True, "Lax")
    assert client.get("/account/")["Location"] == "/account/customers/C-1/"
    page = client.get("/account/customers/C-1/")
    assert (page.status_code, page["Cache-Control"]) == (200, "private, no-store")
    assert Client().post(link).status_code == Client().get(link).status_code == 410
    entry = Entry.objects.get(action="signed in")
    assert (entry.actor_name, entry.subject, entry.actor) == ("contact ada@example.com", "ada@example.com", None)
    assert cookie.value not in str(list(AccountSession.objects.values()))


def test_the_code_works_once_on_the_page_that_asked_for_it_and_five_wrong_ones_end_it(contact):
    page, other = asked(contact.email), asked(contact.email)
    mail_codes(now=NOW)
    right = code_in_mail(contact.email)
    assert Client().post(page, {"code": right}).status_code == 422
    for _try in range(4):
        assert Client().post(page, {"code": "0"}).status_code == 422
    assert Client().post(page, {"code": right}).status_code == 429
    assert Client().post(other, {"code": f"{right[:4]} {right[4:]}"})["Location"] == "/account/"
    assert Client().post(other, {"code": right}).status_code == 410


def test_nothing_shows_whether_an_address_is_on_record(contact):
    pages = [asked(email) for email in (contact.email, "nobody@example.com")]
    mail_codes(now=NOW)
    assert [one.email for one in Delivery.objects.all()] == [contact.email]
    known, unknown = (
        text_of(Client().post(page, {"code": "12345678"})).replace(email, "")
        for page, email in zip(pages, (contact.email, "nobody@example.com"), strict=True)
    )
    assert known == unknown


def test_requests_are_limited_for_an_address_from_a_place_and_altogether(contact, monkeypatch):
    def answers(count: int, email: str, place: str = "10.0.0.1") -> list[int]:
        ask = {"path": "/account/", "data": {"email": email}, "REMOTE_ADDR": place}
        return [Client().post(**ask).status_code for _ask in range(count)]

    assert answers(6, contact.email) == [302] * 5 + [429]
    assert answers(6, "nobody@example.com", "10.0.0.2") == [302] * 5 + [429]
    assert [answers(1, f"{number}@example.com")[0] for number in range(15)] == [302] * 14 + [429]
    monkeypatch.setattr(operations, "ALTOGETHER", SignInCode.objects.count())
    assert answers(1, "else@example.com", "10.0.0.3") == [429]


def test_codes_expire_and_sessions_end_by_time_sign_out_and_the_removal_of_the_contact(contact):
    page = asked(contact.email)
    mail_codes(now=NOW)
    code = code_in_mail(contact.email)
    with travel(at("2026-10-20 09:15"), tick=False):
        assert Client().post(page, {"code": code}).status_code == 410
    clients = [in_account(contact.email, NOW) for _browser in range(3)]
    clients[0].post(reverse("account_sign_out"))
    assert "Sign in" in text_of(clients[0].get("/account/"))
    with travel(at("2026-10-20 21:00"), tick=False):
        assert clients[1].get("/account/customers/C-1/")["Location"] == "/account/"
        forget_sign_ins(now=at("2026-10-20 21:00"))
        assert not AccountSession.objects.exists()
    last = in_account(contact.email, NOW)
    Contact.objects.filter(pk=contact.pk).update(email="eve@example.com")
    assert last.get("/account/customers/C-1/")["Location"] == "/account/"
    Contact.objects.all().delete()
    assert not AccountSession.objects.exists()
    assert not SignInCode.objects.filter(contact__isnull=False).exists()


def test_a_form_of_another_site_is_refused(contact):
    client = in_account(contact.email, NOW)
    assert client.post(reverse("account_sign_out"), headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.get("/account/customers/C-1/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_presses_at_once_one_signs_in(contact):
    assert two_presses(contact) == [False, True]
    assert AccountSession.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_only_looks_whether_it_was_used_signs_in_twice(contact, monkeypatch):
    monkeypatch.setattr(operations, "_take", lambda request, _now: request.used_at is None)
    assert two_presses(contact) == [True, True]


def two_presses(contact) -> list[bool]:
    asked(contact.email)
    mail_codes(now=NOW)
    shown = [SignInCode.objects.select_related("contact").get() for _browser in range(2)]
    done = at_once(*(lambda one=one: sign_in(request=one, now=NOW) for one in shown))
    return sorted(not isinstance(one, Refused) for one in done)


# Whose account


@pytest.fixture
def installer() -> Customer:
    installer = a_customer(a_region(), "I-1")
    installer.contacts.create(email="wall@example.com")
    for code in ("S-1", "S-2"):
        site = a_customer(a_region(), code, installer=installer)
        site.contacts.create(email=f"{code.lower()}@example.com")
    a_customer(a_region(), "C-9").contacts.create(email="other@example.com")
    return installer


@pytest.mark.parametrize("name", PAGES)
def test_who_opens_which_account(installer, name):
    seen = {
        "wall@example.com": {"I-1": 200, "S-1": 200, "S-2": 200, "C-9": 404},
        "s-1@example.com": {"I-1": 404, "S-1": 200, "S-2": 404, "C-9": 404},
        "other@example.com": {"I-1": 404, "S-1": 404, "S-2": 404, "C-9": 200},
        "": dict.fromkeys(("I-1", "S-1", "S-2", "C-9", "nobody"), 302),
    }
    for email, of_customers in seen.items():
        client = in_account(email, NOW) if email else Client()
        assert {code: client.get(reverse(name, args=[code])).status_code for code in of_customers} == of_customers


def test_what_belongs_to_another_customer_is_not_found(installer):
    of = a_claimant()
    a_missed_september()
    claim = a_claim(of)
    notice = Delivery.objects.filter(contact=of.contact).latest("pk").notice
    own = in_account(of.contact.email, NOW)
    other = in_account("other@example.com", NOW)
    for name, key in (("account_claim", claim.number), ("account_message", notice.number)):
        assert own.get(reverse(name, args=[of.customer.code, key])).status_code == 200
        assert other.get(reverse(name, args=["C-9", key])).status_code == 404
        assert other.get(reverse(name, args=[of.customer.code, key])).status_code == 404


def test_an_installer_chooses_among_its_sites(installer):
    client = in_account("wall@example.com", NOW)
    page = text_of(client.get("/account/"))
    assert all(f"({code})" in page for code in ("I-1", "S-1", "S-2")) and "C-9" not in page
    assert "(S-1)" not in text_of(client.get("/account/?q=S-2"))


def test_a_session_of_the_account_opens_no_page_of_the_desk_and_staff_no_account(contact):
    client, desk = in_account(contact.email, NOW), at_the_desk(a_member("Administrator"))
    cookie = client.cookies["account_session"].value
    # Sent by hand to where no browser sends it, and as the staff's own cookie
    for stolen in ("account_session", "sessionid"):
        thief = Client(headers={"cookie": f"{stolen}={cookie}"})
        answers = {page: thief.get(page) for page in pages_of_the_desk()}
        assert len(answers) > 50
        assert {page for page, one in answers.items() if "/admin/login/" not in one.get("Location", "")} == OPEN_TO_ALL
    assert "Sign in" in text_of(desk.get("/account/"))
    session = desk.cookies["sessionid"].value
    stolen = Client(headers={"cookie": f"account_session={session}"})
    assert stolen.get("/account/customers/C-1/")["Location"] == "/account/"


OPEN_TO_ALL = {"/admin/login/", "/admin/logout/"}


def pages_of_the_desk() -> set[str]:
    """The addresses of the desk that need no key of a record."""
    found, waiting = set(), list(admin.site.get_urls())
    while waiting:
        pattern = waiting.pop()
        waiting += getattr(pattern, "url_patterns", [])
        with suppress(NoReverseMatch):
            found.add(reverse(f"admin:{getattr(pattern, 'name', None)}"))
    return found


# What it shows


def test_a_press_at_a_breached_month_starts_its_claim_filled_in_and_confirmed():
    of = a_claimant()
    a_missed_september()
    close_september()
    client = in_account(of.contact.email, NOW)
    assert "September 2026: SLA breached" in text_of(client.get(reverse("account_customer", args=[of.customer.code])))
    form = client.post(reverse("account_start_claim", args=[of.customer.code, "2026-09"]))["Location"]
    assert form.endswith("/times/")
    application = Application.objects.get()
    assert (application.contact, application.contract, application.confirmed_at) == (of.contact, of.contract, NOW)
    assert client.get(form.replace("/times/", "/contract/")).content.count(of.contract.reference.encode())
    # For a contact without the right nothing begins.
    of.customer.contacts.create(email="boss@example.com", may_claim=True)
    assert "Claim for September" not in text_of(client.get(reverse("account_months", args=[of.customer.code])))
    refused = client.post(reverse("account_start_claim", args=[of.customer.code, "2026-09"]))
    assert refused.status_code == 403 and Application.objects.count() == 1


def test_the_reports_by_mail_are_chosen_and_recorded(contact):
    client = in_account(contact.email, NOW)
    for wanted in ("yes", "yes", "no", "perhaps"):
        client.post(reverse("account_reports_by_mail", args=["C-1"]), {"wanted": wanted})
    changes = Entry.objects.filter(action="changed").order_by("id").values_list("changes", flat=True)
    assert list(changes) == [{"reports_by_mail": [False, True]}, {"reports_by_mail": [True, False]}]


def test_the_export_has_all_of_the_customer_and_nothing_of_others_or_of_the_office():
    of, other = a_claimant(), a_claimant()
    a_missed_september()
    made = granted(a_claim(of), voucher_minutes=10)
    granted(a_claim(other), voucher_minutes=10)
    client = in_account(of.contact.email, NOW)
    response = client.post(reverse("account_export", args=[of.customer.code]))
    files = ZipFile(BytesIO(b"".join(response.streaming_content)))
    text = files.read("data.json").decode()
    data = json.loads(text)
    assert data["claims"][0]["number"] == made.claim.number and data["vouchers"][0]["code"] == made.voucher.code
    assert len(data["claims"]) == len(data["contracts"]) == 1 and data["ledger"] and data["messages"]
    assert {one["month"]: one["met"] for one in data["months"]}["2026-09"] is False
    for foreign in (other.customer.code, other.contact.email, other.contract.reference, "As the record says", "agent-"):
        assert foreign not in text
    assert Entry.objects.filter(action="downloaded the data of").count() == 1


def test_the_pages_ask_as_often_for_many_rows_as_for_few():
    of = a_claimant()
    a_missed_september()
    granted(a_claim(of), voucher_minutes=10)
    client = in_account(of.contact.email, NOW)

    def asked_for() -> dict[str, int]:
        found = {}
        for page in PAGES:
            client.get(reverse(page, args=[of.customer.code]))
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert client.get(reverse(page, args=[of.customer.code])).status_code == 200
            found[page] = len(queries)
        return found

    few = asked_for()
    for number in range(3):
        contract = a_contract(of.customer, "2026-01-01", "2026-12-31")
        contract.payments.create(reference=f"P-{number}", paid_on="2026-01-05", amount="490.00")
        of.customer.contacts.create(email=f"{number}@example.com")
        of.contract = contract
        granted(a_claim(of, closed=False), voucher_minutes=10)
    assert asked_for() == few
