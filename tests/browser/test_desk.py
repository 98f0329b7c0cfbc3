"""The staff pages in a real browser: on a phone, and with two people."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from incidents.models import Incident
from sla_portal.availability.models import Exclusion
from tests.support.builders import a_region, a_window, an_incident
from tests.support.desk import a_member, page_of
from tests.support.screen import fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 390, "height": 844}


def test_two_taps_on_a_phone_log_an_outage_and_one_resolves_it(desks):
    a_region("eu", name="Europe")
    a_region("asia", name="Asia")
    phone = desks(a_member("NOC"), viewport=PHONE, has_touch=True, is_mobile=True)
    phone.goto(reverse("admin:log_outage"))
    assert fits(phone)
    phone.get_by_text("Europe", exact=True).tap()
    phone.get_by_role("button", name="Log outage").tap()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Major outage in Europe for")
    expect(phone.get_by_text("of 4 minutes of downtime allowance left")).to_be_visible()
    assert fits(phone)
    incident = Incident.objects.get()
    assert incident.outages.get().ended_at is None

    phone.get_by_role("button", name="Acknowledge").tap()
    expect(phone.get_by_text("Acknowledged", exact=True).first).to_be_visible()
    phone.wait_for_timeout(1100)
    phone.get_by_role("button", name="Resolve", exact=True).tap()
    expect(phone.get_by_text("Resolved", exact=True).first).to_be_visible()
    expect(phone.get_by_text(re.compile(r"0 unavailable minutes under the counting rule in force"))).to_be_visible()
    incident.refresh_from_db()
    assert incident.resolved_at is not None


def test_optional_inputs_are_hidden_until_chosen(desks):
    a_region("eu")
    page = desks(a_member("NOC"))
    page.goto(reverse("admin:log_outage"))
    grid, since = (
        page.get_by_role("table", name="Affected functions and clients"),
        page.get_by_role("group", name="Start time"),
    )
    expect(grid).to_be_hidden()
    expect(since).to_be_hidden()
    page.get_by_text("Partial outage: some functions").click()
    page.get_by_text("Specify time").click()
    expect(grid).to_be_visible()
    expect(since).to_be_visible()


def test_an_outage_is_logged_with_the_keyboard_alone(desks):
    a_region("eu", name="Europe")
    a_region("asia", name="Asia")
    page = desks(a_member("NOC"))
    page.goto(reverse("admin:log_outage"))
    page.get_by_label("Europe").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Major outage in Europe for")


def test_figures_of_an_ongoing_incident_refresh_and_input_is_kept(desks):
    from datetime import UTC, datetime, timedelta

    incident = an_incident(title="Gateway lost")
    started = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    incident.outages.create(region=a_region("eu", name="Europe"), started_at=started)
    page = desks(a_member("NOC"))
    page.clock.install()
    page.goto(page_of(incident))
    heading = page.get_by_role("heading", level=1)
    before = heading.text_content()
    page.get_by_label("Update", exact=True).fill("Half a sen")
    page.wait_for_timeout(1100)
    page.clock.run_for(16_000)
    expect(heading).not_to_have_text(before or "")
    expect(page.get_by_label("Update", exact=True)).to_have_value("Half a sen")


def test_noc_proposes_legal_confirms_and_the_figures_change(desks):
    europe = a_region("eu", name="Europe")
    window = a_window(
        "2026-09-10 01:00", "2026-09-10 02:00", ("2026-09-05 00:00", "2026-09-10 01:00", "2026-09-10 02:00")
    )
    incident = an_incident(title="Major outage in Europe", resolved_at=window.ends_at)
    incident.outages.create(region=europe, started_at=window.starts_at, ended_at=window.ends_at)

    noc = desks(a_member("NOC"))
    noc.goto(page_of(incident))
    expect(noc.get_by_text("60 unavailable minutes")).to_be_visible()
    noc.get_by_role("button", name="Propose exclusion under 4.1").click()
    expect(
        noc.get_by_text("Exclusion proposed. Figures do not change until another person confirms it.")
    ).to_be_visible()
    expect(noc.get_by_text("60 unavailable minutes")).to_be_visible()
    expect(noc.get_by_role("button", name="Confirm")).to_have_count(0)

    legal = desks(a_member("Legal"), viewport=PHONE)
    legal.goto(page_of(incident))
    assert fits(legal)
    would = legal.get_by_role("table").filter(has_text="If confirmed")
    expect(would.get_by_role("row").filter(has_text="in force")).to_contain_text("60 minutes")
    expect(would.get_by_role("row").filter(has_text="in force")).to_contain_text("0 minutes")
    legal.get_by_role("button", name="Confirm").click()
    expect(legal.get_by_text("60 minutes are excluded.")).to_be_visible()
    noc.reload()
    expect(noc.get_by_text("0 unavailable minutes under the counting rule in force")).to_be_visible()


def test_own_proposals_cannot_be_confirmed(desks):
    europe = a_region("eu", name="Europe")
    window = a_window("2026-09-10 01:00", "2026-09-10 02:00")
    incident = an_incident(title="Major outage in Europe", resolved_at=window.ends_at)
    incident.outages.create(region=europe, started_at=window.starts_at, ended_at=window.ends_at)
    legal = desks(a_member("Legal"))
    legal.goto(page_of(incident))
    legal.get_by_text("Propose an exclusion (section 4)").click()
    expect(legal.get_by_label("Third party", exact=True)).to_be_hidden()
    legal.get_by_label("Clause", exact=True).select_option("4.11")
    legal.get_by_label("Third party", exact=True).fill("Example Cloud")
    legal.get_by_label("Incident of the third party").fill("https://status.example.com/42")
    legal.get_by_label("Why the clause applies").fill("Their zone was lost")
    legal.get_by_role("button", name="Propose", exact=True).click()
    expect(legal.get_by_text("You proposed this exclusion. Another person must decide it.")).to_be_visible()
    expect(legal.get_by_role("button", name="Confirm")).to_have_count(0)
    assert Exclusion.objects.get().status == "proposed"


def test_a_day_and_a_minute_are_opened_by_tapping_without_a_script(desks):
    europe = a_region("eu", name="Europe")
    window = a_window("2026-09-10 01:00", "2026-09-10 01:10")
    incident = an_incident("INC-7")
    incident.outages.create(region=europe, started_at=window.starts_at, ended_at=window.ends_at)
    page = desks(a_member("Support"), viewport=PHONE, java_script_enabled=False)
    page.goto(reverse("admin:month", args=["2026-09", "region", "eu"]))
    page.get_by_role("link", name=re.compile("Thu 10")).click()
    page.get_by_role("link", name=re.compile("09:00 – 09:10")).click()
    expect(page.get_by_text("Counts as downtime: the service was unavailable in this minute.")).to_be_visible()
    page.get_by_role("link", name="INC-7").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Major outage in Europe for 10 min")
