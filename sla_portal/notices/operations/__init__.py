"""Issue notices, deliver their e-mails, throttle them, and resolve undelivered mail."""

from .auditing import mail_checkpoints, notify_of_findings
from .bouncing import forget_reports, look_at_report, note_bounce, read_files, read_mailbox
from .delivering import deliver_chunk, due, hold_queued, release_lapsed
from .giving import Address, NotWorded, give_notice
from .keeping import Answered, keep_pages
from .resolving import (
    NotALetter,
    NotAnAddress,
    NotOpen,
    confirm_delivery,
    correct_address,
    reached_by_letter,
    send_again,
)
from .telling_staff import AddressMissing, invite, send_test
from .throttling import NoReason, NotALimit, NothingToDo, limit_notice, pause_notice, resume_notice

__all__ = [
    "Address",
    "AddressMissing",
    "Answered",
    "NoReason",
    "NotALetter",
    "NotALimit",
    "NotAnAddress",
    "NotOpen",
    "NotWorded",
    "NothingToDo",
    "confirm_delivery",
    "correct_address",
    "deliver_chunk",
    "due",
    "forget_reports",
    "give_notice",
    "hold_queued",
    "invite",
    "keep_pages",
    "limit_notice",
    "look_at_report",
    "mail_checkpoints",
    "note_bounce",
    "notify_of_findings",
    "pause_notice",
    "reached_by_letter",
    "read_files",
    "read_mailbox",
    "release_lapsed",
    "resume_notice",
    "send_again",
    "send_test",
]
