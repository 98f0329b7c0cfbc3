"""The portal's settings in a private folder that goes away: a test never touches `var/` or reads `.env`.

Browser tests drive the database from the thread in which Playwright keeps its event loop, which Django would refuse.
"""

import atexit
import os
import shutil
import tempfile

VAR_DIR = tempfile.mkdtemp(prefix="sla-portal-tests-")
atexit.register(shutil.rmtree, VAR_DIR, ignore_errors=True)
os.environ |= {
    "ENV_FILE": os.devnull,
    "VAR_DIR": VAR_DIR,
    "SECRET_KEY": "the key of tests, which guards nothing",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
}

# Tests that run side by side must not take each other's tasks.
if os.environ.get("REDIS_URL") and (beside := os.environ.get("PYTEST_XDIST_WORKER")):
    server, _, first = os.environ["REDIS_URL"].rpartition("/")
    os.environ["REDIS_URL"] = f"{server}/{int(first) + int(beside.removeprefix('gw')) + 1}"

from sla_portal.settings import *  # noqa: E402, F403

# A small drill that runs tests of its own copies the tables instead of making them again.
if template := os.environ.get("TEMPLATE_DATABASE"):
    DATABASES["default"]["TEST"] = {"TEMPLATE": template}  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real ones are slow on purpose
# Otherwise each test client, which has middleware of its own, looks at all static files first.
WHITENOISE_AUTOREFRESH = True
