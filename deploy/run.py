"""Run the portal on this machine: database, demo story, then web server, worker and schedule until Ctrl-C.

The processes are those of the Procfile. A server of its own for each: see docs/operations.md.
"""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from honcho import manager
from honcho.environ import parse_procfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sla_portal import settings


def manage(*command: str) -> None:
    if code := subprocess.run([sys.executable, "manage.py", *command], check=False).returncode:
        sys.exit(code)


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


class Gently(manager.ProcessManager):
    """Ask each process itself to end, not its children over its head: a worker waits for ever for the ones it lost."""

    def terminate(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def main() -> None:
    os.chdir(settings.BASE_DIR)
    refuse_a_busy_port()
    manage("migrate", "--verbosity", "0")
    manage("demo")
    print("Ctrl-C stops the portal.", flush=True)

    environment = {
        "LOG_LEVEL": "WARNING",
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }
    manager.ProcessManager = Gently
    manager.KILL_WAIT = 30  # seconds; a worker that polls folders takes some to put down its work
    portal = manager.Manager()
    for name, command in parse_procfile(Path("Procfile").read_text()).processes.items():
        portal.add_process(name, command, env=environment)
    # A closed terminal stops the portal too: its processes have sessions of their own and would stay.
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    portal.loop()
    # Ctrl-C is the way to stop it, so no failure.
    sys.exit(0 if portal.returncode == 128 + signal.SIGINT else portal.returncode)


if __name__ == "__main__":
    main()
