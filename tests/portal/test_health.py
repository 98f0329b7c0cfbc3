"""`/healthz` tells machines whether the portal is well."""

import time

from django.core.cache import cache

from sla_portal.health import BEAT_MAY_BE_SILENT_SECONDS, LAST_BEAT, note_beat
from sla_portal.zones import RELEASE


def test_all_is_well_while_a_beat_was_seen_lately(client, db):
    note_beat()
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "well": True,
        "database": True,
        "broker": True,
        "beat": True,
        "disk": True,
        "tzdata": RELEASE,
    }
    assert "no-store" in answer["Cache-Control"]


def test_a_silent_schedule_is_not_well(client, db):
    cache.set(LAST_BEAT, time.time() - BEAT_MAY_BE_SILENT_SECONDS - 1)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {
        "well": False,
        "database": True,
        "broker": True,
        "beat": False,
        "disk": True,
        "tzdata": RELEASE,
    }


def test_a_disk_that_takes_nothing_is_not_well(client, db, settings, tmp_path):
    note_beat()
    settings.FILES_DIR = tmp_path / "gone"
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["disk"] is False
    assert str(tmp_path) not in answer.content.decode()


def test_a_balancer_may_ask_without_https(client, db, settings):
    note_beat()
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get("/admin/login/").status_code == 301
