"""Nothing typed is lost, and nothing is saved twice: forms of the staff pages without a session, expired and sent again."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incidents.models import Incident, Update
from sla_portal.customers.models import Customer
from sla_portal.staff.models import Submission
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.desk import PASSWORD, a_member, page_of, signed_in, text_of

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
    from django.core.files.uploadedfile import SimpleUploadedFile

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
    answer = client.post(action, {"end": "typed", **again})
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
    from sla_portal.agreements.models import AgreementVersion
    from tests.support.amendments import a_draft

    client = signed_in(a_member("Legal", "lena"))
    draft = a_draft()
    address = reverse("admin:discard_amendment", args=[draft.pk])
    typed = form_of(client, reverse("admin:amendment", args=[draft.pk]), address)
    assert client.post(address, typed | {"reason": ""}).status_code == 302
    client.post(address, typed | {"reason": "Not wanted"})
    assert not AgreementVersion.objects.filter(pk=draft.pk).exists()


def test_a_form_whose_outcome_is_unknown_is_not_sent_again_unasked(incident, nora):
    """As after a power cut between the record and the note that it was saved."""
    client = signed_in(nora)
    typed = an_update(client, incident)
    from sla_portal.staff.sending import SALT
    from django.core import signing

    key = signing.loads(typed["desk_form"], salt=SALT)[2]
    Submission.objects.create(key=key, at=timezone.now() - timedelta(minutes=6), location="")
    answer = client.post(reverse("admin:update_incident", args=[incident.pk]), typed)
    assert answer.url == page_of(incident)
    page = client.get(answer.url)
    assert "it is not known whether it was saved" in text_of(page)
    assert value_of(page.content.decode(), "text") == TEXT
    assert not Update.objects.exists()
