"""Parse reports of mail servers from untrusted senders: bounces and delays (RFC 3464, 6533), complaints (RFC 5965).

A report is applied only if it contains the mark of an e-mail, which only servers on its way and its recipient know. Size
and number of parts are limited.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32

import flufl.bounce

from ..models import Told

LARGEST = 1_000_000
LARGEST_IN_WORDS = 200_000
MOST_PARTS = 30
MOST_WORDS = 500
MOST_TEXT = 100_000
"""Characters of text in which a mark is looked for."""
NAMES_OF_THE_MAIL = ("Message-ID", "X-Notice-Id", "In-Reply-To", "References")
ADDRESSES_OF_THE_REPORT = ("To", "Delivered-To", "X-Original-To", "Envelope-To")
MACHINE_PART = re.compile(rb"message/(?:global-)?(delivery-status|feedback-report)", re.IGNORECASE)
"""Read as text in fields here: Python takes the first kind apart by itself, and not where it is encoded or RFC 6533's."""
RAW_PART = re.compile(
    rb"^content-type:[ \t]*message/(?:global-)?delivery-status[^\n]*\n(?:[^\n]+\n)*\n(.*?)(?=^--|\Z)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"\b[0-9a-f]{32}\.[0-9]{1,18}\b")
RETURNED = {"message/rfc822", "message/global"}
RETURNED_HEAD = {"text/rfc822-headers", "message/global-headers"}
ACTIONS = {"failed", "delayed", "delivered", "relayed", "expanded"}
"""Where a server writes another, its status code decides."""
COMMENT = re.compile(r"\([^()]*\)")
COMPLAINTS = {"abuse", "fraud", "virus", "opt-out", "opt-out-list", "other", "miscategorized"}


@dataclass(frozen=True)
class Report:
    """What a mail server says of an e-mail."""

    marks: str
    """Texts that may contain the mark of the e-mail."""
    told: Told
    permanent: bool
    said: str
    recipient: str
    """Final-Recipient, which may be another address than the e-mail was sent to; empty where none is named."""
    key: str


class UnreadableReport(Exception):
    """The message looks like a report and cannot be read as one."""


def read_report(content: bytes) -> Report | None:
    """Return the report in a message; None if it reports no failure, delay or complaint. Raises `UnreadableReport`."""
    key = hashlib.sha256(content).hexdigest()
    # As Internet mail ends its lines; gateways pass on others.
    content = re.sub(rb"\r\n?", b"\n", content)
    looks_like_one = MACHINE_PART.search(content) is not None
    if len(content) > LARGEST or content.lower().count(b"content-type:") > MOST_PARTS:
        if looks_like_one:
            raise UnreadableReport
        return None
    try:
        message = BytesParser(policy=compat32).parsebytes(MACHINE_PART.sub(rb"text/\1", content))
        recipients = list(_recipients(message)) or list(_recipients_in_the_raw(content))
        found = _complaint(message) or _worst(recipients)
        # Only where nothing is said in fields: a server that writes them knows best.
        if not found and not recipients and len(content) <= LARGEST_IN_WORDS:
            found = _in_words(message)
        marks = " ".join([*_marks(message), *MARK.findall(content[:MOST_TEXT].decode("ascii", "replace"))[:20]])
    # The parser is recursive, and malformed headers raise many kinds of errors.
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        if looks_like_one:
            raise UnreadableReport from error
        return None
    if not found:
        return None
    told, permanent, said, recipient = found
    return Report(marks, told, permanent, said, recipient, key)


def sender_and_subject(content: bytes) -> tuple[str, str]:
    """Return what a person knows a message by; empty where it cannot be read."""
    try:
        head = BytesHeaderParser(policy=compat32).parsebytes(content[:MOST_TEXT])
        return _words(head.get("From"))[:200], _words(head.get("Subject"))[:200]
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", ""


Found = tuple[Told, bool, str, str]


def _recipients(message: Message) -> Iterator[tuple[str, str, str]]:
    """Yield action, text and address of each recipient, wherever the part lies: gateways wrap it in what they add."""
    for part in message.walk():
        if part.get_content_type() == "text/delivery-status":
            yield from filter(None, map(_recipient, _blocks(part)))


def _recipients_in_the_raw(content: bytes) -> Iterator[tuple[str, str, str]]:
    """The same where the parts cannot be told apart, because the boundary between them was altered on the way."""
    for part in RAW_PART.finditer(content):
        yield from filter(None, map(_recipient, _blocks_in(part[1].decode("utf-8", "replace"))))


def _worst(recipients: list[tuple[str, str, str]]) -> Found | None:
    bad = [one for one in recipients if one[0] in {"failed", "delayed"}]
    if not bad:
        return None
    action, said, address = max(bad, key=lambda one: one[0] == "failed")
    return Told.IN_FIELDS, action == "failed", said, address


def _recipient(fields: Message) -> tuple[str, str, str] | None:
    """Return action, text and address of a recipient; None for the fields of the message."""
    status = _words(_plain(fields.get("Status")))
    action = _words(_plain(fields.get("Action"))).lower()
    if not action and not fields.get("Final-Recipient"):
        return None
    if action not in ACTIONS:
        action = {"5": "failed", "4": "delayed"}.get(status[:1], "failed" if action == "expired" else action)
    diagnosis = _words(fields.get("Diagnostic-Code"))
    diagnosis = re.sub(r"^smtp\s*;\s*", "", diagnosis, flags=re.IGNORECASE)
    address = _words(_plain(fields.get("Final-Recipient"))).partition(";")[2].strip().strip("<>")
    return action, f"{status} {diagnosis}".strip()[:MOST_WORDS], address[:254]


def _complaint(message: Message) -> Found | None:
    for part in message.walk():
        if part.get_content_type() == "text/feedback-report":
            for fields in _blocks(part):
                kind = _words(_plain(fields.get("Feedback-Type"))).lower()
                if kind in COMPLAINTS:
                    recipient = _words(_plain(fields.get("Original-Rcpt-To"))).strip("<>")[:254]
                    return Told.COMPLAINT, False, kind, recipient
    return None


def _in_words(message: Message) -> Found | None:
    """What older servers and large providers write in plain text, as a well-kept library reads it."""
    delayed, failed = flufl.bounce.all_failures(message)
    for permanent, addresses in ((True, failed), (False, delayed)):
        if addresses:
            first = min(addresses)
            return Told.IN_WORDS, permanent, _first_words(message), _words(first.decode("ascii", "replace"))[:254]
    return None


def _first_words(message: Message) -> str:
    text = next((part for part in message.walk() if part.get_content_type() == "text/plain"), None)
    return _words(_text(text)[:2000]) if text else ""


def _marks(message: Message) -> Iterator[str]:
    """Where the mark may stand: the envelope and the thread that the report answers, or the mail that it returns."""
    for name in ADDRESSES_OF_THE_REPORT:
        yield from (_words(value) for value in message.get_all(name, [])[:3])
    yield from (_words(message.get(name)) for name in ("In-Reply-To", "References"))
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "text/delivery-status":
            for fields in _blocks(part):
                yield _words(fields.get("Original-Envelope-Id"))
        returned = _parts(part)[:1] if kind in RETURNED | RETURNED_HEAD else []
        if kind in RETURNED_HEAD and not returned:
            returned = [_head(_text(part))]
        yield from (_words(mail.get(name)) for mail in returned for name in NAMES_OF_THE_MAIL)


def _blocks(part: Message) -> list[Message]:
    """Return the fields of a part, of the message first and then of each recipient."""
    return _blocks_in(_text(part)[:MOST_TEXT].replace("\r\n", "\n"))


def _blocks_in(text: str) -> list[Message]:
    # A line that begins no field goes on with the one before; some servers do not indent it.
    text = re.sub(r"\n(?=[^\s:]+(?:[ \t]|\n|$))(?!\n)", "\n ", text)
    return [_head(block) for block in re.split(r"\n[ \t]*\n+", text) if block.strip()]


def _head(text: str) -> Message:
    return BytesHeaderParser(policy=compat32).parsebytes(text.lstrip("\n").encode("utf-8", "replace"))


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def _parts(message: Message) -> list[Message]:
    parts = message.get_payload()
    return [part for part in parts if isinstance(part, Message)] if isinstance(parts, list) else []


def _plain(value: object) -> str:
    """A short field without its comments, which may lie in one another (RFC 3464, 2.1.1)."""
    text, count = _words(value), 1
    while count:
        text, count = COMMENT.subn(" ", text)
    return text


def _words(value: object) -> str:
    """A header on one line, short and printable."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value or "")).split())[:MOST_WORDS]
