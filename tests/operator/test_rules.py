"""The contrast of the operator's colours, against the grounds of the real stylesheets."""

import re
from pathlib import Path

import pytest

from sla_portal.operator.rules import (
    DARK,
    GROUNDS,
    LIGHT,
    ON_ACCENT,
    contrast,
    readable,
    stylesheet,
    stylesheet_name,
    too_faint,
)

PORTAL_CSS = Path(__file__).parents[2] / "sla_portal/staff/static/staff/portal.css"
TOKENS = {
    name: {LIGHT: light, DARK: dark}
    for name, light, dark in re.findall(
        r"--([\w-]+): light-dark\((#\w+), (#\w+)\);", PORTAL_CSS.read_text(encoding="utf-8")
    )
}


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21), ("#ffffff", "#ffffff", 1), ("#777777", "#ffffff", 4.48), ("#767676", "#ffffff", 4.54)],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert round(contrast(one, other), 2) == ratio
    assert contrast(one, other) == contrast(other, one)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_grounds_are_those_of_the_stylesheets(theme):
    names = ("sheet", "desk", "sunk", "up-soft", "counted-soft", "excluded-soft")
    assert GROUNDS[theme] == tuple(TOKENS[name][theme] for name in names)
    assert ON_ACCENT[theme] == TOKENS["on-accent"][theme]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_portals_own_accent_is_readable(theme):
    assert too_faint(TOKENS["accent"][theme], theme) is None


def test_a_faint_colour_is_refused_with_the_ground_the_contrast_and_one_that_does():
    found = too_faint("#0a7d32", LIGHT)
    assert found is not None
    assert (found.ground, round(found.contrast, 2)) == ("#f9e7e6", 4.41)
    assert found.instead == "#0a7a31"
    assert too_faint(found.instead, LIGHT) is None
    assert too_faint("#12405c", DARK) is not None


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#ffff00", "#0000ff", "#ff0000", "#808080", "#12405c"])
def test_every_colour_has_a_readable_one_near_it(colour, theme):
    assert too_faint(readable(colour, theme), theme) is None


def test_a_readable_colour_stays():
    assert readable("#12405c", LIGHT) == "#12405c"
    assert readable("#8cc3ea", DARK) == "#8cc3ea"


def test_the_name_of_the_stylesheet_changes_with_its_content():
    assert "--accent:light-dark(#12405c,#8cc3ea);" in stylesheet("#12405c", "#8cc3ea")
    assert re.fullmatch(r"12405c-8cc3ea-[0-9a-f]{12}", stylesheet_name("#12405c", "#8cc3ea"))
