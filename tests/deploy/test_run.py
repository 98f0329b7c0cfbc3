"""The whole portal on one machine, as `make run` starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil
import pytest
from django.conf import settings

from sla_portal.zones import RELEASE
from tests.everything import free_port

pytestmark = pytest.mark.sqlite

WELL = {"well": True, "database": True, "broker": True, "beat": True, "disk": True, "tzdata": RELEASE}


@contextmanager
def running(folder, port):
    """The portal while the block runs, from the moment at which it says that all is well."""
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(folder), "PORT": str(port)}
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "deploy/run.py"], env=environment, cwd=settings.BASE_DIR, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + 120
            while health(port) != WELL:
                assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.2)
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0, (folder / "log").read_text()


def health(port):
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            return json.load(answer)
    except HTTPError as unwell:
        unwell.close()
        return None
    except (URLError, ConnectionError):
        return None


def users(folder):
    show = "from django.contrib.auth.models import User; print(*sorted(User.objects.values_list('id', 'username')))"
    return subprocess.check_output(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", show],
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(folder)}, cwd=settings.BASE_DIR,
    )  # fmt: skip


def address_beside(folder, **variables):
    """What a command of the same private folder takes for the portal's address."""
    return subprocess.check_output(
        [sys.executable, "-c", "from sla_portal import settings; print(settings.SITE_URL)"], text=True,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(folder), **variables},
        cwd=settings.BASE_DIR,
    ).strip()  # fmt: skip


def processes_of(folder):
    """The processes that know this private folder."""
    running = psutil.process_iter(["environ", "cmdline"])
    return [
        process.info["cmdline"] for process in running if (process.info["environ"] or {}).get("VAR_DIR") == str(folder)
    ]


def test_it_starts_keeps_its_data_and_stops_at_ctrl_c(tmp_path):
    port = free_port()
    with running(tmp_path, port):
        assert len(processes_of(tmp_path)) >= 4  # itself, web server, worker, schedule
        with urlopen(f"http://127.0.0.1:{port}/admin/") as page:
            assert page.url.endswith("/admin/login/?next=/admin/")
        assert address_beside(tmp_path) == f"http://localhost:{port}"
        assert address_beside(tmp_path, SITE_URL="https://sla.example.com") == "https://sla.example.com"
    assert processes_of(tmp_path) == []
    assert address_beside(tmp_path) == "http://localhost:8000"
    told = users(tmp_path)
    assert told.strip()
    with running(tmp_path, port):
        assert users(tmp_path) == told
    assert processes_of(tmp_path) == []


def test_ctrl_c_while_the_demo_is_still_written_stops_it_at_once(tmp_path):
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "deploy/run.py"], env=environment | {"PORT": str(free_port())}, cwd=settings.BASE_DIR
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "portal.sqlite3").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 0
    assert processes_of(tmp_path) == []


def test_a_busy_port_is_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(tmp_path), "PORT": str(port)}
        ended = subprocess.run(
            [sys.executable, "deploy/run.py"], env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Port {port} of 127.0.0.1 cannot be used: Address already in use.")
    assert "Traceback" not in ended.stderr
