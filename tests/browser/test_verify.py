"""Verify a document in a real browser: hashed by a script under the strict policy, or typed; nothing is uploaded."""

from hashlib import sha256

import pytest

from sla_portal.audit.documents import register
from sla_portal.audit.models import Kind
from tests.support.builders import at
from tests.support.screen import faults, fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_file_is_hashed_by_the_browser_and_a_hash_is_typed_where_there_is_no_script(browser, live_server, tmp_path):
    file = tmp_path / "bundle.zip"
    file.write_bytes(b"PK" + bytes(100_000))
    digest = sha256(file.read_bytes()).hexdigest()
    register(kind=Kind.BUNDLE, number="evidence-1", sha256=digest, issued_at=at("2026-10-14 01:00"))
    complaints, sent = [], []
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: sent.append(request.post_data) if request.method == "POST" else None)
    page.goto("/verify/")
    assert faults(page) == {}
    assert fits(page)
    page.set_input_files("#file", file)
    page.locator("#answer").get_by_text("Issued by us").wait_for()
    assert sent == [f"sha256={digest}"]
    assert faults(page) == {}
    file.write_bytes(b"PK" + bytes(99_999) + b"\1")
    page.set_input_files("#file", file)
    page.locator("#answer").get_by_text("Not issued by us, or altered").wait_for()
    assert complaints == []
    context.close()

    plain = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = plain.new_page()
    page.goto("/verify/")
    assert not page.locator("#file").is_visible()
    page.fill("#sha256", digest)
    page.locator(".by-file button").click()
    assert "Issued by us" in page.locator("#answer").inner_text()
    plain.close()
