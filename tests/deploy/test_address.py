"""A command beside `make run` names the address that the portal has, whatever port it was given."""

import fcntl
import os
import subprocess
import sys

import pytest
from django.conf import settings

from sla_portal import environment

pytestmark = pytest.mark.sqlite

NOTE = """
import signal
from deploy import run
with run.noted_address():
    print(flush=True)
    signal.pause()
"""


def clean(folder, **variables):
    return {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(folder), **variables}


def noting(folder, **variables):
    """A portal as far as its address goes."""
    process = subprocess.Popen(
        [sys.executable, "-c", NOTE], env=clean(folder, **variables), cwd=settings.BASE_DIR, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    return process


def address_beside(folder, **variables):
    show = "from sla_portal import settings; print(settings.SITE_URL)"
    return subprocess.check_output(
        [sys.executable, "-c", show], env=clean(folder, **variables), cwd=settings.BASE_DIR, text=True
    ).strip()


def end(*processes):
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_command_beside_it_follows_the_port_while_it_runs_and_not_afterwards(tmp_path):
    portal = noting(tmp_path, PORT="8130")
    try:
        assert address_beside(tmp_path) == "http://localhost:8130"
        # What the environment says of the command itself comes first.
        assert address_beside(tmp_path, PORT="8140") == "http://localhost:8140"
        assert address_beside(tmp_path, SITE_URL="https://sla.example.com") == "https://sla.example.com"
        # A file of settings is read by both, and `make run PORT=8130` passed by its port.
        (tmp_path / "portal.env").write_text("PORT=8150\n")
        assert address_beside(tmp_path, ENV_FILE=str(tmp_path / "portal.env")) == "http://localhost:8130"
    finally:
        end(portal)  # killed: nothing is left to tidy up
    assert address_beside(tmp_path) == "http://localhost:8000"
    assert address_beside(tmp_path, ENV_FILE=str(tmp_path / "portal.env")) == "http://localhost:8150"


def test_it_follows_an_address_that_only_the_portal_was_given(tmp_path):
    portal = noting(tmp_path, SITE_URL="https://sla.example.com/", PORT="8130")
    try:
        assert address_beside(tmp_path) == "https://sla.example.com"
    finally:
        end(portal)


def test_a_portal_of_the_same_folder_does_not_take_the_address_of_the_one_before_for_its_own(tmp_path):
    first, second = noting(tmp_path, PORT="8130"), noting(tmp_path)
    try:
        assert address_beside(tmp_path) == "http://localhost:8130"
    finally:
        end(first, second)
    later = noting(tmp_path)
    try:
        assert address_beside(tmp_path) == "http://localhost:8000"
    finally:
        end(later)


def test_a_note_that_nobody_holds_is_none(tmp_path):
    note = tmp_path / "address"
    assert environment.served_address(note) == ""
    note.write_text("http://localhost:8130")
    assert environment.served_address(note) == ""
    with note.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert environment.served_address(note) == "http://localhost:8130"
