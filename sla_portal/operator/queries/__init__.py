"""Read what is on record of the operator and of the installation."""

from .marks import present_mark, refusal_of_role, staged_at
from .opening import is_opened, opening
from .rehearsal import rehearsal_number, running_rehearsal, was_rehearsed

__all__ = [
    "is_opened",
    "opening",
    "present_mark",
    "refusal_of_role",
    "rehearsal_number",
    "running_rehearsal",
    "staged_at",
    "was_rehearsed",
]
