"""The child process that inspects files cannot exceed its limits."""

import io
import os
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import pytest

from claims import inspection
from claims.inspection import Inspected, Reason, Unfit, inspect
from claims.inspection.child import MEMORY, _archived
from tests.support.proofs import a_picture

CONFINE = "child.confine()"
ANSWER = b'{"kind": "png", "preview_kind": "image/png", "pages": null, "remarks": []}\npreview'


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Have the child do `what` and then answer as if all were well; return what `inspect` makes of it."""

    def tell(what: str, first: str = CONFINE, last: str = f"os.write(1, {ANSWER!r})") -> Inspected | Reason:
        program = f"import os, sys, time, socket\nfrom claims.inspection import child\n{first}\n{what}\n{last}"
        monkeypatch.setattr(inspection, "COMMAND", (sys.executable, "-B", "-s", "-c", program))
        with (tmp_path / "a.png").open("w+b") as file:
            file.write(a_picture())
            file.flush()
            try:
                return inspect(file, "a.png")
            except Unfit as unfit:
                return unfit.reason

    return tell


def test_the_answer_of_a_child_within_its_limits_is_accepted(told):
    assert told("x = bytearray(100_000_000)") == Inspected("png", b"preview", "image/png", None)
    assert told("t = threading.Thread(target=int); t.start(); t.join()", first=f"import threading\n{CONFINE}") == (
        Inspected("png", b"preview", "image/png", None)
    )


@pytest.mark.parametrize(
    "what",
    [
        f"x = bytearray({MEMORY})",
        "open('/etc/hostname')",
        "open(os.path.join('/tmp', 'left behind'), 'w')",
        "os.open('.', os.O_RDONLY)",
        "socket.socket()",
        "os.pipe()",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.ftruncate(1, 1 << 30)",
        "os.kill(os.getpid(), 11)",
        "os._exit(3)",
    ],
)
def test_a_child_that_accesses_other_resources_is_rejected(what, told):
    assert told(what) == Reason.OVERRAN
    assert not Path("/tmp/left behind").exists()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"{}",
        b"[]",
        b"7",
        b"words",
        b"\xff",
        b'{"refused": "because"}',
        ANSWER.replace(b"image/png", b"text/html"),
        ANSWER.replace(b'"png"', b'"exe"'),
    ],
)
def test_a_malformed_answer_of_the_child_is_rejected(said, told):
    assert told("", last=f"os.write(1, {said!r})") == Reason.OVERRAN


def test_a_child_that_exceeds_its_cpu_time_is_killed(told):
    begun = time.monotonic()
    assert told("while True: pass", "child.CPU_SECONDS = 1; child.confine()") == (
        Reason.OVERRAN
    )  # fmt: skip
    assert time.monotonic() - begun < inspection.SECONDS / 2


def test_a_child_that_exceeds_the_timeout_is_killed_with_its_own_child(told, monkeypatch, tmp_path):
    monkeypatch.setattr(inspection, "SECONDS", 2)
    sign = tmp_path / "sign of life"
    sign.touch()
    waiting = f"if not os.fork():\n  while True: os.utime({str(sign)!r}); time.sleep(.02)\ntime.sleep(60)"
    begun = time.time_ns()
    assert told(waiting, first="") == Reason.OVERRAN
    last = sign.stat().st_mtime_ns
    assert last > begun
    time.sleep(0.3)
    assert sign.stat().st_mtime_ns == last


def test_no_temporary_file_is_left(told, monkeypatch, tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    assert told("os.write(1, b'x' * 1000); os._exit(3)") == Reason.OVERRAN
    assert told("") == Inspected("png", b"preview", "image/png", None)
    assert list(room.iterdir()) == []


def test_the_number_of_concurrent_inspections_is_limited(told, monkeypatch):
    monkeypatch.setattr(inspection, "SECONDS", 0.1)
    for _turn in range(2):
        assert inspection.TURNS.acquire(timeout=1)
    try:
        assert told("") == Reason.BUSY
    finally:
        inspection.TURNS.release(2)


def test_the_child_gets_no_secret_and_loads_no_portal_code(told):
    assert os.environ["SECRET_KEY"]
    strange = "{m for m in sys.modules if m.split('.')[0] in {'django', 'sla_portal'}} | os.environ.keys() - {'PYTHONPATH', 'LC_CTYPE'}"
    assert told(f"os._exit(1) if {strange} else None") == Inspected("png", b"preview", "image/png", None)


@pytest.mark.parametrize("version", [20, 99], ids=["understood", "too new for this reader"])
def test_an_unsupported_archive_is_detected_as_an_archive(version):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("evil.js", "alert(1)")
    listed = bytearray(content.getvalue())
    listed[listed.index(b"PK\x01\x02") + 6] = version
    assert _archived(b"before it " + bytes(listed))
    assert not _archived(b"no archive at all")


def test_a_heic_picture_is_read_where_the_portal_is_not_root(monkeypatch, tmp_path):
    """Its decoder (libde265 1.1.3) starts a thread, which RLIMIT_NPROC refuses to everyone but root."""
    program = "import os\nfrom claims.inspection import child\nif not os.getuid(): os.setgid(65534); os.setuid(65534)\nchild.main()"
    monkeypatch.setattr(inspection, "COMMAND", (sys.executable, "-B", "-s", "-c", program))
    with (tmp_path / "a.heic").open("w+b") as file:
        file.write(a_picture("HEIF"))
        file.flush()
        assert inspect(file, "a.heic").preview_kind == "image/jpeg"
