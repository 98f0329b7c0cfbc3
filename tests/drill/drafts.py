"""500 random drafts: nothing can be published in which a term's value is not what its clause prints (5.2)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.parts import Figure
from tests.support.servers import set_up

NEEDS = ()


@dataclass(frozen=True)
class Size:
    drafts: int


FULL, SMALL = Size(500), Size(20)


def run(size: Size) -> Iterator[Figure]:
    set_up()
    os.environ["RANDOM_DRAFTS"] = str(size.drafts)
    # Not before the number is set, which decorates the test.
    from tests.agreements import test_markers as drafts

    wrong = 0
    try:
        drafts.test_nothing_is_published_in_which_a_terms_value_is_not_what_its_clause_prints()
    except AssertionError as error:
        print(error)
        wrong = 1
    yield Figure("random drafts", size.drafts)
    yield Figure("published with another value than a clause prints", wrong, most=0, required=True)
