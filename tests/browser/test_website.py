"""The public website in a real browser: by axe's rules, on a phone and at a desk, light and dark, without and with a script."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.builders import a_region, an_incident
from tests.support.public import everything, said
from tests.support.screen import faults, fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = (
    "/", "/incidents/?month=2026-09", "/incidents/INC-1/", "/incidents/INC-3/", "/maintenance/?month=2026-12",
    "/maintenance/MW-1/", "/maintenance/MW-4/", "/availability/", "/availability/eu/", "/availability/eu/2026-09/",
    "/notices/", "/notices/N-2026-0001/", "/notices/N-2026-0002/", "/agreement/", "/agreement/2.0/", "/data/", "/clock/",
    "/nothing/",
)  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "width", "language", "zone"),
    [
        ("light", 1440, "en", "Asia/Shanghai"),
        ("dark", 1440, "zh-hans", "Europe/Berlin"),
        ("light", 390, "zh-hans", "Asia/Shanghai"),
        ("dark", 390, "en", "America/New_York"),
    ],
)
def test_pages_break_no_rule_and_fit_their_screen(browser, live_server, scheme, width, language, zone):
    everything()
    context = browser.new_context(
        base_url=live_server.url,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        timezone_id="Europe/Berlin",
    )
    context.add_cookies(
        [{"name": name, "value": value, "url": live_server.url}
         for name, value in {"django_language": language, "time_zone": zone}.items()]
    )  # fmt: skip
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    broken = {}
    for address in PAGES:
        page.goto(address)
        assert page.locator("html").get_attribute("lang") == language
        for wording in page.locator("summary").all():
            wording.click()
        broken |= faults(page)
        for at in (320, width):  # 320: a screen of 1280 at 400 % zoom
            page.set_viewport_size({"width": at, "height": 900})
            assert fits(page), (address, at)
    context.close()
    assert broken == {}
    assert refused == []


def test_everything_is_read_and_chosen_without_a_script(browser, live_server):
    everything()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto("/incidents/?month=2026-09")
    page.get_by_role("button", name="简体中文").click()
    assert page.url == f"{live_server.url}/incidents/?month=2026-09"
    assert page.get_by_role("heading", level=1).inner_text() == "2026年9月"
    page.get_by_role("button", name="English").click()
    page.get_by_role("link", name="Change time zone").click()
    page.get_by_role("combobox", name="Another time zone").select_option("America/New_York")
    page.get_by_role("button", name="Use this time zone").click()
    assert page.url == f"{live_server.url}/incidents/?month=2026-09"
    assert "New York" in page.locator("time.clock").first.inner_text()
    assert not page.locator(".suggestion").is_visible()
    context.close()


def test_the_browser_s_own_clock_is_offered_where_it_differs(browser, live_server):
    a_region(name="Europe")
    context = browser.new_context(base_url=live_server.url, timezone_id="Europe/Berlin", locale="en-GB")
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Show times in Berlin").click()
    assert "Time zone: Berlin, with the SLA time zone (Shanghai)" in page.locator("header").inner_text()
    assert not page.locator(".suggestion").is_visible()
    context.close()


def test_the_first_tab_skips_to_the_content(page, live_server):
    a_region(name="Europe")
    page.goto(f"{live_server.url}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_a_reader_who_comes_back_sees_what_is_new(page, live_server):
    now = datetime.now(UTC).replace(microsecond=0)
    incident = an_incident("INC-1", detected_at=now)
    incident.outages.create(region=a_region(name="Europe"), started_at=now - timedelta(minutes=5))
    page.goto(f"{live_server.url}/incidents/INC-1/")
    assert "No updates yet." in page.locator("main").inner_text()
    said(incident, f"{now:%Y-%m-%d %H:%M:%S}", "We look for it.")
    # A page is kept for some seconds; whoever looks again after them sees it.
    for _ in range(30):
        page.reload()
        if "We look for it." in page.locator("main").inner_text():
            break
        page.wait_for_timeout(1000)
    assert "We look for it." in page.locator("main").inner_text()
