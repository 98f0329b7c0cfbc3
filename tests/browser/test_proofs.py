"""Previews in a real browser: everything is visible, and nothing in them runs."""

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.urls import reverse
from playwright.sync_api import Browser, expect

from claims.operations.proofs import add_proof
from sla_portal.audit.models import Entry
from tests.support.claimants import OPEN, PORTAL, a_claim, a_claimant
from tests.support.desk import a_member, signed_in
from tests.support.proofs import a_mail, a_pdf, a_picture, jpeg_with_comment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [390, 1440])
def test_previews_are_large_and_nothing_in_them_runs(width, browser: Browser, live_server):
    claim = a_claim(a_claimant(), proofs=0)
    mail = a_mail()
    mail.set_content("<p>Down</p><script>document.title = 'run'</script>", "html")
    for name, content in {
        "screen.png": a_picture(size=(1280, 800)),
        "photo.jpg": jpeg_with_comment(b"<script>document.title = 'run'</script>"),
        "letter.pdf": a_pdf(pages=2),
        "curl.txt": b"HTTP/1.1 503\n\n<script>document.title = 'run'</script>",
        "mail.eml": bytes(mail),
    }.items():
        add_proof(actor=PORTAL, to=claim, upload=ContentFile(content, name), now=OPEN)
    context = browser.new_context(base_url=live_server.url, viewport={"width": width, "height": 900})
    cookie = signed_in(a_member("Support")).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    page.goto(reverse("admin:claim", args=[claim.pk]))
    pieces = page.locator("article.proof")
    expect(pieces).to_have_count(5)
    for piece in pieces.all():
        piece.scroll_into_view_if_needed()
        assert piece.evaluate("piece => piece.scrollWidth <= piece.clientWidth")
    for image in page.locator("article.proof img").all():
        image.evaluate("image => image.decode()")
        assert image.evaluate("image => image.naturalWidth") >= 40
    texts = page.locator("article.proof iframe")
    expect(texts.nth(0).content_frame.locator("body")).to_contain_text("<script>document.title = 'run'</script>")
    expect(texts.nth(1).content_frame.locator("body")).to_contain_text("Subject: No calls since two")
    assert page.title() == f"{claim} · SLA portal"
    assert complaints == []
    with page.expect_download() as downloaded:
        pieces.nth(3).get_by_role("link", name="Download the original").click()
    assert downloaded.value.suggested_filename == "curl.txt"
    context.close()
    seen = Entry.objects.filter(action__in=["viewed proof of", "downloaded proof of"], subject_id=str(claim.pk))
    assert sorted(seen.values_list("action", flat=True)) == ["downloaded proof of", *["viewed proof of"] * 5]
