"""Save who the operator is and by what months are counted; open the portal to the public, and rehearse before that."""

from .basis import BasisDiffers, BasisUnchanged, change_basis, note_basis
from .identity import IdentityRefused, LogoFile, dark_accent, objections_to, save_identity
from .opening import AlreadyOpened, DayPast, StillRehearsing, open_portal, set_reported_from
from .rehearsal import AlreadyRehearsing, PortalIsOpen, SomethingIssued, begin_rehearsal

__all__ = [
    "AlreadyOpened",
    "AlreadyRehearsing",
    "BasisDiffers",
    "BasisUnchanged",
    "DayPast",
    "IdentityRefused",
    "LogoFile",
    "PortalIsOpen",
    "SomethingIssued",
    "StillRehearsing",
    "begin_rehearsal",
    "change_basis",
    "dark_accent",
    "note_basis",
    "objections_to",
    "open_portal",
    "save_identity",
    "set_reported_from",
]
