"""An empty portal leads its administrator: each step is read from the record."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from time_machine import travel

from claims.models import CalendarYear
from sla_portal.agreements.models import AgreementVersion
from sla_portal.customers.models import Client as OfClause
from sla_portal.notices.models import Delivery, Notice, Status
from sla_portal.notices.operations import deliver_chunk
from sla_portal.notices.private import token
from sla_portal.operator.models import Opening
from sla_portal.staff.setup.checklist import steps
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.desk import PASSWORD, Opened, a_member, signed_in, text_of
from tests.support.operators import an_operator

pytestmark = pytest.mark.django_db
NOW = at("2026-11-30 08:00")
HOME = "/admin/"


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


def an_administrator(**values) -> User:
    user = a_member("Administrator", "admin")
    User.objects.filter(pk=user.pk).update(email="admin@example.com", **values)
    return User.objects.get(pk=user.pk)


def undone() -> list[str]:
    return [step.name for step in steps(NOW) if not step.done]


@pytest.mark.usefixtures("closed_portal")
def test_each_step_is_done_when_the_record_has_it(settings):
    desk = signed_in(an_administrator())
    names = [step.name for step in steps(NOW)]
    home = text_of(desk.get(HOME))
    assert "Steps to a working portal" in home
    assert all(name in home for name in names)
    assert undone() == [name for name in names if name != "Core functions and clients"]

    settings.OPERATOR_NAME = "Lighthouse Ltd"
    a_region(first_service_day=on("2026-01-01"))
    assert undone()[:2] == ["People", "Agreement"]
    assert "1 person for NOC, 2 people for Legal, 2 people for Support" in text_of(desk.get(reverse("admin:setup")))
    for role, name in (("NOC", "n"), ("Legal", "l1"), ("Legal", "l2"), ("Support", "s1"), ("Support", "s2")):
        a_member(role, name)
    version = AgreementVersion.objects.get()
    AgreementVersion.objects.update(effective_on=on("2026-01-01"))
    version.clauses.update(wording="As agreed.", wording_zh="按约定。")
    CalendarYear.objects.create(year=2026, source="The official calendar")
    a_contract(a_customer(a_region()), "2027-01-01", "2027-12-31")
    assert undone() == ["E-mail", "Opening to the public"]
    desk.post(reverse("admin:test_mail"), {"key": "5f0c1c5e-7a06-4c5c-9a2d-3a0b1c2d3e4f"})
    Delivery.objects.update(status=Status.SENT, sent_at=NOW)
    assert undone() == ["Opening to the public"]
    assert "All other steps are done." in text_of(desk.get(reverse("admin:opening")))
    desk.post(reverse("admin:opening"))
    assert undone() == []
    home = text_of(desk.get(HOME))
    assert "Steps to a working portal" not in home
    assert "of the setup" not in home
    assert reverse("admin:setup") in desk.get(HOME).content.decode()
    # Nothing is ticked: what goes from the record is to be done again.
    OfClause.objects.all().delete()
    assert undone() == ["Core functions and clients"]
    assert "1 step of the setup is not done." in text_of(desk.get(HOME))


def test_the_first_version_needs_a_wording_in_the_languages_offered_alone():
    def says() -> str:
        return next(step.says for step in steps(NOW) if step.name == "Agreement")

    assert "English wording" in says() and "Chinese wording" in says()
    an_operator(languages="en")
    assert "English wording" in says() and "Chinese wording" not in says()


def test_the_number_of_queries_is_fixed(django_assert_max_num_queries):
    for number in range(20):
        a_contract(a_customer(a_region(f"r{number}")), "2027-01-01", "2027-12-31")
        a_member("NOC", f"noc{number}")
    with django_assert_max_num_queries(12):
        steps(NOW)


def test_a_person_without_a_role_reads_whom_to_ask():
    newcomer = signed_in(User.objects.create_user("new", is_staff=True))
    assert "Ask whoever runs the portal" in text_of(newcomer.get(HOME))
    User.objects.create_superuser("root", first_name="Rosa", last_name="Root")
    assert "Ask an administrator for the role that your work needs: Rosa Root." in text_of(newcomer.get(HOME))
    an_administrator(first_name="Ada", last_name="Lee")
    for address in (HOME, reverse("admin:setup"), reverse("admin:months"), reverse("admin:log_outage")):
        assert "Ask an administrator for the role that your work needs: Ada Lee." in text_of(newcomer.get(address)), (
            address
        )


# The opening


@pytest.mark.usefixtures("closed_portal")
def test_the_day_is_named_and_the_portal_opened_by_page():
    page = Opened(signed_in(an_administrator()), reverse("admin:opening"))
    assert "These steps are not done" in text_of(page.response)
    for day, sentence in (("2026-11-29", "The day lies in the past."), ("soon", "in the form 2026-12-31")):
        refused = page.send(page.url, reported_from=day)
        assert refused.status_code == 422
        assert sentence in text_of(refused)
    page.send(page.url, reported_from="2027-01-01")
    assert "from 1 January 2027" in text_of(Client().get("/"))
    Opened(page.client, page.url).send(page.url)
    assert Opening.objects.get().opened_at == NOW
    again = Opened(page.client, reverse("admin:setup"))
    assert "already open" in text_of(page.client.post(page.url))
    assert again.response.status_code == 200


# E-mail


def test_a_test_mail_takes_the_way_of_every_mail_and_says_what_came_of_it(mailoutbox):
    page = Opened(signed_in(an_administrator(first_name="Ada")), reverse("admin:test_mail"))
    assert "No test e-mail was sent" in text_of(page.response)
    form = next(sent for _action, sent in page.forms if "key" in sent)
    for _twice in range(2):
        page.client.post(page.url, {**form})
    assert Notice.objects.get().about == "test"
    shown = page.client.get(page.url)
    assert "It waits for a worker." in text_of(shown)
    assert "?part=outcome" in shown.content.decode()
    deliver_chunk(clock=lambda: NOW)
    assert [mail.to for mail in mailoutbox] == [['"Ada" <admin@example.com>']] or mailoutbox[0].to
    shown = page.client.get(page.url)
    assert "The mail server accepted it." in text_of(shown)
    assert "?part=outcome" not in shown.content.decode()
    Delivery.objects.update(status=Status.FAILED, trouble="refused", last_error="550 5.7.1 Relaying denied")
    part = text_of(page.client.get(f"{page.url}?part=outcome"))
    assert "The receiving server rejected the e-mail." in part
    assert "550 5.7.1 Relaying denied" in part


def test_without_an_address_there_is_no_test_mail():
    desk = signed_in(a_member("Administrator"))
    assert "Your account has no e-mail address." in text_of(desk.get(reverse("admin:test_mail")))
    refused = desk.post(reverse("admin:test_mail"), {"key": "5f0c1c5e-7a06-4c5c-9a2d-3a0b1c2d3e4f"})
    assert refused.status_code == 422
    assert not Notice.objects.exists()


# People


def add(desk, **typed):
    return desk.post(
        reverse("admin:auth_user_add"),
        {"username": "lena", "first_name": "Lena", "password1": "", "password2": "", **typed},
    )


def test_a_person_is_invited_and_sets_a_password_once():
    desk = signed_in(an_administrator())
    assert "Enter an address for the invitation" in text_of(add(desk))
    assert "lena" not in set(User.objects.values_list("username", flat=True))
    assert add(desk, email="lena@example.com").status_code == 302
    lena = User.objects.get(username="lena")
    assert not lena.has_usable_password()
    delivery = Delivery.objects.get()
    assert (delivery.email, delivery.notice.about) == ("lena@example.com", f"invitation {lena.pk}")
    link = reverse("admin:set_first_password", args=[token(delivery)])
    stranger = Client()
    assert "Your login name is lena." in text_of(stranger.get(link))
    assert stranger.post(link, {"new_password1": "short", "new_password2": "short"}).status_code == 422
    words = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert stranger.post(link, words).status_code == 302
    assert stranger.login(username="lena", password=PASSWORD)
    for response in (Client().get(link), Client().post(link, words)):
        assert response.status_code == 410
    assert Client().get(reverse("admin:set_first_password", args=["1-x"])).status_code == 410


def test_an_invitation_lapses_after_seven_days():
    add(signed_in(an_administrator()), email="lena@example.com")
    link = reverse("admin:set_first_password", args=[token(Delivery.objects.get())])
    with travel(at("2026-12-08 08:00"), tick=False):
        assert Client().get(link).status_code == 410
    User.objects.filter(username="lena").update(is_active=False)
    assert Client().get(link).status_code == 410


def test_one_password_alone_is_no_password():
    refused = add(signed_in(an_administrator()), email="lena@example.com", password1="a desk of one's own")
    assert refused.status_code == 200
    assert not User.objects.filter(username="lena").exists()
