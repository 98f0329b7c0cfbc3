"""Home, the list of incidents and the wallboard renew themselves; the title counts what is unacknowledged."""

import pytest
from django.urls import reverse
from time_machine import travel

from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.desk import a_member, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 12:00")
LIST = "/admin/incidents/incident/?state=open"


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def noc():
    return signed_in(a_member("NOC"))


@pytest.fixture
def incident():
    return an_outage(a_region("eu", name="Europe"), "2026-09-10 11:50", None, incident=an_incident("INC-1")).incident


def title_of(response) -> str:
    page = response.content.decode()
    return " ".join(page[page.index("<title>") + 7 : page.index("</title>")].split())


@pytest.mark.parametrize("address", ["/admin/", LIST, "/admin/wallboard/", "incident"])
def test_the_title_counts_what_nobody_acknowledged(noc, incident, address):
    address = page_of(incident) if address == "incident" else address
    assert title_of(noc.get(address)).startswith("(1) ")
    assert 'data-count="1"' in noc.get(address).content.decode()
    noc.post(reverse("admin:acknowledge_incident", args=[incident.pk]))
    assert "(1)" not in title_of(noc.get(address))
    assert 'data-count="0"' in noc.get(address).content.decode()


@pytest.mark.parametrize("address", ["/admin/", "/admin/wallboard/"])
def test_the_part_that_is_fetched_again_has_no_form_and_no_head(noc, incident, address):
    part = noc.get(address, {"part": "figures"}).content.decode()
    assert "INC-1" in part
    assert "<form" not in part
    assert "<html" not in part


@pytest.mark.parametrize("address", ["/admin/", LIST, "/admin/wallboard/", "incident"])
def test_every_live_part_has_an_id_and_is_in_what_is_fetched(noc, incident, address):
    import re

    address = page_of(incident) if address == "incident" else address
    page = noc.get(address).content.decode()
    live = set(re.findall(r'id="([\w-]+)"[^>]* data-live', page))
    assert live
    assert page.count("data-live") == len(live)
    assert page.count("staff/desk.js") == 1
    source = re.search(r'data-part="([^"]+)"', page)[1].replace("&amp;", "&")
    assert live == set(re.findall(r'id="([\w-]+)"[^>]* data-live', noc.get(source).content.decode()))


def test_a_resolved_incident_does_not_renew_itself(noc, incident):
    noc.post(reverse("admin:resolve_incident", args=[incident.pk]), {"end": "now"})
    assert 'data-part=""' in noc.get(page_of(incident)).content.decode()


class TestWallboard:
    def test_the_worst_incident_is_first_with_its_owner(self, noc, incident):
        an_outage(
            a_region(), "2026-09-10 11:00", None,
            incident=an_incident("INC-2", title="App only"), functions=("login",), clients=("app",),
        )  # fmt: skip
        noc.post(reverse("admin:take_incident", args=[incident.pk]))
        page = text_of(noc.get("/admin/wallboard/"))
        assert "2 ongoing incidents · 1 unacknowledged" in page
        assert page.index("■ critical NOC") < page.index("◔ minor ● unacknowledged")
        assert "10 min" in page

    def test_when_nothing_is_ongoing_it_says_so(self, noc):
        assert "No ongoing incidents" in text_of(noc.get("/admin/wallboard/"))
