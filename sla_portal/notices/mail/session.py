"""Sessions with the mail server, which report whether a message was handed over.

The server is responsible for a message once it has the final dot (RFC 5321, 4.2.5 and 6.1): a failure before it means not
delivered, a failure between the dot and its reply means unknown.
"""

from __future__ import annotations

import logging
import re
import select
import smtplib
import socket
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import Protocol, Self, cast

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend

from ..models import Delivery, FailureReason, Status
from .message import MailMessage, Unwritable, envelope_address, received, sender

log = logging.getLogger(__name__)

DOT_ANSWERED_WITHIN_SECONDS = 120
GO_ON, CLOSING = 354, 421
ENHANCED = re.compile(r"(?<![\d.])5\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
"""Not an IP address."""


class Unreachable(Exception):
    """The mail server refuses connections; `str()` of it is its reply."""


@dataclass(frozen=True)
class Outcome:
    """The result of one attempt. `Status.PENDING`: retry."""

    status: Status
    failure_reason: FailureReason | None = None
    said: str = ""


SENT = Outcome(Status.SENT)


class Session(Protocol):
    """A held connection: `offer` a message, then `hand_over` or `take_back`. Connecting raises `Unreachable`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    offered_sha256: str | None
    """The SHA-256 of the message offered last, as it is received; None where a provider builds it."""

    def offer(self, message: MailMessage, delivery: Delivery) -> Outcome | None:
        """Send the message up to the final dot; None if the server accepted it so far."""

    def hand_over(self) -> Outcome:
        """Send the final dot and read the reply."""

    def take_back(self) -> None:
        """Leave the offered message unsent."""


def session() -> Session:
    """Return a session for the configured mail backend."""
    backend = get_connection()
    return SmtpSession(backend) if isinstance(backend, SmtpBackend) else BackendSession(backend)


class SmtpSession:
    """One SMTP connection for many messages, opened on demand and reopened when broken."""

    def __init__(self, backend: SmtpBackend) -> None:
        self.backend = backend
        self.offered_sha256: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.backend.connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                self.backend.connection.quit()
        self._drop()

    @property
    def smtp(self) -> smtplib.SMTP:
        if self.backend.connection is None:
            try:
                self.backend.open()
                self._connection.ehlo_or_helo_if_needed()
            except (smtplib.SMTPException, OSError) as error:
                self._drop()
                raise Unreachable(_words(error)) from error
            # The dot goes out in a packet of its own and must not wait for the acknowledgement of the one before.
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._connection

    @property
    def _connection(self) -> smtplib.SMTP:
        return cast("smtplib.SMTP", self.backend.connection)

    @property
    def sock(self) -> socket.socket:
        return cast("socket.socket", self.smtp.sock)

    def _drop(self) -> None:
        if self.backend.connection is not None:
            self.backend.connection.close()
        self.backend.connection = None

    def offer(self, message: MailMessage, delivery: Delivery) -> Outcome | None:
        try:
            recipient, content = envelope_address(delivery.email), message.completed(delivery)
        except Unwritable:
            return Outcome(Status.FAILED, FailureReason.UNWRITABLE)
        self.offered_sha256 = sha256(received(content)).hexdigest()
        try:
            return self._converse(sender(delivery), delivery.named_mark, recipient, content)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Outcome(Status.PENDING, FailureReason.CUT_OFF, _words(error))

    def _converse(self, sender: str, mark: str, recipient: str, content: bytes) -> Outcome | None:
        code, said = self._mail(sender, mark)
        if code == CLOSING or code // 100 == 5:
            # A reply to the sender, whatever the recipient.
            self._drop()
            raise Unreachable(_reply(code, said))
        if code // 100 == 2:
            code, said = self.smtp.rcpt(recipient)
        if code // 100 == 2:
            code, said = self.smtp.docmd("DATA")
        if code != GO_ON:
            return self._refused(code, said)
        self.smtp.send(content)
        return None

    def _mail(self, sender: str, mark: str) -> tuple[int, bytes]:
        """Begin a message; reconnect if the server closed the connection in the meantime.

        Where the server knows RFC 3461 its reports name the mail by the mark, and return its head alone.
        """
        if self.backend.connection is not None:
            with suppress(smtplib.SMTPServerDisconnected):
                code, said = self.smtp.mail(sender, self._options(mark))
                if code != CLOSING:
                    return code, said
            self._drop()
        return self.smtp.mail(sender, self._options(mark))

    def _options(self, mark: str) -> list[str]:
        return [f"ENVID={mark}", "RET=HDRS"] if self.smtp.has_extn("dsn") else []

    def _refused(self, code: int, said: bytes) -> Outcome:
        """Handle a reply that did not accept the message."""
        if code == CLOSING or code // 100 not in (4, 5):
            self._drop()
        else:
            self.smtp.rset()
        return refusal(code, said)

    def hand_over(self) -> Outcome:
        smtp, sock = self.smtp, self.sock
        if select.select([sock], [], [], 0)[0]:
            # The server replied or disconnected before it had the message.
            self._drop()
            return Outcome(Status.PENDING, FailureReason.CUT_OFF)
        try:
            sock.settimeout(DOT_ANSWERED_WITHIN_SECONDS)
            smtp.send(b".\r\n")
            code, said = smtp.getreply()
            sock.settimeout(self.backend.timeout)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Outcome(Status.UNKNOWN, FailureReason.UNANSWERED, _words(error))
        if code // 100 == 2:
            return SENT
        if code // 100 not in (4, 5):
            self._drop()
            return Outcome(Status.UNKNOWN, FailureReason.UNANSWERED, _reply(code, said))
        if code == CLOSING:
            self._drop()
        return refusal(code, said)

    def take_back(self) -> None:
        # Within DATA there is no other way to take a message back.
        self._drop()


class BackendSession:
    """Any other mail backend: it takes the whole message, and an error leaves open whether it was accepted."""

    offered_sha256: str | None = None

    def __init__(self, backend: BaseEmailBackend) -> None:
        self.backend = backend
        self.offered: list[EmailMessage] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.backend.close()

    def offer(self, message: MailMessage, delivery: Delivery) -> Outcome | None:
        try:
            self.offered = [message.message(delivery)]
        except Unwritable:
            return Outcome(Status.FAILED, FailureReason.UNWRITABLE)
        try:
            self.backend.open()
        except Exception as error:
            log.exception("The mail backend does not open")
            raise Unreachable(_words(error)) from error
        return None

    def hand_over(self) -> Outcome:
        try:
            taken = self.backend.send_messages(self.offered)
        except Exception as error:
            if answered := _answered(error):
                return answered
            log.exception("The mail backend fails")
            return Outcome(Status.UNKNOWN, FailureReason.UNANSWERED, _words(error))
        return Outcome(Status.PENDING, FailureReason.POSTPONED) if taken == 0 else SENT

    def take_back(self) -> None:
        self.offered = []


def _answered(error: Exception) -> Outcome | None:
    """Return what a provider's reply means; None where the error is no reply.

    With HTTP 4xx the provider has not accepted the e-mail; its reply says why.
    """
    # They import requests, which nothing needs before a backend fails.
    from anymail.exceptions import AnymailRecipientsRefused, AnymailRequestsAPIError

    match error:
        case AnymailRecipientsRefused():
            return Outcome(Status.FAILED, FailureReason.REFUSED, _words(error))
        case AnymailRequestsAPIError(status_code=int(code)) if code // 100 == 4:
            return Outcome(Status.PENDING, FailureReason.POSTPONED, _words(error))
        case AnymailRequestsAPIError():
            return Outcome(Status.UNKNOWN, FailureReason.UNANSWERED, _words(error))
    return None


def refusal(code: int, said: bytes) -> Outcome:
    """Return the outcome of a negative reply: 4xx is transient, 5xx permanent (RFC 5321, 4.2.1; RFC 3463)."""
    words = _reply(code, said)
    if code // 100 != 5:
        return Outcome(Status.PENDING, FailureReason.POSTPONED, words)
    return Outcome(Status.FAILED, failure_reason_of(words) or FailureReason.REFUSED, words)


def failure_reason_of(words: str) -> FailureReason | None:
    """Return the failure reason of a permanent enhanced status code (RFC 3463), if it is a known one."""
    detail = ENHANCED.search(words)
    match detail.groups() if detail else ():
        case ("1", "1" | "2" | "3" | "6" | "10"):
            return FailureReason.NO_SUCH_ADDRESS
        case ("1", "7" | "8"):
            return FailureReason.SENDER
        case ("7", _):
            return FailureReason.BLOCKED
        case ("2", "2"):
            return FailureReason.FULL
    return None


def _reply(code: int, said: bytes) -> str:
    return _readable(f"{code} {said.decode(errors='replace')}")


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return _reply(error.smtp_code, said if isinstance(said, bytes) else said.encode())
    return _readable(str(error) or type(error).__name__)


def _readable(words: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:500]
