"""The Atom feeds, as a feed reader reads them."""

from datetime import timedelta
from xml.etree import ElementTree

import feedparser
import pytest
import time_machine
from django.conf import settings

from incidents.models import Incident
from tests.conftest import forget_what_is_kept
from tests.support.builders import a_region, a_window, an_incident, an_outage, at
from tests.support.public import NOW, a_resolved_incident, an_announcement, everything, said

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = ("incidents", "maintenance", "announcements", "checkpoints")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def feed(client, name: str, language: str = "en", **more):
    return client.get(f"/feeds/{name}.atom?lang={language}", **more)


def parsed(client, name: str, language: str = "en"):
    found = feedparser.parse(feed(client, name, language).content)
    assert not found.bozo, found.get("bozo_exception")
    return found


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_feed_has_all_that_atom_demands(client, name, language):
    everything()
    response = feed(client, name, language)
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(response.content)
    assert root.tag == f"{ATOM}feed"
    assert root.attrib["{http://www.w3.org/XML/1998/namespace}lang"] == language
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links["self"] == f"{settings.SITE_URL}/feeds/{name}.atom?lang={language}"
    assert all(link.startswith(settings.SITE_URL) for link in links.values())
    for one in [root, *root.findall(f"{ATOM}entry")]:
        for demanded in ("id", "title", "updated"):
            assert len(one.findall(f"{ATOM}{demanded}")) == 1
            assert one.findtext(f"{ATOM}{demanded}")
    assert root.find(f"{ATOM}author") is not None
    ids = [entry.findtext(f"{ATOM}id") for entry in root.iter(f"{ATOM}entry")]
    assert len(ids) == len(set(ids)) > 0
    assert all(identity.startswith(settings.SITE_URL) for identity in ids)
    assert parsed(client, name, language).version == "atom10"


def test_what_was_voided_or_merged_stays_an_entry_that_says_so(client):
    everything()
    told = {entry.id.split("/")[-2]: entry for entry in parsed(client, "incidents").entries}
    assert "This incident was logged by mistake. It does not count." in told["INC-4"].summary
    assert told["INC-4"].updated == "2026-11-20T02:00:00+00:00"
    assert "was merged into INC-3. It does not count." in told["INC-5"].summary


def test_an_incident_is_an_entry_that_changes_with_what_is_said(client, today):
    everything()
    before = {entry.id: entry for entry in parsed(client, "incidents").entries}
    identity = f"{settings.SITE_URL}/incidents/INC-3/"
    assert before[identity].title == "Login unavailable on app and web in Asia (INC-3)"
    assert before[identity].updated == "2026-11-22T09:55:00+00:00"
    assert before[identity].published == "2026-11-22T09:48:30+00:00"
    said(Incident.objects.get(reference="INC-3"), "2026-11-22 10:01", "It was the certificate.")
    today.shift(timedelta(minutes=2))
    after = {entry.id: entry for entry in parsed(client, "incidents").entries}
    assert set(after) == set(before)
    assert after[identity].updated == "2026-11-22T10:01:00+00:00"
    assert "It was the certificate." in after[identity].summary


def test_an_entry_keeps_its_id_in_every_language(client):
    everything()
    for name in FEEDS:
        assert [e.id for e in parsed(client, name).entries] == [e.id for e in parsed(client, name, "zh-hans").entries]


def test_windows_and_announcements_are_entries(client):
    everything()
    titles = [entry.title for entry in parsed(client, "maintenance").entries]
    assert "Database upgrade: All functions in all regions" in titles
    assert len(titles) == 4
    assert [entry.title for entry in parsed(client, "announcements", "zh-hans").entries][-1] == "新的数据中心"


@pytest.mark.parametrize("name", FEEDS)
def test_an_empty_feed_is_a_feed_and_stays_the_same(client, today, name):
    first = feed(client, name)
    today.shift(timedelta(hours=1))
    assert feed(client, name).content == first.content
    assert parsed(client, name).entries == []


@pytest.mark.parametrize("name", FEEDS)
def test_a_reader_that_asks_again_is_told_that_nothing_is_new(client, today, name):
    everything()
    first = feed(client, name)
    assert first["Cache-Control"] == "public, max-age=60"
    today.shift(timedelta(minutes=10))
    assert feed(client, name, headers={"if-none-match": first["ETag"]}).status_code == 304
    assert feed(client, name, headers={"if-modified-since": first["Last-Modified"]}).status_code == 304


def test_nothing_that_was_typed_breaks_a_feed(client):
    incident = a_resolved_incident("2026-11-10 01:00", "2026-11-10 01:37", "INC-<1>&")
    said(incident, "2026-11-10 01:05", "Bell \x07, form feed \x0c, ]]> <script>alert(1)</script> & \ufffe 🚪")
    (entry,) = parsed(client, "incidents").entries
    assert "Bell ⟨U+0007⟩, form feed ⟨U+000C⟩" in entry.summary
    assert "<script>" not in entry.summary
    assert entry.link == f"{settings.SITE_URL}/incidents/INC-%3C1%3E&/"
    assert client.get(entry.link.removeprefix(settings.SITE_URL)).status_code == 200


def test_links_never_come_from_who_asks(client, settings):
    settings.ALLOWED_HOSTS = ["*"]
    an_announcement()
    a_resolved_incident("2026-11-10 01:00", "2026-11-10 01:37")
    for name in FEEDS:
        assert b"evil" not in feed(client, name, headers={"host": "evil.example"}).content


def test_the_newest_fifty_are_told(client):
    for number in range(60):
        an_outage(a_region(), "2026-11-02 01:00", "2026-11-02 02:00", incident=an_incident(f"INC-{number}"))
    assert len(parsed(client, "incidents").entries) == 50


@pytest.mark.parametrize(("language", "word"), [("en", "Not carried out"), ("zh-hans", "未实施")])
def test_a_window_that_was_not_carried_out_says_so_in_the_feed(client, language, word):
    day = NOW.date().isoformat()
    window = a_window(f"{day} 01:00", f"{day} 02:00", ("2026-11-01 08:00", f"{day} 01:00", f"{day} 02:00"))
    assert word not in parsed(client, "maintenance", language).entries[0].summary
    forget_what_is_kept()
    window.not_carried_out_at = at(f"{day} 02:30")
    window.save()
    entry = parsed(client, "maintenance", language).entries[0]
    assert word in entry.summary
    assert entry.updated == f"{day}T02:30:00+00:00"
