"""Seal documents with the operator's key: PDFs by a signature within (PAdES), other files by one beside (CMS).

Loaded only where something is sealed: pyHanko and what it needs take a second and forty megabytes.
"""

from .batch import Failed, Sealed, ToSeal, seal_batch
from .keys import Key, KeyUnusable, opened_key

__all__ = ["Failed", "Key", "KeyUnusable", "Sealed", "ToSeal", "opened_key", "seal_batch"]
