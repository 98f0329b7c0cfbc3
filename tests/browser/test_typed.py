"""Nothing typed is lost in a real browser, and nothing is sent twice."""

import re
from datetime import date, timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from incidents.models import Update
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record
from tests.support.builders import a_region, an_incident, an_outage
from tests.support.desk import PASSWORD, a_member, page_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 390, "height": 844}
IN_VIEW = """element => {
    const { top, bottom } = element.getBoundingClientRect();
    return element === document.activeElement && top >= 0 && bottom <= innerHeight;
}"""


@pytest.fixture
def incident():
    incident = an_incident("INC-7", title="Gateway lost")
    an_outage(a_region("eu", name="Europe"), "2026-09-10 01:00", None, incident=incident)
    return incident


def text(page: Page):
    return page.locator("textarea[name=text]")


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without a script"])
def test_who_signs_in_again_finds_the_text_on_its_page(desks, incident, script):
    page = desks(a_member("NOC", "nora"), viewport=PHONE, java_script_enabled=script)
    page.goto(page_of(incident))
    text(page).fill("Half a sentence about the gateway")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_role("button", name="Add update").click()
    expect(page.get_by_text("What you typed is kept")).to_be_visible()
    page.get_by_label("Username").fill("nora")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("You were signed in again; nothing was sent yet.")).to_be_visible()
    expect(text(page)).to_have_value("Half a sentence about the gateway")
    expect(text(page)).to_be_visible()
    assert not Update.objects.exists()
    page.get_by_role("button", name="Add update").click()
    expect(page.get_by_text("Internal note saved.")).to_be_visible()
    assert Update.objects.get().text == "Half a sentence about the gateway"


def test_a_change_of_language_keeps_what_is_typed_and_sends_nothing(desks, incident):
    page = desks(a_member("NOC", "nora"))
    page.goto(page_of(incident))
    text(page).fill("Half a sentence")
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(text(page)).to_have_value("Half a sentence")
    # And once more, from a page that shows what was typed.
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(text(page)).to_have_value("Half a sentence")
    assert not Update.objects.exists()


def test_a_change_of_time_zone_keeps_the_typed_time_and_its_instant(desks, incident):
    page = desks(a_member("NOC", "nora"))
    page.goto(page_of(incident))
    page.get_by_text("Specify time").first.click()
    page.locator("[name=end_at_0]").fill("2026-09-10")
    page.locator("[name=end_at_1]").fill("12:00:00")
    page.get_by_role("link", name="Change time zone").click()
    page.get_by_role("button", name="UTC").click()
    expect(page.locator("[name=end_at_1]")).to_have_value("12:00:00")
    expect(page.locator("[name=end_at_2]")).to_have_value("Asia/Shanghai")
    expect(page.locator("[name=end_at_2]")).to_be_visible()
    for _preview_then_resolve in range(2):
        page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.get_by_text("Incident resolved.")).to_be_visible()
    incident.refresh_from_db()
    assert incident.resolved_at.isoformat() == "2026-09-10T04:00:00+00:00"


def test_going_back_and_sending_again_saves_once(desks, incident):
    page = desks(a_member("NOC", "nora"))
    page.goto(page_of(incident))
    text(page).fill("Gateway replaced")
    page.get_by_role("button", name="Add update").click()
    expect(page.get_by_text("Internal note saved.")).to_be_visible()
    page.go_back()
    text(page).fill("Gateway replaced")
    page.get_by_role("button", name="Add update").click()
    expect(page.get_by_text("This form was saved already. It was not saved a second time.")).to_be_visible()
    assert Update.objects.count() == 1
    page.go_back()
    text(page).fill("Gateway replaced and tested")
    page.get_by_role("button", name="Add update").click()
    expect(page.get_by_text("What you changed since then is here and was not sent.")).to_be_visible()
    expect(text(page)).to_have_value("Gateway replaced and tested")
    assert Update.objects.count() == 1


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without a script"])
def test_a_refusal_on_a_phone_stands_at_the_field_in_view_and_focused(desks, script):
    a_region("eu")
    page = desks(a_member("NOC"), viewport=PHONE, java_script_enabled=script)
    page.goto(reverse("admin:maintenance_maintenancewindow_add"))
    page.get_by_label("Title").fill("Upgrade")
    for name, value in {"starts_at": "02:00", "ends_at": "01:00"}.items():
        page.locator(f"[name={name}_0]").fill(f"{timezone.now() + timedelta(days=10):%Y-%m-%d}")
        page.locator(f"[name={name}_1]").fill(value)
    page.get_by_role("button", name="Save").click()
    wrong = page.locator("[name=ends_at_0]")
    page.bring_to_front()  # beside others that were opened, a page may not be the active one
    expect(wrong).to_be_focused()
    assert wrong.evaluate(IN_VIEW) if script else wrong.is_visible()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#id_ends_at_error")).to_have_text(
        "The window ends before it starts. Enter an end after the start."
    )
    page.get_by_role("link", name="Until").click()
    expect(page).to_have_url(re.compile("#id_ends_at_0$"))


def test_the_two_instants_of_a_doubled_time_are_chosen_at_the_field(desks):
    a_region("eu")
    page = desks(a_member("NOC"), viewport=PHONE)
    page.goto(reverse("admin:clock"))
    page.get_by_label("Another time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    page.goto(reverse("admin:maintenance_maintenancewindow_add"))
    # A window is planned within two years: the Sunday of next October on which the clocks go back.
    day = date(timezone.now().year + 1, 10, 31)
    day -= timedelta(days=(day.weekday() + 1) % 7)
    page.get_by_label("Title").fill("Upgrade")
    for name, value in {"starts_at": "02:30", "ends_at": "05:00"}.items():
        page.locator(f"[name={name}_0]").fill(day.isoformat())
        page.locator(f"[name={name}_1]").fill(value)
    for label in ("Regions", "Core functions", "Clients"):
        page.get_by_role("group", name=label).get_by_label("all", exact=False).first.check()
    page.get_by_role("button", name="Save").click()
    page.get_by_label(f"{day} 02:30 (UTC+01:00)").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("MW-").first).to_be_visible()
    from maintenance.models import MaintenanceWindow

    assert MaintenanceWindow.objects.get().starts_at.isoformat() == f"{day}T01:30:00+00:00"


def test_a_name_that_turns_the_writing_round_turns_nothing_beside_it(desks, incident):
    nora = a_member("NOC", "nora")
    with transaction.atomic():
        record(
            actor=Actor.staff(nora), action="changed", subject=incident, now=incident.detected_at,
            changes={"title": ["before \u202eabc", "after"]},
        )  # fmt: skip
    page = desks(nora)
    page.goto(page_of(incident))
    left = "element => element.getBoundingClientRect().left"
    line = page.locator("#audit-log .changes li").first
    assert line.locator("del").evaluate(left) < line.locator("ins").evaluate(left)
