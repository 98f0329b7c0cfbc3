"""A claim in a real browser: recommended by one person and granted by another."""

from decimal import Decimal
from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from PIL import Image
from playwright.sync_api import expect
from time_machine import travel

from claims.models import Entry, Recommendation, Status, Voucher
from claims.operations.proofs import add_proof
from sla_portal.audit.actors import Actor
from sla_portal.availability.operations import propose_own_exclusion
from sla_portal.notices.models import Notice
from tests.support.builders import at
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, recommended, support
from tests.support.screen import faults, fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 390, "height": 844}


@pytest.fixture(autouse=True)
def now():
    with travel(OPEN, tick=True):
        yield


@pytest.fixture
def claim():
    a_missed_september()
    claim = a_claim(a_claimant(monthly_charge=Decimal("4900.00")), proofs=0)
    upload = ContentFile(b"03:00 no answer\n", "gateway.txt")
    add_proof(actor=Actor.staff(support()), to=claim, upload=upload, now=OPEN)
    return claim


def test_support_recommends_and_another_person_grants(desks, claim):
    first, second = support("first"), support("second")
    address = reverse("admin:claim", args=[claim.pk])

    one = desks(first)
    one.goto("/admin/")
    one.get_by_role("link", name=claim.number).first.click()
    assert fits(one)
    expect(one.get_by_text("Claimed: 30 minutes. Of these, unavailable: 30 minutes")).to_be_visible()
    expect(one.get_by_label("Voucher minutes")).to_be_hidden()
    one.get_by_text("Grant", exact=True).click()
    expect(one.get_by_label("Clause of the refusal")).to_be_hidden()
    voucher = one.get_by_role("row", name="Voucher")
    one.get_by_label("Voucher minutes").fill("30")
    expect(voucher).to_contain_text("3.40 EUR")
    one.get_by_label("Voucher minutes").fill("7")
    expect(voucher).to_contain_text("0.79 EUR")
    one.get_by_label("Reason, for the record").fill("Down for everybody, and proved")
    one.get_by_role("button", name="Draft e-mail").click()
    expect(one.get_by_label("Subject", exact=True)).to_have_value(f"Claim {claim.number} for September 2026 is granted")
    one.get_by_label("E-mail text", exact=True).press("Control+End")
    one.get_by_label("E-mail text", exact=True).press_sequentially(" We are sorry.")
    one.locator("form.recommend").get_by_role("button", name="Preview e-mail").click()
    expect(one.get_by_role("status")).to_contain_text("We are sorry.")
    expect(one.get_by_role("status")).to_contain_text("Your contract now runs to 2027-01-01")
    one.get_by_role("button", name="Recommend", exact=True).click()
    expect(one.get_by_text("You made this recommendation. Another person must approve it.")).to_be_visible()
    assert Recommendation.objects.get().recommended_by == first
    assert not Entry.objects.exists()

    other = desks(second, viewport=PHONE)
    other.goto("/admin/")
    other.get_by_role("link", name=claim.number).first.click()
    assert fits(other)
    other.get_by_role("link", name="Review and decide").click()
    assert fits(other)
    expect(other.get_by_text("moves from 2026-12-31 to 2027-01-01")).to_be_visible()
    other.get_by_role("button", name="Grant claim").dblclick()
    expect(other.get_by_text("Approved")).to_be_visible()
    expect(other.get_by_text(Voucher.objects.get().code).first).to_be_attached()

    claim.refresh_from_db()
    claim.contract.refresh_from_db()
    assert claim.status == Status.GRANTED
    assert str(claim.contract.last_day) == "2027-01-01"
    assert [entry.value for entry in Entry.objects.order_by("number")] == [Decimal("3.41"), Decimal("0.79")]
    letter = Notice.objects.filter(about=claim.number).latest("id")
    assert "We are sorry." in letter.wording("en").text
    assert letter.deliveries.get().email == claim.email
    one.goto(address)
    expect(one.get_by_text(f"Claim {claim.number} for September 2026 is granted")).to_be_visible()


def test_a_refusal_is_recommended_with_the_keyboard_alone(desks, claim):
    page = desks(support("first"))
    page.goto(reverse("admin:claim", args=[claim.pk]))
    page.get_by_label("Refuse").focus()
    page.keyboard.press("Space")
    page.get_by_label("Clause of the refusal").focus()
    page.keyboard.type("3.3.2")
    page.keyboard.press("Tab")
    page.keyboard.type("No file came")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Saved reply").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Subject", exact=True)).to_have_value(
        f"Claim {claim.number} for September 2026 is refused"
    )
    page.get_by_role("button", name="Recommend", exact=True).press("Enter")
    expect(page.get_by_text("You made this recommendation. Another person must approve it.")).to_be_visible()
    assert Recommendation.objects.get().clause == "3.3.2"


def test_all_claims_of_a_page_are_selected_at_once(desks):
    a_missed_september()
    claims = [a_claim(one) for one in [a_claimant() for _n in range(3)]]
    page = desks(support("first"))
    page.goto(reverse("admin:claims"))
    page.get_by_label("Select all on this page").check()
    page.get_by_role("button", name="Recommend selected claims").click()
    for claim in claims:
        expect(page.get_by_role("link", name=claim.number)).to_be_visible()
    page.get_by_text("Grant", exact=True).click()
    page.get_by_label("Reason, for the record").fill("The outage of 10 September")
    page.get_by_role("button", name="Recommend all").click()
    expect(page.get_by_text("3 of 3 claims are recommended.")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_the_pages_of_claims_have_no_accessibility_violations(desks, claim, scheme, width):
    first, second = support("first"), support("second")
    to_decide, unproved = (a_claim(a_claimant(), closed=False, proofs=0) for _n in range(2))
    propose_own_exclusion(
        actor=Actor.staff(second),
        customer=claim.contract.customer,
        clause="4.5",
        starts_at=at("2026-09-10 01:00"),
        ends_at=at("2026-09-10 01:10"),
        reason="Router",
        evidence="Log",
        now=OPEN,
    )
    recommended(to_decide, second, outcome="refuse", clause="3.3.2")
    page = desks(first, color_scheme=scheme, viewport={"width": width, "height": 900})
    broken = {}
    for address in (
        "/admin/",
        reverse("admin:claims"),
        reverse("admin:claim", args=[claim.pk]),
        reverse("admin:claim", args=[unproved.pk]),
        reverse("admin:claim", args=[to_decide.pk]),
        reverse("admin:decide_claim", args=[to_decide.pk]),
        f"{reverse('admin:recommend_together')}?claim={claim.pk}",
        f"{reverse('admin:decide_together')}?claim={to_decide.pk}",
        reverse("admin:claim_statistics"),
        f"{reverse('admin:enter_claim')}?q={claim.contract.reference}",
        f"{reverse('admin:enter_claim')}?contract={claim.contract.pk}",
    ):
        page.goto(address)
        for closed in page.locator("main details:not(.menu) > summary").all():
            closed.click()
        for grant in page.get_by_text("Grant", exact=True).all()[:1]:
            grant.click()
        broken |= faults(page)
    assert broken == {}, "\n".join(map(str, broken.items()))


def screenshot(size: tuple[int, int], name: str) -> ContentFile:
    content = BytesIO()
    Image.effect_noise(size, 60).save(content, "PNG")
    return ContentFile(content.getvalue(), name)


def test_the_decision_stays_in_view_and_a_claim_of_four_files_is_short_on_a_phone(desks, claim):
    agent, address = support("agent"), reverse("admin:claim", args=[claim.pk])
    for number, size in enumerate([(390, 844), (844, 390), (390, 1200)]):
        add_proof(actor=Actor.staff(agent), to=claim, upload=screenshot(size, f"{number}.png"), now=OPEN)
    desk = desks(agent)
    desk.goto(address)
    submit = desk.get_by_role("button", name="Recommend", exact=True)
    expect(submit).to_be_in_viewport()
    last_check = desk.get_by_text("Balance under the liability cap")
    last_check.scroll_into_view_if_needed()
    expect(submit).to_be_in_viewport()
    expect(last_check).to_be_in_viewport()
    desk.get_by_text("Refuse", exact=True).click()
    desk.get_by_label("Clause of the refusal").select_option("3.3.2")
    desk.get_by_label("Reason, for the record").fill("As the record says")
    desk.get_by_role("button", name="Draft e-mail").click()
    expect(desk.get_by_label("E-mail text", exact=True)).to_be_in_viewport()
    expect(submit).to_be_in_viewport()
    desk.locator("form.recommend").get_by_role("button", name="Preview e-mail").click()
    expect(desk.get_by_text("Dear Ada Hafen,")).to_be_in_viewport()
    # A refusal comes back to its field.
    desk.get_by_label("Reason, for the record").fill("")
    submit.click()
    expect(desk.get_by_label("Reason, for the record")).to_be_focused()
    expect(desk.get_by_label("Reason, for the record")).to_be_in_viewport()

    phone = desks(agent, viewport=PHONE)
    phone.goto(address)
    for picture in phone.locator(".proof-picture img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", value=True)
    assert fits(phone)
    assert phone.evaluate("document.documentElement.scrollHeight") <= 6000
