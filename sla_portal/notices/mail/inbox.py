"""The inbox of a portal that sends no e-mail: a folder that staff can read."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage as OutgoingMessage
from django.core.mail.backends.base import BaseEmailBackend

BACKEND = f"{__name__}.EmailBackend"
NAME = re.compile(r"\d{19}-\w+\Z")
SHOWN = 200


class EmailBackend(BaseEmailBackend):
    """Write each message to a file of its own, readable by the portal's user only."""

    def send_messages(self, email_messages: Sequence[OutgoingMessage]) -> int:
        for message in email_messages:
            # Atomic by rename.
            draft, path = tempfile.mkstemp(dir=settings.MAIL_DIR, prefix=".")
            with os.fdopen(draft, "wb") as file:
                file.write(message.message().as_bytes())
            Path(path).rename(settings.MAIL_DIR / f"{time.time_ns():019}-{Path(path).name.strip('.')}.eml")
        return len(email_messages)


@dataclass(frozen=True)
class Received:
    """A message in the folder; `name` is unique."""

    name: str
    message: EmailMessage

    @property
    def at(self) -> float:
        """Time of receipt in seconds since the epoch."""
        return int(self.name.partition("-")[0]) / 1e9


def in_use() -> bool:
    return settings.EMAIL_BACKEND == BACKEND


def newest() -> list[Received]:
    """Return the headers of the newest messages, the newest first."""
    names = sorted((path.stem for path in settings.MAIL_DIR.glob("*.eml")), reverse=True)[:SHOWN]
    return [_read(name, headers_only=True) for name in names]


def received(name: str) -> Received | None:
    """Return the message of that name, or None."""
    if not NAME.match(name) or not _path(name).is_file():
        return None
    return _read(name)


def _path(name: str) -> Path:
    return Path(settings.MAIL_DIR / f"{name}.eml")


def _read(name: str, *, headers_only: bool = False) -> Received:
    with _path(name).open("rb") as file:
        message = BytesParser(EmailMessage, policy=default).parse(file, headersonly=headers_only)
    return Received(name, message)
