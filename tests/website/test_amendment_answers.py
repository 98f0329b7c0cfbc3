"""A customer answers an amendment through the link in the mail: nothing by looking, everything twice asked."""

import logging

import pytest
import time_machine
from django.test import Client

from sla_portal.agreements.models import Answer
from sla_portal.audit.models import Entry
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery
from sla_portal.notices.private import token
from tests.support.amendments import ANNOUNCED, announced, legal, withdraw_version
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.desk import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(at("2026-06-10 04:00"), tick=False) as traveller:
        yield traveller


@pytest.fixture
def customer():
    customer = a_customer(a_region(), "C-1", name="Riverside Residences")
    Contact.objects.create(customer=customer, email="ann@example.com", name="Ann Lee")
    a_contract(customer, "2026-01-01", "2027-06-30", reference="K-1")
    return customer


@pytest.fixture
def version(customer):
    return announced()


@pytest.fixture
def address(version) -> str:
    return f"/agreement/answer/{token(Delivery.objects.get(notice=version.notice))}/"


def sent(client, address: str, **said):
    """Send a form and say yes to it; `/` ends what is read."""
    assert client.post(address, said).status_code == 200
    return client.post(address, {**said, "sure": "yes"})


def test_the_page_says_who_is_asked_what_changes_and_what_happens_if_nothing_is_done(client, address):
    words = text_of(client.get(address))
    for told in (
        "Riverside Residences", "ann@example.com", "2 July 2026, 00:00 in the SLA time zone", "The target rises.",
        "K-1, until 30 June 2027", "is deemed to have accepted version 2.0 (5.2)",
    ):  # fmt: skip
        assert told in words
    assert 'href="/agreement/1.0/2.0/"' in client.get(address).content.decode()


def test_looking_changes_nothing_however_it_is_asked(client, address):
    before = Entry.objects.count()
    for query in ("", "?act=object&by_name=Ann&sure=yes", "?act=end&by_name=Ann&sure=yes&last_day=2026-06-30"):
        assert client.get(address + query).status_code == 200
        assert client.head(address + query).status_code == 200
    assert client.put(address).status_code == 405
    assert not Answer.objects.exists()
    assert Entry.objects.count() == before


def test_an_objection_is_shown_once_more_and_then_put_on_record(client, address, customer):
    said = {"act": "object", "by_name": "Ann Lee", "text": "We do <b>not</b> agree."}
    asked = client.post(address, said)
    assert "Check your response" in text_of(asked)
    assert "We do &lt;b&gt;not&lt;/b&gt; agree." in asked.content.decode()
    assert not Answer.objects.exists()
    done = client.post(address, {**said, "sure": "yes"})
    assert (done.status_code, done["Location"]) == (303, address)
    answer = Answer.objects.get()
    assert (answer.kind, answer.by_name, answer.text) == ("objection", "Ann Lee", "We do <b>not</b> agree.")
    assert (answer.via, answer.delivery.email, answer.registered_by) == ("link", "ann@example.com", None)
    words = text_of(client.get(address))
    assert "Riverside Residences: objection to the amendment" in words
    assert "We record and read your objection" not in words
    assert customer.contracts.get().terminated_on is None


def test_ending_the_contract_shows_its_last_day_before_and_after(client, address, customer):
    said = {"act": "end", "by_name": "Ann Lee", "last_day": "2026-06-30"}
    assert "K-1: the last service day is 30 June 2026 instead of 30 June 2027." in text_of(client.post(address, said))
    assert customer.contracts.get().terminated_on is None
    client.post(address, {**said, "sure": "yes"})
    assert customer.contracts.get().terminated_on == on("2026-06-30")
    assert "termination; the last service day is 30 June 2026" in text_of(client.get(address))


def test_an_answer_is_taken_back_and_the_contract_runs_on(client, address, customer):
    sent(client, address, act="end", by_name="Ann Lee", last_day="2026-06-30")
    answer = Answer.objects.get()
    sent(client, address, act="take back", answer=str(answer.pk))
    answer.refresh_from_db()
    assert not answer.stands
    assert customer.contracts.get().terminated_on is None
    assert "withdrawn" in text_of(client.get(address))
    again = client.post(address, {"act": "take back", "answer": str(answer.pk), "sure": "yes"})
    assert again.status_code == 422
    assert "already withdrawn" in text_of(again)


def test_a_double_click_answers_once(client, address):
    said = {"act": "object", "by_name": "Ann Lee"}
    sent(client, address, **said)
    again = client.post(address, {**said, "sure": "yes"})
    assert again.status_code == 422
    assert "has already given this response" in text_of(again)
    assert Answer.objects.count() == 1


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"act": "\0"},
        {"act": "object"},
        {"act": "object", "by_name": " ", "sure": "yes"},
        {"act": "object", "by_name": "x" * 201, "sure": "yes"},
        {"act": "object", "by_name": "Ann\0", "sure": "yes"},
        {"act": "object", "by_name": "Ann", "text": "x" * 5001, "sure": "yes"},
        {"act": "object", "by_name": "Ann", "customer": "C-9", "sure": "yes"},
        {"act": "end", "by_name": "Ann", "sure": "yes"},
        {"act": "end", "by_name": "Ann", "last_day": "soon", "sure": "yes"},
        {"act": "end", "by_name": "Ann", "last_day": "2026-06-09", "sure": "yes"},
        {"act": "end", "by_name": "Ann", "last_day": "2026-07-02", "sure": "yes"},
        {"act": "end", "by_name": "Ann", "last_day": "9999-12-31", "sure": "yes"},
        {"act": "take back", "answer": "1", "sure": "yes"},
        {"act": "take back", "answer": "9" * 40, "sure": "yes"},
        {"act": "take back", "answer": "\0", "sure": "yes"},
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(client, address, customer, said):
    assert client.post(address, said).status_code == 422
    assert not Answer.objects.exists()
    assert customer.contracts.get().terminated_on is None


def test_an_answer_needs_the_page_it_was_given_on(address):
    strict = Client(enforce_csrf_checks=True)
    said = {"act": "object", "by_name": "Ann Lee", "sure": "yes"}
    assert strict.post(address, said).status_code == 403
    assert not Answer.objects.exists()
    strict.get(address)
    assert strict.post(address, {**said, "csrfmiddlewaretoken": strict.cookies["csrftoken"].value}).status_code == 303


@pytest.mark.parametrize("key", ["x", "1-" + "A" * 32, "1", "9" * 30 + "-" + "A" * 32, "%00", "..", "a b", "é"])
def test_a_key_that_is_nobodys_leads_nowhere(client, address, key):
    for response in (
        client.get(f"/agreement/answer/{key}/"),
        client.post(f"/agreement/answer/{key}/", {"sure": "yes"}),
    ):
        assert response.status_code == 404
        assert response["Cache-Control"] == "no-store"


def test_a_key_of_another_notice_leads_nowhere(client):
    from tests.support.public import an_announcement

    notice = an_announcement(when="2026-06-01 04:00")
    delivery = Delivery.objects.create(notice=notice, email="a@example.com", language="en", next_attempt_at=ANNOUNCED)
    assert client.get(f"/agreement/answer/{token(delivery)}/").status_code == 404


def test_once_the_version_has_taken_effect_it_can_no_longer_be_answered(client, address, today):
    sent(client, address, act="object", by_name="Ann Lee")
    today.move_to(at("2026-07-01 16:00"))
    for response in (client.get(address), client.post(address, {"act": "object", "by_name": "Ann", "sure": "yes"})):
        assert response.status_code == 410
        assert "took effect on 2 July 2026" in text_of(response)
        assert "objection to the amendment" in text_of(response)


def test_a_withdrawn_version_needs_no_answer(client, address, version):
    withdraw_version(actor=legal("bob"), version=version, reason="A mistake.", now=at("2026-06-09 04:00"))
    response = client.get(address)
    assert response.status_code == 410
    assert "Version 2.0 was withdrawn" in text_of(response)


def test_who_terminated_because_of_a_withdrawn_version_keeps_the_contract_by_the_link(
    client, address, version, customer
):
    sent(client, address, act="end", by_name="Ann Lee", last_day="2026-06-30")
    withdraw_version(actor=legal("bob"), version=version, reason="A mistake.", now=at("2026-06-10 04:00"))
    link = f"/agreement/answer/{token(Delivery.objects.get(notice=version.withdrawal_notice))}/"
    for looked in (client.get(link), client.get(f"{link}?act=keep&by_name=Ann")):
        assert "K-1: the last service day is 30 June 2026." in text_of(looked)
    assert client.post(link, {"act": "keep", "by_name": " "}).status_code == 422
    assert customer.contracts.get().terminated_on == on("2026-06-30")
    assert client.post(link, {"act": "keep", "by_name": "Ann Lee"}).status_code == 303
    assert customer.contracts.get().terminated_on is None
    assert "K-1 continues as it was: Ann Lee agreed." in text_of(client.get(link))
    assert client.post(link, {"act": "keep", "by_name": "Ann Lee"}).status_code == 410


def test_an_acceptance_is_put_on_record_with_its_address(client, address):
    sent(client, address, act="accept", by_name="Ann Lee")
    answer = Answer.objects.get()
    assert (answer.kind, answer.by_name, answer.email) == ("acceptance", "Ann Lee", "ann@example.com")
    words = text_of(client.get(address))
    assert "Riverside Residences: acceptance of the amendment" in words
    assert "Current status accepted" in words
    assert "We record who accepted" not in words
    assert client.post(address, {"act": "accept", "by_name": "Ann Lee", "sure": "yes"}).status_code == 422


def test_an_address_taken_off_record_answers_for_nobody(client, address):
    Contact.objects.all().delete()
    response = client.get(address)
    assert response.status_code == 410
    assert "ann@example.com no longer belongs to a customer" in text_of(response)


def test_an_address_of_two_customers_says_for_whom_it_answers(client, customer):
    other = a_customer(a_region(), "C-2", name="Hillside")
    Contact.objects.create(customer=other, email="ann@example.com", name="Ann Lee")
    a_contract(other, "2026-01-01", "2027-06-30", reference="K-2")
    address = f"/agreement/answer/{token(Delivery.objects.get(notice=announced().notice))}/"
    assert client.post(address, {"act": "object", "by_name": "Ann"}).status_code == 422
    sent(client, address, act="end", by_name="Ann", customer="C-2", last_day="2026-07-01")
    assert Answer.objects.get().customer == other
    assert customer.contracts.get().terminated_on is None


def test_an_installer_with_many_customers_asks_no_more_of_the_database(client, customer, django_assert_max_num_queries):
    for number in range(60):
        other = a_customer(a_region(), f"C-{number + 10}", name=f"House {number}")
        Contact.objects.create(customer=other, email="ann@example.com", name="Ann Lee")
        a_contract(other, "2026-01-01", "2027-06-30")
    address = f"/agreement/answer/{token(Delivery.objects.get(notice=announced().notice))}/"
    client.get("/verify/")  # asks what is asked for all pages together, every few seconds
    with django_assert_max_num_queries(8):
        words = text_of(client.get(address))
    assert words.count("and others, 61 in total") == 2


def test_a_customer_whose_contract_runs_out_is_told_that_nothing_applies(client):
    customer = a_customer(a_region(), "C-1")
    Contact.objects.create(customer=customer, email="ann@example.com", name="Ann Lee")
    a_contract(customer, "2026-01-01", "2026-06-30", reference="K-1")
    address = f"/agreement/answer/{token(Delivery.objects.get(notice=announced().notice))}/"
    words = text_of(client.get(address))
    assert "version 2.0 does not apply to you" in words
    assert "Terminate the contract" not in words


def test_the_page_is_kept_by_nobody_and_its_address_named_to_nobody(client, address):
    page = client.get(address)
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "strict-origin"
    assert page["X-Robots-Tag"] == "noindex, nofollow"
    head = page.content.decode().partition("</head>")[0]
    assert address not in head
    links = [part.partition('"')[0] for part in page.content.decode().split('href="')[1:]]
    assert not [link for link in links if "answer" in link]


def test_a_log_line_leaves_the_key_out(client, address, today, caplog):
    from django.conf import settings

    from sla_portal.website.logs import WithoutKeys

    assert settings.LOGGING["handlers"]["stderr"]["filters"] == ["without keys"]
    key = address.split("/")[3]
    today.move_to(at("2026-07-02 00:00"))
    caplog.handler.addFilter(WithoutKeys())
    with caplog.at_level(logging.INFO):
        assert client.get(address).status_code == 410
        assert client.get(f"/claims/{key}/nothing/").status_code == 404
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert not [line for line in told if key in line]


# An installer, for its sites


@pytest.fixture
def sites():
    installer = a_customer(a_region(), "I-1", name="Wall & Sons")
    Contact.objects.create(customer=installer, email="wall@example.com", name="Ann Wall")
    for code in ("S-1", "S-2", "S-3"):
        site = a_customer(a_region(), code, name=f"House {code}", installer=installer)
        a_contract(site, "2026-01-01", "2027-06-30", reference=f"K-{code}")
    Contact.objects.create(customer=site, email="boss@example.com", may_terminate=True)
    return f"/agreement/answer/{token(announced().notice.deliveries.get(email='wall@example.com'))}/"


def test_an_installer_responds_for_the_sites_it_ticks_and_then_for_all_that_are_left(client, sites, today):
    words = text_of(client.get(sites))
    assert "no response yet: 3 (House S-1, House S-2, House S-3)" in words
    assert "For your other customers only authorised contacts may terminate contracts: boss@example.com." in words
    said = {"act": "end", "by_name": "Ann", "last_day": "2026-07-01"}
    assert "Choose items from the list." in text_of(client.post(sites, said))
    check = text_of(client.post(sites, {**said, "customer": ["S-1"]}))
    assert "K-S-1: the last service day is 1 July 2026" in check and "K-S-2" not in check
    sent(client, sites, **said, customer=["S-1"])
    refused = client.post(sites, {**said, "customer": ["S-3"], "sure": "yes"})
    assert refused.status_code == 422 and "only authorised contacts may terminate" in text_of(refused)
    sent(client, sites, act="object", by_name="Ann", customer=["*"])
    answers = {(one.customer.code, one.kind) for one in Answer.objects.all()}
    assert answers == {("S-1", "termination"), *((code, "objection") for code in ("S-1", "S-2", "S-3"))}
    assert "terminated: 1 (House S-1); objected: 2 (House S-2, House S-3)" in text_of(client.get(sites))
    today.move_to(at("2026-07-02 04:00"))
    closed = text_of(client.get(sites))
    # 5.2: in the words that Legal reads
    assert "objected, continues under the new version: 2 (House S-2, House S-3)" in closed
