"""Who promises: the opening to the public, rehearsals before it, and what makes a database a staging copy."""

from .opening import Opening
from .rehearsal import Rehearsal
from .staging import StagingCopy

__all__ = ["Opening", "Rehearsal", "StagingCopy"]
