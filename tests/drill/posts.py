"""10 000 random POSTs at the forms of the staff pages as each role, on PostgreSQL: none fails, and none is slow."""

from collections.abc import Iterator

from tests.support.parts import Figure

from .support import posts

NEEDS = ("postgresql",)
FULL, SMALL = posts.Size(10_000, demo=True), posts.Size(40, demo=False, roles=("Administrator",))


def run(size: posts.Size) -> Iterator[Figure]:
    yield from posts.run(size, "PostgreSQL")
