"""What was told stays as it was told, and each address is told once."""

from email import message_from_bytes
from email.policy import default

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import NotAllowed
from sla_portal.audit.queries import entries_about
from sla_portal.customers.models import Contact
from sla_portal.notices.mail.message import MailMessage
from sla_portal.notices.models import Delivery, Notice
from sla_portal.notices.operations import NotWorded, give_notice
from sla_portal.notices.wording import File, Words
from tests.support.builders import a_customer, a_region, at
from tests.support.desk import a_member

pytestmark = pytest.mark.django_db

NOW = at("2026-11-22 10:00")
SYSTEM = Actor.system("test")
WORDS = [
    Words("en", "Maintenance on 6 December", "We work.\n\n.A dot begins this line."),
    Words("zh-hans", "十二月六日的维护", "我们将进行维护。" * 30),
]
CALENDAR = File("window.ics", "text/calendar; method=PUBLISH; charset=utf-8", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")


def given(*contacts: Contact, actor: Actor = SYSTEM, **values) -> Notice:
    told = {"kind": "maintenance", "about": "MW-1", "wordings": WORDS, "public": True, "now": NOW, **values}
    return give_notice(actor=actor, audience=Contact.objects.filter(pk__in=[c.pk for c in contacts]), **told)


def a_contact(email: str, language: str = "en", name: str = "Ada Byron") -> Contact:
    return Contact.objects.create(customer=a_customer(a_region(), language=language), email=email, name=name)


def mail_to(contact: Contact, **values):
    notice = given(contact, **values)
    delivery = notice.deliveries.get()
    return message_from_bytes(
        MailMessage(notice, notice.wording(delivery.language), notice.attachments.all())
        .completed(delivery)
        .replace(b"\r\n..", b"\r\n."),
        policy=default,
    )


def test_notices_are_numbered_through_the_year():
    numbers = [given(now=at(day)).number for day in ("2026-11-22 10:00", "2026-12-01 10:00", "2027-01-01 10:00")]
    assert numbers == ["N-2026-0001", "N-2026-0002", "N-2027-0001"]


def test_an_address_is_told_once_though_two_customers_give_it():
    first = a_contact("Ops@example.com", "zh-hans")
    given(first, a_contact("ops@EXAMPLE.com"), a_contact("b@example.com", name=""))
    told = Delivery.objects.order_by("id").values_list(
        "contact", "email", "name", "language", "status", "next_attempt_at"
    )
    assert told[0] == (first.pk, "Ops@example.com", "Ada Byron", "zh-hans", "pending", NOW)
    assert [row[1] for row in told] == ["Ops@example.com", "b@example.com"]


def test_the_database_refuses_to_tell_an_address_twice():
    delivery = given(a_contact("ops@example.com")).deliveries.get()
    delivery.pk, delivery.email = None, "OPS@example.com"
    with pytest.raises(IntegrityError), transaction.atomic():
        delivery.save()


def test_a_hundred_addresses_cost_as_many_queries_as_one(django_assert_max_num_queries):
    customer = a_customer(a_region())
    Contact.objects.bulk_create([Contact(customer=customer, email=f"a{n}@example.com") for n in range(100)])
    with django_assert_max_num_queries(22):
        notice = give_notice(
            actor=SYSTEM, kind="maintenance", about="", wordings=WORDS, audience=Contact.objects.all(), public=True, now=NOW
        )  # fmt: skip
    assert notice.deliveries.count() == 100


def test_who_was_told_stays_on_record_when_the_contact_is_gone():
    contact = a_contact("ops@example.com")
    notice = given(contact)
    contact.delete()
    assert notice.deliveries.values_list("contact", "email").get() == (None, "ops@example.com")


@pytest.mark.parametrize("table", ["notice", "wording", "attachment"])
@pytest.mark.parametrize("tamper", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_refuses_to_change_or_delete_what_was_told(table, tamper):
    given(attachments=[CALENDAR])
    with pytest.raises(DatabaseError, match=f"notices_{table}_is_only_added_to"), transaction.atomic():
        connection.cursor().execute(tamper.format(f"notices_{table}"))


def test_the_hash_covers_everything_that_is_said():
    notice = Notice.objects.get(pk=given(attachments=[CALENDAR]).pk)
    assert notice.sha256 == notice.expected_sha256()
    for name, value in {"about": "MW-2", "public": False, "given_at": at("2026-11-22 10:01"), "given_by": "B"}.items():
        kept = getattr(notice, name)
        setattr(notice, name, value)
        assert notice.sha256 != notice.expected_sha256()
        setattr(notice, name, kept)
    notice.attachments.create(name="more", content_type="text/plain", content=b"x")
    assert notice.sha256 != notice.expected_sha256()


def test_it_is_said_in_every_language_or_not_at_all():
    for wordings in (WORDS[:1], [WORDS[0], Words("zh-hans", " ", "有")]):
        with pytest.raises(NotWorded, match="Simplified Chinese"):
            given(wordings=wordings)
    assert not Notice.objects.exists()


def test_what_is_given_stands_in_the_trail():
    notice = given(a_contact("ops@example.com"))
    entry = entries_about(notice).get()
    assert (entry.action, entry.changes["addresses"], entry.changes["sha256"]) == (
        "gave",
        [None, 1],
        [None, notice.sha256],
    )


@pytest.mark.parametrize(("role", "may"), [("NOC", True), ("Support", True), ("Legal", True), ("Auditor", False)])
def test_roles_that_may_tell_people_something(role, may):
    actor = Actor.staff(a_member(role))
    if may:
        given(actor=actor)
    else:
        with pytest.raises(NotAllowed):
            given(actor=actor)


def test_a_mail_speaks_the_contacts_language_in_text_and_html():
    mail = mail_to(a_contact("wang@example.cn", "zh-hans", "王小明"), attachments=[CALENDAR])
    assert mail["Subject"] == "十二月六日的维护"
    assert mail["To"] == "王小明 <wang@example.cn>"
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        assert "我们将进行维护。" * 30 in text
        assert "王小明" in text
    (calendar,) = mail.iter_attachments()
    assert calendar["Content-Type"] == 'text/calendar; method="PUBLISH"; charset="utf-8"'
    assert calendar.get_payload(decode=True) == CALENDAR.content


def test_no_name_breaks_out_of_its_place():
    mail = mail_to(a_contact("a@example.com", name='Eve\r\nBcc: x@example.com "<b>" .\r\n.'))
    assert mail["Bcc"] is None
    assert "&lt;b&gt;" in mail.get_body(("html",)).get_content()
    assert "<b>" in mail.get_body(("plain",)).get_content()


def test_a_line_with_a_dot_arrives_as_it_was_written():
    assert "\n.A dot begins this line." in mail_to(a_contact("a@example.com")).get_body(("plain",)).get_content()


def test_every_line_of_a_mail_may_pass_any_server():
    notice = given(a_contact("a@example.com", "zh-hans", "王" * 200), attachments=[CALENDAR])
    sent = MailMessage(notice, notice.wording("zh-hans"), notice.attachments.all()).completed(notice.deliveries.get())
    assert sent.isascii()
    assert sent.endswith(b"\r\n")
    assert b"\n" not in sent.replace(b"\r\n", b"")
    assert max(map(len, sent.split(b"\r\n"))) <= 78


def test_links_lead_to_the_configured_address_alone(settings):
    settings.SITE_URL = "https://sla.example.com"
    mail = mail_to(a_contact("a@example.com"))
    text = mail.get_body(("plain",)).get_content()
    assert "https://sla.example.com/notices/N-2026-0001/" in text
    assert text.count("://") == 1
    assert mail["Message-ID"].endswith("@sla.example.com>")
