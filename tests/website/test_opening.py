"""Until the portal is opened, the website says from which day the service will be reported, and takes no claims."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from time_machine import travel

from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Contact
from sla_portal.notices.operations import give_notice
from sla_portal.notices.wording import Words
from sla_portal.operator.operations import open_portal, set_reported_from
from sla_portal.operator.rules import stylesheet_name
from sla_portal.website.opening import BESIDE, NO_NAME, ONCE_ANNOUNCED, REACHABLE
from tests.support.builders import a_region, an_outage, at, on
from tests.support.desk import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("closed_portal")]
NOW = at("2026-11-30 08:00")
SYSTEM = Actor.system("test")
ONE_OF_EACH = {
    "about": "1", "after": "1.0", "before": "1.0", "code": "eu", "fingerprint": "0", "key": "k", "month": "2026-10",
    "number": "N-2026-0001", "reference": "INC-1", "step": "check", "token": "t", "version": "1.0", "anything": "x",
}  # fmt: skip


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


def public_pages() -> list[tuple[str, str]]:
    """Name and an address of every page below the root that is no part of the desk."""
    found = []
    for route, (name, pattern) in routes(get_resolver(), ""):
        if not route.startswith(BESIDE):
            address = re.sub(r"<(?:\w+:)?(\w+)>", lambda hole: ONE_OF_EACH.get(hole[1], "1"), route)
            found.append((name or pattern.name or "", f"/{address}"))
    return found


def routes(resolver, before):
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern, route)
        else:
            yield route, (pattern.name, pattern)


def announce_an_amendment() -> str:
    words = [Words("en", "An amendment", "It changes."), Words("zh-hans", "协议修改", "有变化。")]
    return give_notice(
        actor=SYSTEM,
        kind="amendment",
        about="1.1",
        wordings=words,
        audience=Contact.objects.none(),
        public=True,
        now=NOW,
    ).number


def test_every_page_that_is_not_named_says_from_which_day(client: Client):
    an_outage(a_region("eu", name="Europe"), "2026-11-30 07:00", None)
    pages = public_pages()
    assert len(pages) > 50
    for name, address in pages:
        if name in REACHABLE or address.lstrip("/") in NO_NAME:
            continue
        for response in (client.get(address), *([client.post(address)] if name.startswith("claim") else [])):
            assert response.status_code == (200 if address == "/" else 503), address
            assert response["Cache-Control"] == "no-store"
            assert "will be reported here soon" in response.content.decode(), address
            assert "Europe" not in response.content.decode()
    names = {name for name, _address in pages}
    assert names >= REACHABLE | ONCE_ANNOUNCED


def test_it_names_the_day_until_it_is_here(client: Client, django_assert_max_num_queries):
    set_reported_from(actor=SYSTEM, day=on("2027-01-01"), now=NOW)
    client.get("/")  # asks what is asked for all pages together, every few seconds
    with django_assert_max_num_queries(3):
        home = client.get("/")
    assert "will be reported here from 1 January 2027." in text_of(home)
    assert "Claim compensation" not in text_of(home)
    chinese = text_of(client.get("/?lang=zh-hans"))
    assert "2027年1月1日" in chinese
    for address, kind in (("/api/v2/status.json", "application/json"), ("/feeds/incidents.atom", "text/plain")):
        response = client.get(address)
        assert response["Content-Type"].startswith(kind)
        assert response["Retry-After"] == "Thu, 31 Dec 2026 16:00:00 GMT"
        assert "from 1 January 2027." in response.content.decode()
    with travel(at("2027-01-02 00:00"), tick=False):
        assert "will be reported here soon" in text_of(client.get("/"))
        assert "Retry-After" not in client.get("/incidents/")


def test_the_operators_look_is_there_before_the_opening(client: Client):
    """The desk shows it, too."""
    colours = stylesheet_name("#12405c", "#8ec1ef")
    assert client.get(reverse("operator_colours", args=[colours])).status_code == 200
    assert client.get(reverse("operator_logo", args=["none.png"])).status_code == 404


def test_an_announcement_is_read_at_its_address_before_the_opening(client: Client):
    assert client.get(reverse("agreement")).status_code == 503
    number = announce_an_amendment()
    for address in (reverse("notice", args=[number]), reverse("notices"), reverse("agreement"), reverse("verify")):
        response = client.get(address)
        assert response.status_code == 200, address
        assert "Claim compensation</a> ·" not in response.content.decode()
        assert reverse("incidents") not in response.content.decode()


def test_once_opened_everything_is_there_at_once(client: Client):
    a_region("eu", name="Europe")
    assert "Europe" not in text_of(client.get("/"))
    open_portal(actor=SYSTEM, now=NOW)
    assert "Europe" in text_of(client.get("/"))
    assert client.get("/claim/").status_code == 200
    assert client.get("/api/v2/status.json").json()["status"]["indicator"] == "none"
