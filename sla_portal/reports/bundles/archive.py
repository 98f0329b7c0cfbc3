"""A ZIP whose members are hashed as they are written, so that memory does not grow with it."""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from sla_portal.audit.rules import canonical
from sla_portal.kernel.characters import with_turning_shown
from sla_portal.kernel.instants import instant_text

CHUNK = 2000
"""Rows read at a time. While one chunk is read the one before it is still in memory."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
COMPRESSED = (".pdf",)


class Archive:
    """A ZIP whose members have the time `at`; the SHA-256 of each is collected in `sums`."""

    def __init__(self, archive: ZipFile, at: datetime) -> None:
        self._archive, self._at = archive, at.astimezone(UTC)
        self.sums: dict[str, str] = {}

    def add(self, path: str, content: bytes) -> None:
        with self.open(path) as file:
            file.write(content)

    def add_json(self, path: str, content: Any) -> None:
        """Add a value as canonical JSON, in the form in which the portal hashes."""
        self.add(path, canonical(content).encode())

    def add_table(self, path: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
        """Add rows as CSV, each read when it is written."""
        with self.open(path) as file:
            # Without it some spreadsheets misread UTF-8.
            file.write(BOM_UTF8)
            lines = csv.writer(_Lines(file))
            lines.writerow(columns)
            lines.writerows([cell(value) for value in row] for row in rows)

    @contextmanager
    def open(self, path: str) -> Iterator[Hashed]:
        member = ZipInfo(path, self._at.timetuple()[:6])
        member.compress_type = ZIP_STORED if path.endswith(COMPRESSED) else ZIP_DEFLATED
        member.external_attr, member.create_system = 0o644 << 16, 3
        with self._archive.open(member, "w", force_zip64=True) as file:
            hashed = Hashed(file)
            yield hashed
        self.sums[path] = hashed.digest.hexdigest()

    def manifest(self) -> bytes:
        """Return the names and hashes of all members so far, in the form of `sha256sum`."""
        return "".join(f"{digest}  {path}\n" for path, digest in self.sums.items()).encode()


class Hashed:
    """A file that hashes what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self._file.write(content)


class _Lines:
    """A text file for `csv` that encodes UTF-8."""

    def __init__(self, file: Hashed) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write(line.encode())


def cell(value: Any) -> str:
    """Return a value as text that no spreadsheet evaluates as a formula, and that turns no line round."""
    text = "" if value is None else plain(value)
    return f"'{text}" if text.startswith(FORMULA) and not isinstance(value, int | Decimal) else text


def plain(value: Any) -> str:
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else with_turning_shown(str(value))


def instant(at: datetime | None) -> str:
    return instant_text(at) if at else ""


def safe(name: str) -> str:
    """Return a file name that is valid on every system and contains no path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".") or "_"
