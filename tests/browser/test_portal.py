"""A real browser meets the portal."""

import pytest

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_policy_of_pages_forbids_nothing_that_the_desk_needs(page, live_server, django_user_model):
    django_user_model.objects.create_superuser("noc", password="right horse battery")
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("noc")
    page.get_by_label("Password").fill("right horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/admin/")
    page.wait_for_load_state("networkidle")
    assert complaints == []
