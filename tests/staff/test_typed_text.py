"""Invisible characters are refused wherever text is typed, and what is on record with them is shown and sent without harm."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.urls import get_resolver, reverse
from django.utils import translation

from incidents.models import Update
from maintenance.calendars import CalendarEvent, EventStatus, calendar, to_vevent
from sla_portal.customers.models import Customer
from sla_portal.typed import refuse_hidden_characters
from tests.support.builders import a_customer, a_region, an_incident, an_outage
from tests.support.desk import a_member, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db
TURNED = "Login \u202edetceridder"


def kinds(form: type[forms.BaseForm]) -> set[type[forms.BaseForm]]:
    return {form}.union(*map(kinds, form.__subclasses__()))


def test_every_text_field_of_every_form_refuses_them():
    assert get_resolver().url_patterns
    fields = [
        (f"{form.__module__}.{form.__name__}", name, field)
        for form in kinds(forms.BaseForm)
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, forms.CharField)
    ]
    assert len(fields) > 40
    assert [(form, name) for form, name, field in fields if refuse_hidden_characters not in field.validators] == []


@pytest.mark.parametrize("address", ["ann\u202e@example.com", "ann@exa\u200bmple.com", "a\0@b.com", "a\f@b.com"])
def test_an_address_with_one_is_refused(address):
    with pytest.raises(ValidationError):
        forms.EmailField().clean(address)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TURNED, "an invisible character after “Login”: U+202E RIGHT-TO-LEFT OVERRIDE."),
        ("Seen\n\u200bagain", "an invisible character at the start of a line: U+200B ZERO WIDTH SPACE."),
        ("One\fTwo", "an invisible character after “One”: U+000C FORM FEED."),
        ("One\0Two", "Null characters are not allowed."),
    ],
)
def test_an_update_with_one_is_refused_at_the_field_and_kept(text, sentence):
    incident = an_incident("INC-7")
    an_outage(a_region(), "2026-09-10 01:00", None, incident=incident)
    client = signed_in(a_member("NOC"))
    address = reverse("admin:update_incident", args=[incident.pk])
    answer = client.post(address, {"key": uuid4(), "text": text, "audience": "internal"})
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert not Update.objects.exists()
    assert page_of(incident) in answer.content.decode()


def test_in_chinese_the_character_is_named_by_its_code_alone():
    with translation.override("zh-hans"), pytest.raises(ValidationError) as refused:
        refuse_hidden_characters("登录\u202e失败")
    assert refused.value.messages == ["此文本在“登录”之后有一个不可见字符：U+202E。请删除它，或重新输入文本。"]


def test_a_record_of_the_admin_refuses_one_too():
    client = signed_in(a_member("Administrator"))
    counts = {f"contacts-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
    facts = {"code": "C-1", "name": TURNED, "region": a_region().pk, "language": "en"}
    assert "U+202E" in text_of(client.post(reverse("admin:customers_customer_add"), facts | counts))
    assert not Customer.objects.exists()


def test_the_reason_of_a_deletion_refuses_one_too():
    contact = a_customer(a_region(), "C-1").contacts.create(email="ann@example.com")
    client = signed_in(a_member("Administrator"))
    address = reverse("admin:customers_contact_delete", args=[contact.pk])
    assert "U+202E" in text_of(client.post(address, {"post": "yes", "why": TURNED}, follow=True))
    assert "Enter a reason" in text_of(client.post(address, {"post": "yes", "why": " "}, follow=True))
    contact.refresh_from_db()


def test_a_calendar_has_none_of_what_is_on_record():
    at = datetime(2026, 9, 20, 1, tzinfo=UTC)
    event = CalendarEvent("MW-1\f", "Upgrade \u202eabc\f", at, at, at, 0, EventStatus.CONFIRMED, ())
    written = calendar([to_vevent(event, provider="sla.example", organizer="a@b.c", account="Eur\vope")], name="A\fB")
    assert not {"\u202e", "\f", "\v"} & {*written.decode()}
