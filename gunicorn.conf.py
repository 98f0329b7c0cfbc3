"""The web server; gunicorn reads this file by itself. GUNICORN_CMD_ARGS overrides what stands here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from sla_portal.settings import BIND_ADDRESS, PORT

bind = f"{BIND_ADDRESS}:{PORT}"
workers = 2  # WEB_CONCURRENCY sets another number
threads = 4
# Loaded once before the fork: a wrong setting then stops the start instead of every worker in turn.
preload_app = True
control_socket_disable = True
