"""Instants as text say the same on every Python."""

from datetime import UTC, datetime

import pytest

from sla_portal.kernel.instants import parse_instant


@pytest.mark.parametrize(
    "text",
    ["2026-09-10T23:59:59Z", "2026-09-11T07:59:59+08:00", "2026-09-11T07:59:59+0800", "2026-09-11T07:59:59.000+08"],
)
def test_an_instant_is_read_as_utc(text):
    assert parse_instant(text) == datetime(2026, 9, 10, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-10T24:00:00Z", "2026-09-10T24:00:00+08:00", "2026-09-10T24:00:01Z", "2026-09-10T25:00:00Z",
        "2026-09-10T23:60:00Z", "2026-09-10T23:59:60Z", "2026-02-29T00:00:00Z", "2026-09-10T00:00:00+24:00",
    ],
)  # fmt: skip
def test_what_is_on_no_clock_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=rf"^There is no such instant as {text.replace('+', '.')}\.$"):
        parse_instant(text)
