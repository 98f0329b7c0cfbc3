"""A claim in a real browser, with and without JavaScript, from the form to the withdrawal."""

import re
from pathlib import Path

import pikepdf
import pytest
from django.core import mail as outbox
from django.utils import timezone
from PIL import Image

from claims.models import Claim
from claims.operations.applying import mail_requested
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery
from sla_portal.notices.operations import deliver_chunk
from tests.support.claim_form import a_customer_on_record
from tests.support.screen import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def files(tmp_path) -> list[Path]:
    """A picture and a paper."""
    picture, paper = tmp_path / "door.png", tmp_path / "log.pdf"
    Image.new("RGB", (320, 200), "navy").save(picture)
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(paper)
    return [picture, paper]


def last_mail() -> str:
    """Deliver what waits, as the worker would, and open the newest mail."""
    mail_requested(now=timezone.now())
    due = list(Delivery.objects.filter(status="pending").values_list("pk", flat=True))
    deliver_chunk(ids=due, clock=timezone.now)
    return outbox.outbox[-1].body


def last_month() -> ServiceMonth:
    return ServiceMonth.of(timezone.now().date()) + -1


def filled_to_the_code(page, files, month: ServiceMonth) -> None:
    page.locator(f'button[value="{month}"]').click()
    page.get_by_label("Contract reference").fill("K-2026-7")
    page.get_by_label("E-mail address on record").fill("mia@example.com")
    page.get_by_role("button", name="Continue").click()
    page.locator("#fd1").fill(f"{month}-10")
    page.locator("#ft1").fill("03:00")
    page.locator("#ut1").fill("03:37")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Add files").set_input_files(files)
    page.get_by_role("button", name="Continue").click()


def on_record() -> ServiceMonth:
    month = last_month()
    a_customer_on_record(starts_on=f"{month + -3}-01", ends_on=f"{(month + 12).last_day}")
    return month


def test_a_claim_is_made_with_going_back_the_code_and_the_link_from_the_email(browser, live_server, settings, files):
    settings.SITE_URL = live_server.url
    month = on_record()
    context = browser.new_context(base_url=live_server.url, timezone_id="Europe/Berlin", locale="en-GB")
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    page.goto("/")
    page.get_by_role("link", name="Claim compensation").first.click()
    filled_to_the_code(page, files, month)
    page.get_by_role("button", name="Outage times", exact=True).click()
    assert (
        page.get_by_label("Time zone of the outage times").input_value() == "Europe/Berlin"
    )  # as the browser suggested
    page.get_by_role("button", name="Add another outage").click()
    page.locator("#fd2").fill(f"{month}-12")
    page.locator("#ft2").fill("04:00")
    page.locator("#ut2").fill("04:10")
    page.get_by_role("button", name="Continue").click()
    assert "door.png" in page.locator("main").inner_text()
    assert "log.pdf" in page.locator("main").inner_text()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send code").click()
    page.get_by_label("Code from the e-mail").fill(re.search(r"^[0-9]{8}$", last_mail(), re.MULTILINE)[0])
    page.get_by_role("button", name="Continue").click()
    assert "10 min" in page.locator("main").inner_text()
    page.get_by_role("button", name="Submit claim").click()
    claim = Claim.objects.get()
    assert page.get_by_role("heading", level=1).inner_text() == f"Claim {claim.number}"
    assert (claim.times.count(), claim.proofs.count(), claim.time_zone) == (2, 2, "Europe/Berlin")

    page.goto(re.search(r"http://\S+/claims/\S+", last_mail())[0])
    page.get_by_label("Add files").set_input_files(
        {"name": "more.txt", "mimeType": "text/plain", "buffer": b"It was down."}
    )
    page.get_by_role("button", name="Add these files").click()
    assert "more.txt" in page.locator("#proof").inner_text()
    page.get_by_role("link", name="Withdraw claim").click()
    page.get_by_role("button", name="Withdraw claim").click()
    assert "Your claim is withdrawn." in page.locator("main").inner_text()
    assert Claim.objects.get().status == "withdrawn"
    assert context.cookies() == []
    assert refused == []
    context.close()


def test_a_claim_can_be_made_without_javascript(browser, live_server, files):
    month = on_record()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto("/claim/")
    filled_to_the_code(page, files, month)
    page.get_by_role("button", name="Send code").click()
    page.get_by_label("Code from the e-mail").fill(re.search(r"^[0-9]{8}$", last_mail(), re.MULTILINE)[0])
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Submit claim").click()
    assert "Under review" in page.locator("main").inner_text() or "Not open yet" in page.locator("main").inner_text()
    context.close()


def test_the_enter_key_continues_and_removes_nothing(browser, live_server):
    month = on_record()
    context = browser.new_context(base_url=live_server.url, timezone_id="Europe/Berlin", locale="en-GB")
    page = context.new_page()
    page.goto("/claim/")
    page.locator(f'button[value="{month}"]').click()
    page.get_by_label("Contract reference").fill("K-2026-7")
    page.get_by_label("E-mail address on record").fill("mia@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add another outage").click()
    page.locator("#fd1").fill(f"{month}-10")
    page.locator("#ft1").fill("03:00")
    page.locator("#ut1").fill("03:37")
    page.locator("#ut1").press("Enter")
    assert page.url.endswith("/proof/")
    context.close()


@pytest.mark.parametrize(
    ("scheme", "width", "language"),
    [("light", 1440, "en"), ("dark", 1440, "zh-hans"), ("light", 390, "zh-hans"), ("dark", 390, "en")],
)
def test_the_steps_have_no_accessibility_violations_and_fit_the_screen(
    browser, live_server, files, scheme, width, language
):
    month = on_record()
    context = browser.new_context(
        base_url=live_server.url,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        timezone_id="Europe/Berlin",
    )
    context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    page = context.new_page()
    broken = {}

    def look(name: str) -> None:
        broken.update(faults(page, name))

    go_on = page.locator(".buttons button.primary")
    page.goto("/claim/")
    look("months")
    page.locator(f'button[value="{month}"]').click()
    go_on.click()
    look("contract, refused")
    page.locator("#id_reference").fill("K-2026-7")
    page.locator("#id_email").fill("mia@example.com")
    go_on.click()
    page.locator("button[name=rows]").click()
    go_on.click()
    look("times, refused")
    page.locator("#fd1").fill(f"{month}-10")
    page.locator("#ft1").fill("03:00")
    page.locator("#ut1").fill("03:37")
    go_on.click()
    forged = files[0].with_name("x.png")
    forged.write_bytes(b"no picture")
    page.locator("#files").set_input_files([*files, forged])
    go_on.click()
    look("proof, refused")
    go_on.click()
    look("code, not asked for")
    page.locator("button[value=send]").click()
    page.locator("#code").fill("0")
    go_on.click()
    look("code, refused")
    page.locator("#code").fill(re.search(r"^[0-9]{8}$", last_mail(), re.MULTILINE)[0])
    go_on.click()
    look("check")
    go_on.click()
    look("status")
    address = page.url
    page.goto(f"{address}withdraw/")
    look("withdraw")
    page.goto(f"{live_server.url}/claims/1-x/")
    look("gone")
    page.goto(f"{live_server.url}/claim/new-link/")
    go_on.click()
    look("new link, refused")
    context.close()
    assert broken == {}
