"""What tests share: a real worker, a real browser, and no lock-out by accident."""

import asyncio
import base64
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import hypothesis
import pytest
from django.apps import apps
from django.conf import settings as portal
from django.core.cache import caches
from django.db import transaction
from django.utils import timezone, translation

from tests.everything import TEMPLATE, TEMPLATE_FILE
from tests.support.servers import open_to_the_public
from tests.support.unguarded import unguarded

pytest_plugins = ["tests.support.scanner", "tests.support.sealing"]

# What collection makes stays to the end. Looking through all of it for garbage took a tenth of all processor time.
gc.disable()

hypothesis.settings.register_profile("portal", deadline=None, print_blob=True)
hypothesis.settings.load_profile("portal")


WAYS_TO_THE_DATABASE = {"db", "transactional_db", "live_server", "django_db_setup"}
"""Fixtures; through any other way pytest-django lets nobody."""
ASKED_ELSEWHERE = {"django_db", "postgresql", "redis", "browser", "both"}


def is_pure(item: pytest.Item) -> bool:
    """Whether a test can reach no database, so that what it says is the same beside any."""
    asked = {mark.name for mark in item.iter_markers()}
    return not (ASKED_ELSEWHERE & asked or WAYS_TO_THE_DATABASE & {*getattr(item, "fixturenames", ())})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
        if is_pure(item):
            item.add_marker("pure")
        if "receiver" in getattr(item, "fixturenames", ()):
            item.add_marker("maintnote")
    # What takes long and mostly waits comes first, so that the workers end together.
    items.sort(key=lambda item: item.path.name not in {"test_parts.py", "test_run.py"})


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def papers() -> dict[str, bytes]:
    """A report of every kind, as it is printed."""
    from sla_portal.reports.pdf import render
    from tests.support.statements import papers

    return {kind: render(statement) for kind, statement in papers().items()}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix) -> None:
    """A file even for SQLite's tests, because a worker is another process."""
    database = portal.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(portal.VAR_DIR / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb, django_db_modify_db_settings) -> bool:
    """Begin with the tables that `make test` laid ready; PostgreSQL copies them itself."""
    tables, database = os.environ.get(TEMPLATE_FILE), portal.DATABASES["default"]
    if tables is None or not database["ENGINE"].endswith("sqlite3"):
        return django_db_keepdb
    shutil.copy(tables, database["TEST"]["NAME"])
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> Iterator[None]:
    """Let a test that commits be cleaned up: its flush passes by the triggers, and what migrations laid is laid again."""
    from django.db import connection

    from sla_portal.operator.middleware import known_right

    # Patched for every connection: beside Playwright's event loop, Django opens one of its own.
    operations = type(connection.ops)
    flush = operations.execute_sql_flush
    first_version = import_module("sla_portal.agreements.migrations.0002_version_1_0")
    first_register = import_module("sla_portal.agreements.migrations.0005_what_1_0_leaves_open_and_what_stands_still")
    first_scope = import_module("sla_portal.customers.migrations.0002_functions_and_clients_of_clause_1_4")
    names = import_module("sla_portal.customers.migrations.0003_names_in_chinese")

    def flush_all(self, statements) -> None:
        with transaction.atomic():
            with unguarded(self.connection):
                flush(self, statements)
            first_scope.add(apps, None)
            names.translate(apps, None)
            first_version.add(apps, None)
            first_register.add(apps, None)
            open_to_the_public()

    operations.execute_sql_flush = flush_all
    # A process asks once, whichever test comes first.
    known_right.add(portal.SITE_ROLE)
    with django_db_blocker.unblock():
        open_to_the_public()
    with template_of_the_test_database(django_db_blocker):
        yield
    with django_db_blocker.unblock():
        end_connections()


def end_connections() -> None:
    """On PostgreSQL, end what is still connected to the test's database, which could not be dropped otherwise.

    Beside Playwright's event loop, for one, Django opens a connection that pytest-django does not see.
    """
    from django.db import connection

    if connection.vendor == "postgresql":
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [connection.settings_dict["NAME"]],
            )


@contextmanager
def template_of_the_test_database(django_db_blocker) -> Iterator[None]:
    """On PostgreSQL, keep a copy of the empty tables, of which small benches and drills make their own databases.

    Copied now: later a test's server may be connected, and what is connected to is not copied.
    """
    from django.db import connection

    name = connection.settings_dict["NAME"]
    if connection.vendor != "postgresql" or not name.startswith("test_") or TEMPLATE in os.environ:
        yield
        return

    def execute(*statements: str) -> None:
        with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    template = f"{name}_template"
    with django_db_blocker.unblock():
        connection.close()
    execute(f"DROP DATABASE IF EXISTS {template}", f"CREATE DATABASE {template} TEMPLATE {name}")
    os.environ[TEMPLATE] = template
    yield
    del os.environ[TEMPLATE]
    execute(f"DROP DATABASE {template}")


@pytest.fixture(autouse=True)
def no_lockout(settings) -> None:
    """`client.login` has no request to count by; the test of the lock-out turns it on again."""
    settings.AXES_ENABLED = False


@pytest.fixture(autouse=True)
def no_browser_beside(monkeypatch) -> None:
    """Once a browser was started, Playwright's event loop counts as running in this thread, and `asyncio.run` refuses."""
    run = asyncio.run

    def run_alone(*given, **options):
        running = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            return run(*given, **options)
        finally:
            asyncio._set_running_loop(running)

    monkeypatch.setattr(asyncio, "run", run_alone)


@pytest.fixture(autouse=True)
def no_reader_yet() -> None:
    """The language and the clock of the last test's reader stay with the thread; a test begins without one."""
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def a_page_just_read(monkeypatch) -> None:
    """A test that posts to a staff page without saying what it saw has just read the page."""
    from django.test import Client

    from sla_portal.audit.queries import newest_entry

    post = Client.post

    def from_a_page(self, path, data=None, *args, **kwargs):
        if path.startswith("/admin/") and (data is None or (isinstance(data, dict) and "seen" not in data)):
            data = {**(data or {}), "seen": f"{newest_entry()} /admin/"}
        return post(self, path, data, *args, **kwargs)

    monkeypatch.setattr(Client, "post", from_a_page)


def forget_what_is_kept() -> None:
    """Let public facts and pages be computed anew, in this thread and in threads to come."""
    for name in ("public", "pages"):
        caches[name].key_prefix = portal.CACHES[name]["KEY_PREFIX"] = uuid4().hex


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What is public is kept from request to request, but not from test to test."""
    forget_what_is_kept()


@pytest.fixture(autouse=True)
def seen_open(monkeypatch) -> None:
    """A process that has seen the portal open does not ask whether it is."""
    monkeypatch.setattr("sla_portal.website.queries.opening._seen_open", True)


@pytest.fixture
def closed_portal(db, seen_open, monkeypatch) -> None:
    """A portal that is not open to the public yet."""
    from django.db import connection

    monkeypatch.setattr("sla_portal.website.queries.opening._seen_open", False)

    with unguarded(connection):
        apps.get_model("operator", "Opening").objects.all().delete()


def database_url() -> str:
    """The address of the test database, as a process of its own is told it."""
    from django.db import connection

    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    user, password = quote(database["USER"]), quote(database["PASSWORD"])
    return f"postgres://{user}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


class Worker:
    """A Celery worker as a process of its own, on the test's database and broker."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "sla_portal.settings",
            "DATABASE_URL": database_url(),
            "SECRET_KEY": portal.SECRET_KEY,
            "LOG_LEVEL": "INFO",
        }
        command = [sys.executable, "-m", "celery", "-A", "sla_portal", "worker", "--concurrency", "1"]
        begun = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "--without-gossip", "--without-mingle"],
                env=environment, stdout=output, stderr=output, cwd=portal.BASE_DIR, start_new_session=True,
            )  # fmt: skip
        self.wait_until(lambda: b" ready." in self.log.read_bytes()[begun:])

    def wait_until(self, true, seconds: float = 60) -> None:
        """Wait for something that the worker does; fail with its log if it does not."""
        deadline = time.monotonic() + seconds
        while not true():
            assert self.process is not None
            assert self.process.poll() is None, f"The worker ended:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"Not done after {seconds} s:\n{self.log.read_text()}"
            time.sleep(0.05)

    def kill(self) -> None:
        """End the worker and its children at once, as a power cut would."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def worker(transactional_db, tmp_path) -> Iterator[Worker]:
    """A running worker; it sees what the test has committed."""
    from sla_portal.celery import app

    app.control.purge()
    running = Worker(tmp_path / "worker.log")
    try:
        running.start()
        yield running
    finally:
        # Asked to end, a worker that polls folders takes seven seconds to put down its work.
        if running.process is not None and running.process.poll() is None:
            running.kill()


Receiver = Callable[[bytes], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """Read a calendar file with a receiver's own program; it wants an older icalendar, so it has an environment of its own."""
    command = [portal.BASE_DIR / ".venv-maintnote/bin/python", portal.BASE_DIR / "tests/support/receiver.py"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:

        def read(ics: bytes) -> list[dict[str, Any]]:
            print(base64.b64encode(ics).decode(), file=program.stdin, flush=True)
            return json.loads(program.stdout.readline())

        yield read
        program.stdin.close()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """The system's Chromium: nothing is downloaded, and it asks nothing of the network by itself."""
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": next(filter(None, found), None), "args": [*root, *quiet]}


@pytest.fixture
def desks(browser, live_server):
    """Open a browser of their own for members of staff, and fail on any complaint that it writes."""
    from .support.desk import signed_in

    complaints: list[str] = []
    contexts = []

    def sit_down(user, **screen):
        context = browser.new_context(base_url=live_server.url, **screen)
        contexts.append(context)
        cookie = signed_in(user).cookies[portal.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield sit_down
    for context in contexts:
        context.close()
    # A refused form answers 422 or 409, which the browser mentions.
    assert [line for line in complaints if "422" not in line and "409" not in line] == []
