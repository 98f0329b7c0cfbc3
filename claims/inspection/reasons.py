"""Why a file cannot be taken."""

from enum import Enum


class Reason(Enum):
    """The values pass between the two processes; the sentences are the portal's."""

    EMPTY = "empty"
    TOO_LARGE = "too large"
    OTHER_KIND = "other kind"
    """Neither by its name nor by its content one of the kinds that are taken."""
    FORGED = "forged"
    """Its name says one kind, its content is another."""
    DAMAGED = "damaged"
    """It ends too early, or cannot be read as what it begins as."""
    TWO_IN_ONE = "two in one"
    """A second file stands in it or behind it."""
    TOO_MANY_PIXELS = "too many pixels"
    ENCRYPTED = "encrypted"
    ACTIVE = "active"
    """A PDF that does something: scripts, actions, forms that send."""
    ATTACHED = "attached"
    """A PDF that carries files."""
    TOO_LARGE_INSIDE = "too large inside"
    """More pages, objects or parts than anybody can look at."""
    NOT_TEXT = "not text"
    MARKUP = "markup"
    """Text that a browser or a shell would take for a page or a program."""
    NOT_A_MAIL = "not a mail"
    OVERRAN = "overran"
    """Looking at it took too long or too much memory, or broke the reader."""
    BUSY = "busy"


class Unfit(Exception):
    """A file that cannot be taken, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
