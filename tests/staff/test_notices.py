"""The delivery status of notices for staff, and the inbox of a portal without a mail server."""

import pytest
from django.urls import reverse

from sla_portal.audit.queries import entries_about
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery, FailureReason, Notice, Status
from sla_portal.notices.operations import deliver_chunk
from sla_portal.notices.wording import File
from tests.notices.test_giving import NOW, a_contact, given
from tests.support.builders import at
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db


def a_notice() -> Notice:
    """One mail sent, one failed, one unknown, one waiting."""
    notice = given(*(a_contact(f"{name}@example.com") for name in ("sent", "failed", "unknown", "waiting")))
    for name, values in {
        "sent": {"status": Status.SENT, "sent_at": NOW, "attempts": 1},
        "failed": {
            "status": Status.FAILED,
            "trouble": FailureReason.NO_SUCH_ADDRESS,
            "last_error": "550 5.1.1 <b>No</b>",
        },
        "unknown": {"status": Status.UNKNOWN, "trouble": FailureReason.UNANSWERED, "handed_over_at": NOW},
    }.items():
        notice.deliveries.filter(email__startswith=name).update(**values)
    return notice


def page(notice: Notice) -> str:
    return reverse("admin:notices_notice_change", args=[notice.pk])


@pytest.mark.parametrize("role", ["NOC", "Support", "Legal", "Auditor", "Administrator"])
def test_every_role_sees_the_delivery_status(role):
    notice = a_notice()
    desk = signed_in(a_member(role))
    listed = text_of(desk.get(reverse("admin:notices_notice_changelist")))
    assert "N-2026-0001" in listed
    assert "1 unknown" in listed
    seen = text_of(desk.get(page(notice)))
    for words in (
        "1 of 4 e-mails sent",
        "The address does not exist.",
        "550 5.1.1 <b>No</b>",
        "It may have been delivered",
        notice.sha256,
    ):
        assert words in seen
    assert ("Send again" in seen) == (role in {"NOC", "Support", "Legal"})


def test_a_notice_has_a_chinese_page(client):
    desk = signed_in(a_member("NOC"))
    assert desk.get(page(a_notice()), headers={"accept-language": "zh-hans"}).status_code == 200


def test_only_staff_with_the_right_see_it():
    member = a_member("NOC")
    member.groups.clear()
    assert signed_in(member).get(page(a_notice())).status_code == 403


def test_a_list_of_deliveries_can_be_asked_for_by_status():
    desk = signed_in(a_member("Auditor"))
    notice = a_notice()
    assert "waiting@example.com" in text_of(desk.get(page(notice)))
    assert "waiting@example.com" not in text_of(desk.get(page(notice), {"status": "sent"}))
    assert desk.get(page(notice), {"status": "\0", "page": "x"}).status_code == 200


def test_staff_confirm_a_delivery_of_unknown_status():
    notice = a_notice()
    delivery = notice.deliveries.get(status="unknown")
    desk = signed_in(a_member("Support"))
    address = reverse("admin:confirm_delivery", args=[delivery.pk])
    assert "Enter a reason" in text_of(desk.post(address, {"reason": " "}, follow=True))
    desk.post(address, {"reason": "They answered"})
    delivery.refresh_from_db()
    assert (delivery.status, delivery.sent_at, delivery.resolved_by) == (Status.SENT, NOW, "Support")
    assert entries_about(delivery).get().reason == "They answered"
    assert "nothing to resolve" in text_of(desk.post(address, {"reason": "Again"}, follow=True))


def test_staff_resend_a_failed_mail():
    delivery = a_notice().deliveries.get(status="failed")
    signed_in(a_member("NOC")).post(
        reverse("admin:send_delivery_again", args=[delivery.pk]), {"reason": "Address was added"}
    )
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (Status.PENDING, 0)


@pytest.mark.parametrize(
    ("url_name", "typed"),
    [
        ("confirm_delivery", {"reason": "They \u202eanswered"}),
        ("correct_delivery", {"reason": "Moved", "email": "ann\u202e@example.com"}),
        ("delivery_by_letter", {"reason": "No e-mail", "letter_on": "2026-06-01", "reference": "L-\u202e1"}),
    ],
)
def test_an_invisible_character_is_refused_and_named(url_name, typed):
    delivery = a_notice().deliveries.get(status="unknown")
    answer = signed_in(a_member("Support")).post(reverse(f"admin:{url_name}", args=[delivery.pk]), typed)
    assert answer.status_code == 422
    assert "U+202E RIGHT-TO-LEFT OVERRIDE" in text_of(answer)
    delivery.refresh_from_db()
    assert delivery.status == Status.UNKNOWN


def test_an_invisible_character_in_the_reason_to_pause_is_refused():
    notice = a_notice()
    answer = signed_in(a_member("NOC")).post(reverse("admin:pause_notice", args=[notice.pk]), {"reason": "St\fop"})
    assert answer.status_code == 422
    assert "U+000C FORM FEED" in text_of(answer)
    assert not entries_about(notice).filter(reason__contains="op").exists()


def test_a_reason_is_recorded_on_one_line():
    notice = a_notice()
    signed_in(a_member("NOC")).post(reverse("admin:pause_notice", args=[notice.pk]), {"reason": "Stop\nit"})
    assert entries_about(notice).filter(reason="Stop it").exists()


@pytest.mark.parametrize("url_name", ["confirm_delivery", "send_delivery_again"])
def test_auditors_cannot_decide(url_name):
    delivery = a_notice().deliveries.get(status="unknown")
    answer = signed_in(a_member("Auditor")).post(reverse(f"admin:{url_name}", args=[delivery.pk]), {"reason": "x"})
    assert answer.status_code == 403


def test_an_attachment_is_downloaded_and_never_shown_inline():
    notice = given(attachments=[File("window.ics", "text/html", b"<script>")])
    answer = signed_in(a_member("Auditor")).get(reverse("admin:notice_attachment", args=[notice.pk, "window.ics"]))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="window.ics"'
    assert answer.content == b"<script>"


@pytest.fixture
def inbox(settings, tmp_path):
    settings.EMAIL_BACKEND = "sla_portal.notices.mail.inbox.EmailBackend"
    settings.MAIL_DIR = tmp_path
    contact = a_contact("ada@example.com")
    given(contact, attachments=[File("window.ics", "text/calendar; charset=utf-8", b"BEGIN:VCALENDAR")])
    deliver_chunk(ids=list(Delivery.objects.values_list("pk", flat=True)), clock=lambda: at("2026-11-22 10:01"))
    return tmp_path


def test_staff_read_the_stored_mail(inbox):
    assert Delivery.objects.get().status == Status.SENT
    desk = signed_in(a_member("Support"))
    assert "Inbox of this portal" in text_of(desk.get(reverse("admin:notices_notice_changelist")))
    listed = desk.get(reverse("admin:inbox"))
    assert "Maintenance on 6 December" in text_of(listed)
    name = listed.context["mails"][0]["name"]
    seen = text_of(desk.get(reverse("admin:inbox_message", args=[name])))
    assert "Dear Ada Byron, We work." in seen
    html = desk.get(reverse("admin:inbox_html", args=[name]))
    assert "sandbox" in html.headers["Content-Security-Policy"]
    assert "<h1" in html.content.decode()
    file = desk.get(reverse("admin:inbox_message", args=[name]), {"part": "0"})
    assert file.content == b"BEGIN:VCALENDAR"


@pytest.mark.parametrize("name", ["1" * 19 + "-x", "..", "secret-key"])
def test_the_inbox_serves_no_other_files(inbox, name):
    assert signed_in(a_member("Support")).get(f"/admin/notices/notice/inbox/{name}/").status_code == 404


def test_the_inbox_needs_its_permission(inbox):
    assert signed_in(a_member("Auditor")).get(reverse("admin:inbox")).status_code == 403


def test_a_portal_that_sends_mail_has_no_inbox():
    assert signed_in(a_member("Support")).get(reverse("admin:inbox")).status_code == 404


def test_stored_mail_is_readable_by_the_owner_only(inbox):
    assert [path.stat().st_mode & 0o777 for path in inbox.glob("*.eml")] == [0o600]
    assert Contact.objects.count() == len(list(inbox.iterdir()))
