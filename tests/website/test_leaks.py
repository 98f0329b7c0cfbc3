"""Nothing internal leaks: no customer, no internal update, no draft, no reason, no name of ours."""

import pytest
import time_machine
from django.test import Client

from tests.support.public import CANARY, NOW, addresses, everything

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        everything()
        yield


@pytest.fixture
def reached(client) -> dict[str, bytes]:
    return addresses(client)


def test_no_page_feed_or_answer_tells_anything_internal(reached):
    assert [address for address, body in reached.items() if CANARY in body.decode().lower()] == []


def test_the_search_for_leaks_reaches_everything_public(reached):
    paths = {address.partition("?")[0] for address in reached}
    for path in (
        "/incidents/", "/incidents/INC-1/", "/incidents/INC-2/", "/incidents/INC-3/",
        "/maintenance/", "/maintenance/MW-1/", "/maintenance/MW-2/", "/maintenance/MW-3/", "/maintenance/MW-4/",
        "/maintenance/eu.ics", "/availability/", "/availability/eu/", "/availability/asia/2026-09/",
        "/notices/", "/notices/N-2026-0001/", "/agreement/", "/agreement/2.0/", "/agreement/1.0/2.0/", "/data/", "/clock/",
        "/feeds/incidents.atom", "/feeds/maintenance.atom", "/feeds/announcements.atom",
        "/api/v2/summary.json", "/api/v2/incidents.json", "/api/v2/scheduled-maintenances.json",
    ):  # fmt: skip
        assert path in paths
    languages = {address.partition("?lang=")[2] for address in reached if "?lang=" in address}
    assert languages == {"en", "zh-hans"}


@pytest.mark.parametrize(
    "address",
    [
        "/incidents/INC-9/",
        f"/incidents/INC-{CANARY}/",
        f"/maintenance/MW-{CANARY}/",
        f"/agreement/{CANARY}-draft/",
        "/notices/N-2026-0003/",
        "/availability/eu/2026-11/",
    ],
)
def test_what_is_not_public_has_no_address(client, address):
    assert client.get(address).status_code == 404


def test_staff_see_no_more_there_than_anyone(admin_client, reached):
    assert {a: b for a, b in addresses(admin_client).items() if a.startswith("/incidents")} == {
        a: b for a, b in reached.items() if a.startswith("/incidents")
    }


def test_nobody_gets_a_cookie_for_reading(reached):
    client = Client()
    addresses(client)
    assert not client.cookies
