"""Readers of the environment: each returns a checked value or stops the start with a sentence.

A sentence goes to stderr and the exit code is 1: that is what `SystemExit` with a text does in `manage.py`, `celery`
and `gunicorn` alike, and no library on the way turns it into a traceback.

django-environ reads `.env` and takes the addresses of databases and mail servers apart. Its casts are not used: they take
`maybe` for False and `1_0` for 10, name no variable in their errors, and take a value that begins with $, as a password
may, for the name of another variable, which they then print.
"""

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from email.errors import ObsoleteHeaderDefect
from email.policy import default as policy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import EmailValidator

FROM_OUTSIDE = frozenset(name for name, value in os.environ.items() if value.strip())
"""What the environment itself holds, before a file of settings adds to it."""


def refuse(name: str, why: str) -> NoReturn:
    raise SystemExit(f"{name} {why}")


def text(name: str, *, default: str) -> str:
    """The value, or the default where the variable is missing or empty."""
    return os.environ.get(name, "").strip() or default


def file(name: str, *, default: Path) -> Path:
    """The named file, which must be there, or the default, which need not."""
    value = Path(text(name, default=str(default)))
    if value != default and not os.access(value, os.R_OK):
        refuse(name, f"must name a file that can be read, and {value} cannot.")
    return value


def _address_parts(name: str, value: str, wanted: str) -> SplitResult:
    """Take an address apart; `wanted` is said where that cannot be done. The port is a number then."""
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        refuse(name, wanted)
    return url


def _query(name: str, url: SplitResult, wanted: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
    except ValueError:
        refuse(name, wanted)


def switch(name: str, *, default: bool) -> bool:
    value = text(name, default=str(default)).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    refuse(name, f"must be True or False, not {value!r}.")


def one_of(name: str, choices: Iterable[str], *, default: str) -> str:
    value = text(name, default=default)
    if value not in choices:
        refuse(name, f"must be one of {', '.join(choices)}, not {value!r}.")
    return value


def count(name: str, *, default: int, least: int = 0) -> int:
    value = text(name, default=str(default))
    if not (value.isascii() and value.isdigit() and int(value) >= least):
        refuse(name, f"must be a whole number from {least} on, not {value!r}.")
    return int(value)


def port(name: str, *, default: int) -> int:
    value = text(name, default=str(default))
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 65535):
        refuse(name, f"must be a port number from 1 to 65535, not {value!r}.")
    return int(value)


def site_url(name: str, *, default: str) -> str:
    """The address that people type, without a slash at its end."""
    value = text(name, default=default).rstrip("/")
    wanted = f"must be an absolute address such as https://sla.example.com, not {value!r}."
    url = _address_parts(name, value, wanted)
    if url.scheme not in {"http", "https"} or not url.hostname or any(c.isspace() for c in value):
        refuse(name, wanted)
    if url.path or url.query or url.fragment or url.username is not None:
        refuse(name, f"must name a host and nothing behind it, such as https://sla.example.com, not {value!r}.")
    return value


def own_address(port_name: str, port: int, *, noted_in: Path) -> str:
    """The address on this machine: of the `make run` that serves the private folder now, else by the port.

    A port in the environment itself comes first, and one in a file of settings last: `make run PORT=…` passes by it.
    """
    served = "" if port_name in FROM_OUTSIDE else served_address(noted_in)
    return served or f"http://localhost:{port}"


def served_address(noted_in: Path) -> str:
    """What `deploy/run.py` noted in a file that it holds locked while it runs; empty where none does."""
    with suppress(FileNotFoundError), noted_in.open() as note:
        try:
            fcntl.flock(note, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return note.read().strip()
    return ""


def hosts(name: str, site: str) -> list[str]:
    """The host of the site's address, this machine's own names, and those listed, separated by commas."""
    listed = [host.strip() for host in text(name, default="").split(",") if host.strip()]
    for host in listed:
        if "/" in host or any(c.isspace() for c in host):
            refuse(name, f"must list host names separated by commas, such as sla.example.com, not {host!r}.")
    return list(dict.fromkeys([str(urlsplit(site).hostname), "localhost", "127.0.0.1", "[::1]", *listed]))


def folder(name: str, *, default: Path) -> Path:
    """A folder only we may read; it is made where it is missing."""
    value = Path(text(name, default=str(default))).expanduser().absolute()
    try:
        value.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=value):
            return value
    except OSError as error:
        refuse(name, f"must be a folder that can be written, but {value} cannot: {error.strerror}.")


def subfolder(parent: Path, name: str) -> Path:
    path = parent / name
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def proof_storage(name: str, *, folder: Path) -> dict[str, Any]:
    """Where proof files lie, as Django's STORAGES says it: `folder`, or a bucket; no address leads there.

    The key to the bucket comes from where Amazon's own tools look: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a
    profile, or the machine's role.
    """
    value = text(name, default="")
    if not value:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {
                "location": folder,
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    wanted = (
        "must be s3://bucket/prefix?region=eu-central-1&endpoint=https://s3.example.com (only s3://bucket is needed)."
    )
    url = _address_parts(name, value, wanted)
    given = _query(name, url, wanted)
    endpoint = _address_parts(name, given.get("endpoint", "https://s3"), wanted)
    if url.scheme != "s3" or not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", url.netloc) or url.fragment:
        refuse(name, wanted)
    if endpoint.scheme not in {"http", "https"} or not endpoint.hostname or endpoint.username is not None:
        refuse(name, wanted)
    if unknown := given.keys() - {"region", "endpoint"}:
        refuse(name, f"has parts that are not known: {', '.join(sorted(unknown))}.")
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": url.netloc,
            "location": url.path.strip("/"),
            "region_name": given.get("region"),
            "endpoint_url": given.get("endpoint"),
            "file_overwrite": False,
            # Nobody is handed an address of the bucket, and what lies there is nobody's but its owner's
            "default_acl": None,
            "querystring_auth": True,
        },
    }


def scanner(name: str) -> str:
    """Where clamd listens: the absolute path of its socket, or host:port; empty where no file is scanned."""
    value = text(name, default="")
    host, _colon, port_number = value.rpartition(":")
    if value and not value.startswith("/") and not (host and port_number.isascii() and port_number.isdigit()):
        refuse(name, f"must be the path of a socket such as /run/clamav/clamd.ctl, or host:port, not {value!r}.")
    return value


def secret_key(name: str, *, kept_in: Path | None) -> str:
    """The given key; else the one kept in a file, which is made once; else a refusal."""
    if given := text(name, default=""):
        return given
    if kept_in is None:
        refuse(name, "must be given where DATABASE_URL is PostgreSQL: a long random text, the same on every machine.")
    if not kept_in.exists():
        with tempfile.NamedTemporaryFile("w", dir=kept_in.parent) as draft:  # readable by its owner alone
            draft.write(secrets.token_urlsafe(60))
            draft.flush()
            # Whole or not at all, and never over another's: web, worker and beat may start in one moment.
            with suppress(FileExistsError):
                os.link(draft.name, kept_in)
    return kept_in.read_text()


def key_of_role(key: str, role: str) -> str:
    """The key that signs in this role: in a staging copy another than the original's, so that nothing of that is good."""
    if not key or role == "production":
        return key
    return hmac.new(key.encode(), f"sla-portal {role}".encode(), hashlib.sha256).hexdigest()


def database(name: str, base: Path, *, default: Path) -> dict[str, Any]:
    """The database that the URL names: SQLite or PostgreSQL.

    SQLite takes the write lock when a transaction begins, or writers meet "database is locked"; and waits for the disk
    at each commit, or a power cut takes the last one. REPLACE fires the triggers that refuse a deletion.
    """
    if not text(name, default=""):
        config: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(default)}
    else:
        # The address may hold a password: no sentence repeats it.
        wanted = "must be postgres://user:password@host:5432/name or sqlite:////absolute/path/to/file."
        value = text(name, default="")
        if value.split(":")[0] not in {"sqlite", "postgres", "postgresql", "psql", "pgsql"}:
            refuse(name, wanted)
        # A host of SQLite would be left out, with a warning that repeats it and the password before it.
        if value.startswith("sqlite:") and not re.match(r"sqlite:///|sqlite://:memory:$", value):
            refuse(name, wanted)
        try:
            config = dict(environ.Env.db_url_config(value))
        except (ValueError, ImproperlyConfigured):
            refuse(name, wanted)
        if not config["NAME"]:
            refuse(name, wanted)
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        if config["NAME"] != ":memory:":
            config["NAME"] = str(base / config["NAME"])
            if not Path(config["NAME"]).parent.is_dir():
                refuse(name, f"names a file in a folder that does not exist: {Path(config['NAME']).parent}.")
        options.setdefault("timeout", 20)
        options["transaction_mode"] = "IMMEDIATE"
        options["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
    else:
        config.setdefault("CONN_MAX_AGE", 60)
        config["CONN_HEALTH_CHECKS"] = True
        options.setdefault("connect_timeout", 10)
    return config


def redis_url(name: str) -> str:
    """The address of Redis, or nothing where there is none."""
    value = text(name, default="")
    if not value:
        return ""
    wanted = "must be redis://host:6379/0 or rediss://host:6379/0."  # may hold a password: never repeated
    url = _address_parts(name, value, wanted)
    database_number = url.path.removeprefix("/")
    if url.scheme not in {"redis", "rediss"} or not url.hostname or not (database_number or "0").isdigit():
        refuse(name, wanted)
    return value


def whole_minute_zone(name: str, key: str) -> ZoneInfo:
    """The zone of that name, refused where its clock is ever off by a part of a minute.

    A clock minute of the agreement is then sixty whole seconds of UTC, in whatever zone.
    """
    try:
        zone = ZoneInfo(key)
    except (KeyError, ValueError, OSError):
        refuse(name, f"must be the name of a time zone such as Asia/Shanghai, not {key!r}.")
    for year in range(2000, 2101):
        for month in (1, 7):
            offset = datetime(year, month, 1, tzinfo=UTC).astimezone(zone).utcoffset()
            if offset is None or offset.total_seconds() % 60:
                refuse(name, f"must be a zone of whole minutes, but {key} is {offset} from UTC in {year}.")
    return zone


def workday_country(name: str, *, default: str) -> str:
    value = text(name, default=default)
    if value == default:
        return value
    # Loaded here only: it takes 26 MB, and not every process asks for working days.
    from holidays.registry import EntityLoader

    if value not in EntityLoader.get_country_codes(include_aliases=False):
        refuse(name, f"must be the two-letter code of a country with a known calendar, such as CN, not {value!r}.")
    return value


def mail(name: str, *, default: str, webhook_secret: str = "") -> dict[str, Any]:
    """Django's EMAIL_… settings from one address, and django-anymail's where it names a mail provider."""
    wanted = (
        "must be smtp+tls://user:password@host:587, inbox://, consolemail://, filemail:////absolute/folder or, for a mail "
        "provider, anymail://postmark?SERVER_TOKEN=…"
    )
    value = text(name, default=default)
    if value == "inbox://":
        return {"EMAIL_BACKEND": "sla_portal.notices.mail.inbox.EmailBackend"}
    if value.startswith("anymail:"):
        return _provider(name, value, wanted, webhook_secret)
    try:
        config = environ.Env.email_url_config(value)
    except (ValueError, ImproperlyConfigured):
        refuse(name, wanted)
    if config["EMAIL_BACKEND"].endswith("smtp.EmailBackend") and not config["EMAIL_HOST"]:
        refuse(name, wanted)
    options = config.pop("OPTIONS", {})
    if options:
        refuse(name, f"has parts that are not known: {', '.join(sorted(options))}.")
    return {key: value for key, value in config.items() if value not in (None, "")}


def _provider(name: str, value: str, wanted: str, webhook_secret: str) -> dict[str, Any]:
    """What django-anymail is told of a provider; its webhooks are open only where a shared secret guards them."""
    url = _address_parts(name, value, wanted)
    provider = url.netloc
    if not provider.isidentifier() or find_spec(f"anymail.backends.{provider}") is None:
        refuse(name, wanted)
    given = {f"{provider.upper()}_{key}": one for key, one in _query(name, url, wanted).items()}
    guard = {"WEBHOOK_SECRET": webhook_secret} if webhook_secret else {}
    return {
        "EMAIL_BACKEND": f"anymail.backends.{provider}.EmailBackend",
        "ANYMAIL_PROVIDER": provider,
        # What a provider cannot do, as carrying marks, must not keep the mail from going.
        "ANYMAIL": {**given, **guard, "IGNORE_UNSUPPORTED_FEATURES": True},
    }


def webhook_secret(name: str) -> str:
    """What a mail provider must know to report to us, `name:secret`, or nothing."""
    value = text(name, default="")
    if value and not re.fullmatch(r"[^:\s]+:\S{16,}", value):
        refuse(name, "must be name:secret, with a secret of sixteen characters or more.")
    return value


def is_email(address: str) -> bool:
    """Whether it is an e-mail address by Django's rule; a host of one's own network may have a name without a dot."""
    host = address.rpartition("@")[2]
    try:
        EmailValidator(allowlist=[host] if re.fullmatch(r"[A-Za-z0-9-]+", host) else [])(address)
    except ValidationError:
        return False
    return True


def bounce_address(name: str) -> str:
    """An e-mail address, or nothing; one * may stand in the part before the @."""
    value = text(name, default="")
    local, _at, domain = value.rpartition("@")
    if value and (local.count("*") > 1 or not is_email(f"{local.replace('*', 'x')}@{domain}")):
        refuse(name, f"must be an e-mail address such as bounces@example.com or bounces+*@example.com, not {value!r}.")
    return value


def addresses(name: str) -> list[str]:
    """E-mail addresses separated by commas, or none."""
    values = [value.strip() for value in text(name, default="").split(",") if value.strip()]
    for value in values:
        if not is_email(value):
            refuse(name, f"must be e-mail addresses separated by commas, and {value!r} is none.")
    return values


def seal_key(name: str, *, demonstration: Path, https: bool) -> str:
    """Where the key that seals documents is: a file or a token; without one the demonstration key, where it was made.

    Whether it can be used is found out where it is used: only workers must be able to read it.
    """
    value = text(name, default="")
    if value.startswith("pkcs11:"):
        wanted = "must be pkcs11:token=LABEL;object=LABEL?module-path=/path/to/module.so where it is a token."
        if not re.fullmatch(r"pkcs11:token=[^;?]+;object=[^;?]+\?module-path=/[^&]+", value):
            refuse(name, wanted)
    elif value and not value.startswith("/"):
        refuse(name, f"must be the absolute path of a file, or begin with pkcs11:, not {value!r}.")
    if https and value == str(demonstration):
        refuse(name, f"must not be the demonstration key, which proves nothing, where SITE_URL is https: {value}.")
    return value or (str(demonstration) if not https and demonstration.exists() else "")


def authority_url(name: str) -> str:
    """The address of a service that is asked over HTTP, or nothing; it may hold a password and is never repeated."""
    value = text(name, default="")
    wanted = "must be an address such as https://user:password@tsa.example.com/tsr."
    url = _address_parts(name, value, wanted)
    if value and (url.scheme not in {"http", "https"} or not url.hostname or any(c.isspace() for c in value)):
        refuse(name, wanted)
    return value


def sender(name: str, *, default: str) -> str:
    """An e-mail address, with or without a name before it, as it stands in the From of a mail."""
    value = text(name, default=default)
    wanted = f"must be an e-mail address such as sla@example.com or SLA portal <sla@example.com>, not {value!r}."
    try:
        header: Any = policy.header_factory("From", value)
    except IndexError:  # Python's own parser stumbles over an @ at the end
        refuse(name, wanted)
    defects = [defect for defect in header.defects if not isinstance(defect, ObsoleteHeaderDefect)]
    if defects or len(header.addresses) != 1 or not is_email(header.addresses[0].addr_spec):
        refuse(name, wanted)
    return value


def mailbox(name: str) -> str:
    """The address of a mailbox, or nothing where there is none."""
    value = text(name, default="")
    if not value:
        return ""
    wanted = (
        "must be imaps://user:password@host/INBOX or pop3s://user:password@host."  # holds a password: never repeated
    )
    url = _address_parts(name, value, wanted)
    if url.scheme not in {"imap", "imaps", "pop3", "pop3s"} or not url.hostname or not url.username:
        refuse(name, wanted)
    return value
