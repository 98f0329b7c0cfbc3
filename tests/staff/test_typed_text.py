"""Invisible characters are refused wherever text is typed, and what is on record with them is shown and sent without harm."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.urls import get_resolver, reverse
from django.utils import translation
from time_machine import travel

from incidents.models import Incident, Update
from incidents.operations import add_update
from maintenance.calendars import CalendarEvent, EventStatus, calendar, to_vevent
from maintenance.models import MaintenanceWindow
from maintenance.operations import announce_window
from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Customer
from sla_portal.kernel.characters import TURNING
from sla_portal.notices.mail.message import MailMessage
from sla_portal.notices.models import Notice
from sla_portal.typed import refuse_hidden_characters
from tests.support.builders import a_customer, a_region, an_incident, an_outage, at
from tests.support.desk import Opened, a_member, filled, page_of, signed_in, text_of
from tests.support.histories import changed, dumped, loaded

pytestmark = pytest.mark.django_db
TURNED = "Login \u202edetceridder"


def kinds(form: type[forms.BaseForm]) -> set[type[forms.BaseForm]]:
    return {form}.union(*map(kinds, form.__subclasses__()))


def text_fields() -> list[tuple[str, str, forms.CharField]]:
    """The text fields of every form, with the form and the name of each."""
    assert get_resolver().url_patterns
    return [
        (f"{form.__module__}.{form.__name__}", name, field)
        for form in kinds(forms.BaseForm)
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, forms.CharField)
    ]


def test_every_text_field_of_every_form_refuses_them():
    fields = text_fields()
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


# Lines


def test_every_field_of_one_line_takes_line_breaks_as_spaces():
    one_line = [(form, name, field) for form, name, field in text_fields() if isinstance(field.widget, forms.TextInput)]
    assert len(one_line) > 20
    sent = {"x": " Gateway \r\n\n lost"}
    assert {field.widget.value_from_datadict(sent, {}, "x") for _form, _name, field in one_line} == {" Gateway lost"}


def test_a_title_is_saved_on_one_line_and_an_update_on_several():
    client = signed_in(a_member("NOC"))
    sent = {
        "key": uuid4(), "regions": [a_region().pk], "what": "everything", "since": "now", "over": "no", "source": "phone",
        "title": "Gateway\r\nlost", "ticket_number": "T\n1",
    }  # fmt: skip
    assert client.post(reverse("admin:log_outage"), sent).status_code == 302
    incident = Incident.objects.get()
    assert (incident.title, incident.ticket_number) == ("Gateway lost", "T 1")
    address = reverse("admin:update_incident", args=[incident.pk])
    client.post(address, {"key": uuid4(), "text": "Seen\nagain", "audience": "internal"})
    assert Update.objects.get().text == "Seen\nagain"


# On record


def from_a_file(tmp_path) -> tuple[Incident, MaintenanceWindow]:
    """An incident and an announced window of next week, with titles and a reference that turn the line round."""
    document = changed("incidents[0].title", TURNED)
    document["maintenance"][0] |= {
        "reference": "MW-\u202e1", "title": TURNED, "notices": [],
        "starts_at": "2026-09-27T18:00:00Z", "ends_at": "2026-09-27T19:00:00Z",
    }  # fmt: skip
    loaded(tmp_path, document)
    window = MaintenanceWindow.objects.get()
    announce_window(
        actor=Actor.system("test"), window=window, starts_at=window.starts_at, ends_at=window.ends_at, now=AT
    )
    return Incident.objects.get(), window


AT = at("2026-09-20 08:00")


@pytest.fixture
def present():
    with travel(AT, tick=False):
        yield


@pytest.mark.usefixtures("present")
class TestOnRecord:
    def test_a_file_is_recorded_and_dumped_as_another_program_wrote_it(self, tmp_path):
        from_a_file(tmp_path)
        document = json.loads(dumped())
        assert (document["incidents"][0]["title"], document["maintenance"][0]["title"]) == (TURNED, TURNED)
        assert document["maintenance"][0]["reference"] == "MW-\u202e1"

    def test_no_page_lets_it_turn_a_line_round(self, tmp_path):
        incident, window = from_a_file(tmp_path)
        add_update(actor=Actor.system("test"), incident=incident, text=TURNED, public=True, now=AT)
        staff = signed_in(a_member("NOC"))
        pages = [
            page_of(incident), reverse("admin:maintenance_window", args=[window.pk]),
            reverse("admin:incidents_incident_changelist"), reverse("admin:maintenance_maintenancewindow_changelist"),
            reverse("admin:incidents_incident_change", args=[incident.pk]),
            reverse("admin:notices_notice_change", args=[Notice.objects.get().pk]),
            "/", "/incidents/", "/maintenance/", "/notices/", f"/notices/{Notice.objects.get().number}/",
            reverse("incident", args=[incident.reference]), reverse("window", args=[window.reference]),
        ]  # fmt: skip
        shown = {page: staff.get(page).content.decode() for page in pages}
        log = reverse("admin:audit_entry_changelist")
        shown[log] = signed_in(a_member("Auditor")).get(log).content.decode()
        assert {page for page, content in shown.items() if "Login ⟨U+202E⟩detceridder" not in content} == set()
        assert {page for page, content in shown.items() if TURNING.search(content)} == set()

    def test_no_file_or_feed_for_other_programs_does(self, tmp_path):
        from_a_file(tmp_path)
        staff = signed_in(a_member("NOC"))
        feeds = ["/feeds/maintenance.atom", "/feeds/announcements.atom", "/maintenance/eu.ics",
                 "/api/v2/scheduled-maintenances.json"]  # fmt: skip
        shown = {feed: staff.get(feed).content.decode() for feed in feeds}
        for name in ("export_incidents", "export_windows"):
            export = staff.get(reverse(f"admin:{name}", args=["csv"]))
            shown[name] = b"".join(export.streaming_content).decode("utf-8-sig")
            assert "Login ⟨U+202E⟩detceridder" in shown[name]
        assert "Login ⟨U+202E⟩detceridder" in shown["/api/v2/scheduled-maintenances.json"]
        assert {feed for feed, content in shown.items() if "detceridder" not in content} == set()
        assert {feed for feed, content in shown.items() if TURNING.search(content)} == set()

    def test_no_email_does(self, tmp_path):
        from_a_file(tmp_path)
        notice = Notice.objects.get()
        assert notice.deliveries.exists()
        for wording in notice.wordings.all():
            assert "Login ⟨U+202E⟩detceridder" in wording.subject
            assert not TURNING.search(wording.subject + wording.text + wording.html)
            message = MailMessage(notice, wording, notice.attachments.all())
            assert not TURNING.search(message.text + message.html)
        for attachment in notice.attachments.all():
            assert attachment.name == "MW- 1.ics"
            assert not TURNING.search(bytes(attachment.content).decode())

    def test_whoever_edits_it_is_told_and_shown_where_it_is(self, tmp_path):
        incident, _window = from_a_file(tmp_path)
        staff = signed_in(a_member("NOC"))
        staff.post(reverse("admin:clock"), {"zone": "UTC"})
        address = reverse("admin:incidents_incident_change", args=[incident.pk])
        page = Opened(staff, address)
        refused = page.fill("title", ticket_number="T-1", why="Its ticket")
        assert "U+202E RIGHT-TO-LEFT OVERRIDE. Delete it or type the text again." in text_of(refused)
        assert 'value="Login ⟨U+202E⟩detceridder"' in refused.content.decode()
        saved = filled(staff, refused, address, "title", title="Login redirected")
        assert saved.status_code == 302, text_of(saved)
        incident.refresh_from_db()
        assert (incident.title, incident.ticket_number) == ("Login redirected", "T-1")
