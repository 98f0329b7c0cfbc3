"""The hash chain: each entry's hash covers its content and the previous hash; checkpoints say where it stood."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple

GENESIS = "0" * 64
MOST_FINDINGS = 50

canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def link(previous: str, content: dict[str, Any]) -> str:
    """Return SHA-256 (hex) of the previous hash and the content as canonical JSON."""
    return hashlib.sha256(f"{previous}\n{canonical(content)}".encode()).hexdigest()


class Row(NamedTuple):
    """An entry as stored."""

    number: int
    previous_hash: str
    hash: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Mark:
    """What a checkpoint says of the log: its entry `number` is the newest, with this hash.

    A mark from outside the portal has no number of a checkpoint and need not know the count of entries.
    """

    number: int
    hash: str
    entries: int | None = None
    checkpoint: int | None = None


@dataclass(frozen=True)
class Head:
    """What the head row says of the log; `newest` is the number of the newest entry there is."""

    number: int
    hash: str
    entries: int
    newest: int


@dataclass(frozen=True)
class Start:
    """What comes before the rows to check; without a hash, the first row may follow any."""

    number: int = 0
    hash: str | None = GENESIS
    entries: int = 0


BEGINNING = Start()


class Fault(StrEnum):
    ALTERED = "altered"
    UNLINKED = "unlinked"
    MISSING = "missing"
    REWRITTEN = "rewritten"
    COUNT = "count"
    CUT = "cut"
    HEAD = "head"
    BEYOND = "beyond"
    CHECKPOINT = "checkpoint"
    FILE = "file"
    SEAL = "seal"
    UNREGISTERED = "unregistered"


@dataclass(frozen=True)
class Finding:
    """A fault of the log at `entry`, or from there to `until`; `checkpoint` is the one that shows it.

    Of a document that was issued, `entry` is its place in the register, 0 where it has none; `document` is its kind and number.
    """

    fault: Fault
    entry: int
    until: int | None = None
    checkpoint: int | None = None
    document: str = ""

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Finding:
        return cls(**{**stored, "fault": Fault(stored["fault"])})


class Inspection:
    """One pass over the rows of the log in their order; see `inspect`."""

    def __init__(self, start: Start, marks: Sequence[Mark], numbered_after: int) -> None:
        self.number, self.hash, self.entries = start.number, start.hash, start.entries
        self.marks = sorted(marks, key=lambda mark: mark.number, reverse=True)
        self.numbered_after = numbered_after
        self.findings: list[Finding] = []

    def _find(self, fault: Fault, entry: int, until: int | None = None, checkpoint: int | None = None) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(fault, entry, until, checkpoint))

    def _found(self, fault: Fault) -> bool:
        return any(finding.fault is fault for finding in self.findings)

    def row(self, row: Row) -> None:
        if link(row.previous_hash, row.content) != row.hash:
            self._find(Fault.ALTERED, row.number)
        if row.number != self.number + 1 and self.number >= self.numbered_after:
            self._find(Fault.MISSING, self.number + 1, row.number - 1)
        elif self.hash is not None and row.previous_hash != self.hash:
            self._find(Fault.UNLINKED, row.number)
        self.number, self.hash = row.number, row.hash
        self.entries += 1
        while self.marks and self.marks[-1].number <= row.number:
            self._compare(self.marks.pop())

    def _compare(self, mark: Mark) -> None:
        """Compare the log up to the entry just read with a checkpoint; what follows from the first difference is not repeated."""
        if (self.number, self.hash) != (mark.number, mark.hash):
            if not self._found(Fault.REWRITTEN):
                self._find(Fault.REWRITTEN, mark.number, checkpoint=mark.checkpoint)
        elif mark.entries not in (None, self.entries) and not (self._found(Fault.MISSING) or self._found(Fault.COUNT)):
            self._find(Fault.COUNT, mark.number, checkpoint=mark.checkpoint)

    def end(self, head: Head) -> None:
        if self.marks:
            newest = self.marks[0]
            self._find(Fault.CUT, self.number + 1, newest.number, newest.checkpoint)
        if self.hash is not None:
            self._compare_head(head)
        if head.newest > head.number:
            self._find(Fault.BEYOND, head.number + 1, head.newest)

    def _compare_head(self, head: Head) -> None:
        if (head.number, head.hash) != (self.number, self.hash):
            self._find(Fault.HEAD, self.number, head.number)
        elif head.entries != self.entries and not (self._found(Fault.MISSING) or self._found(Fault.COUNT)):
            self._find(Fault.COUNT, self.number)


def inspect(
    rows: Iterable[Row], head: Head, marks: Sequence[Mark], *, start: Start = BEGINNING, numbered_after: int = 0
) -> Inspection:
    """Check the rows of the log up to its head, in the order of their numbers, against themselves, the head and checkpoints.

    Numbers are without gaps after `numbered_after`. The work is one pass, the memory that of one row.
    """
    inspection = Inspection(start, marks, numbered_after)
    for row in rows:
        inspection.row(row)
    inspection.end(head)
    return inspection


def missing_checkpoints(numbers: Sequence[int]) -> list[Finding]:
    """Return where the numbers of checkpoints, which have no gaps and are given in order, leave some out."""
    before = [0, *numbers]
    return [
        Finding(Fault.CHECKPOINT, last + 1, number - 1)
        for last, number in zip(before, numbers, strict=False)
        if number != last + 1
    ]
