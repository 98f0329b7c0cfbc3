"""A virus scanner on this machine that speaks clamd's protocol."""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator

import pytest

SIGNATURE = b"a harmless sign that the scanner below knows"


class Scanner:
    """A server that speaks clamd's INSTREAM, on a port or a socket of its own."""

    def __init__(self, listening: socket.socket, largest: int = 1_000_000) -> None:
        self.listening = listening
        self.largest = largest
        self.heard = b""
        self.says: bytes | None = None
        """What it says whatever it is sent; None lets it scan."""
        self.waits = 0.0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                talking, _address = self.listening.accept()
            except OSError:
                return
            with talking, talking.makefile("rb") as coming:
                try:
                    self.talk(talking, coming)
                except OSError:
                    continue  # hung up on

    def talk(self, talking: socket.socket, coming) -> None:
        assert coming.read(10) == b"zINSTREAM\0"
        self.heard = b""
        while length := int.from_bytes(coming.read(4), "big"):
            self.heard += coming.read(length)
            if len(self.heard) > self.largest:
                talking.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
        time.sleep(self.waits)
        found = b"stream: Harmless.Sign FOUND\0" if SIGNATURE in self.heard else b"stream: OK\0"
        talking.sendall(found if self.says is None else self.says)


@pytest.fixture(params=["port", "socket"])
def scanner(request, settings, tmp_path) -> Iterator[Scanner]:
    if request.param == "port":
        listening = socket.create_server(("127.0.0.1", 0))
        settings.CLAMD_ADDRESS = f"127.0.0.1:{listening.getsockname()[1]}"
    else:
        listening = socket.socket(socket.AF_UNIX)
        with tempfile.TemporaryDirectory() as room:  # a path that is short enough
            listening.bind(f"{room}/clamd.ctl")
            listening.listen()
            settings.CLAMD_ADDRESS = f"{room}/clamd.ctl"
            yield from serving(listening)
            return
    yield from serving(listening)


def serving(listening: socket.socket) -> Iterator[Scanner]:
    running = Scanner(listening)
    yield running
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    running.thread.join(10)
    assert not running.thread.is_alive()
