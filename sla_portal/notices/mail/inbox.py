"""The mail of a portal that sends none: a folder, which staff can look into."""

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
    """Put each message into a file of its own, readable by us alone."""

    def send_messages(self, email_messages: Sequence[OutgoingMessage]) -> int:
        for message in email_messages:
            # Whole or not at all.
            draft, path = tempfile.mkstemp(dir=settings.MAIL_DIR, prefix=".")
            with os.fdopen(draft, "wb") as file:
                file.write(message.message().as_bytes())
            Path(path).rename(settings.MAIL_DIR / f"{time.time_ns():019}-{Path(path).name.strip('.')}.eml")
        return len(email_messages)


@dataclass(frozen=True)
class Received:
    """A message in the folder; `name` tells it from the others."""

    name: str
    message: EmailMessage

    @property
    def at(self) -> float:
        """When it came, in seconds since the epoch."""
        return int(self.name.partition("-")[0]) / 1e9


def in_use() -> bool:
    return settings.EMAIL_BACKEND == BACKEND


def newest() -> list[Received]:
    """The heads of the newest messages, the newest first."""
    names = sorted((path.stem for path in settings.MAIL_DIR.glob("*.eml")), reverse=True)[:SHOWN]
    return [_read(name, headers_only=True) for name in names]


def received(name: str) -> Received | None:
    """The message of that name; None: there is none."""
    if not NAME.match(name) or not _path(name).is_file():
        return None
    return _read(name)


def _path(name: str) -> Path:
    return Path(settings.MAIL_DIR / f"{name}.eml")


def _read(name: str, *, headers_only: bool = False) -> Received:
    with _path(name).open("rb") as file:
        message = BytesParser(EmailMessage, policy=default).parse(file, headersonly=headers_only)
    return Received(name, message)
