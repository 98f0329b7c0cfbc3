"""Nothing typed is lost, and nothing is saved twice: forms of the staff pages without a session, expired and sent again."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from threading import Barrier
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incidents.models import Update
from sla_portal.agreements.models import AgreementVersion, RegisterEntry
from sla_portal.customers.models import Customer
from sla_portal.kernel.intervals import epoch
from sla_portal.staff.models import Submission
from tests.support.amendments import a_draft
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, an_outage, at
from tests.support.desk import PASSWORD, a_member, page_of, rows_on_record, signed_in, text_of

pytestmark = pytest.mark.django_db
TEXT = 'Gateway lost,\n"two" zones <down> & 客户端'


def form_of(client: Client, address: str, action: str = "", **typed) -> dict[str, str]:
    """The hidden fields of the form of a page that is sent to `action`, with what is typed."""
    page = client.get(address).content.decode()
    forms = re.findall(r"<form\b.*?</form>", page, re.DOTALL)
    form = next(
        one
        for one in forms
        if 'method="post"' in one
        and (f'action="{action}"' in one if action else 'id="logout' not in one and "i18n" not in one)
    )
    hidden = dict(re.findall(r'<input (?:type="hidden"|class="zone") name="([^"]+)" value="([^"]*)"', form))
    return {name: unescape(value) for name, value in hidden.items()} | typed


def value_of(page: str, name: str) -> str:
    found = re.search(rf'<textarea[^>]* name="{name}"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    assert found, name
    return unescape(found[1])


@pytest.fixture
def incident():
    incident = an_incident("INC-7", title="Gateway lost")
    an_outage(a_region(), "2026-09-10 01:00", None, incident=incident)
    return incident


@pytest.fixture
def nora():
    return a_member("NOC", "nora")


def an_update(client, incident, **typed) -> dict[str, str]:
    typed = {"text": TEXT, "audience": "internal", **typed}
    return form_of(client, page_of(incident), reverse("admin:update_incident", args=[incident.pk]), **typed)


def sign_in(client, name, following):
    return client.post(reverse("admin:login"), {"username": name, "password": PASSWORD, "next": following})


# Signing in again


def test_who_signs_in_again_lands_on_the_page_with_the_text_in_it_and_nothing_was_sent(incident, nora):
    client = signed_in(nora)
    typed = an_update(client, incident)
    client.cookies.pop(settings.SESSION_COOKIE_NAME)
    asked = client.post(reverse("admin:update_incident", args=[incident.pk]), typed)
    assert asked.url == f"{reverse('admin:login')}?next={page_of(incident)}"
    assert "What you typed is kept" in text_of(client.get(asked.url))
    landed = sign_in(client, "nora", page_of(incident))
    assert landed.url == page_of(incident)
    assert not Update.objects.exists()
    page = client.get(landed.url)
    assert "You were signed in again; nothing was sent yet." in text_of(page)
    assert value_of(page.content.decode(), "text") == TEXT
    assert not Update.objects.exists()
    # Sent now, it is saved; and the text is offered only once.
    client.post(reverse("admin:update_incident", args=[incident.pk]), an_update(client, incident))
    assert Update.objects.get().text == TEXT
    assert "nothing was sent yet" not in text_of(client.get(page_of(incident)))


def test_another_user_does_not_see_what_was_typed(incident, nora):
    client = signed_in(nora)
    typed = an_update(client, incident)
    client.cookies.pop(settings.SESSION_COOKIE_NAME)
    client.post(reverse("admin:update_incident", args=[incident.pk]), typed)
    a_member("NOC", "otto")
    sign_in(client, "otto", page_of(incident))
    page = client.get(page_of(incident))
    assert "typed by another user and is not shown" in text_of(page)
    assert "two" not in value_of(page.content.decode(), "text")
    client.post(reverse("admin:logout"))
    sign_in(client, "nora", page_of(incident))
    assert value_of(client.get(page_of(incident)).content.decode(), "text") == ""


@pytest.mark.parametrize("forged", ["", "x", "a:b:c"])
def test_a_form_that_was_not_made_here_is_not_kept(incident, nora, forged):
    client = Client()
    client.post(reverse("admin:update_incident", args=[incident.pk]), {"text": TEXT, "desk_form": forged})
    sign_in(client, "nora", page_of(incident))
    assert value_of(client.get(page_of(incident)).content.decode(), "text") == ""


def test_a_form_of_an_earlier_session_is_kept_by_the_token_check_too(incident, nora):
    client = Client(enforce_csrf_checks=True)
    client.force_login(nora)
    typed = an_update(client, incident)
    token = form_of(client, page_of(incident))["csrfmiddlewaretoken"]
    other = "".join(reversed(token))
    answer = client.post(reverse("admin:update_incident", args=[incident.pk]), typed | {"csrfmiddlewaretoken": other})
    assert answer.url == page_of(incident)
    page = client.get(answer.url)
    assert "The page was out of date; nothing was sent yet." in text_of(page)
    assert value_of(page.content.decode(), "text") == TEXT
    assert not Update.objects.exists()


def test_a_form_from_another_site_is_refused_though_its_field_is_ours(incident, nora):
    client = Client(enforce_csrf_checks=True)
    client.force_login(nora)
    answer = client.post(
        reverse("admin:update_incident", args=[incident.pk]), an_update(client, incident),
        headers={"origin": "https://elsewhere.example"},
    )  # fmt: skip
    assert answer.status_code == 403
    assert value_of(client.get(page_of(incident)).content.decode(), "text") == ""


def test_passwords_are_not_kept(nora):
    client = signed_in(a_member("Administrator", "ada"))
    address = reverse("admin:auth_user_add")
    typed = form_of(client, address, username="new", first_name="New", password1="a secret of nobody", password2="x")
    client.cookies.pop(settings.SESSION_COOKIE_NAME)
    client.post(address, typed)
    assert "a secret of nobody" not in str(client.session["typed"])
    sign_in(client, "ada", address)
    page = client.get(address).content.decode()
    assert 'value="New"' in page
    assert "a secret of nobody" not in page


def test_files_are_named_because_they_cannot_be_kept(incident, nora):
    client = signed_in(nora)
    typed = an_update(client, incident, file=SimpleUploadedFile("gateway.log", b"x"))
    client.cookies.pop(settings.SESSION_COOKIE_NAME)
    client.post(reverse("admin:update_incident", args=[incident.pk]), typed)
    sign_in(client, "nora", page_of(incident))
    assert "Files cannot be kept. Choose them again: gateway.log." in text_of(client.get(page_of(incident)))


def test_what_is_very_long_is_said_not_to_be_kept(incident, nora):
    client = signed_in(nora)
    typed = an_update(client, incident, text="x" * 600_000)
    client.cookies.pop(settings.SESSION_COOKIE_NAME)
    client.post(reverse("admin:update_incident", args=[incident.pk]), typed)
    sign_in(client, "nora", page_of(incident))
    assert "The text was too long to be kept." in text_of(client.get(page_of(incident)))


def test_a_time_is_the_same_instant_though_the_new_session_has_another_zone(incident, nora):
    client = signed_in(nora)
    client.post(reverse("admin:clock"), {"zone": "America/New_York"})
    action = reverse("admin:resolve_incident", args=[incident.pk])
    typed = form_of(client, page_of(incident), action, end="typed", end_at_0="2026-09-10", end_at_1="06:00:00")
    client.cookies.pop(settings.SESSION_COOKIE_NAME)
    client.post(action, typed)
    sign_in(client, "nora", page_of(incident))
    page = client.get(page_of(incident)).content.decode()
    assert 'name="end_at_2" value="America/New_York"' in page
    again = dict(re.findall(r'<input[^>]* name="(end_at_\d)"[^>]* value="([^"]*)"', page))
    previewed = f"{epoch(at('2026-09-10 10:00'))},"
    answer = client.post(action, {"end": "typed", "previewed": previewed, **again})
    assert answer.status_code == 302, (again, text_of(answer))
    incident.refresh_from_db()
    assert incident.resolved_at == at("2026-09-10 10:00")


def test_what_a_page_has_no_field_for_is_shown_to_be_copied(incident, nora):
    client = signed_in(nora)
    typed = an_update(client, incident)
    client.cookies.pop(settings.SESSION_COOKIE_NAME)
    client.post(reverse("admin:update_incident", args=[incident.pk]), typed | {"former_field": "My words"})
    sign_in(client, "nora", page_of(incident))
    page = text_of(client.get(page_of(incident)))
    assert "The form has no field now for what you typed here." in page
    assert "My words" in page


def test_a_page_that_is_gone_still_shows_what_was_typed(incident, nora):
    client = signed_in(nora)
    typed = an_update(client, incident)
    client.cookies.pop(settings.SESSION_COOKIE_NAME)
    client.post(reverse("admin:update_incident", args=[incident.pk]), typed)
    nora.groups.clear()
    sign_in(client, "nora", page_of(incident))
    page = client.get(page_of(incident))
    assert "The page on which you typed this cannot take it now." in text_of(page)
    assert "two" in page.content.decode()


def test_a_form_for_a_record_that_is_gone_meanwhile_shows_what_was_typed(nora):
    """A draft of an amendment on its own page, and a contact in a form of the admin."""
    legal = a_member("Legal", "lea")
    draft, contact = a_draft(), a_customer(a_region()).contacts.create(email="ops@example.com", name="Ann")
    ada = signed_in(a_member("Administrator", "ada"))
    for client, address, typed in (
        (signed_in(legal), reverse("admin:amendment", args=[draft.pk]), {"summary_of_changes": "My words"}),
        (ada, reverse("admin:customers_contact_change", args=[contact.pk]), {"name": "My words"}),
    ):
        sent = form_of(client, address) | typed
        (draft if "amendment" in address else contact).delete()
        answer = client.post(address, sent)
        assert (answer.status_code, answer.url) == (302, address)
        page = client.get(address)
        assert "The record to which you sent this does not exist any more; nothing was saved." in text_of(page)
        assert "My words" in page.content.decode()
    assert Submission.objects.count() == 0


# Sent again


def test_a_form_sent_twice_leads_to_the_same_record(nora):
    client = signed_in(a_member("Administrator", "ada"))
    region = a_region()
    address = reverse("admin:customers_customer_add")
    counts = {
        f"contacts-{name}_FORMS": n for name, n in (("TOTAL", 0), ("INITIAL", 0), ("MIN_NUM", 0), ("MAX_NUM", 1000))
    }
    typed = form_of(client, address, code="C-1", name="Acme", region=region.pk, language="en", **counts)
    first = client.post(address, typed)
    assert first.status_code == 302, text_of(first)
    second = client.post(address, typed)
    assert second.url == first.url
    assert Customer.objects.count() == 1
    assert "This form was saved already. It was not saved a second time." in text_of(client.get(second.url))


def test_a_form_changed_after_it_was_saved_is_asked_about_and_not_lost(incident, nora):
    client = signed_in(nora)
    typed = an_update(client, incident)
    address = reverse("admin:update_incident", args=[incident.pk])
    client.post(address, typed)
    again = client.post(address, typed | {"text": "Another sentence"})
    assert again.url == page_of(incident)
    page = client.get(again.url)
    assert "This form was saved already." in text_of(page)
    assert value_of(page.content.decode(), "text") == "Another sentence"
    assert Update.objects.count() == 1


def test_a_refused_form_may_be_sent_again_corrected(incident, nora):
    client = signed_in(nora)
    typed = an_update(client, incident)
    address = reverse("admin:update_incident", args=[incident.pk])
    assert "errorlist" in client.post(address, typed | {"text": ""}).content.decode()
    assert client.post(address, typed).status_code == 302
    assert Update.objects.count() == 1


def test_a_form_refused_by_an_error_message_may_be_sent_again(nora):
    client = signed_in(a_member("Legal", "lena"))
    draft = a_draft()
    address = reverse("admin:discard_amendment", args=[draft.pk])
    typed = form_of(client, reverse("admin:amendment", args=[draft.pk]), address)
    assert client.post(address, typed | {"reason": ""}).status_code == 302
    client.post(address, typed | {"reason": "Not wanted"})
    assert not AgreementVersion.objects.filter(pk=draft.pk).exists()


def test_a_refusal_that_leads_back_to_the_page_keeps_what_was_typed():
    contact = a_customer(a_region(), "C-1").contacts.create(email="ann@example.com")
    client = signed_in(a_member("Administrator"))
    address = reverse("admin:customers_contact_delete", args=[contact.pk])
    answer = client.post(address, form_of(client, address, why="Left \u200bthe customer"))
    page = client.get(answer.url)
    assert "U+200B" in text_of(page)
    assert value_of(page.content.decode(), "why") == "Left \u200bthe customer"


def test_a_form_whose_outcome_is_unknown_is_not_sent_again_unasked(incident, nora):
    """As after a power cut between the record and the note that it was saved."""
    client = signed_in(nora)
    typed = an_update(client, incident)
    from django.core import signing

    from sla_portal.staff.sending import SALT

    key = signing.loads(typed["desk_form"], salt=SALT)[2]
    Submission.objects.create(key=key, at=timezone.now() - timedelta(minutes=6), location="")
    answer = client.post(reverse("admin:update_incident", args=[incident.pk]), typed)
    assert answer.url == page_of(incident)
    page = client.get(answer.url)
    assert "it is not known whether it was saved" in text_of(page)
    assert value_of(page.content.decode(), "text") == TEXT
    assert not Update.objects.exists()


# Every form


def inlines(*prefixes: str, **rows: dict[str, str]) -> dict[str, str]:
    sent = {}
    for prefix in prefixes:
        row = rows.get(prefix)
        counts = {"TOTAL": int(bool(row)), "INITIAL": 0, "MIN_NUM": 0, "MAX_NUM": 100}
        sent |= {f"{prefix}-{name}_FORMS": number for name, number in counts.items()}
        sent |= {f"{prefix}-0-{name}": value for name, value in (row or {}).items()}
    return sent


def everything() -> dict[str, object]:
    region = a_region("eu")
    customer = a_customer(region, "C-1")
    incident = an_incident("INC-1")
    an_outage(region, "2026-09-10 01:00", "2026-09-10 01:10", incident=incident)
    return {
        "region": region.pk,
        "customer": customer.pk,
        "contract": a_contract(customer, "2026-01-01", "2027-12-31", reference="K-1").pk,
        "incident": incident.pk,
        "exclusion": an_exclusion(incident, status="proposed").pk,
    }


NOTHING: dict[str, object] = {}
IN_TEN_DAYS = f"{timezone.now() + timedelta(days=10):%Y-%m-%d}"
CREATING = {
    "an incident": (
        "NOC",
        "log_outage",
        [],
        "",
        lambda pk: {
            "regions": [pk["region"]],
            "what": "everything",
            "since": "now",
            "over": "no",
            "source": "monitoring",
            "duplicate_of": "new",
        },
    ),
    "an outage": (
        "NOC",
        "incident_page",
        ["incident"],
        "add_outage",
        lambda pk: {"regions": [pk["region"]], "what": "everything", "since": "now", "over": "no"},
    ),
    "an update": (
        "NOC",
        "incident_page",
        ["incident"],
        "update_incident",
        lambda _pk: {"text": "Seen", "audience": "internal"},
    ),
    "an exclusion": (
        "NOC",
        "incident_page",
        ["incident"],
        "propose_exclusion",
        lambda _pk: {"clause": "4.10", "stretch": "whole", "reason": "A flood"},
    ),
    "evidence": (
        "NOC",
        "incident_page",
        ["incident"],
        "add_evidence",
        lambda _pk: {"file": SimpleUploadedFile("log.txt", b"02:00 lost")},
    ),
    "a window": (
        "NOC",
        "maintenance_maintenancewindow_add",
        [],
        "",
        lambda _pk: {
            "title": "Upgrade",
            "kind": "upgrade",
            "starts_at_0": IN_TEN_DAYS,
            "starts_at_1": "01:00",
            "ends_at_0": IN_TEN_DAYS,
            "ends_at_1": "02:00",
            "regions": ["all"],
            "functions": ["all"],
            "clients": ["all"],
        },
    ),
    "a customer": (
        "Administrator",
        "customers_customer_add",
        [],
        "",
        lambda pk: {
            "code": "C-9",
            "name": "Acme",
            "region": pk["region"],
            "language": "en",
            **inlines("contacts", contacts={"email": "ann@example.com"}),
        },
    ),
    "a contact": (
        "Administrator",
        "customers_contact_add",
        [],
        "",
        lambda pk: {"customer": pk["customer"], "email": "ann@example.com", "name": "Ann"},
    ),
    "a contract": (
        "Administrator",
        "agreements_contract_add",
        [],
        "",
        lambda pk: {
            "customer": pk["customer"],
            "reference": "K-9",
            "starts_on": "2026-01-01",
            "ends_on": "2027-01-01",
            "monthly_charge": "49",
            "currency": "EUR",
            "trial_days": "0",
            **inlines("suspensions", "payments"),
        },
    ),
    "a payment": (
        "Administrator",
        "agreements_contract_change",
        ["contract"],
        "",
        lambda pk: {
            "customer": pk["customer"],
            "reference": "K-1",
            "starts_on": "2026-01-01",
            "ends_on": "2027-12-31",
            "monthly_charge": "49",
            "currency": "EUR",
            "trial_days": "0",
            "why": "Paid",
            **inlines(
                "suspensions", "payments", payments={"reference": "P-9", "paid_on": "2026-02-01", "amount": "49"}
            ),
        },
    ),
    "a user": (
        "Administrator",
        "auth_user_add",
        [],
        "",
        lambda _pk: {
            "username": "new",
            "usable_password": "true",
            "password1": "a desk of one's own",
            "password2": "a desk of one's own",
        },
    ),
    "a draft": ("Legal", "amendments", [], "start_amendment", lambda _pk: {"version": "7.0"}),
    "a register entry": (
        "Legal",
        "add_register_entry",
        [],
        "",
        lambda _pk: {
            "clause": "4.1",
            "matter": "reading",
            "term": "",
            "question": "How long?",
            "question_zh": "多长？",
            "answer": "Any.",
            "why": "None is named.",
        },
    ),
    "reports": ("Legal", "month", [], "issue_reports", lambda _pk: {"region": "eu"}),
}


@pytest.mark.parametrize("what", CREATING)
def test_whatever_a_form_creates_is_created_once(what):
    role, page, arguments, action, facts = CREATING[what]
    pk = everything()
    client = signed_in(a_member(role))
    month = ["2026-09", "region", "eu"] if page == "month" else None
    address = reverse(f"admin:{page}", args=month or [pk[name] for name in arguments])
    of = {"add_evidence": [pk["exclusion"]], "issue_reports": ["2026-09"]}.get(action, [pk[name] for name in arguments])
    target = reverse(f"admin:{action}", args=of if action != "start_amendment" else []) if action else ""
    origin = {name: value for name, value in form_of(client, address).items() if name == "desk_form"}
    typed = {"key": str(uuid4()), **facts(pk)} | origin
    if page == "maintenance_maintenancewindow_add":
        typed["reference"] = "MW-9"
    before = rows_on_record()
    first = client.post(target or address, typed)
    assert first.status_code == 302, text_of(first)
    once = rows_on_record()
    assert once != before
    if "file" in typed:
        typed["file"].seek(0)
    # The second is sent with another key of the inner form, as if only the outer one held.
    second = client.post(target or address, typed | {"key": str(uuid4())})
    assert second.url == first.url
    assert rows_on_record() == once


@pytest.mark.sqlite
def test_every_form_of_the_staff_pages_says_where_it_was_made():
    from tests.drill.support.posts import forms_of

    everything()
    a_window(f"{IN_TEN_DAYS} 01:00", f"{IN_TEN_DAYS} 02:00")
    for role in ("NOC", "Support", "Legal", "Auditor", "Administrator"):
        forms = forms_of(signed_in(a_member(role)))
        assert forms
        assert [(form.page, form.action) for form in forms if "desk_form" not in form.offered] == []


# Two at once


def sent_at_once(client, address: str, typed: dict[str, str]) -> list[str]:
    together = Barrier(2)

    def send(_turn: int) -> str:
        other = Client()
        other.cookies = client.cookies
        try:
            together.wait()
            return other.post(address, typed).headers.get("Location", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        return [*both.map(send, range(2))]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["with its key", "its twin without a key"])
def test_of_two_at_once_the_second_waits_and_leads_to_the_first(guarded):
    """The twin has no key, and both are saved."""
    client = signed_in(a_member("Legal"))
    address = reverse("admin:add_register_entry")
    typed = form_of(client, address) | CREATING["a register entry"][4](NOTHING)
    if not guarded:
        del typed["desk_form"]
    before = RegisterEntry.objects.count()
    first, second = sent_at_once(client, address, typed)
    assert RegisterEntry.objects.count() - before == (1 if guarded else 2)
    assert (first == second) is guarded
