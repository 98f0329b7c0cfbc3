"""Fetch bounce reports from an IMAP or POP3 mailbox or from files."""

from __future__ import annotations

import imaplib
import mailbox
import poplib
import ssl
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .reports import LARGEST

TIMEOUT_SECONDS = 30
MOST_AT_ONCE = 2000


@dataclass(frozen=True)
class Fetched:
    """A message of a mailbox."""

    content: bytes
    whole: bool
    """Of one larger than `LARGEST` only the head is fetched."""
    done: Callable[[], object]
    """Call when it has been processed."""
    put_aside: Callable[[], object]
    """Call when it has not and is not to be fetched again: in an IMAP mailbox it stays unread and gets a flag."""


class Unreadable(Exception):
    """The mailbox cannot be read; `str()` of it says why."""


def fetched(url: str) -> Generator[Fetched, None, None]:
    """Yield the messages of the mailbox at `url`. Raises `Unreadable`."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    try:
        if parts.scheme.startswith("imap"):
            yield from _imap(
                parts.hostname or "", parts.port, user, password, parts.path.strip("/"), tls=parts.scheme[-1] == "s"
            )
        else:
            yield from _pop3(parts.hostname or "", parts.port, user, password, tls=parts.scheme[-1] == "s")
    except (OSError, imaplib.IMAP4.error, poplib.error_proto) as error:
        raise Unreadable(f"{parts.hostname}: {error}") from error


def _imap(host: str, port: int | None, user: str, password: str, folder: str, *, tls: bool) -> Iterator[Fetched]:
    """Yield unread messages without a flag; done messages are marked as read and stay."""
    server: imaplib.IMAP4
    if tls:
        server = imaplib.IMAP4_SSL(host, port or 993, ssl_context=ssl.create_default_context(), timeout=TIMEOUT_SECONDS)
    else:
        server = imaplib.IMAP4(host, port or 143, timeout=TIMEOUT_SECONDS)
    with server:
        server.login(user, password)
        quoted = unquote(folder or "INBOX").replace("\\", "\\\\").replace('"', '\\"')
        status, said = server.select(f'"{quoted}"')
        if status != "OK":
            raise Unreadable(f"{host}: {said!r}")
        for size, part in (("SMALLER", "BODY.PEEK[]"), ("LARGER", "BODY.PEEK[HEADER]")):
            border = LARGEST if size == "SMALLER" else LARGEST - 1
            _status, (found, *_rest) = server.uid("SEARCH", "UNSEEN", "UNFLAGGED", size, str(border))
            for uid in (found or b"").decode().split()[:MOST_AT_ONCE]:
                _status, parts = server.uid("FETCH", uid, f"({part})")
                content = next((one[1] for one in parts if isinstance(one, tuple)), b"")
                store = partial(server.uid, "STORE", uid, "+FLAGS.SILENT")
                yield Fetched(
                    bytes(content), size == "SMALLER", partial(store, r"(\Seen)"), partial(store, r"(\Flagged)")
                )


def _pop3(host: str, port: int | None, user: str, password: str, *, tls: bool) -> Iterator[Fetched]:
    """Yield all messages; they are deleted when the session ends, because POP3 has no flags, unless only a head was read.

    One that was put aside is kept whole in the database.
    """
    server: poplib.POP3
    if tls:
        server = poplib.POP3_SSL(host, port or 995, context=ssl.create_default_context(), timeout=TIMEOUT_SECONDS)
    else:
        server = poplib.POP3(host, port or 110, timeout=TIMEOUT_SECONDS)
    try:
        server.user(user)
        server.pass_(password)
        for line in server.list()[1][:MOST_AT_ONCE]:
            number, size = map(int, line.split()[:2])
            delete = partial(server.dele, number)
            if size <= LARGEST:
                yield Fetched(b"\r\n".join(server.retr(number)[1]), True, delete, delete)
            else:
                yield Fetched(b"\r\n".join(server.top(number, 0)[1]), False, delete, int)
    finally:
        server.quit()


def of_files(path: Path) -> Iterator[bytes]:
    """Yield the messages of a maildir, an mbox file, a message file or a folder of those. Raises `Unreadable`."""
    try:
        if path.is_dir() and (path / "cur").is_dir():
            yield from (message for name in ("new", "cur") for message in _small(sorted((path / name).iterdir())))
        elif path.is_dir():
            yield from _small(sorted(path.glob("*.eml")))
        elif _is_mbox(path):
            with closing(mailbox.mbox(path, create=False)) as box:
                yield from (box.get_bytes(key) for key in box.iterkeys())
        else:
            yield from _small([path])
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _small(paths: list[Path]) -> Iterator[bytes]:
    return (path.read_bytes() for path in paths if path.is_file() and path.stat().st_size <= LARGEST)
