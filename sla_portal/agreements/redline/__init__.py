"""What has changed between two texts, word by word, and between two versions, clause by clause.

Pure: texts in, runs out. Without what was deleted the runs are the new text to the letter; without what was inserted, the old.
"""

from .clauses import ClauseChange, ClauseWords, clause_changes, clause_pairs
from .words import Kind, Run, Runs, is_changed, redline

__all__ = [
    "ClauseChange",
    "ClauseWords",
    "Kind",
    "Run",
    "Runs",
    "clause_changes",
    "clause_pairs",
    "is_changed",
    "redline",
]
