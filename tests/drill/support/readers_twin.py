"""The portal without the cache of its public pages: every page is read from the database and made anew."""

import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sla_portal.settings")
django.setup()

from sla_portal.website import caching as house  # noqa: E402
from sla_portal.website import reader  # noqa: E402


def not_cached(
    _name: str,
    compute: Callable[[], Any],
    now: datetime,
    fresh: timedelta | None = None,
) -> house.Cached[Any]:
    return house.Cached(compute(), str(now), now, now)


CACHED, FINISHED = house.cached, reader.finished
# Some modules that take the two by name are read already, the others are read after this.
for module in list(sys.modules.values()):
    if getattr(module, "cached", None) is CACHED:
        module.cached = not_cached
    if getattr(module, "finished", None) is FINISHED:
        module.finished = lambda _page, _follows_from, make: make()

from sla_portal.wsgi import application  # noqa: E402, F401
