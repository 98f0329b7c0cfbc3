"""Open the portal to the public, and rehearse before that."""

from .opening import AlreadyOpened, DayPast, StillRehearsing, open_portal, set_reported_from
from .rehearsal import AlreadyRehearsing, PortalIsOpen, SomethingIssued, begin_rehearsal

__all__ = [
    "AlreadyOpened",
    "AlreadyRehearsing",
    "DayPast",
    "PortalIsOpen",
    "SomethingIssued",
    "StillRehearsing",
    "begin_rehearsal",
    "open_portal",
    "set_reported_from",
]
