"""A window of more than 24 hours on the staff pages: requested by one person, confirmed by another."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from maintenance.models import AnnouncementRequest, MaintenanceWindow
from maintenance.operations import announce_window
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Notice
from tests.support.builders import a_contract, a_customer, a_region, a_window, at
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-01 08:00")
START, END, LONG_END = "2026-09-06 18:00", "2026-09-06 19:00", "2026-09-08 18:00"
WHY = "The archive is copied in one piece."


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def window() -> MaintenanceWindow:
    region = a_region("eu", name="Europe")
    customer = a_customer(region, "C-1", name="Hafen Residences")
    a_contract(customer, "2026-01-01", "2026-12-31")
    Contact.objects.create(customer=customer, email="ops@example.com")
    planned = a_window(START, END, reference="MW-7")
    planned.regions.set([region])
    return planned


@pytest.fixture
def ada() -> Client:
    return signed_in(a_member("NOC", "ada"))


@pytest.fixture
def bob() -> Client:
    return signed_in(a_member("NOC", "bob"))


def typed(start: str, end: str, reason: str = "") -> dict[str, str]:
    form = {"show": "1", "reason": reason}
    for name, text in (("starts_at", start), ("ends_at", end)):
        local = at(text) + timedelta(hours=8)
        form |= {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}
    return form


def to_send(response) -> dict[str, str]:
    form = response.content.decode().split('class="send"')[1].split("</form>")[0]
    hidden = dict(re.findall(r'name="(\w+)"(?: value="([^"]*)")?', form))
    return {name: hidden[name] for name in hidden if name != "csrfmiddlewaretoken"} | {"send": "1"}


def asked(client: Client, window: MaintenanceWindow, end: str = LONG_END) -> AnnouncementRequest:
    url = reverse("admin:announce_window", args=[window.pk])
    shown = client.post(url, typed(START, end, "New storage"))
    sent = client.post(url, to_send(shown) | {"why": WHY}, follow=True)
    assert "Requested. Nothing is announced until another person confirms it" in text_of(sent)
    return AnnouncementRequest.objects.latest("pk")


def page_of(request: AnnouncementRequest, name: str = "confirm_announcement") -> str:
    return reverse(f"admin:{name}", args=[request.window_id, request.pk])


def home(client: Client) -> str:
    return text_of(client.get(reverse("admin:index")))


def test_more_than_24_hours_are_requested_shown_to_a_second_person_and_announced(window, ada, bob):
    url = reverse("admin:announce_window", args=[window.pk])
    shown = ada.post(url, typed(START, LONG_END, "New storage"))
    assert "a second person must confirm it" in text_of(shown)
    assert "Send notice to customers" not in text_of(shown)
    unexplained = ada.post(url, to_send(shown))
    assert unexplained.status_code == 422
    assert unexplained.context["send"].errors == {"why": ["Enter a reason."]}
    # The period and the reason stay, in the preview and in the form below it.
    assert to_send(unexplained)["ends"] == to_send(shown)["ends"]
    assert "New storage" in text_of(unexplained)
    assert 'value="2026-09-09"' in unexplained.content.decode()
    request = asked(ada, window)
    assert not Notice.objects.exists()

    page = text_of(ada.get(reverse("admin:maintenance_window", args=[window.pk])))
    assert "Announcement pending confirmation" in page
    assert WHY in page
    assert "Draft: downtime counts until the window is announced" in page
    own = text_of(ada.get(page_of(request)))
    assert "You requested this announcement. Another person must confirm it." in own
    assert "Confirm and notify" not in own
    refused = ada.post(page_of(request), {"key": uuid4()})
    assert refused.status_code == 422
    assert "Another person must confirm it." in text_of(refused)

    text = text_of(bob.get(page_of(request)))
    for said in (WHY, "2026-09-09 02:00 Shanghai", "1 address", "ops@example.com", "Confirm and notify 1 address",
                 "Excluded under 4.1 2 d", "Scheduled maintenance MW-7", "New storage"):  # fmt: skip
        assert said in text
    form = {"key": uuid4(), "reason": "Checked"}
    done = bob.post(page_of(request), form, follow=True)
    assert "Confirmed. The notice is published" in text_of(done)
    assert "Starts in 5 d 10 h, announced 130 h in advance" in text_of(done)
    assert "Requests for more than 24 hours" in text_of(done)
    assert "Checked" in text_of(done)
    bob.post(page_of(request), form)
    assert Notice.objects.count() == 1
    assert Entry.objects.filter(action="confirmed the announcement of", reason="Checked").count() == 1
    # Decided, its page leads to the window's.
    assert bob.get(page_of(request)).url == reverse("admin:maintenance_window", args=[window.pk])


def test_a_pending_request_stands_on_the_homes_of_those_who_can_confirm_it(window, ada, bob):
    asked(ada, window)
    legal, support = signed_in(a_member("Legal")), signed_in(a_member("Support"))
    for client in (bob, legal):
        assert "Maintenance announcements pending confirmation MW-7" in home(client)
        assert "pending your confirmation" in home(client)
    assert "pending confirmation" in home(ada)
    assert "pending your confirmation" not in home(ada)
    assert "Maintenance announcements" not in home(support)
    bob.post(page_of(AnnouncementRequest.objects.get()), {"key": uuid4()})
    assert "Maintenance announcements" not in home(legal)


def test_a_request_is_withdrawn_or_sent_back_with_a_reason(window, ada, bob):
    for client, name, word, said in (
        (ada, "withdraw_announcement", "Withdraw request", "withdrawn"),
        (bob, "return_announcement", "Send back", "sent back"),
    ):
        request = asked(ada, window)
        assert word in text_of(client.get(page_of(request)))
        url = page_of(request, name)
        refused = client.post(url, {"key": uuid4(), "reason": " "})
        assert refused.status_code == 422
        assert "Enter a reason." in text_of(refused)
        done = text_of(client.post(url, {"key": uuid4(), "reason": "Two windows instead"}, follow=True))
        assert f"{said.capitalize()}. Nothing was announced." in done
        assert "Two windows instead" in done
        again = client.post(url, {"key": uuid4(), "reason": "again"}, follow=True)
        assert f"This request is not pending any more: {said}. Nothing was sent." in text_of(again)
    assert not Notice.objects.exists()


def test_what_is_confirmed_is_what_was_shown(window, ada, bob):
    """While it waits, the draft is not edited; another notice supersedes it, and its button announces nothing."""
    request = asked(ada, window)
    change = reverse("admin:maintenance_maintenancewindow_change", args=[window.pk])
    edited = ada.post(change, {"title": "Another upgrade", "why": "A slip"}, follow=True)
    assert "waits for confirmation. Withdraw the request to change it." in text_of(edited)
    window.refresh_from_db()
    assert window.title == "Database upgrade"
    assert "Another notice supersedes that request." in text_of(
        ada.get(reverse("admin:announce_window", args=[window.pk]))
    )
    actor = Actor.staff(User.objects.get(username="ada"))
    announce_window(actor=actor, window=window, starts_at=at(START), ends_at=at(END), now=NOW)
    late = bob.post(page_of(request), {"key": uuid4()}, follow=True)
    assert "This request is not pending any more: superseded by another change of the window." in text_of(late)
    assert Notice.objects.count() == 1


def test_extending_over_24_hours_is_requested_too(window, ada, clock):
    announce_window(
        actor=Actor.system("test"), window=window, starts_at=at(START), ends_at=at(START) + timedelta(hours=24), now=NOW
    )
    url = reverse("admin:extend_window", args=[window.pk])
    shown = ada.get(url + "?by=15")
    assert "a second person must confirm it" in text_of(shown)
    unexplained = ada.post(url, to_send(shown))
    assert unexplained.status_code == 422
    ada.post(url, to_send(unexplained) | {"why": WHY})
    assert AnnouncementRequest.objects.get().ends_at == at(START) + timedelta(hours=24, minutes=15)
    assert window.notices.count() == 1


def test_a_request_whose_window_passed_is_withdrawn(window, ada, bob, clock):
    request = asked(ada, window)
    clock.move_to(at(LONG_END))
    bob.force_login(User.objects.get(username="bob"))
    text = text_of(bob.get(page_of(request)))
    assert "cannot be announced any more. Withdraw the request, or send it back." in text
    assert "Confirm and notify" not in text
    assert bob.post(page_of(request), {"key": uuid4()}).status_code == 422


def test_requests_of_other_windows_and_arbitrary_forms_are_refused(window, ada, bob):
    request = asked(ada, window)
    other = a_window(START, END)
    for name in ("confirm_announcement", "return_announcement", "withdraw_announcement"):
        assert bob.post(reverse(f"admin:{name}", args=[other.pk, request.pk]), {"key": uuid4()}).status_code == 404
        for sent in ({}, {"key": "x", "reason": "\0"}, {"key": uuid4(), "reason": "x" * 6000}):
            assert bob.post(page_of(request, name), sent).status_code == 422
    assert not Notice.objects.exists()
