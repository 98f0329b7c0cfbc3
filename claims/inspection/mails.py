"""E-mails: headers and body as plain text; attachments are listed and never opened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import policy
from email.message import MIMEPart
from email.parser import BytesParser
from html.parser import HTMLParser

import webencodings

from .reasons import Reason, Unfit
from .texts import preview_text

MOST_PARTS = 200
DEEPEST = 10
HEADERS = ("From", "To", "Cc", "Date", "Subject")
HEADER = re.compile(rb"(?:From |[!-9;-~]+:)")
ENCODED = re.compile(
    rb"(?<==\?)[\w.:-]+(?=(?:\*[\w-]*)?\?[bq]\?)|(?<=\*=)[\w.:-]+(?='[\w-]*')|(?<=\*0\*=)[\w.:-]+(?=')", re.IGNORECASE
)
"""Where headers name a character set: encoded words (RFC 2047) and names of files (RFC 2231)."""


def is_mail(content: bytes) -> bool:
    """Whether a file without known extension starts like an e-mail."""
    head = content[:65_536].replace(b"\r\n", b"\n").partition(b"\n\n")[0].lower()
    return (
        bool(HEADER.match(head))
        and b"\nfrom:" in b"\n" + head
        and re.search(rb"\n(date|received|message-id):", head) is not None
    )


def read(content: bytes) -> str:
    """Return the preview of an e-mail: headers, body, and the names of attachments."""
    if b"\0" in content or not HEADER.match(content):
        raise Unfit(Reason.NOT_A_MAIL)
    mail = BytesParser(policy=policy.default).parsebytes(ENCODED.sub(lambda name: _meant(name[0]), content))
    if not mail["From"]:
        raise Unfit(Reason.NOT_A_MAIL)
    parts = list(_parts(mail, 0))
    if len(parts) > MOST_PARTS:
        raise Unfit(Reason.TOO_LARGE_INSIDE)
    heading = [f"{name}: {mail[name]}" for name in HEADERS if mail[name]]
    attached = [f"+ {part.get_filename() or '–'} ({part.get_content_type()})" for part in parts if _is_attached(part)]
    return preview_text("\n".join([*heading, "", _body(parts), "", *attached]).rstrip() + "\n")


def _parts(mail: MIMEPart, depth: int) -> Iterator[MIMEPart]:
    if depth > DEEPEST:
        raise Unfit(Reason.TOO_LARGE_INSIDE)
    if mail.is_multipart() and mail.get_content_maintype() == "multipart":
        for part in mail.iter_parts():
            yield from _parts(part, depth + 1)
    else:
        yield mail


def _is_attached(part: MIMEPart) -> bool:
    return (
        part.get_content_disposition() == "attachment"
        or part.get_content_maintype() != "text"
        or bool(part.get_filename())
    )


def _body(parts: list[MIMEPart]) -> str:
    for kind in ("text/plain", "text/html"):
        texts = [_text(part) for part in parts if part.get_content_type() == kind and not _is_attached(part)]
        if texts:
            return "\n".join(texts if kind == "text/plain" else map(_without_markup, texts))
    return ""


def _text(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(_codec(part.get_content_charset("utf-8")), "replace")
    except LookupError:  # an unknown character set
        return payload.decode("utf-8", "replace")


def _codec(charset: str) -> str:
    """Return the codec of the character set that mail programs mean by this name.

    That is what browsers take it for (WHATWG), since programs write the name of an older set than they use. GBK is read as
    its successor, which has all of it.
    """
    known = webencodings.lookup(charset)
    codec = known.codec_info.name if known else charset
    return {"gbk": "gb18030", "big5hkscs": "cp950"}.get(codec, codec)


def _meant(charset: bytes) -> bytes:
    return _codec(charset.decode("ascii", "replace")).encode("ascii", "replace")


class _Words(HTMLParser):
    """Collect the visible text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.hidden += tag in {"script", "style"}
        if tag in {"br", "p", "div", "tr", "li"}:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in {"script", "style"} and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


def _without_markup(html: str) -> str:
    page = _Words()
    page.feed(html)
    return re.sub(r"\s*\n\s*", "\n", "".join(page.words)).strip()
