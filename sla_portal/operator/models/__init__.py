"""Who promises: the identity, the time zone of closed months, the opening to the public, rehearsals before it, staging copies."""

from .basis import Basis
from .identity import ALL_LANGUAGES, CODES, STATED, Identity, Logo
from .opening import Opening
from .rehearsal import Rehearsal
from .staging import StagingCopy

__all__ = ["ALL_LANGUAGES", "CODES", "STATED", "Basis", "Identity", "Logo", "Opening", "Rehearsal", "StagingCopy"]
