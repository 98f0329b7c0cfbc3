"""A real mail server on loopback that does wrong what it is told to."""

from __future__ import annotations

import enum
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from anymail.exceptions import AnymailRequestsAPIError
from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from requests import Response

from tests.everything import free_port


class Fault(enum.Enum):
    """What goes wrong with one attempt to bring a message."""

    CLOSING = "421 when it begins"
    LATER = "451 for the recipient"
    NEVER = "550 for the recipient"
    LATER_AFTER_THE_DOT = "451 after the dot"
    NEVER_AFTER_THE_DOT = "550 after the dot"
    CUT_BEFORE = "dropped when it begins"
    CUT_WITHIN = "dropped before the dot"
    CUT_AFTER_TAKEN = "taken, then dropped without an answer"
    CUT_AFTER_LOST = "dropped at the dot, not taken"


@dataclass(frozen=True)
class Taken:
    """A message that the server took."""

    recipient: str
    content: bytes
    sender: str = ""

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=default)  # type: ignore[return-value]


Plan = Callable[[str, int], Fault | None]
"""What goes wrong for an address at its first, second … attempt."""


@dataclass
class MailServer:
    plan: Plan = lambda _address, _attempt: None
    port: int = 0
    keeps: bool = True
    """Whether it keeps what the messages say, not only whose they are."""
    taken: list[Taken] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    connections: int = 0

    def forget(self, plan: Plan) -> None:
        self.plan = plan
        self.taken.clear()
        self.attempts.clear()
        self.faults.clear()
        self.connections = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


class Faulty(SMTP):
    """The address is known at RCPT, so a fault "when it begins" comes there too."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if self.event_handler.fault is Fault.CUT_WITHIN:
            # In one packet with the end of the line, so that no client gets far in between.
            with socket.socket(fileno=os.dup(self.transport.get_extra_info("socket").fileno())) as line:
                line.send(b"354 Go on\r\n", socket.MSG_MORE)
                line.shutdown(socket.SHUT_WR)
            return
        await super().smtp_DATA(arg)


class Handler:
    """One connection's."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self.fault: Fault | None = None
        server.connections += 1

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.server.attempts[address] += 1
        self.fault = self.server.plan(address, self.server.attempts[address])
        if self.fault:
            self.server.faults[self.fault] += 1
        match self.fault:
            case Fault.LATER:
                return "451 4.7.1 Greylisted"
            case Fault.NEVER:
                return "550 5.1.1 No such mailbox"
            case Fault.CLOSING:
                return "421 4.3.2 Going down"
            case Fault.CUT_BEFORE:
                smtp.transport.abort()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        match self.fault:
            case Fault.LATER_AFTER_THE_DOT:
                return "451 4.3.0 Try again later"
            case Fault.NEVER_AFTER_THE_DOT:
                return "554 5.7.1 Looks like spam"
            case Fault.CUT_AFTER_LOST:
                smtp.transport.abort()
                return "250 OK"
        content = (self.server.keeps and envelope.original_content) or b""
        self.server.taken.append(Taken(envelope.rcpt_tos[0], content, envelope.mail_from or ""))
        if self.fault is Fault.CUT_AFTER_TAKEN:
            smtp.transport.abort()
        return "250 OK"


class FaultyController(Controller):
    def __init__(self, server: MailServer) -> None:
        self.mail_server = server
        super().__init__(object(), hostname="127.0.0.1", port=server.port)

    def factory(self) -> SMTP:
        return Faulty(Handler(self.mail_server))


@contextmanager
def mail_server(plan: Plan = lambda _address, _attempt: None) -> Iterator[MailServer]:
    """A mail server in a thread; it keeps what it took."""
    server = MailServer(plan, free_port())
    controller = FaultyController(server)
    controller.start()
    server.connections = 0
    try:
        yield server
    finally:
        controller.stop()


class FailingBackend(BaseEmailBackend):
    """A mail backend of a provider that breaks."""

    def send_messages(self, _messages: list[object]) -> int:
        raise OSError("Gateway timeout")


class RefusingProvider(BaseEmailBackend):
    """A mail provider whose API answers with an error; the status stands in EMAIL_HOST."""

    def send_messages(self, _messages: list[object]) -> int:
        response = Response()
        response.status_code = int(settings.EMAIL_HOST)
        response._content = b"No"
        raise AnymailRequestsAPIError(f"The provider says {settings.EMAIL_HOST}", response=response)
