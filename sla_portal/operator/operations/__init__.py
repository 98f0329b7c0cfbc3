"""Begin a rehearsal."""

from .rehearsal import AlreadyRehearsing, PortalIsOpen, SomethingIssued, begin_rehearsal

__all__ = ["AlreadyRehearsing", "PortalIsOpen", "SomethingIssued", "begin_rehearsal"]
