"""Who promises: the opening of the portal to the public."""

from .opening import Opening

__all__ = ["Opening"]
