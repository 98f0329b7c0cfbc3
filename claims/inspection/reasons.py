"""Reasons why a file is not accepted."""

from enum import Enum


class Reason(Enum):
    """The values pass between the two processes; the messages are in `claims.operations.proofs`."""

    EMPTY = "empty"
    TOO_LARGE = "too large"
    OTHER_KIND = "other kind"
    """Type not accepted, by name and content."""
    FORGED = "forged"
    """Content does not match the file extension."""
    DAMAGED = "damaged"
    """Truncated or unreadable."""
    TWO_IN_ONE = "two in one"
    """Contains a second file, or data after its end."""
    TOO_MANY_PIXELS = "too many pixels"
    ENCRYPTED = "encrypted"
    ACTIVE = "active"
    """A PDF with scripts, actions or submitting forms."""
    ATTACHED = "attached"
    """A PDF with attached files."""
    TOO_LARGE_INSIDE = "too large inside"
    """Too many pages, objects or parts."""
    NOT_TEXT = "not text"
    MARKUP = "markup"
    """Text that a browser or shell would interpret as a page or program."""
    NOT_A_MAIL = "not a mail"
    OVERRAN = "overran"
    """Inspection exceeded its time or memory limit, or the child crashed."""
    BUSY = "busy"


class Unfit(Exception):
    """A file is not accepted, with the reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
