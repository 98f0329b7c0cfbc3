"""The schedule and the broker, with a real worker."""

import stat
import time

import pytest
from django.conf import settings
from django.core.cache import cache

from sla_portal.celery import app
from sla_portal.health import LAST_BEAT, note_beat

pytestmark = pytest.mark.both


def test_every_scheduled_name_is_a_task():
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_what_no_worker_took_by_the_next_round_is_dropped():
    for entry in app.conf.beat_schedule.values():
        assert entry["options"]["expires"] == entry["schedule"]


def test_a_worker_takes_one_task_at_a_time_and_acknowledges_it_when_it_is_done():
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.task_ignore_result
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_time_limit < 3600


@pytest.mark.sqlite
def test_without_redis_tasks_lie_in_folders_that_only_we_may_read():
    assert app.conf.broker_url == "filesystem://localhost"
    for folder in {settings.BROKER_DIR, *settings.BROKER_DIR.iterdir()}:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.redis
def test_with_redis_tasks_go_there():
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1)
        assert broker.transport.driver_type == "redis"


def test_a_worker_does_what_is_sent(worker):
    cache.delete(LAST_BEAT)
    note_beat.delay()
    worker.wait_until(lambda: cache.get(LAST_BEAT))
    assert time.time() - cache.get(LAST_BEAT) < 60


def test_a_task_sent_while_the_worker_was_dead_is_done_by_the_next(worker):
    worker.kill()
    cache.delete(LAST_BEAT)
    note_beat.delay()
    worker.start()
    worker.wait_until(lambda: cache.get(LAST_BEAT))
