"""The web server; gunicorn reads this file by itself. GUNICORN_CMD_ARGS overrides what stands here."""

import gc
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from sla_portal import environment, settings
from sla_portal.website.logs import WithoutKeys

bind = f"{settings.BIND_ADDRESS}:{settings.PORT}"
workers = environment.count("WEB_CONCURRENCY", default=2, least=1)
threads = 4
loglevel = settings.LOG_LEVEL.lower()
# Whose word on http or https is believed.
forwarded_allow_ips = environment.text("FORWARDED_ALLOW_IPS", default="127.0.0.1,::1")
# Loaded once before the fork: a wrong setting then stops the start instead of every worker in turn.
preload_app = True
control_socket_disable = True

# Its own two logs name addresses: the one of accesses, where it is turned on, and the one of what went wrong.
for name in ("gunicorn.access", "gunicorn.error"):
    logging.getLogger(name).addFilter(WithoutKeys())


def pre_fork(_server: object, _worker: object) -> None:
    """Leave what is loaded out of garbage collection, which writes into all of it: each process would get a copy of its own."""
    gc.freeze()
