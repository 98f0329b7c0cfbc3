"""Parse bounce and delay reports (RFC 3464) from untrusted senders.

A report is accepted only if it contains the mark of an e-mail's Message-ID, which only servers on its way know. Size and
number of parts are limited.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

LARGEST = 1_000_000
MOST_PARTS = 30
MOST_WORDS = 500
NAMES_OF_THE_MAIL = ("Message-ID", "X-Notice-Id")
ADDRESSES_OF_THE_REPORT = ("To", "Delivered-To", "X-Original-To", "Envelope-To")


@dataclass(frozen=True)
class Report:
    """A bounce or delay report."""

    marks: str
    """Texts that may contain the mark of an e-mail."""
    permanent: bool
    said: str
    key: str


def read_report(content: bytes) -> Report | None:
    """Return the report in a message; None if it reports no failure or delay, or is too large."""
    if len(content) > LARGEST or content.lower().count(b"content-type:") > MOST_PARTS:
        return None
    try:
        message = BytesParser(policy=compat32).parsebytes(content)
        recipients = list(_recipients(message))
        marks = " ".join(_marks(message))
    # The parser is recursive, and malformed headers raise many kinds of errors.
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return None
    bad = [(action, said) for action, said in recipients if action in {"failed", "delayed"}]
    if not bad:
        return None
    failed = [said for action, said in bad if action == "failed"]
    said = (failed or [bad[0][1]])[0]
    return Report(marks, permanent=bool(failed), said=said, key=hashlib.sha256(content).hexdigest())


def _recipients(message: Message) -> Iterator[tuple[str, str]]:
    """Yield action and diagnostic text of each recipient."""
    if message.get_content_type() != "multipart/report":
        return
    for part in _parts(message):
        if part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}:
            for fields in _parts(part):
                if action := _words(fields.get("Action")).lower():
                    status, diagnosis = _words(fields.get("Status")), _words(fields.get("Diagnostic-Code"))
                    yield action, f"{status} {diagnosis.removeprefix('smtp;').strip()}".strip()[:MOST_WORDS]


def _marks(message: Message) -> Iterator[str]:
    """Where the mark may stand: on the envelope that the report answers, or in the head of the mail that it returns."""
    for name in ADDRESSES_OF_THE_REPORT:
        yield from (_words(value) for value in message.get_all(name, [])[:3])
    for part in _parts(message):
        kind = part.get_content_type()
        returned = _parts(part)[:1] if kind in {"message/rfc822", "message/global"} else []
        if kind in {"text/rfc822-headers", "message/global-headers"}:
            head = part.get_payload(decode=True)
            returned = (
                [BytesParser(policy=compat32).parsebytes(head, headersonly=True)] if isinstance(head, bytes) else []
            )
        yield from (_words(mail.get(name)) for mail in returned for name in NAMES_OF_THE_MAIL)


def _parts(message: Message) -> list[Message]:
    parts = message.get_payload()
    return [part for part in parts if isinstance(part, Message)] if isinstance(parts, list) else []


def _words(value: object) -> str:
    """A header on one line, short and printable."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value or "")).split())[:MOST_WORDS]
