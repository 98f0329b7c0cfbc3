"""Mail that came back: reported by a mailbox or by a provider, believed only of mails of ours, applied once."""

import base64
import json
import mailbox
import socket
import threading
from contextlib import suppress
from datetime import timedelta
from email.message import Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from importlib import reload

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import clear_url_caches
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from sla_portal import urls as portal_urls
from sla_portal.audit.models import Entry
from sla_portal.notices import urls
from sla_portal.notices.mail.reports import LARGEST, UnreadableReport, read_report
from sla_portal.notices.mail.session import failure_reason_of
from sla_portal.notices.models import Bounce, Delivery, FailureReason, Status, Told, UnmatchedReport
from sla_portal.notices.operations import deliver_chunk, forget_reports, note_bounce, send_again
from sla_portal.notices.operations.bouncing import KEPT_FOR
from sla_portal.notices.operations.delivering import DeliveryRun
from sla_portal.notices.queries import delivery_marked
from sla_portal.notices.tasks import read_bounces
from tests.support.builders import at
from tests.support.desk import a_member, signed_in
from tests.support.mail_server import mail_server

from .test_delivery import SYSTEM
from .test_giving import NOW, a_contact
from .test_giving import given as told

pytestmark = pytest.mark.django_db

LATER = at("2026-11-22 11:00")


def sent(email: str = "gone@example.com") -> Delivery:
    delivery = told(a_contact(email)).deliveries.get()
    deliver_chunk(ids=[delivery.pk], clock=lambda: NOW)
    delivery.refresh_from_db()
    assert delivery.status == Status.SENT
    return delivery


def a_report(
    message_id: str, action: str = "failed", status: str = "5.1.1", words: str = "550 5.1.1 No such user", **head: str
) -> bytes:
    """A report as a mail server writes it."""
    report = MIMEMultipart("report", report_type="delivery-status")
    report["From"], report["To"] = "MAILER-DAEMON@mx.example.com", "sla-portal@localhost"
    for name, value in head.items():
        report.replace_header(name, value) if name in report else report.add_header(name, value)
    report.attach(MIMEText("Your message could not be delivered."))
    machine = MIMEMessage(Message(), "delivery-status")
    about, one = Message(), Message()
    about["Reporting-MTA"] = "dns; mx.example.com"
    one["Final-Recipient"], one["Action"], one["Status"] = "rfc822; gone@example.com", action, status
    one["Diagnostic-Code"] = f"smtp; {words}"
    machine.set_payload([about, one])
    report.attach(machine)
    returned = Message()
    if message_id:
        returned["Message-ID"] = message_id
    returned.set_payload("We work.")
    report.attach(MIMEMessage(returned))
    return report.as_bytes()


def readbounces(*paths, capsys) -> str:
    call_command("readbounces", *map(str, paths))
    return capsys.readouterr().out.strip()


def test_a_mail_that_came_back_is_on_the_list_with_the_servers_words(tmp_path, capsys):
    delivery = sent()
    (tmp_path / "1.eml").write_bytes(a_report(delivery.message_id))
    assert readbounces(tmp_path, capsys=capsys).endswith("1 messages, 1 reports, 1 new")
    delivery.refresh_from_db()
    assert (delivery.status, delivery.trouble) == (Status.BOUNCED, FailureReason.NO_SUCH_ADDRESS)
    assert delivery.last_error == "5.1.1 550 5.1.1 No such user"
    assert delivery.sent_at == NOW


def test_a_report_read_again_changes_nothing_even_after_the_mail_was_sent_again(tmp_path, capsys):
    delivery = sent()
    path = tmp_path / "report"
    path.write_bytes(a_report(delivery.message_id))
    readbounces(path, capsys=capsys)
    send_again(actor=SYSTEM, delivery=delivery, reason="The mailbox is back", now=LATER)
    deliver_chunk(ids=[delivery.pk], clock=lambda: LATER)
    assert readbounces(path, capsys=capsys).endswith("1 messages, 1 reports, 0 new")
    delivery.refresh_from_db()
    assert (delivery.status, delivery.bounces.count()) == (Status.SENT, 1)


def test_a_mail_that_is_only_late_stays_sent_and_that_is_noted(tmp_path, capsys):
    delivery = sent()
    (tmp_path / "1.eml").write_bytes(a_report(delivery.message_id, "delayed", "4.4.1", "Connection timed out"))
    readbounces(tmp_path, capsys=capsys)
    delivery.refresh_from_db()
    assert delivery.status == Status.SENT
    assert (delivery.bounces.get().permanent, delivery.bounces.get().said) == (False, "4.4.1 Connection timed out")


def test_a_report_names_the_mail_by_the_envelope_where_it_returns_nothing(settings, tmp_path, capsys):
    settings.BOUNCE_ADDRESS = "bounces+*@example.com"
    delivery = sent()
    to = f"bounces+{delivery.named_mark}@example.com"
    (tmp_path / "1.eml").write_bytes(a_report("", To=to))
    assert readbounces(tmp_path, capsys=capsys).endswith("1 new")


def test_a_report_may_return_the_head_of_the_mail_alone(tmp_path, capsys):
    delivery = sent()
    whole = a_report("").replace(b"message/rfc822", b"text/rfc822-headers")
    head = f"Message-ID: {delivery.message_id}\n\n".encode()
    (tmp_path / "1.eml").write_bytes(whole.replace(b"\nWe work.", head))
    assert readbounces(tmp_path, capsys=capsys).endswith("1 new")


def test_the_envelope_bears_the_mark_where_the_bounce_address_asks_for_it(settings):
    settings.BOUNCE_ADDRESS = "bounces+*@example.com"
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        delivery = sent()
    (taken,) = server.taken
    assert taken.sender == f"bounces+{delivery.named_mark}@example.com"


def smtp(box, file) -> None:
    """A server that knows delivery status notifications (RFC 3461)."""
    file.write(b"220 ready\r\n")
    file.flush()
    for line in iter(file.readline, b""):
        box.said.append(line.decode().strip())
        file.write({b"EHLO": b"250-mx\r\n250 DSN\r\n", b"DATA": b"354 go on\r\n"}.get(line[:4].upper(), b"250 ok\r\n"))
        file.flush()
        if line.upper() == b"DATA\r\n":
            while file.readline() != b".\r\n":
                pass
            file.write(b"250 taken\r\n")
            file.flush()


def test_the_envelope_names_the_mail_where_the_server_knows_how(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    box = Box(smtp, [])
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
    delivery = sent()
    (line,) = [line for line in box.said if line.lower().startswith("mail from:")]
    assert line.endswith(f"> ENVID={delivery.named_mark} RET=HDRS")


@pytest.mark.parametrize("name", ["an mbox", "a maildir", "a folder"])
def test_reports_are_read_from(name, tmp_path, capsys):
    reports = [a_report(sent(f"{n}@example.com").message_id) for n in range(3)]
    path = tmp_path / "box"
    if name == "an mbox":
        box = mailbox.mbox(path)
    elif name == "a maildir":
        box = mailbox.Maildir(path)
    if name == "a folder":
        path.mkdir()
        for n, report in enumerate(reports):
            (path / f"{n}.eml").write_bytes(report)
    else:
        for report in reports:
            box.add(report)
        box.close()
    assert readbounces(path, capsys=capsys).endswith("3 messages, 3 reports, 3 new")
    assert Delivery.objects.filter(status=Status.BOUNCED).count() == 3


RETURNED_HEAD = "To: gone@example.com\nMessage-ID: {name}\nX-Notice-Id: {mark}\nSubject: We work\n"
STATUS = (
    "Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; gone@example.com\nAction: failed\nStatus: 5.1.1\n"
)


def in_parts(*parts: tuple[str, str], kind: str = "multipart/report", head: str = "") -> bytes:
    """A message of parts, each with its head."""
    lines = "".join(f"--=1\nContent-Type: {head}\n\n{text}\n" for head, text in parts)
    head += f'From: MAILER-DAEMON@mx.example.com\nSubject: Undelivered\nContent-Type: {kind}; boundary="=1"\n'
    return f"{head}\n{lines}--=1--\n".encode()


def shapes(delivery: Delivery) -> dict[str, bytes]:
    """Reports as different servers write them, of one e-mail that nobody has."""
    name, mark = delivery.message_id, delivery.named_mark
    returned = ("text/rfc822-headers", RETURNED_HEAD.format(name=name, mark=mark))
    other_name = ("text/rfc822-headers", RETURNED_HEAD.format(name="<0102-0@eu.example.net>", mark=mark))
    status = ("message/delivery-status", STATUS)
    nested = in_parts(status, returned).decode()
    encoded = base64.encodebytes(STATUS.encode()).decode()
    return {
        "wrapped in what a gateway adds": in_parts(("text/plain", "Footer"), status, returned, kind="multipart/mixed"),
        "forwarded whole": in_parts(("text/plain", "See below"), ("message/rfc822", nested), kind="multipart/mixed"),
        "of RFC 6533": in_parts(("message/global-delivery-status", STATUS), ("message/global-headers", returned[1])),
        "encoded": in_parts(("message/global-delivery-status\nContent-Transfer-Encoding: base64", encoded), returned),
        "with comments": in_parts(
            ("message/delivery-status", STATUS.replace("failed", "failed (Bad (very bad) mailbox)")), returned
        ),
        "folded, in capitals": in_parts(
            ("message/delivery-status", STATUS.replace("Action: failed", "ACTION:\n FAILED")), returned
        ),
        "with an action of its own": in_parts(
            ("message/delivery-status", STATUS.replace("failed", "failure")), returned
        ),
        "without an action": in_parts(("message/delivery-status", STATUS.replace("Action: failed\n", "")), returned),
        "by a server that gives mails names of its own": in_parts(status, other_name),
        "with the name in its thread alone": in_parts(status, head=f"In-Reply-To: {name}\n"),
        "with the name among its references": in_parts(status, head=f"References: <1@example.com>\n {name}\n"),
        "with the envelope's identifier": in_parts(
            ("message/delivery-status", f"Original-Envelope-Id: {mark}\n" + STATUS)
        ),
    }


def test_a_report_is_read_in_whatever_shape_a_server_writes_it():
    delivery = sent()
    for shape, content in shapes(delivery).items():
        report = read_report(content)
        assert report is not None, shape
        assert (report.told, report.permanent, report.said, report.recipient) == (
            Told.IN_FIELDS, True, "5.1.1", "gone@example.com"
        ), shape  # fmt: skip
        assert delivery_marked(report.marks) == delivery, shape


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("5.1.1 550 5.1.1 No such user", FailureReason.NO_SUCH_ADDRESS),
        ("5.1.10 556 Null MX", FailureReason.NO_SUCH_ADDRESS),
        ("5.1.7 Bad sender's mailbox", FailureReason.SENDER),
        ("5.1.8 501 Sender address rejected", FailureReason.SENDER),
        ("5.7.1 550 blocked", FailureReason.BLOCKED),
        ("5.7.26 unauthenticated", FailureReason.BLOCKED),
        ("5.2.2 552 full", FailureReason.FULL),
        ("5.0.0 554 no", None),
        ("5.1.0 550 address rejected", None),
        ("550 connection from 195.1.1.1 refused", None),
        ("550 see 5.1.1.1", None),
    ],
)
def test_what_a_status_code_says(words, reason):
    """RFC 3463: x.1.7 and x.1.8 speak of the sender, x.7 of policy; none says that there is no such address."""
    assert failure_reason_of(words) == reason


def a_complaint(name: str, kind: str = "abuse") -> bytes:
    fields = f"Feedback-Type: {kind}\nUser-Agent: Example/1.0\nVersion: 1\nOriginal-Rcpt-To: <gone@example.com>\n"
    return in_parts(
        ("text/plain", "This is spam."),
        ("message/feedback-report", fields),
        ("message/rfc822", f"Message-ID: {name}\n\nWe work.\n"),
    )


def test_a_complaint_is_of_a_kind_of_its_own(tmp_path, capsys):
    delivery = sent()
    (tmp_path / "1.eml").write_bytes(a_complaint(delivery.message_id))
    assert readbounces(tmp_path, capsys=capsys).endswith("1 reports, 1 new")
    delivery.refresh_from_db()
    assert (delivery.status, delivery.bounces.get().told, delivery.bounces.get().said) == (
        Status.SENT, Told.COMPLAINT, "abuse"
    )  # fmt: skip
    assert read_report(a_complaint(delivery.message_id, "not-spam")) is None


IN_WORDS = """Hi. This is the qmail-send program at mx.example.com.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<gone@example.com>:
192.0.2.1 does not like recipient.

--- Below this line is a copy of the message.

Subject: We work
Message-ID: {name}

We work.
"""


def test_a_report_in_plain_words_says_that_a_mail_probably_failed(tmp_path, capsys):
    delivery = sent()
    head = b"From: MAILER-DAEMON@mx.example.com\nSubject: failure notice\n\n"
    (tmp_path / "1.eml").write_bytes(head + IN_WORDS.format(name=delivery.message_id).encode())
    assert readbounces(tmp_path, capsys=capsys).endswith("1 reports, 1 new")
    delivery.refresh_from_db()
    assert (delivery.status, delivery.trouble) == (Status.UNKNOWN, FailureReason.PROBABLY)
    assert delivery.bounces.get().recipient == "gone@example.com"


def unmatched() -> list[tuple[str, str, bytes]]:
    return [(row.why, row.subject, bytes(row.content)) for row in UnmatchedReport.objects.order_by("id")]


def test_a_report_that_names_no_mail_or_cannot_be_read_is_kept_for_people_once(tmp_path, capsys):
    unnamed, broken = in_parts(("message/delivery-status", STATUS)), b"Content-Type: message/delivery-status\n\n" * 40
    (tmp_path / "1.eml").write_bytes(unnamed)
    (tmp_path / "2.eml").write_bytes(broken)
    (tmp_path / "3.eml").write_bytes(b"From: mia@example.com\nSubject: Holiday\n\nI am away.")
    assert readbounces(tmp_path, capsys=capsys).endswith("3 messages, 1 reports, 0 new, 2 unmatched")
    assert unmatched() == [("names no mail", "Undelivered", unnamed), ("unreadable", "", broken)]
    assert readbounces(tmp_path, capsys=capsys).endswith("3 messages, 1 reports, 0 new")
    assert len(unmatched()) == 2


def test_people_see_unmatched_reports_until_they_have_looked_at_them(tmp_path, capsys):
    (tmp_path / "1.eml").write_bytes(in_parts(("message/delivery-status", STATUS)))
    readbounces(tmp_path, capsys=capsys)
    support = signed_in(a_member("Support"))
    assert "Unmatched reports (1)" in support.get("/admin/notices/delivery/").content.decode()
    page = support.get("/admin/notices/delivery/reports/").content.decode()
    for shown in ("Undelivered", "It names no e-mail of the portal.", "gone@example.com", "Final-Recipient: rfc822;"):
        assert shown in page
    report = UnmatchedReport.objects.get()
    for client, status in ((signed_in(a_member("Auditor")), 403), (support, 302), (support, 302)):
        assert client.post(f"/admin/notices/delivery/reports/{report.pk}/looked-at/").status_code == status
    assert "No unmatched report" in support.get("/admin/notices/delivery/reports/").content.decode()
    assert Entry.objects.filter(action="looked at").count() == 1
    report.refresh_from_db()
    assert forget_reports(now=report.looked_at + KEPT_FOR) == 0
    assert forget_reports(now=report.looked_at + KEPT_FOR + timedelta(seconds=1)) == 1


HOSTILE = {
    "a mark of nobody's": lambda delivery: a_report(f"<{'0' * 32}.{delivery.pk}@localhost>"),
    "the mark of another delivery": lambda delivery: a_report(f"<{delivery.mark}.{delivery.pk + 1}@localhost>"),
    "a number too large": lambda delivery: a_report(f"<{delivery.mark}.{'9' * 40}@localhost>"),
    "no mark, but the address": lambda delivery: a_report(f"<{delivery.email}>"),
    "a plain mail that quotes the mark": lambda delivery: (
        f"Subject: Undelivered\r\n\r\nMessage-ID: {delivery.message_id}\r\nAction: failed\r\n".encode()
    ),
    "good news": lambda delivery: a_report(delivery.message_id, "delivered", "2.0.0"),
    "an unknown action": lambda delivery: a_report(delivery.message_id, "exploded", "2.0.0"),
    "too large": lambda delivery: a_report(delivery.message_id) + b"x" * LARGEST,
    "too deep": lambda _delivery: b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n" * 2000,
    "no message": lambda _delivery: b"\0\xff" * 1000,
    "nothing": lambda _delivery: b"",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_report_of_a_mail_of_ours_is_passed_over(what, tmp_path, capsys):
    delivery = sent()
    (tmp_path / "1.eml").write_bytes(HOSTILE[what](delivery))
    assert ", 0 new" in readbounces(tmp_path, capsys=capsys) or what == "too large"
    delivery.refresh_from_db()
    assert (delivery.status, Bounce.objects.count()) == (Status.SENT, 0)


@examples(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_mangled_report_breaks_the_reader(data):
    whole = a_report("<x@example.com>")
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    with suppress(UnreadableReport):
        read_report(whole[:start] + data.draw(st.binary(max_size=60)) + whole[end:])


def test_words_of_a_report_are_one_printable_line():
    report = read_report(a_report("<x@y>", words="550 No\r\n\tsuch\x1b[31m user " + "x" * 5000))
    assert report.said.startswith("5.1.1 550 No such")
    assert "\x1b" not in report.said
    assert len(report.said) <= 500


def test_a_mail_that_nobody_knew_of_is_known_to_have_come_back():
    delivery = sent()
    Delivery.objects.update(status=Status.UNKNOWN, handed_over_at=NOW)
    note_bounce(mark=delivery.message_id, permanent=True, said="5.2.2 Full", key="k", now=LATER)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.trouble) == (Status.BOUNCED, FailureReason.FULL)


@pytest.mark.parametrize("status", [Status.PENDING, Status.FAILED, Status.LETTER])
def test_what_is_settled_or_not_yet_sent_is_not_moved_by_a_report(status):
    delivery = sent()
    letter = {"letter_on": NOW.date(), "letter_reference": "R"} if status == Status.LETTER else {}
    Delivery.objects.update(status=status, **letter)
    assert note_bounce(mark=delivery.message_id, permanent=True, said="5.1.1", key="k", now=LATER)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.bounces.count()) == (status, 1)


def test_a_report_may_be_faster_than_the_workers_note():
    delivery = told(a_contact("a@example.com")).deliveries.get()
    with DeliveryRun(lambda: NOW, [delivery.pk]) as hand:
        hand._mark_handed_over(delivery, None)
        note_bounce(mark=delivery.message_id, permanent=True, said="5.1.1 No", key="k", now=NOW)
        hand.accepted = delivery, NOW
    delivery.refresh_from_db()
    assert (delivery.status, delivery.last_error, delivery.sent_at, delivery.lease) == (
        "bounced",
        "5.1.1 No",
        NOW,
        None,
    )


def test_a_mark_cannot_be_made_without_the_secret(settings):
    delivery = sent()
    mark, key = delivery.mark, settings.SECRET_KEY
    settings.SECRET_KEY = "another key, which guards nothing"
    assert delivery.mark != mark
    assert not note_bounce(mark=f"<{mark}.{delivery.pk}@x>", permanent=True, said="", key="k", now=LATER)
    settings.SECRET_KEY_FALLBACKS = [key]
    assert note_bounce(mark=f"<{mark}.{delivery.pk}@x>", permanent=True, said="", key="k", now=LATER)


@pytest.mark.parametrize("path", ["/nonexistent", None])
def test_a_mailbox_that_cannot_be_read_is_a_sentence(path, settings, capsys):
    settings.BOUNCES_URL = ""
    with pytest.raises(CommandError, match="No such file" if path else "BOUNCES_URL"):
        call_command("readbounces", *([path] if path else []))
    settings.BOUNCES_URL = "imap://user:secret@127.0.0.1:1/INBOX"
    with pytest.raises(CommandError) as refused:
        call_command("readbounces")
    assert "secret" not in str(refused.value)


class Box(threading.Thread):
    """A mailbox at a server, spoken to line by line: enough of IMAP and POP3 for a reader of reports."""

    def __init__(self, speak, messages: list[bytes]) -> None:
        super().__init__(daemon=True)
        self.messages, self.speak, self.done, self.flagged, self.said = messages, speak, set(), set(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self) -> None:
        while True:
            line, _address = self.listener.accept()
            with line, line.makefile("rwb") as file:
                self.speak(self, file)


def imap(box: Box, file) -> None:
    def say(*lines: bytes) -> None:
        file.write(b"".join(line + b"\r\n" for line in lines))
        file.flush()

    say(b"* OK ready")
    for line in iter(file.readline, b""):
        tag, command, *words = line.split()
        if command == b"UID":
            command, *words = words
        match command.upper():
            case b"CAPABILITY":
                say(b"* CAPABILITY IMAP4rev1")
            case b"SELECT":
                say(b"* 2 EXISTS")
            case b"SEARCH":
                left = [n for n in range(len(box.messages)) if n not in box.done]
                say(b"* SEARCH " + b" ".join(b"%d" % (n + 1) for n in left))
            case b"FETCH":
                content = box.messages[int(words[0]) - 1]
                file.write(b"* %s FETCH (UID %s BODY[] {%d}\r\n" % (words[0], words[0], len(content)))
                file.write(content)
                say(b")")
            case b"STORE":
                box.done.add(int(words[0]) - 1)
                box.flagged |= {int(words[0]) - 1} if rb"(\Flagged)" in words else set()
            case b"LOGOUT":
                say(b"* BYE", tag + b" OK")
                return
        say(tag + b" OK done")


def pop3(box: Box, file) -> None:
    def say(*lines: bytes) -> None:
        file.write(b"".join(line + b"\r\n" for line in lines))
        file.flush()

    say(b"+OK ready")
    for line in iter(file.readline, b""):
        command, *words = line.split()
        match command:
            case b"LIST":
                left = [n for n in range(len(box.messages)) if n not in box.done]
                say(b"+OK", *(b"%d %d" % (n + 1, len(box.messages[n])) for n in left), b".")
            case b"RETR":
                say(b"+OK", *box.messages[int(words[0]) - 1].replace(b"\r\n", b"\n").split(b"\n"), b".")
            case b"DELE":
                box.done.add(int(words[0]) - 1)
                say(b"+OK")
            case b"QUIT":
                say(b"+OK")
                return
            case _:
                say(b"+OK")


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_a_mailbox_at_a_server_is_read_and_what_was_read_is_done_with(scheme, settings, capsys):
    delivery = sent()
    box = Box(
        {"imap": imap, "pop3": pop3}[scheme],
        [b"Subject: Holiday\r\n\r\nI am away.", a_report(delivery.message_id), a_report("")],
    )
    settings.BOUNCES_URL = f"{scheme}://bounces%40example.com:pass%2Fword@127.0.0.1:{box.port}/INBOX"
    assert readbounces(capsys=capsys).endswith("3 messages, 2 reports, 1 new, 1 unmatched")
    delivery.refresh_from_db()
    assert (delivery.status, box.done, box.flagged) == (Status.BOUNCED, {0, 1, 2}, {2} if scheme == "imap" else set())
    assert readbounces(capsys=capsys).endswith("0 messages, 0 reports, 0 new")


def test_the_schedule_reads_the_mailbox_where_there_is_one_and_waits_where_it_is_shut(settings, caplog):
    delivery = sent()
    settings.BOUNCES_URL = ""
    read_bounces()
    settings.BOUNCES_URL = "imap://user:s3cret@127.0.0.1:1/INBOX"
    read_bounces()
    assert "cannot be read" in caplog.text
    assert "s3cret" not in caplog.text
    box = Box(imap, [a_report(delivery.message_id)])
    settings.BOUNCES_URL = f"imap://user:s3cret@127.0.0.1:{box.port}/INBOX"
    read_bounces()
    delivery.refresh_from_db()
    assert delivery.status == Status.BOUNCED


SECRET = "provider:a secret of twenty-odd characters"


@pytest.fixture
def provider(settings):
    """A portal that sends by a provider, which knows the secret."""

    def turn(name: str, **anymail) -> None:
        settings.ANYMAIL_PROVIDER, settings.ANYMAIL = name, anymail
        reload(urls), reload(portal_urls), clear_url_caches()

    turn("postmark", WEBHOOK_SECRET=SECRET)
    yield turn
    turn("")


def tell(event: dict, secret: str = SECRET, name: str = "postmark"):
    headers = {"authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"} if secret else {}
    return Client().post(f"/anymail/{name}/tracking/", json.dumps(event), "application/json", headers=headers)


def a_bounce(delivery: Delivery, kind: str = "HardBounce", number: int = 7) -> dict:
    return {
        "RecordType": "Bounce", "ID": number, "Type": kind, "MessageID": "0-0", "Email": delivery.email,
        "Description": "The server was unable to deliver your message", "Details": "smtp;550 5.1.1 unknown",
        "BouncedAt": "2026-11-22T10:05:00Z", "Metadata": {"notice-id": delivery.named_mark},
    }  # fmt: skip


def test_a_provider_reports_what_came_back(provider):
    delivery = sent()
    assert tell(a_bounce(delivery)).status_code == 200
    delivery.refresh_from_db()
    assert (delivery.status, delivery.trouble) == (Status.BOUNCED, FailureReason.NO_SUCH_ADDRESS)
    tell(a_bounce(delivery))
    assert delivery.bounces.count() == 1


def test_a_provider_reports_what_is_late_or_not_ours_and_nothing_moves(provider):
    delivery = sent()
    stranger = {**a_bounce(delivery), "Metadata": {"notice-id": "x"}, "ID": 8}
    for event in (a_bounce(delivery, "Transient"), stranger, {"RecordType": "Open", "Metadata": {}}):
        assert tell(event).status_code == 200
    delivery.refresh_from_db()
    assert delivery.status == Status.SENT


def test_who_does_not_know_the_secret_reports_nothing(provider):
    delivery = sent()
    for secret in ("", "provider:wrong"):
        assert tell(a_bounce(delivery), secret).status_code == 400
    delivery.refresh_from_db()
    assert delivery.status == Status.SENT


def test_only_the_provider_in_use_has_an_address_and_only_with_a_secret(provider):
    delivery = sent()
    assert tell(a_bounce(delivery), name="mailgun").status_code == 404
    provider("postmark")
    assert tell(a_bounce(delivery)).status_code == 404
