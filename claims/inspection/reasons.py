"""Reasons why a file is not accepted, and remarks on one that is."""

from enum import Enum


class Reason(Enum):
    """The values pass between the two processes; the messages are in `claims.operations.proofs`."""

    EMPTY = "empty"
    TOO_LARGE = "too large"
    OTHER_KIND = "other kind"
    """Type not accepted, by name and content."""
    RECORDING = "recording"
    """A film or sound."""
    MOVING = "moving"
    """A GIF."""
    PICTURE = "picture"
    """A picture that browsers do not show: of a scanner, a camera's raw data."""
    OUTLOOK = "outlook"
    OFD = "ofd"
    TABLE = "table"
    DATA = "data"
    """JSON, XML and the like."""
    DOCUMENT = "document"
    """Of an office program."""
    ARCHIVE = "archive"
    FORGED = "forged"
    """Content does not match the file extension."""
    DAMAGED = "damaged"
    """Truncated or unreadable."""
    TWO_IN_ONE = "two in one"
    """Contains a second file that another program would open."""
    TOO_MANY_PIXELS = "too many pixels"
    TOO_LONG = "too long"
    """A picture with an extreme shape."""
    ENCRYPTED = "encrypted"
    ACTIVE = "active"
    """A PDF with scripts, actions or submitting forms."""
    ATTACHED = "attached"
    """A PDF with attached files."""
    TOO_LARGE_INSIDE = "too large inside"
    """Too many pages, objects or parts."""
    NOT_TEXT = "not text"
    MARKUP = "markup"
    """Text that a browser, shell or desktop would interpret as a page, program or setting."""
    BLANK = "blank"
    """Text without a visible character."""
    NOT_A_MAIL = "not a mail"
    OVERRAN = "overran"
    """Inspection exceeded its time or memory limit, or the child crashed."""
    BUSY = "busy"


class Remark(Enum):
    """What the agent is told of an accepted file; the messages are in `claims.words`."""

    ONE_COLOUR = "one colour"
    """A picture in which nothing can be seen."""
    AFTER_END = "after end"
    """A picture with data after its end, which no preview shows: trailers of cameras, films of motion photos."""
    LINKS = "links"
    """A PDF with links to files or scripts."""
    OURS = "ours"
    """A PDF that the portal issued."""


class Unfit(Exception):
    """A file is not accepted, with the reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
