"""What keeps the processes of `make run` running: what ends is started again, and all end together when asked."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest
from django.conf import settings

pytestmark = pytest.mark.sqlite

SUPERVISE = """
import os, sys
from deploy import run
run.STOP_SECONDS = float(sys.argv[1])
run.heed_signals()
run.say("begun")
run.supervise(dict(argument.split("=", 1) for argument in sys.argv[2:]), dict(os.environ))
sys.exit(run.exit_code())
"""


class Supervised:
    """Commands under the supervisor; each process of theirs knows the folder by its environment."""

    def __init__(self, folder, commands, *, stop, terminal):
        self.mark = {"SUPERVISED_BY_TEST": str(folder)}
        command = [sys.executable, "-c", SUPERVISE, str(stop), *(f"{k}={v}" for k, v in commands.items())]
        self.process = subprocess.Popen(
            command if terminal is None else ["setsid", "--ctty", *command],
            env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(folder), **self.mark},
            cwd=settings.BASE_DIR, stdin=terminal, stdout=subprocess.PIPE if terminal is None else terminal,
            stderr=terminal, text=True,
        )  # fmt: skip

    def family(self):
        """All processes that this one began, and those that they began, wherever they hang now."""
        everyone = psutil.process_iter(["environ", "pid", "cmdline"])
        mine = [one for one in everyone if self.mark.items() <= (one.info["environ"] or {}).items()]
        return {one.pid: one.info["cmdline"] for one in mine if one.pid != self.process.pid and one.info["cmdline"]}

    def pid_of(self, *words, other_than=None):
        """The process whose command line holds these words, as soon as there is one."""
        return until(lambda: next((pid for pid, line in self.family().items()
                                   if pid != other_than and line[: len(words)] == list(words)), None))  # fmt: skip

    def line(self):
        return self.process.stdout.readline().rstrip("\n")


def until(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"Not so after {seconds} s."
        time.sleep(0.02)
    return found


@contextmanager
def supervised(folder, *, stop=10, terminal=None, **commands):
    running = Supervised(folder, commands, stop=stop, terminal=terminal)
    try:
        if terminal is None:
            assert running.line() == "begun"
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        if terminal is None:
            running.process.stdout.close()
        for pid in running.family():
            os.kill(pid, signal.SIGKILL)


def test_a_process_that_ends_is_started_again_and_the_others_stay(tmp_path):
    with supervised(tmp_path, web="exec sleep 1001", worker="exec sleep 1002") as running:
        web, worker = running.pid_of("sleep", "1001"), running.pid_of("sleep", "1002")
        os.kill(worker, signal.SIGKILL)
        assert running.line() == "worker ended with signal 9; started again in 1 s"
        assert running.pid_of("sleep", "1002", other_than=worker)
        assert running.pid_of("sleep", "1001") == web


def test_each_time_it_waits_twice_as_long(tmp_path):
    with supervised(tmp_path, worker="exit 3") as running:
        begun = time.monotonic()
        said = [running.line() for _ in range(3)]
        assert said == [f"worker ended with code 3; started again in {wait} s" for wait in (1, 2, 4)]
        assert 3 <= time.monotonic() - begun < 10


def test_it_never_waits_longer_than_half_a_minute_and_begins_anew_after_a_steady_minute(tmp_path):
    show = """
from deploy import run
program = run.Program("worker", "exit 0", {})
program.process.wait()
for ran in (0, 0, 0, 0, 0, 0, 61, 0):
    program.started = run.time.monotonic() - ran
    program.start_later("ended")
"""
    variables = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(tmp_path)}
    said = subprocess.check_output([sys.executable, "-c", show], cwd=settings.BASE_DIR, env=variables, text=True)
    assert re.findall(r"in (\d+) s", said) == ["1", "2", "4", "8", "16", "30", "1", "2"]


def test_what_a_killed_process_left_behind_is_gone_before_it_is_started_again(tmp_path):
    with supervised(tmp_path, web="sleep 1003 & exec sleep 1004") as running:
        orphan, leader = running.pid_of("sleep", "1003"), running.pid_of("sleep", "1004")
        os.kill(leader, signal.SIGKILL)
        assert running.line() == "web ended with signal 9; started again in 1 s"
        # On a busy machine it takes a moment until a killed process is gone.
        running.pid_of("sleep", "1004", other_than=leader)
        assert orphan not in running.family()


STOPS = {signal.SIGINT: 0, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGQUIT: 131}


@pytest.mark.parametrize("number", STOPS)
def test_all_end_together_with_their_children(number, tmp_path):
    stubborn = "trap '' TERM INT HUP; sleep 1006 & sleep 1007 & wait; wait; sleep 1008"
    with supervised(tmp_path, stop=1, web="exec sleep 1005", worker=stubborn, beat="exit 1") as running:
        for seconds in ("1005", "1006", "1007"):
            running.pid_of("sleep", seconds)
        running.line()  # the third waits to be started again
        running.process.send_signal(number)
        assert running.process.wait(timeout=10) == STOPS[number]
        assert running.family() == {}


def test_it_can_be_stopped_although_nobody_reads_what_it_says(tmp_path):
    with supervised(tmp_path, web="exec sleep 1009", worker="exit 1") as running:
        running.process.stdout.close()
        time.sleep(1.5)  # meanwhile it said something
        running.pid_of("sleep", "1009")
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(timeout=10) == 0
        assert running.family() == {}


def test_all_end_when_the_terminal_is_closed(tmp_path):
    ours, theirs = os.openpty()
    with supervised(tmp_path, terminal=theirs, web="exec sleep 1010", worker="exit 1") as running:
        os.close(theirs)
        running.pid_of("sleep", "1010")
        os.close(ours)
        assert running.process.wait(timeout=10) == STOPS[signal.SIGHUP]
        assert running.family() == {}
