"""Open the portal to the public."""

from .opening import AlreadyOpened, DayPast, open_portal, set_reported_from

__all__ = ["AlreadyOpened", "DayPast", "open_portal", "set_reported_from"]
