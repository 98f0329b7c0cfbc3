"""Zones are those of the pinned tzdata package in every process, whatever the system's own files say."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from sla_portal.zones import RELEASE
from tests.support.desk import a_member, signed_in, text_of

SHOW = """
from datetime import datetime; from zoneinfo import ZoneInfo, available_timezones
print(datetime(2026, 12, 15, 12, tzinfo=ZoneInfo("America/Vancouver")), "Asia/Atlantis" in available_timezones())
"""
RIGHT, WRONG = "2026-12-15 12:00:00-07:00 False", "2026-12-15 12:00:00-08:00 True"


@pytest.fixture
def system(tmp_path) -> dict[str, str]:
    """A system whose Vancouver still goes back in November, as it did until 2025, and which has a zone too many."""
    for name, rules in {"America/Vancouver": "America/Los_Angeles", "Asia/Atlantis": "Asia/Tokyo"}.items():
        file = tmp_path / "zoneinfo" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(files("tzdata.zoneinfo").joinpath(rules).read_bytes())
    return {
        "PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(tmp_path / "var"),
        "PYTHONTZPATH": str(tmp_path / "zoneinfo"),
    }  # fmt: skip


def told(system: dict[str, str], *command: str) -> str:
    return subprocess.check_output([sys.executable, *command], env=system, cwd=settings.BASE_DIR, text=True).strip()


def test_vancouver_stays_on_summer_time():
    assert datetime(2026, 12, 15, 12, tzinfo=ZoneInfo("America/Vancouver")).utcoffset() == timedelta(hours=-7)


def test_a_command_does_not_see_what_the_system_has_wrong(system):
    assert told(system, "-c", SHOW) == WRONG
    assert told(system, "manage.py", "shell", "--no-imports", "--command", SHOW) == RIGHT


@pytest.mark.parametrize(
    "program",
    [
        ["manage.py", "check"],
        ["-m", "gunicorn", "sla_portal.wsgi"],
        ["-m", "celery", "-A", "sla_portal", "worker"],
        ["-m", "celery", "-A", "sla_portal", "beat", "--pidfile="],
    ],
    ids=["manage.py", "web", "worker", "beat"],
)
def test_no_program_knows_a_zone_that_only_the_system_has(system, program):
    ended = subprocess.run(
        [sys.executable, *program], env=system | {"SLA_TIME_ZONE": "Asia/Atlantis"}, cwd=settings.BASE_DIR,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.stderr.splitlines()[-1].startswith("SLA_TIME_ZONE must be the name of a time zone")


def test_the_process_that_reads_proof_does_not_look_there(system):
    look = "from claims.inspection import child; child.confine(); import zoneinfo; print(zoneinfo.TZPATH)"
    assert told(system, "-c", look) == "()"


def test_administrators_see_the_release_in_use(db):
    for role in ("Administrator", "NOC"):
        home = text_of(signed_in(a_member(role)).get("/admin/"))
        assert (f"Time zone data: IANA release {RELEASE}" in home) is (role == "Administrator")
