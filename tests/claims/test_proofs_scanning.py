"""clamd by its protocol; on any error a file counts as not scanned."""

import socket
import tempfile
import threading
import time

import pytest

from claims import scanning
from claims.scanning import VirusFound, scan
from tests.support.scanner import SIGNATURE


def scanned(content: bytes) -> bool:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        return scan(file)


def test_a_file_without_virus_is_clean(scanner):
    content = bytes(range(256)) * 1000
    assert scanned(content) is True
    assert scanner.heard == content


def test_a_virus_is_named(scanner):
    with pytest.raises(VirusFound, match=r"^Harmless\.Sign$"):
        scanned(b"x" * 70_000 + SIGNATURE)


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"stream: OK",
        b"UNKNOWN COMMAND\0",
        b"INSTREAM: Can't allocate memory ERROR\0",
        b"x" * 100_000,
        b"\xff\xfe\0",
    ],
)
def test_an_invalid_answer_means_not_scanned(says, scanner):
    scanner.says = says
    assert scanned(b"hello") is False


def test_a_file_too_large_for_the_scanner_is_not_scanned(scanner):
    assert scanned(b"x" * 3_000_000) is False


def test_a_slow_scanner_times_out(scanner, monkeypatch):
    monkeypatch.setattr(scanning, "SECONDS", 0.3)
    scanner.waits = 1.5
    begun = time.monotonic()
    assert scanned(b"hello") is False
    assert time.monotonic() - begun < 1.2


def test_a_scanner_that_answers_byte_by_byte_times_out(settings, monkeypatch):
    monkeypatch.setattr(scanning, "SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.CLAMD_ADDRESS = f"127.0.0.1:{listening.getsockname()[1]}"

        def drip() -> None:
            talking, _address = listening.accept()
            with talking:
                for _drop in range(30):
                    try:
                        talking.sendall(b"s")
                    except OSError:
                        return
                    time.sleep(0.1)

        thread = threading.Thread(target=drip)
        thread.start()
        begun = time.monotonic()
        assert scanned(b"hello") is False
        assert time.monotonic() - begun < 2
        thread.join(10)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "/nowhere/clamd.ctl", "no-such-host.invalid:3310"])
def test_an_unreachable_scanner_means_not_scanned(address, settings):
    settings.CLAMD_ADDRESS = address
    assert scanned(b"hello") is False


def test_without_a_scanner_nothing_is_scanned(settings):
    assert settings.CLAMD_ADDRESS == ""
    assert scanned(SIGNATURE) is False
