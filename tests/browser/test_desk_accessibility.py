"""The staff pages pass axe, light and wide, dark and narrow."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.urls import reverse

from tests.support.builders import a_region, a_window, an_exclusion, an_incident
from tests.support.desk import a_member, page_of, signed_in
from tests.support.screen import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_pages_break_no_rule(browser, live_server, scheme, width):
    europe = a_region("eu", name="Europe")
    a_region("asia", name="Asia")
    now = datetime.now(UTC).replace(microsecond=0)
    window = a_window("2026-09-10 01:00", "2026-09-10 02:00")
    incident = an_incident(title="Gateway lost")
    incident.outages.create(region=europe, started_at=now - timedelta(minutes=20))
    over = an_incident()
    over.outages.create(region=europe, started_at=window.starts_at, ended_at=window.ends_at)
    an_exclusion(over, "4.10", status="proposed")
    an_exclusion(over, "4.11", ends_at=window.starts_at + timedelta(minutes=20))
    month = reverse("admin:month", args=["2026-09", "region", "eu"])
    context = browser.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    member = a_member("NOC")
    member.groups.add(a_member("Legal").groups.get())
    cookie = signed_in(member).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    broken = {}
    for address in (
        reverse("admin:log_outage"),
        page_of(incident),
        page_of(over),
        f"{month}?day=2026-09-10&minute=09:10",
        reverse("admin:months"),
    ):
        page.goto(address)
        for details in page.locator("details.propose > summary").all():
            details.click()
        if address == reverse("admin:log_outage"):
            page.get_by_text("Partial outage: some functions").click()
            page.get_by_text("Specify time").click()
        broken |= faults(page)
    context.close()
    assert broken == {}
