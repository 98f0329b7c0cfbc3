"""The portal as a WSGI application, for gunicorn or another server."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sla_portal.settings")

application = get_wsgi_application()
# All pages, before the server forks: its processes then share them, and the first visitor does not wait for them.
_ = get_resolver().url_patterns
