"""Is the portal well? Asked by machines, so the answer is short and holds no secrets."""

import logging
import tempfile
import time
from collections.abc import Callable

from celery import current_app, shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sla_portal import zones

log = logging.getLogger(__name__)

LAST_BEAT = "last-beat"
BEAT_MAY_BE_SILENT_SECONDS = 180


@shared_task
def note_beat() -> None:
    """Note that the schedule sent a task and a worker did it."""
    cache.set(LAST_BEAT, time.time(), timeout=None)


def database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


def broker_answers() -> bool:
    with current_app.connection_for_write(connect_timeout=3) as broker:
        broker.ensure_connection(max_retries=1, timeout=3)
        return True


def beat_was_seen() -> bool:
    return time.time() - cache.get(LAST_BEAT, 0) <= BEAT_MAY_BE_SILENT_SECONDS


def disk_takes_writes() -> bool:
    with tempfile.TemporaryFile(dir=settings.FILES_DIR) as file:
        file.write(b"0" * 4096)
        file.flush()
        return True


CHECKS: dict[str, Callable[[], bool]] = {
    "database": database_answers,
    "broker": broker_answers,
    "beat": beat_was_seen,
    "disk": disk_takes_writes,
}


def passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:
        log.exception("Health: %s fails", name)
        return False


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 where all is well, else 503, with what is well and what is not, and the zone data in use."""
    results = {name: passes(name, check) for name, check in CHECKS.items()}
    well = all(results.values())
    return JsonResponse({"well": well, **results, "tzdata": zones.RELEASE}, status=200 if well else 503)
