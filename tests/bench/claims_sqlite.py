"""Lists of a million claims and ledger entries against ten thousand, on SQLite: first pages, filters and searches."""

from collections.abc import Iterator

from tests.support.parts import Figure

from .support import claims

NEEDS = ()
FULL, SMALL = claims.Size(1_000_000, fewer=10_000, rounds=7), claims.Size(1_000, fewer=500, rounds=1)


def run(size: claims.Size) -> Iterator[Figure]:
    yield from claims.run(size, "sqlite")
