"""The pages of notices break none of the rules that axe knows, light and wide, dark and narrow."""

import pytest
from django.urls import reverse

from sla_portal.notices.models import Delivery
from sla_portal.notices.operations import deliver_chunk
from sla_portal.notices.wording import File
from tests.notices.test_giving import a_contact, given
from tests.staff.test_notices import a_notice
from tests.support.builders import at
from tests.support.desk import a_member, signed_in
from tests.support.screen import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_pages_of_notices_break_no_rule(browser, live_server, settings, tmp_path, scheme, width):
    settings.EMAIL_BACKEND = "sla_portal.notices.mail.inbox.EmailBackend"
    settings.MAIL_DIR = tmp_path
    notice = a_notice()
    mailed = given(a_contact("ada@example.com"), attachments=[File("window.ics", "text/calendar", b"BEGIN:VCALENDAR")])
    deliver_chunk(ids=list(mailed.deliveries.values_list("pk", flat=True)), clock=lambda: at("2026-11-22 10:01"))
    assert Delivery.objects.filter(notice=mailed, status="sent").exists()
    context = browser.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    cookie = signed_in(a_member("Support")).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    mail = f"{reverse('admin:inbox')}{next(tmp_path.glob('*.eml')).stem}/"
    broken = {}
    for address in (
        reverse("admin:notices_notice_changelist"),
        reverse("admin:notices_notice_change", args=[notice.pk]),
        reverse("admin:undelivered"),
        reverse("admin:notices_delivery_change", args=[notice.deliveries.get(status="unknown").pk]),
        reverse("admin:inbox"),
        mail,
    ):
        page.goto(address)
        broken |= faults(page)
    # A mail may run no script, not even axe.
    page.goto(f"{mail}html/")
    assert page.get_by_role("heading", name="Maintenance on 6 December").is_visible()
    context.close()
    assert broken == {}
