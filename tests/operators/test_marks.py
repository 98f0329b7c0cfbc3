"""Where nothing is real, everything says so: pages, feeds, the API, calendars, PDFs."""

import json

import pytest
from django.db import transaction
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse

from sla_portal.operator.models import Rehearsal
from sla_portal.operator.rules import Mark, role_refusal
from sla_portal.reports.pdf import printing
from sla_portal.urls import failed
from tests.conftest import forget_what_is_kept
from tests.support.builders import a_region, a_window, an_outage
from tests.support.desk import a_member, signed_in, text_of
from tests.support.statements import issued, quiet_month

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite, pytest.mark.usefixtures("closed_portal")]

PUBLIC = ["/", "/incidents/", "/agreement/", "/claim/", "/no/such/page"]
NOT_REAL = "Nothing here is real or binding"


def begun_on_the_page() -> Client:
    desk = signed_in(a_member("Administrator"))
    page = reverse("admin:rehearsal")
    assert NOT_REAL not in text_of(desk.get(page))
    assert desk.post(page).status_code == 422
    assert desk.post(page, {"sure": "yes"}).status_code == 302
    assert "A rehearsal is running" in text_of(desk.get(page))
    assert desk.post(page, {"sure": "yes"}).status_code == 422
    assert Rehearsal.objects.count() == 1
    return desk


def test_every_page_feed_and_answer_is_marked_while_a_rehearsal_runs(client):
    a_window("2026-09-20 01:00", "2026-09-20 02:00", ("2026-09-10 01:00", "2026-09-20 01:00", "2026-09-20 02:00"))
    an_outage(a_region(), "2026-09-10 01:00", "2026-09-10 01:10")
    said = {path: client.get(path) for path in PUBLIC}
    assert not any(NOT_REAL in text_of(page) for page in said.values())
    desk = begun_on_the_page()
    forget_what_is_kept()
    for path in PUBLIC:
        page = client.get(path)
        assert NOT_REAL in text_of(page), path
        assert "<title>[Rehearsal] " in page.content.decode(), path
    for path in (reverse("admin:index"), reverse("admin:wallboard"), reverse("admin:login")):
        assert NOT_REAL in text_of((client if "login" in path else desk).get(path)), path
    assert "本门户正在试用" in text_of(client.get("/?lang=zh-hans"))
    feed = client.get(reverse("feed_maintenance")).content.decode()
    assert feed.count("<title>[Rehearsal] ") == 2
    answer = json.loads(client.get("/api/v2/summary.json").content)
    assert answer["page"]["name"] == "[Rehearsal] SLA portal"
    assert answer["status"]["description"].startswith("[Rehearsal] ")
    calendar = client.get(reverse("region_calendar", args=["eu"])).content.decode()
    assert calendar.count("[Rehearsal] ") == 2


def test_what_says_that_nothing_came_of_a_request_is_marked_too(settings):
    desk = begun_on_the_page()
    nobody = signed_in(a_member("NOC"))
    refusals = [
        desk.get(f"{reverse('admin:incidents_incident_changelist')}?id__gt=1"),
        nobody.get(reverse("admin:auth_user_changelist")),
        desk.get("/admin/no/such/page/"),
        failed(RequestFactory().get("/")),
    ]
    assert [answer.status_code for answer in refusals] == [400, 403, 404, 500]
    assert [text_of(answer).count(NOT_REAL) for answer in refusals] == [1] * 4
    settings.SITE_ROLE = "staging"
    # Of a database that fails, the settings alone are known.
    with transaction.atomic():
        transaction.set_rollback(True)
        assert "Staging copy" in text_of(failed(RequestFactory().get("/")))


def test_a_kept_page_is_marked_within_seconds(client):
    """What a page follows from includes the mark, so that none is shown as it was kept."""
    first = client.get("/incidents/")
    begun_on_the_page()
    from django.core.cache import caches

    caches["public"].clear()
    from sla_portal.website import caching

    caching._near.clear()
    assert NOT_REAL in text_of(client.get("/incidents/"))
    assert NOT_REAL not in text_of(first)


def test_a_pdf_is_marked_on_each_page_and_otherwise_as_it_was():
    statement = issued(quiet_month())
    context = {"issue": statement["issue"], "figures": statement["figures"], "pages": 1, "status": ("", "", "")}
    plain = render_to_string("reports/own.html", context)
    marked = render_to_string("reports/own.html", context | {"mark": "Rehearsal: proves nothing"})
    assert marked.replace('<strong class="not-real">Rehearsal: proves nothing</strong> ', "") == plain
    assert '<p class="running address"><strong class="not-real">' in marked
    statement["issue"]["mark"] = "rehearsal"
    bodies = type("Bodies", (), {"__len__": lambda _self: 1, "taken": 1})()
    assert printing._own_context(statement, "0", bodies)["mark"] == "Rehearsal: proves nothing"


@pytest.mark.parametrize(
    ("role", "staged", "refused"),
    [("production", False, False), ("staging", True, False), ("production", True, True), ("staging", False, True)],
)
def test_a_database_is_served_in_its_role_alone(role, staged, refused):
    assert bool(role_refusal(role, staged=staged)) is refused
    assert Mark("staging") == role or role == "production"
