"""Every setting comes from the environment, and a wrong one stops the start with a sentence."""

import os
import re
import stat
import struct
import subprocess
import sys
import zoneinfo
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from sla_portal import environment, visitors

ROOT = Path(settings.BASE_DIR)
PROGRAMS = {
    "manage.py": ["manage.py", "check"],
    "celery": ["-m", "celery", "-A", "sla_portal", "worker"],
    "beat": ["-m", "celery", "-A", "sla_portal", "beat", "--pidfile="],
    "gunicorn": ["-m", "gunicorn", "sla_portal.wsgi"],
}


def start(program, tmp_path, **variables):
    """Start a program of the portal with these variables and no others of its own."""
    clean = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, *PROGRAMS[program]],
        env=clean | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_wrong_setting_stops_every_program_with_one_sentence(program, tmp_path):
    ended = start(program, tmp_path, SLA_TIME_ZONE="Asia/Atlantis")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert last == "SLA_TIME_ZONE must be the name of a time zone such as Asia/Shanghai, not 'Asia/Atlantis'."


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"DATABASE_URL": "mysql://a:b@c/d"}, "DATABASE_URL must be postgres://"),
        ({"DATABASE_URL": "portal.sqlite3"}, "DATABASE_URL must be postgres://"),
        ({"DATABASE_URL": "postgres://a:b@c:port/d", "SECRET_KEY": "x"}, "DATABASE_URL must be postgres://"),
        ({"DATABASE_URL": "postgres://a:b@c", "SECRET_KEY": "x"}, "DATABASE_URL must be postgres://"),
        ({"DATABASE_URL": "sqlite://var/portal.sqlite3"}, "DATABASE_URL must be postgres://"),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"}, "DATABASE_URL names a file in a folder that does not"),
        ({"DATABASE_URL": "postgres://a:b@c/d"}, "SECRET_KEY must be given where DATABASE_URL is PostgreSQL"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL must be redis://"),
        ({"REDIS_URL": "redis://localhost/tasks"}, "REDIS_URL must be redis://"),
        ({"SITE_URL": "sla.example.com"}, "SITE_URL must be an absolute address"),
        ({"SITE_URL": "ftp://sla.example.com"}, "SITE_URL must be an absolute address"),
        ({"SITE_URL": "https://sla.example.com/portal"}, "SITE_URL must name a host and nothing behind it"),
        ({"ALLOWED_HOSTS": "https://sla.example.com"}, "ALLOWED_HOSTS must list host names"),
        ({"SLA_TIME_ZONE": "America"}, "SLA_TIME_ZONE must be the name of a time zone"),
        ({"SLA_TIME_ZONE": "../../etc/passwd"}, "SLA_TIME_ZONE must be the name of a time zone"),
        ({"SLA_WORKDAY_COUNTRY": "XX"}, "SLA_WORKDAY_COUNTRY must be the two-letter code"),
        ({"EMAIL_URL": "pigeon://post"}, "EMAIL_URL must be smtp+tls://"),
        ({"EMAIL_URL": "smtp://"}, "EMAIL_URL must be smtp+tls://"),
        ({"EMAIL_URL": "smtp://mail.example.com?tls=1"}, "EMAIL_URL has parts that are not known: TLS."),
        ({"DEFAULT_FROM_EMAIL": "nonsense"}, "DEFAULT_FROM_EMAIL must be an e-mail address such as sla@example.com"),
        ({"DEBUG": "maybe"}, "DEBUG must be True or False, not 'maybe'."),
        ({"PORT": "0"}, "PORT must be a port number from 1 to 65535"),
        ({"PORT": "eighty"}, "PORT must be a port number from 1 to 65535"),
        ({"PORT": "80_00"}, "PORT must be a port number from 1 to 65535"),
        ({"PROXIES": "-1"}, "PROXIES must be a whole number from 0 on, not '-1'."),
        ({"ENV_FILE": "/nowhere/portal.env"}, "ENV_FILE must name a file that can be read"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR"),
        ({"PROOF_STORAGE": "/srv/proofs"}, "PROOF_STORAGE must be s3://bucket/prefix"),
        ({"PROOF_STORAGE": "s3://Bucket_1"}, "PROOF_STORAGE must be s3://bucket/prefix"),
        ({"PROOF_STORAGE": "s3://key:secret@bucket"}, "PROOF_STORAGE must be s3://bucket/prefix"),
        ({"PROOF_STORAGE": "s3://proofs?endpoint=minio:9000"}, "PROOF_STORAGE must be s3://bucket/prefix"),
        ({"PROOF_STORAGE": "s3://proofs?acl=public"}, "PROOF_STORAGE has parts that are not known: acl."),
        ({"CLAMD_ADDRESS": "clamd"}, "CLAMD_ADDRESS must be the path of a socket"),
        ({"CLAMD_ADDRESS": "clamd:"}, "CLAMD_ADDRESS must be the path of a socket"),
        ({"VAR_DIR": "/dev/null/var"}, "VAR_DIR must be a folder that can be written"),
        ({"VAR_DIR": "/proc"}, "VAR_DIR must be a folder that can be written"),
    ],
)
def test_a_wrong_setting_is_named_in_a_sentence(variables, sentence, tmp_path):
    ended = start("manage.py", tmp_path, **variables)
    assert ended.returncode == 1
    assert ended.stderr.startswith(sentence)
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "EMAIL_URL"])
def test_no_sentence_repeats_a_password(name, tmp_path):
    ended = start("manage.py", tmp_path, SECRET_KEY="x", **{name: "odd://user:hunter2@host:port/x"})
    assert ended.returncode == 1
    assert "hunter2" not in ended.stderr + ended.stdout


def test_a_host_of_sqlite_is_refused_without_its_password(tmp_path):
    ended = start("manage.py", tmp_path, DATABASE_URL="sqlite://user:hunter2@host/portal.sqlite3")
    assert ended.returncode == 1
    assert ended.stderr.startswith("DATABASE_URL must be postgres://")
    assert "hunter2" not in ended.stderr + ended.stdout


def test_a_value_that_begins_with_a_dollar_is_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "$ecret")
    assert environment.secret_key("SOME_KEY", kept_in=None) == "$ecret"


@pytest.mark.parametrize(
    "address",
    [
        "sla@example.com", "SLA portal <sla@example.com>", "服务水平 <sla@example.com>", '"SLA, portal" <sla@example.com>',
        "S.L.A. portal <sla@example.com>", "sla-portal@localhost", "sla@mailhost", "sla@例子.测试",
    ],
)  # fmt: skip
def test_mail_comes_from_an_address_with_or_without_a_name(monkeypatch, address):
    monkeypatch.setenv("SOME_SENDER", address)
    assert environment.sender("SOME_SENDER", default="") == address


@pytest.mark.parametrize(
    "value",
    [
        "nonsense", "SLA portal", "SLA portal <nonsense>", "SLA, portal <sla@example.com>", "sla@", "@example.com", "sla@@example.com",
        "sla@example.com, noc@example.com", "sla@example..com", "sla@-example-.com", "slä@example.com", "s l a@example.com",
        "sla@example.com\nBcc: all@example.com", "sla@mail_host", "https://sla.example.com",
    ],
)  # fmt: skip
def test_mail_comes_from_nothing_but_an_address(monkeypatch, value):
    monkeypatch.setenv("SOME_SENDER", value)
    with pytest.raises(SystemExit, match=r"SOME_SENDER must be an e-mail address such as .*, not '"):
        environment.sender("SOME_SENDER", default="")


def test_a_database_that_does_not_answer_is_a_sentence_too(tmp_path):
    address = {"DATABASE_URL": "postgres://portal:hunter2@127.0.0.1:1/portal", "SECRET_KEY": "x"}
    clean = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    ended = subprocess.run(
        [sys.executable, "manage.py", "migrate"], env=clean | address, cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("The database of DATABASE_URL cannot be reached:")
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr


def test_a_zone_with_a_part_of_a_minute_is_refused(tmp_path):
    # A time zone file of one offset: 8 h 5 min 43 s, Shanghai's before 1901.
    head = b"TZif" + b"\0" * 16 + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 29143, 0, 0) + b"LMT\0"
    (tmp_path / "Sundial").write_bytes(head)
    zoneinfo.reset_tzpath(to=[tmp_path])
    try:
        with pytest.raises(SystemExit) as refused:
            environment.whole_minute_zone("SLA_TIME_ZONE", "Sundial")
    finally:
        zoneinfo.reset_tzpath(to=[])
    assert str(refused.value) == (
        "SLA_TIME_ZONE must be a zone of whole minutes, but Sundial is 8:05:43 from UTC in 2000."
    )


def test_settings_are_read_from_a_file_and_the_environment_comes_first(tmp_path):
    file = tmp_path / "portal.env"
    file.write_text("SLA_TIME_ZONE=Europe/Berlin\nLOG_LEVEL=LOUD\n")
    show = [sys.executable, "-c", "from sla_portal import settings; print(settings.SLA_ZONE, settings.LOG_LEVEL)"]
    variables = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "ENV_FILE": str(file), "LOG_LEVEL": "ERROR"}
    assert subprocess.check_output(show, env=variables, cwd=ROOT, text=True) == "Europe/Berlin ERROR\n"


def test_every_setting_is_listed_with_its_meaning():
    source = (ROOT / "sla_portal" / "settings.py").read_text() + (ROOT / "gunicorn.conf.py").read_text()
    read = set(re.findall(r'environment\.\w+\(\s*"([A-Z_]+)"', source)) - {"ENV_FILE"}
    lines = (ROOT / ".env.example").read_text().splitlines()
    listed = {line[1:].split("=")[0] for line in lines if re.match(r"#[A-Z_]+=", line)}
    assert read == listed


def test_a_secret_key_is_made_once_and_only_we_may_read_it(tmp_path):
    kept_in = tmp_path / "secret-key"
    first = environment.secret_key("NO_SUCH_VARIABLE", kept_in=kept_in)
    assert len(first) >= 50
    assert environment.secret_key("NO_SUCH_VARIABLE", kept_in=kept_in) == first
    assert stat.S_IMODE(kept_in.stat().st_mode) == 0o600
    assert [kept_in] == list(tmp_path.iterdir())


@pytest.mark.sqlite
@pytest.mark.django_db
def test_sqlite_waits_for_its_turn_and_for_the_disk():
    with connection.cursor() as cursor:
        pragmas = {}
        for name in ("journal_mode", "synchronous", "busy_timeout"):
            cursor.execute(f"PRAGMA {name}")
            pragmas[name] = cursor.fetchone()[0]
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 20_000}
    assert connection.transaction_mode == "IMMEDIATE"


@pytest.mark.postgresql
@pytest.mark.django_db
def test_database_url_names_postgresql():
    assert connection.vendor == "postgresql"


def test_pages_may_load_only_what_is_ours(client, db):
    policy = client.get("/admin/login/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_an_address_with_https_makes_cookies_secure(tmp_path):
    names = ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS"]
    show = [
        sys.executable,
        "-c",
        f"from sla_portal import settings as s; print(*[bool(getattr(s, n)) for n in {names}])",
    ]
    for site, secure in [("http://localhost:8000", False), ("https://sla.example.com", True)]:
        variables = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "ENV_FILE": os.devnull, "SITE_URL": site}
        shown = subprocess.check_output(show, env=variables, cwd=ROOT, text=True)
        assert shown.split() == [str(secure)] * len(names)


def test_ten_wrong_passwords_lock_a_name_out_for_a_while(client, db, django_user_model, settings):
    settings.AXES_ENABLED = True
    django_user_model.objects.create_superuser("noc", password="right horse battery")
    attempt = {"username": "noc", "password": "wrong"}
    for _ in range(9):
        assert client.post("/admin/login/", attempt).status_code == 200
    assert client.post("/admin/login/", attempt).status_code == 429
    right = {"username": "noc", "password": "right horse battery"}
    assert client.post("/admin/login/", right).status_code == 429
    assert client.post("/admin/login/", right, REMOTE_ADDR="192.0.2.7").status_code == 302


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (1, "", "10.0.0.1"),
    ],
)
def test_a_visitor_cannot_invent_an_address(rf, settings, proxies, forwarded, address):
    settings.PROXIES = proxies
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert visitors.address(request) == address


@pytest.mark.parametrize(
    ("variables", "backend"),
    [
        ({}, "sla_portal.notices.mail.inbox"),
        ({"SITE_URL": "https://sla.example.com"}, "django.core.mail.backends.smtp"),
        ({"SITE_URL": "https://sla.example.com", "EMAIL_URL": "inbox://"}, "sla_portal.notices.mail.inbox"),
        ({"EMAIL_URL": "smtp+tls://a:b@mail.example.com:587"}, "django.core.mail.backends.smtp"),
    ],
)
def test_mail_goes_by_smtp_but_for_a_portal_on_this_machine(variables, backend, tmp_path):
    asked = "from sla_portal import settings; print(settings.EMAIL_BACKEND)"
    clean = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    told = subprocess.run(
        [sys.executable, "-c", asked], env=clean | variables, cwd=ROOT, capture_output=True, text=True
    )
    assert told.stdout.strip() == f"{backend}.EmailBackend"
