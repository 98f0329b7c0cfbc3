"""1 000 random tamperings of each kind with the audit log, against its last checkpoint: all found, and none by its twin."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.support.parts import Figure
from tests.support.servers import set_up

NEEDS = ("postgresql",)


@dataclass(frozen=True)
class Size:
    times: int
    entries: int


FULL, SMALL = Size(1_000, 60), Size(3, 20)


def run(size: Size) -> Iterator[Figure]:
    set_up()
    from sla_portal.audit.queries import inspect_log
    from tests.support.tampering import KINDS, a_log, findings_after

    last = size.entries - 5
    a_log(size.entries, last // 3, last // 2, last)
    begun = time.monotonic()
    for kind in KINDS:
        chance = Random(kind.__name__)
        outcomes = [findings_after(kind, chance, last) for _ in range(size.times)]
        found = sum(bool(findings) for findings, _twin in outcomes)
        twins = sum(bool(twin) for _findings, twin in outcomes)
        yield Figure(f"{kind.__name__}, found of {size.times}", found, least=size.times, required=True)
        yield Figure(f"{kind.__name__}, found of {size.times} by the twin", twins, most=0, required=True)
    yield Figure("found where nobody tampered", len(inspect_log().findings), most=0, required=True)
    yield Figure("in all", time.monotonic() - begun, "s")
