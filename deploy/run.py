"""Run the portal on this machine: database, demo story, then web server, worker and schedule until Ctrl-C.

The processes are those of the Procfile. One that ends is started again; all end together on Ctrl-C, on SIGTERM and when
the terminal is closed. A server of its own for each: see docs/operations.md.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sla_portal import environment, settings

FIRST_WAIT_SECONDS = 1
LONGEST_WAIT_SECONDS = 30
STEADY_SECONDS = 60
"""A process that ran so long begins with the first wait again."""
STOP_SECONDS = 30
"""What a process has to put down its work; a worker that polls folders takes some."""
POLL_SECONDS = 0.1

stopped_by: list[int] = []
"""The signals that asked for the end."""


def say(line: str) -> None:
    """Write a line to stdout; where nobody reads it any more, that is no reason to end otherwise than planned."""
    with suppress(OSError):
        os.write(1, f"{line}\n".encode())


class Program:
    """A process in a session of its own: what is typed at the terminal reaches this process alone."""

    def __init__(self, name: str, command: str | list[str], variables: dict[str, str]) -> None:
        self.name, self.command, self.variables = name, command, variables
        self.wait = FIRST_WAIT_SECONDS
        self.start()

    def start(self) -> None:
        self.started = time.monotonic()
        self.process: subprocess.Popen[bytes] | None = subprocess.Popen(
            self.command, shell=isinstance(self.command, str), env=self.variables,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def look_after(self) -> None:
        """Start the process again if it ended, after a wait that grows with each time."""
        if self.process is None:
            if time.monotonic() >= self.due:
                try:
                    self.start()
                except OSError as error:
                    self.start_later(f"cannot be started: {error.strerror}")
        elif (code := self.process.poll()) is not None:
            self.end_children()
            self.start_later(f"ended with {f'code {code}' if code >= 0 else f'signal {-code}'}")

    def start_later(self, what_happened: str) -> None:
        if time.monotonic() - self.started >= STEADY_SECONDS:
            self.wait = FIRST_WAIT_SECONDS
        say(f"{self.name} {what_happened}; started again in {self.wait} s")
        self.process, self.due = None, time.monotonic() + self.wait
        self.wait = min(self.wait * 2, LONGEST_WAIT_SECONDS)

    def ask_to_end(self) -> None:
        """Ask the process itself, not its children over its head: a worker waits for ever for the ones it lost."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until it ended, or kill it; with all of its children."""
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0, deadline - time.monotonic()))
            self.end_children()
            self.process.wait()

    def end_children(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def heed_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda number, _frame: stopped_by.append(number))


def exit_code() -> int:
    """Ctrl-C is the way to stop it, so no failure."""
    return 0 if stopped_by[0] == signal.SIGINT else 128 + stopped_by[0]


def supervise(commands: dict[str, str], variables: dict[str, str]) -> None:
    """Keep these commands running until a signal asks for the end, and leave no process behind."""
    programs: list[Program] = []
    try:
        programs.extend(Program(name, command, variables) for name, command in commands.items())
        while not stopped_by:
            for program in programs:
                program.look_after()
            time.sleep(POLL_SECONDS)
    finally:
        for program in programs:
            program.ask_to_end()
        deadline = time.monotonic() + STOP_SECONDS
        for program in programs:
            program.end(deadline)


def manage(variables: dict[str, str], *command: str) -> None:
    """Run a command of `manage.py`; end with its code where it fails, and at once where the end is asked for."""
    program = Program(command[0], [sys.executable, "manage.py", *command], variables)
    while program.process.poll() is None and not stopped_by:
        time.sleep(POLL_SECONDS)
    program.ask_to_end()
    program.end(time.monotonic() + STOP_SECONDS)
    if stopped_by:
        sys.exit(exit_code())
    if program.process.returncode:
        sys.exit(program.process.returncode)


def refuse_a_busy_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.BIND_ADDRESS, settings.PORT))
        except OSError as error:
            sys.exit(
                f"Port {settings.PORT} of {settings.BIND_ADDRESS} cannot be used: {error.strerror}. "
                f"Stop what runs there, or choose another: make run PORT={settings.PORT + 1}"
            )


@contextmanager
def noted_address() -> Iterator[None]:
    """Note where the portal is found, for other commands of the same private folder, while the block runs.

    The lock tells them that it holds, and goes with the process, however that ends. Of two portals of one folder the
    first stands there.
    """
    address = environment.site_url("SITE_URL", default=f"http://localhost:{settings.PORT}")
    with settings.ADDRESS_FILE.open("a") as note:
        if locked(note):
            note.truncate(0)
            note.write(address)
            note.flush()
        yield


def locked(note: IO[str]) -> bool:
    """Lock a file; a command that asks just now whether it is locked holds it for a moment itself."""
    for _try in range(10):
        with suppress(BlockingIOError):
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(POLL_SECONDS)
    return False


def main() -> None:
    heed_signals()
    os.chdir(settings.BASE_DIR)
    refuse_a_busy_port()
    variables = {
        "LOG_LEVEL": "WARNING",
        **os.environ,
        "PORT": str(settings.PORT),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }
    with noted_address():
        manage(variables, "migrate", "--verbosity", "0")
        if not settings.HTTPS:
            manage(variables, "demosealkey")
        manage(variables, "demo")
        say("Ctrl-C stops the portal.")
        lines = Path("Procfile").read_text().splitlines()
        supervise({name: command for name, _, command in (line.partition(": ") for line in lines)}, variables)
    sys.exit(exit_code())


if __name__ == "__main__":
    main()
