"""What has changed between two texts, word by word, and between two versions, clause by clause.

Pure: texts in, runs out. Without what was deleted the runs are the new text to the letter; without what was inserted, the old.
"""

from .clauses import ClauseChange, ClauseWords, clause_changes, clause_pairs
from .formatted import Block, Tag, formatted
from .words import Kind, Run, Runs, is_changed, redline

__all__ = [
    "Block",
    "ClauseChange",
    "ClauseWords",
    "Kind",
    "Run",
    "Runs",
    "Tag",
    "clause_changes",
    "clause_pairs",
    "formatted",
    "is_changed",
    "redline",
]
