"""From what is on record to what is owed."""

from .windows import claimable_months, window_of, windows_of, working_days

__all__ = ["claimable_months", "window_of", "windows_of", "working_days"]
