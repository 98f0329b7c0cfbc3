"""Read what is on record of the operator and of the installation."""

from .basis import basis_differs, basis_in_force, closed_month_count
from .identity import identities, logo_file, operator_in_force, operator_of_settings
from .marks import present_mark, refusal_of_role, staged_at
from .opening import is_opened, opening
from .rehearsal import rehearsal_number, running_rehearsal, was_rehearsed

__all__ = [
    "basis_differs",
    "basis_in_force",
    "closed_month_count",
    "identities",
    "is_opened",
    "logo_file",
    "opening",
    "operator_in_force",
    "operator_of_settings",
    "present_mark",
    "refusal_of_role",
    "rehearsal_number",
    "running_rehearsal",
    "staged_at",
    "was_rehearsed",
]
