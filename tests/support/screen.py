"""What a page looks like in the browser: whether it fits its screen, and which rules of accessibility it breaks."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": RULES, "resultTypes": ["violations"], "selectors": False}
"""All rules look at everything; only where one is broken are the places described, by their HTML."""


def fits(page: Page) -> bool:
    """Whether the page is no wider than its screen, once it is loaded."""
    # Right after a press the page before may still be being left, and then there is no document to measure.
    page.wait_for_load_state()
    return page.locator("html").evaluate("html => html.scrollWidth <= window.innerWidth")


def faults(page: Page, step: str = "") -> dict[tuple[str, str], list[str]]:
    """What is wrong with the page's look: places that break a rule axe knows, and a page wider than its screen."""
    where = step or page.url
    wide = {} if fits(page) else {(where, "wider than the screen"): [str(page.viewport_size)]}
    found = Axe().run(page, options=OPTIONS).response
    assert found["passes"]  # it has looked
    return wide | {
        (where, rule["id"]): [node["html"][:200] for node in rule["nodes"][:3]] for rule in found["violations"]
    }
