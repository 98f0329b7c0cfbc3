"""Layout of the staff pages: under the strict CSP, by keyboard and screen reader, wide and narrow, light and dark."""

import re
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, an_outage
from tests.support.desk import a_member, signed_in, text_of
from tests.support.screen import faults

pytestmark = pytest.mark.django_db


def one_of_everything() -> list[str]:
    """Put one of everything on record; the addresses of its pages."""
    region = a_region("eu", name="Europe")
    customer = a_customer(region, "C-1", name="Hafen Residences")
    contact = customer.contacts.create(email="a-rather-long-name-of-a-person@a-rather-long-name-of-a-house.example.com")
    contract = a_contract(customer, "2026-01-01", "2026-12-31")
    contract.payments.create(reference="P-1", paid_on=contract.starts_on, amount="49")
    incident = an_incident("INC-1", title="A gateway with an exceedingly long and winding name was lost for a while")
    an_outage(region, "2026-09-10 01:00", "2026-09-10 01:10", incident=incident)
    exclusion = an_exclusion(incident, status="proposed")
    window = a_window("2026-09-20 01:00", "2026-09-20 02:00")
    user = a_member("NOC", "nora")
    with transaction.atomic():
        entry = record(
            actor=Actor.staff(user), action="logged", subject=incident, now=incident.detected_at, reason="It was"
        )
    rows = [region, customer, contact, contract, incident, exclusion, user, entry, region.customers.get()]
    lists = ["incidents_incident", "availability_exclusion", "availability_regionmonth", "availability_customermonth"]
    lists += ["maintenance_maintenancewindow", "customers_customer", "customers_contact", "customers_region"]
    lists += [
        "customers_corefunction",
        "agreements_contract",
        "agreements_agreementversion",
        "audit_entry",
        "auth_user",
    ]
    added = [
        "maintenance_maintenancewindow",
        "customers_customer",
        "customers_contact",
        "agreements_contract",
        "auth_user",
    ]
    return [
        *(
            reverse(f"admin:{name}")
            for name in ("index", "search", "clock", "check_integrity", "password_change", "months")
        ),
        reverse("admin:search") + "?q=1",
        *(reverse(f"admin:{name}_changelist") for name in lists),
        *(reverse(f"admin:{name}_add") for name in added),
        *(reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk]) for row in rows),
        reverse("admin:agreements_agreementversion_change", args=[1]),
        reverse("admin:customer", args=[customer.pk]),
        reverse("admin:auth_user_password_change", args=[user.pk]),
        reverse("admin:customers_contact_delete", args=[contact.pk]),
        reverse("admin:maintenance_maintenancewindow_change", args=[window.pk]),
        reverse("admin:incidents_incident_changelist") + "?state=open&q=nothing",
        "/admin/no/such/page/",
        reverse("admin:incidents_incident_changelist") + "?id__gt=1",
    ]


class Page(HTMLParser):
    """What a strict policy would forbid on a page, and what a page has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forbidden: list[str] = []
        self.headings = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        self.headings += tag == "h1"
        if tag == "style" or (tag == "script" and "src" not in facts):
            self.forbidden.append(tag)
        self.forbidden += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name == "style" or name.startswith("on") or (value or "").startswith(("javascript:", "data:", "https:"))
        ]


def test_no_page_needs_more_than_its_own_files():
    client = signed_in(User.objects.create_superuser("root"))
    for url in [*one_of_everything(), reverse("admin:login")]:
        response = client.get(url, follow=True)
        page = Page(response.content.decode())
        assert page.forbidden == [], url
        assert page.headings == 1, url
        assert response.headers["Content-Security-Policy"].count("'self'") >= 1
        assert "unsafe" not in response.headers["Content-Security-Policy"]


def test_refused_missing_and_failed_requests_are_explained():
    noc = signed_in(a_member("NOC"))
    assert "Access denied" in text_of(noc.get(reverse("admin:auth_user_changelist")))
    assert "Page not found" in text_of(noc.get("/admin/no/such/page/"))
    assert "Invalid address" in text_of(noc.get(reverse("admin:incidents_incident_changelist") + "?id__gt=1"))
    late = Client(enforce_csrf_checks=True)
    late.force_login(User.objects.create_superuser("root"))
    assert "The form was not accepted" in text_of(late.post(reverse("admin:clock"), {"zone": "UTC"}))


def test_the_error_page_needs_no_database():
    from django.test import RequestFactory
    from django.views.defaults import server_error

    response = server_error(RequestFactory().get("/admin/"))
    assert response.status_code == 500
    assert "Something went wrong" in text_of(response)
    assert Page(response.content.decode()).forbidden == []


def test_too_many_attempts_lock_signing_in_with_a_message(settings):
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 2
    client = Client()
    for _attempt in range(3):
        response = client.post(reverse("admin:login"), {"username": "nora", "password": "a guess"})
    assert response.status_code == 429
    assert "2 sign-in attempts as “nora” failed." in text_of(response)
    assert "15 min" in text_of(response)


def test_the_reader_chooses_the_language():
    client = signed_in(a_member("NOC"))
    client.post(reverse("set_language"), {"language": "zh-hans", "next": "/admin/"})
    page = client.get("/admin/").content.decode()
    assert '<html lang="zh-hans"' in page
    assert 'lang="en">English</button>' in page


def test_a_page_shows_its_time_zone_and_the_sla_time_zone():
    client = signed_in(a_member("NOC"))
    assert "Shanghai" in text_of(client.get("/admin/"))
    client.post(reverse("admin:clock"), {"zone": "America/New_York"})
    strip = text_of(client.get("/admin/"))
    assert re.search(r"New York \d{4}-\d\d-\d\d \d\d:\d\d SLA time zone, Shanghai \d{4}", strip)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_every_page_reads_well_wide_and_narrow_light_and_dark(browser, live_server, scheme, width):
    urls = one_of_everything()
    cookie = signed_in(User.objects.create_superuser("root")).cookies[settings.SESSION_COOKIE_NAME]
    context = browser.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 844}
    )
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    broken = {}
    for url in urls:
        page.goto(url)
        broken |= faults(page, url)
    context.close()
    assert broken == {}
    assert said == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_menu_of_a_phone_unfolds_by_keyboard(browser, live_server):
    cookie = signed_in(a_member("NOC")).cookies[settings.SESSION_COOKIE_NAME]
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 844})
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    page.goto("/admin/")
    incidents = page.get_by_role("navigation", name="Main navigation").get_by_role("link", name="Incidents")
    assert not incidents.is_visible()
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    assert incidents.is_visible()
    context.close()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_reader_chooses_light_or_dark(browser, live_server):
    context = browser.new_context(base_url=live_server.url, color_scheme="light")
    page = context.new_page()
    page.goto(reverse("admin:login"))
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.locator(".theme-toggle").click()
    dark = page.evaluate(ground)
    page.reload()
    assert page.evaluate(ground) == dark != light
    context.close()
