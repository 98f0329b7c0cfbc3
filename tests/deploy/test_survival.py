"""The portal of `make run` lives through unreadable messages and the end of each of its processes: the drill, in its small size."""

import pytest

from tests.drill.survival import live_through

pytestmark = pytest.mark.sqlite


def test_it_lives_through_twenty_seconds_of_trouble(tmp_path):
    outcome = live_through(tmp_path / "portal", 20, to_the_end=False)
    assert set(outcome.back_after) == {"web", "worker", "beat"}
    assert outcome.put_in > 20
