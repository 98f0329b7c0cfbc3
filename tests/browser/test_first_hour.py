"""From an empty database to a portal that is open to the public, by pages alone."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from sla_portal.notices.models import Delivery
from sla_portal.notices.operations import deliver_chunk
from sla_portal.staff.setup.checklist import steps
from tests.support.first_hour import set_up
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
