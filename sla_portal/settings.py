"""The portal's settings, every one from the environment, or else from `.env` at the root (ENV_FILE names another file).

`.env.example` lists them with their meaning. A wrong one stops the start with a sentence. No number of the SLA stands
here: targets, windows and readings are fields of an agreement version.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from sla_portal import environment

BASE_DIR = Path(__file__).resolve().parent.parent

environ.Env.read_env(environment.file("ENV_FILE", default=BASE_DIR / ".env"))

# The private folder: SQLite's file, the secret, the messages between processes, reports

VAR_DIR = environment.folder("VAR_DIR", default=BASE_DIR / "var")
FILES_DIR = environment.subfolder(VAR_DIR, "files")
BROKER_DIR = environment.subfolder(VAR_DIR, "broker")

# Where and who

DEBUG = environment.switch("DEBUG", default=False)
# production, or staging: a copy for trying out, from which no e-mail goes and on which nothing of the original is good
SITE_ROLE = environment.one_of("SITE_ROLE", ["production", "staging"], default="production")
IS_STAGING = SITE_ROLE == "staging"
PORT = environment.port("PORT", default=8000)
BIND_ADDRESS = environment.text("BIND_ADDRESS", default="127.0.0.1")
# While `make run` serves the folder above, its address stands here, for the commands beside it
ADDRESS_FILE = VAR_DIR / "address"
# The operator's name and postal address, until an identity is saved (`sla_portal.operator`).
OPERATOR_NAME = environment.text("OPERATOR_NAME", default="")
OPERATOR_ADDRESS = environment.text("OPERATOR_ADDRESS", default="")
SITE_URL = environment.site_url("SITE_URL", default=environment.own_address("PORT", PORT, noted_in=ADDRESS_FILE))
HTTPS = SITE_URL.startswith("https://")
ALLOWED_HOSTS = environment.hosts("ALLOWED_HOSTS", SITE_URL)
CSRF_TRUSTED_ORIGINS = [SITE_URL]
# How many proxies of ours a request passes: each adds the address that it came from to X-Forwarded-For
PROXIES = environment.count("PROXIES", default=0)

# Database

DATABASES = {"default": environment.database("DATABASE_URL", BASE_DIR, default=VAR_DIR / "portal.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SECRET_KEY = environment.key_of_role(
    environment.secret_key(
        "SECRET_KEY",
        # Several machines must share one key, so there it is given, not made.
        kept_in=VAR_DIR / "secret-key" if DATABASES["default"]["ENGINE"].endswith("sqlite3") else None,
    ),
    SITE_ROLE,
)

# Former keys, separated by commas: what they signed stays good, and nothing more is signed with them
SECRET_KEY_FALLBACKS = [
    environment.key_of_role(key, SITE_ROLE)
    for key in environment.text("SECRET_KEY_FALLBACKS", default="").split(",")
    if key
]

# Redis, where there is one, carries tasks and the cache; else the private folder does

REDIS_URL = environment.redis_url("REDIS_URL")
# So that a staging copy with the original's REDIS_URL takes none of its tasks, and caches none of its facts
OWN_NAME = "sla-portal-staging" if IS_STAGING else "sla-portal"
CACHES: dict[str, dict[str, Any]]
# Of the public facts' shape: raised with it, so that no process reads what an earlier build cached
FACTS_VERSION = 3
if REDIS_URL:
    CACHES = {
        name: {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": prefix,
            "VERSION": FACTS_VERSION,
        }
        for name, prefix in {"default": OWN_NAME, "public": f"{OWN_NAME}-public"}.items()
    }
else:
    CACHES = {
        name: {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(environment.subfolder(VAR_DIR, folder)),
            "KEY_PREFIX": "sla-portal",
            "VERSION": FACTS_VERSION,
            "OPTIONS": {"MAX_ENTRIES": most},
        }
        for name, folder, most in [("default", "cache", 300), ("public", "public", 3000)]
    }
# Finished public pages; each process has its own few
CACHES["pages"] = {
    "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
    "LOCATION": "pages",
    "OPTIONS": {"MAX_ENTRIES": 500},
}

# The seal: electronic signatures of what is issued

DEMONSTRATION_KEY = VAR_DIR / "demonstration-seal-key.pem"
# In a staging copy nothing is sealed: what it issues must not pass for the operator's.
SEAL_KEY = "" if IS_STAGING else environment.seal_key("SEAL_KEY", demonstration=DEMONSTRATION_KEY, https=HTTPS)
SEAL_KEY_PASSWORD = environment.text("SEAL_KEY_PASSWORD", default="")
# Certificate and chain, where the file of the key does not hold them
SEAL_CERTIFICATES = environment.text("SEAL_CERTIFICATES", default="")
SEAL_TIMESTAMP_URL = environment.authority_url("SEAL_TIMESTAMP_URL")
# Root certificates by which certificates of the key and of the time-stamping authority are validated
SEAL_ROOTS = environment.text("SEAL_ROOTS", default="")

# The agreement's clock and calendar

SLA_TIME_ZONE = environment.text("SLA_TIME_ZONE", default="Asia/Shanghai")
SLA_ZONE = environment.whole_minute_zone("SLA_TIME_ZONE", SLA_TIME_ZONE)
SLA_WORKDAY_COUNTRY = environment.workday_country("SLA_WORKDAY_COUNTRY", default="CN")
CLOSING_NEEDS_SECOND_PERSON = environment.switch("CLOSING_NEEDS_SECOND_PERSON", default=True)

# Django

INSTALLED_APPS = [
    "sla_portal.staff.apps.PortalAdminConfig",
    # Before Django's, whose commands for passwords it records
    "sla_portal.audit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "axes",
    "csp",
    "sla_portal.customers",
    "sla_portal.operator",
    "sla_portal.notices",
    "sla_portal.agreements",
    "incidents",
    "maintenance",
    "sla_portal.availability",
    "claims",
    "sla_portal.reports",
    "sla_portal.staff.apps.StaffConfig",
    "sla_portal.website",
    "sla_portal.history",
    "sla_portal.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "sla_portal.operator.middleware.RightRole",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "sla_portal.staff.middleware.OfferedLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "sla_portal.staff.middleware.ReaderTimeZone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "sla_portal.website.opening.UntilOpened",
]

ROOT_URLCONF = "sla_portal.urls"
WSGI_APPLICATION = "sla_portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "sla_portal.typed.Templates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # Every form of a staff page carries the version of what it shows, and where it was made.
            "builtins": ["sla_portal.audit.templatetags.versions", "sla_portal.staff.templatetags.desk_forms"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sla_portal.operator.context_processors.operator",
            ],
        },
    },
]

FORM_RENDERER = "sla_portal.typed.FormRenderer"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "sla_portal" / "locale"]

# Reports and proofs: no URL leads there, a view that checks who asks hands them out
MEDIA_ROOT = FILES_DIR
STATIC_URL = "static/"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "proofs": environment.proof_storage("PROOF_STORAGE", folder=FILES_DIR / "proofs"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Looks for viruses in proof files, where there is one
CLAMD_ADDRESS = environment.scanner("CLAMD_ADDRESS")
# Served where they lie, for a minute at a time: a clone works at once, and no upgrade leaves an old one behind
WHITENOISE_USE_FINDERS = True

# Signing in

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
CSRF_FAILURE_VIEW = "sla_portal.staff.sending.form_expired"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
# One name from one address, so that a stranger cannot lock a colleague out from elsewhere
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "sla_portal.visitors.address"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "staff/locked_out.html"

# What browsers are told (the shape is the one that Django 6 reads by itself)

SECURE_CSP = {
    "default-src": [SELF],
    "base-uri": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "object-src": [NONE],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": SECURE_CSP}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"

# Mail

# Without a mail server, a portal on this machine puts mails where staff can look into them
vars().update(
    environment.mail(
        "EMAIL_URL",
        default="smtp://localhost:25" if HTTPS else "inbox://",
        webhook_secret=environment.webhook_secret("ANYMAIL_WEBHOOK_SECRET"),
    )
)
MAIL_DIR = environment.subfolder(VAR_DIR, "mail")
# All workers on all machines together; 0: as fast as the mail server takes it
MAILS_PER_MINUTE = environment.count("MAILS_PER_MINUTE", default=0)
# On the back of the envelope; a * in it becomes the mail's own mark, so that a report that lost the mail still names it
BOUNCE_ADDRESS = environment.bounce_address("BOUNCE_ADDRESS")
# The mailbox into which reports of what came back are delivered; what a staging copy read there, the original would miss
BOUNCES_URL = "" if IS_STAGING else environment.mailbox("BOUNCES_URL")
# To whom a staging copy sends what it would have mailed; nobody else gets anything
STAGING_MAIL_TO = environment.addresses("STAGING_MAIL_TO")
# Where checkpoints of the audit log are mailed: outside, so that nobody who changes the log here can change them too
CHECKPOINT_ADDRESSES = environment.addresses("CHECKPOINT_ADDRESSES")
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.sender("DEFAULT_FROM_EMAIL", default="sla-portal@localhost")

# Tasks: the row is the queue, a task carries an id and is only the clock

CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
CELERY_BROKER_TRANSPORT = "" if REDIS_URL else "sla_portal.folder_queue:Transport"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 3600}
    if REDIS_URL
    else {
        "data_folder_in": environment.subfolder(BROKER_DIR, "queue"),
        "data_folder_out": environment.subfolder(BROKER_DIR, "queue"),
        "control_folder": environment.subfolder(BROKER_DIR, "control"),
        "unreadable_folder": environment.subfolder(BROKER_DIR, "unreadable"),
        "polling_interval": 0.5,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = OWN_NAME
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
# Both below the visibility timeout, or Redis hands a running task to a second worker
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_TASK_TIME_LIMIT = 900
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

# A draft of 300 clauses is one form with eight fields for each
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_500

# Log lines

LOG_LEVEL = environment.one_of("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"], default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"without keys": {"()": "sla_portal.website.logs.WithoutKeys"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["without keys"]},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "weasyprint.progress": {"level": "WARNING"},
        "pyhanko_certvalidator": {"level": "WARNING"},
        # Django answers HEAD as GET and lets the server drop the body, of which this server complains
        "gunicorn.http.wsgi": {"level": "ERROR"},
    },
}
