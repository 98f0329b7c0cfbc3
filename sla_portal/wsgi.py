"""The portal as a WSGI application, for gunicorn or another server."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sla_portal.settings")

application = get_wsgi_application()

from sla_portal.operator.starting import refuse_other_basis  # noqa: E402  reads the database: the apps come first

refuse_other_basis()
# All pages, before the server forks: its processes then share them, and the first visitor does not wait for them.
_ = get_resolver().url_patterns
