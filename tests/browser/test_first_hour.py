"""From an empty database to a portal that is open to the public, by pages alone."""

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core import mail as outbox
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect
from time_machine import travel

from claims.models import Claim
from claims.operations.applying import mail_requested
from sla_portal.availability.models import MonthClosing
from sla_portal.availability.operations import judge_due_months
from sla_portal.notices.models import Delivery
from sla_portal.notices.operations import deliver_chunk
from sla_portal.staff.setup.checklist import steps
from tests.support.builders import at
from tests.support.first_hour import Clicks, set_up
from tests.support.screen import fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROWS = "".join(f"C-{n},House {n},eu,house{n}@example.com,K-{n},2026-01-01,2027-12-31,49.00,EUR\n" for n in range(1, 41))


def deliver() -> None:
    """Hand over what waits, as the worker does."""
    deliver_chunk(clock=timezone.now)


def test_an_empty_portal_is_set_up_and_opened_by_pages_alone(closed_portal, desks, live_server):
    root = User.objects.create_superuser("root", "root@example.com")
    page = desks(root)
    page.goto(f"{live_server.url}/")
    expect(page.get_by_text("The availability of the service will be reported here soon.")).to_be_visible()
    clicks = set_up(page, deliver, customers=ROWS, year=str(timezone.now().year + 1))
    expect(page.get_by_text("The portal is open to the public.")).to_be_visible()
    assert [step.name for step in steps(timezone.now()) if not step.done] == []
    # Two invitations, and the test.
    assert Delivery.objects.filter(status="sent").count() == 3
    assert clicks.count <= 40
    page.goto("/")
    expect(page.get_by_text("All systems operational")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    for address in ("/admin/", "/admin/setup/", "/admin/setup/agreement/", "/admin/setup/customers/"):
        page.goto(address)
        assert fits(page), address


def pay(admin: Clicks) -> None:
    """The cap of 5.1 is what was paid."""
    admin.page.goto("/admin/agreements/contract/")
    admin.link("K-1")
    admin.click("text=Add another Payment")
    admin.fill(**{"payments-0-reference": "P-1", "payments-0-paid_on": "2026-01-02", "payments-0-amount": "588.00"})
    admin.fill(why="The first year was paid")
    admin.click("[name=_save]")
    expect(admin.page.get_by_text("was changed successfully")).to_be_visible()


def enter(page, field: str, day: str, time: str) -> None:
    page.locator(f"[name={field}_0]").fill(day)
    page.locator(f"[name={field}_1]").fill(time)


def log_an_outage(noc: Clicks) -> None:
    noc.page.goto("/admin/")
    noc.click("a:has-text('Log an outage')")
    noc.click("[name=since][value=typed] + span")
    noc.click("[name=over][value=yes] + span")
    enter(noc.page, "since_at", "2026-01-12", "10:00:00")
    enter(noc.page, "ended_at", "2026-01-12", "10:37:00")
    noc.button("Log outage")
    noc.page.locator("#classification [name=reason]").first.fill("Our gateway")
    noc.button("Classify as attributable")


def close_the_month(one: Clicks, other: Clicks) -> None:
    one.page.goto("/admin/")
    one.page.get_by_role("region", name="Months to close or correct").get_by_role("link", name="2026-01").first.click()
    one.counted[0] += 1
    one.button("Request to close January 2026")
    other.page.goto("/admin/")
    other.page.get_by_role("region", name="Months to close or correct").get_by_role(
        "link", name="2026-01"
    ).first.click()
    one.counted[0] += 1
    other.button("Confirm: close January 2026")
    expect(other.page.get_by_text("Its figures are frozen")).to_be_visible()


def claim(browser, counted: Clicks, proof) -> None:
    """A contact of the customer claims on the website, with the code from the mail."""
    Image.linear_gradient("L").save(proof)
    context = browser.new_context(timezone_id="Asia/Shanghai", locale="en-GB")
    customer = Clicks(context.new_page(), counted)
    page = customer.page
    page.goto(f"{settings.SITE_URL}/claim/")
    customer.click("button[value='2026-01']")
    page.get_by_label("Contract reference").fill("K-1")
    page.get_by_label("E-mail address on record").fill("house1@example.com")
    customer.button("Continue")
    page.locator("#fd1").fill("2026-01-12")
    page.locator("#ft1").fill("10:00")
    page.locator("#ut1").fill("10:37")
    customer.button("Continue")
    page.get_by_label("Add files").set_input_files(proof)
    customer.button("Continue")
    customer.button("Send code")
    mail_requested(now=timezone.now())
    deliver()
    code = re.search(r"^[0-9]{8}$", outbox.outbox[-1].body, re.MULTILINE)
    page.get_by_label("Code from the e-mail").fill(code[0])
    customer.button("Continue")
    customer.button("Submit claim")
    expect(page.get_by_role("heading", level=1)).to_contain_text("C-2026-0001")
    context.close()


def grant(one: Clicks, other: Clicks) -> None:
    for clicks in (one, other):
        clicks.page.goto("/admin/")
        clicks.link(re.compile("C-2026-0001"))
    one.click("label:has-text('Grant')")
    one.page.get_by_label("Reason, for the record").fill("Down for everybody, and proved")
    one.page.get_by_label("Subject", exact=True).fill("Your claim is granted")
    one.page.get_by_label("E-mail text", exact=True).fill("The lamp was dark for 37 minutes. We give them back.")
    one.button("Recommend")
    expect(one.page.get_by_text("Another person must approve it.")).to_be_visible()
    other.page.reload()
    other.link("Review and decide")
    other.button("Grant claim")
    expect(other.page.get_by_text("Approved")).to_be_visible()


def announce(one: Clicks, other: Clicks) -> None:
    one.page.goto("/admin/")
    one.link("All versions")
    one.fill(version="1.1")
    one.click("main button:has-text('Start a draft based on')")
    one.page.get_by_label("Compensation per minute").fill("2")
    one.page.get_by_label("What changes", exact=True).fill("Lost time is given back twice.")
    one.page.get_by_label("What changes (Chinese)").fill("损失的时间双倍补偿。")
    one.button("Save")
    one.link("Submit for approval")
    one.button("Submit for approval")
    other.page.goto("/admin/")
    other.link(re.compile("Version 1.1 effective"))
    other.click("main button:has-text('Publish version 1.1')")
    expect(other.page.get_by_text("0 of 1 e-mail sent")).to_be_visible()


def test_from_an_empty_portal_to_a_closed_month_a_granted_claim_and_an_announced_amendment(
    closed_portal, browser, desks, live_server, settings, tmp_path
):
    settings.SITE_URL = live_server.url
    # The browser keeps its own clock, by which the cookies of the journey would be over.
    settings.SESSION_COOKIE_AGE = 10**9
    with travel(at("2026-01-05 02:00"), tick=True) as clock:
        admin = desks(User.objects.create_superuser("root", "root@example.com"))
        clicks = set_up(admin, deliver=deliver, customers=ROWS[: ROWS.index("\n") + 1], year="2026")
        pay(clicks)
        lena, ravi = (Clicks(desks(User.objects.get(username=name)), clicks) for name in ("lena", "ravi"))
        clock.move_to(at("2026-01-12 04:00"))
        log_an_outage(clicks)
        clock.move_to(at("2026-02-03 02:00"))
        judge_due_months(now=timezone.now())
        close_the_month(lena, ravi)
        clock.move_to(at("2026-02-10 02:00"))
        claim(browser, clicks, tmp_path / "door.png")
        grant(lena, ravi)
        announce(lena, ravi)
        deliver()
    assert MonthClosing.objects.get().month.month == 1
    granted = Claim.objects.get()
    told = Delivery.objects.filter(email="house1@example.com", status="sent").values_list("notice__kind", flat=True)
    assert (granted.status, sorted(set(told))) == ("granted", ["amendment", "claim", "code"])
    assert clicks.count <= 60, clicks.count
