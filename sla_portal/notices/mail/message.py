"""A notice in one language as an e-mail message: built once, completed for each address."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.encoders import encode_base64
from email.header import Header
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.policy import SMTP
from email.quoprimime import body_encode
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any

from css_inline import CSSInliner
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _

from ..models import Attachment, Delivery, Notice, Wording
from ..private import MARKER, completed

inliner = CSSInliner(load_remote_stylesheets=False)
EOL = "\r\n"
# One less than quoted-printable allows, so that a line can be continued.
WIDTH = 75
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
DOUBLED_DOT = re.compile(rb"^\.\.", re.MULTILINE)


class Unwritable(Exception):
    """An address that is not valid in an SMTP envelope."""


class ProviderMail(EmailMultiAlternatives):
    """A mail with what django-anymail tells a provider of it; any other mail backend passes that over."""

    metadata: dict[str, str]
    envelope_sender: str


class MailMessage:
    """An e-mail with placeholders for what is personal: three header lines, the greeting and markers of `private`.

    Building is deterministic: the same bytes every time. While the message is built each placeholder has a line of its own,
    so that no line break falls into it; completed, it is joined to its neighbours by soft line breaks.
    """

    def __init__(self, notice: Notice, wording: Wording, attachments: Iterable[Attachment]) -> None:
        self.notice, self.wording = notice, wording
        self.attachments = list(attachments)
        self.operator = notice.identity.texts if notice.identity else None
        """None: as the settings say, as for all notices before an identity was saved."""
        # No text can contain a part of its own hash, so a placeholder is unambiguous.
        self.place = f"spot-{notice.sha256[:24]}"
        self.text, self.html = self._texts(self.place)
        self.spots: list[tuple[str, bool]] = []
        parts = re.split(rf"\r\n{self.place}-\d+\r\n", self._bytes().decode("ascii"))
        self.head, *self.between = (_stuffed(part.encode("ascii")) for part in parts)

    def completed(self, delivery: Delivery) -> bytes:
        """Return the message for one address as sent, dot-stuffed, without the final dot.

        Raises `Unwritable`.
        """
        written = [
            f"To: {_mailbox(delivery.name, envelope_address(delivery.email))}\r\n"
            f"Message-ID: {delivery.message_id}\r\nX-Notice-Id: {delivery.mark}\r\n".encode("ascii"),
            self.head,
        ]
        values = {spot: _joined(self._value(*spot, delivery)) for spot in set(self.spots)}
        for spot, after in zip(self.spots, self.between, strict=True):
            written += [values[spot], after]
        return b"".join(written)

    def source(self, delivery: Delivery) -> bytes:
        """Return the message for one address as received. Raises `Unwritable`."""
        return received(self.completed(delivery))

    def message(self, delivery: Delivery) -> ProviderMail:
        """Return the message for a Django mail backend. Raises `Unwritable`."""
        to = formataddr((_clean(delivery.name), envelope_address(delivery.email)))
        own = {"Message-ID": delivery.message_id, "X-Notice-Id": delivery.mark}
        text, html = (
            # Markers first: a name may look like a marker.
            completed(body, delivery).replace(self.place, self._value(self.place, escaped, delivery))
            for body, escaped in ((self.text, False), (self.html, True))
        )
        given = (self.wording.subject, text, self._from())
        message = ProviderMail(*given, to=[to], headers=self._headers() | own)
        # Providers return the metadata in their reports.
        message.metadata = {"notice-id": delivery.named_mark}
        if settings.BOUNCE_ADDRESS:
            message.envelope_sender = sender(delivery)
        message.attach_alternative(html, "text/html")
        for file in self.attachments:
            message.attach(_part(file))
        return message

    def _texts(self, place: str) -> tuple[str, str]:
        context = {"notice": self.notice, "wording": self.wording, "greeting": place, "operator": self.operator}
        if self.operator:
            context["from_whom"] = self.operator.stated_in(self.wording.language)
        with translation.override(self.wording.language):
            return (
                render_to_string("notices/message.txt", context),
                inliner.inline(render_to_string("notices/message.html", context)),
            )

    def _apart(self, body: str, *, escaped: bool) -> str:
        """Return the text with each placeholder on a line of its own, and remember the placeholders in order."""

        def apart(found: re.Match[str]) -> str:
            self.spots.append((found[0], escaped))
            return f"\n{self.place}-{len(self.spots)}\n"

        return re.sub(f"{self.place}|{MARKER.pattern}", apart, body)

    def _value(self, spot: str, escaped: bool, delivery: Delivery) -> str:
        if spot != self.place:
            return completed(spot, delivery)
        lines = [salutation(delivery.name, self.wording.language), *self._customers(delivery)]
        return "<br>".join(map(escape, lines)) if escaped else "\n".join(lines)

    def _from(self) -> str:
        if self.operator is None:
            return str(settings.DEFAULT_FROM_EMAIL)
        return formataddr((self.operator.name_in(self.wording.language), sender_address(self.notice)))

    def _headers(self) -> dict[str, str]:
        # The time of the notice, so that a resent e-mail is identical.
        headers = {"Date": format_datetime(self.notice.given_at), "Auto-Submitted": "auto-generated"}
        if self.operator and self.operator.reply_to:
            headers["Reply-To"] = envelope_address(self.operator.reply_to)
        return headers

    def _bytes(self) -> bytes:
        message = EmailMessage(policy=SMTP.clone(max_line_length=WIDTH))
        message["From"] = self._from()
        message["Subject"] = self.wording.subject
        for name, value in self._headers().items():
            message[name] = value
        message.set_content(self._apart(self.text, escaped=False), charset="utf-8", cte="quoted-printable")
        message.add_alternative(
            self._apart(self.html, escaped=True), subtype="html", charset="utf-8", cte="quoted-printable"
        )
        for file in self.attachments:
            message.add_attachment(bytes(file.content), **_typed(file.content_type), filename=file.name)
        for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
            part.set_boundary(f"=_{number}_{self.notice.sha256[:32]}")
        return message.as_bytes()

    def _customers(self, delivery: Delivery) -> list[str]:
        """Return the lines that name the customers of an e-mail that is not for the contact's own alone."""
        named = [one.named for one in delivery.customers.all()]
        with translation.override(self.wording.language):
            if len(named) > 1:
                return ["", _("This e-mail is for %(count)d customers:") % {"count": len(named)}, *named]
            return ["", *(_("This e-mail is for %(customer)s.") % {"customer": one} for one in named)] if named else []


def salutation(name: str, language: str) -> str:
    """Return the first line of an e-mail to a person; without a name it greets nobody by name."""
    with translation.override(language):
        return _("Dear %(name)s,") % {"name": _clean(name)} if _clean(name) else _("Hello,")


def received(content: bytes) -> bytes:
    """Return a message as sent without what SMTP adds on the wire: it doubles each leading dot."""
    return DOUBLED_DOT.sub(b".", content)


def sender(delivery: Delivery) -> str:
    """Return the envelope sender, to which bounce reports are sent."""
    if settings.BOUNCE_ADDRESS:
        return settings.BOUNCE_ADDRESS.replace("*", delivery.named_mark)
    return sender_address(delivery.notice)


def sender_address(notice: Notice) -> str:
    """Return the address from which the e-mails of a notice come."""
    if notice.identity and notice.identity.sender:
        return envelope_address(notice.identity.sender)
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def envelope_address(email: str) -> str:
    """Return the address in ASCII. Raises `Unwritable`."""
    local, at, domain = email.rpartition("@")
    try:
        written = f"{local}{at}{domain.encode('idna').decode()}"
        written.encode("ascii")
    except UnicodeError:
        raise Unwritable(email) from None
    if not local or not domain or re.search(r"[\x00-\x20\x7f<>,]", written):
        raise Unwritable(email)
    return written


def _clean(name: str) -> str:
    """Return a name on one line, for a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def _mailbox(name: str, address: str) -> str:
    name = _clean(name)
    if name.isascii():
        return formataddr((name, address))
    words = Header(name, "utf-8", header_name="To").encode(linesep=EOL)
    return f"{words} <{address}>"


def _joined(value: str) -> bytes:
    """Return a placeholder's value as quoted-printable between soft line breaks."""
    quoted = body_encode(value.encode().decode("latin-1"), maxlinelen=WIDTH, eol=EOL)
    return b"=\r\n" + _stuffed(quoted.encode("ascii")) + b"=\r\n"


def _stuffed(part: bytes) -> bytes:
    return LEADING_DOT.sub(b"..", part)


def _part(file: Attachment) -> MIMEBase:
    kind = _typed(file.content_type)
    part = MIMEBase(kind["maintype"], kind["subtype"], **kind["params"])
    part.set_payload(bytes(file.content))
    encode_base64(part)
    part.add_header("Content-Disposition", "attachment", filename=file.name)
    return part


def _typed(content_type: str) -> dict[str, Any]:
    """Return a content type with its parameters for `add_attachment`."""
    parsed = SMTP.header_factory("Content-Type", content_type)
    return {"maintype": parsed.maintype, "subtype": parsed.subtype, "params": dict(parsed.params)}
