"""Read what is on record of the operator."""

from .opening import is_opened, opening

__all__ = ["is_opened", "opening"]
