"""A region is on the public site from its first service day to its last; its closed months stay."""

import json

import pytest
from django.test import Client
from django.urls import reverse
from time_machine import travel

from sla_portal.audit.actors import Actor
from sla_portal.availability.operations import close_month
from sla_portal.kernel.months import ServiceMonth
from tests.conftest import forget_what_is_kept
from tests.support.builders import a_region, a_window, an_incident, an_outage, at, on
from tests.support.desk import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PAGES = {
    "home": reverse("home"),
    "availability": reverse("availability"),
    "incidents": f"{reverse('incidents')}?month=2026-09",
    "maintenance": f"{reverse('maintenance')}?month=2026-09",
    "feed of incidents": reverse("feed_incidents"),
    "feed of maintenance": reverse("feed_maintenance"),
    "components": "/api/v2/components.json",
    "summary": "/api/v2/summary.json",
    "all incidents": "/api/v2/incidents.json",
    "all maintenance": "/api/v2/scheduled-maintenances.json",
}
SOUTH, CHINA = "South America", "Mainland China"


def answers(now: str) -> dict[str, str]:
    """What each page, feed and answer says at an instant."""
    forget_what_is_kept()
    with travel(at(now), tick=False):
        return {name: text_of(Client().get(path)) for name, path in PAGES.items()}


def naming(region: str, said: dict[str, str]) -> set[str]:
    return {name for name, text in said.items() if region in text}


@pytest.fixture
def regions():
    """Europe has long been in service, South America will be from October on, China was until the end of August."""
    a_region("eu", name="Europe", first_service_day=on("2026-01-01"))
    south = a_region("sa", name=SOUTH, first_service_day=on("2026-10-01"))
    china = a_region("cn", name=CHINA, last_service_day=on("2026-08-31"))
    for region in (south, china):
        # Tried out before, and looked after afterwards: nobody was served then.
        an_outage(
            region, "2026-09-10 01:00", "2026-09-10 02:00", incident=an_incident(detected_at=at("2026-09-10 01:00"))
        )
        told = ("2026-09-10 01:00", "2026-09-20 01:00", "2026-09-20 02:00")
        a_window("2026-09-20 01:00", "2026-09-20 02:00", told, title=f"Database of {region.name}").regions.add(region)


def test_a_region_is_reported_from_its_first_service_day_on(regions):
    before, on_the_day = answers("2026-09-30 15:59"), answers("2026-09-30 16:00")
    assert naming(SOUTH, before) == {"home"}
    assert "South America will be reported here from 1 October 2026." in before["home"]
    assert "All systems operational" in before["home"]
    forget_what_is_kept()
    with travel(at("2026-09-30 00:00"), tick=False):
        page = text_of(Client().get(reverse("region", args=["sa"])))
    assert "South America will be reported here from 1 October 2026." in page
    # From then on it is beside the others, with a calendar of its maintenance.
    assert naming(SOUTH, on_the_day) == {"home", "maintenance", "components", "summary"}
    assert "will be reported here from" not in on_the_day["home"]


def test_a_region_is_reported_until_its_last_service_day_and_keeps_its_closed_months(regions):
    close_month(actor=Actor.system("test"), month=ServiceMonth(2026, 8), now=at("2026-09-09 00:00"))
    last_day, after = answers("2026-08-31 15:59"), answers("2026-08-31 16:00")
    assert {"home", "maintenance", "components", "summary"} <= naming(CHINA, last_day)
    assert naming(CHINA, after) == {"availability"}
    forget_what_is_kept()
    with travel(at("2026-09-30 00:00"), tick=False):
        page = text_of(Client().get(reverse("region", args=["cn"])))
    assert "This region was in service until 31 August 2026." in page
    assert "August 2026" in page


def test_an_incident_of_a_region_that_is_gone_stays_as_it_was(regions):
    china = a_region("cn")
    incident = an_incident("INC-OLD", detected_at=at("2026-08-10 01:00"), resolved_at=at("2026-08-10 02:00"))
    an_outage(china, "2026-08-10 01:00", "2026-08-10 02:00", incident=incident)
    forget_what_is_kept()
    with travel(at("2026-09-12 00:00"), tick=False):
        assert CHINA in text_of(Client().get(reverse("incident", args=["INC-OLD"])))
        [old] = json.loads(Client().get(PAGES["all incidents"]).content)["incidents"]
    assert (old["name"], old["components"]) == ("Major outage in Mainland China", [])
