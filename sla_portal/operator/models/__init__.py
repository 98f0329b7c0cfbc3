"""Who promises: rehearsals before the opening, and what makes a database a staging copy."""

from .rehearsal import Rehearsal
from .staging import StagingCopy

__all__ = ["Rehearsal", "StagingCopy"]
