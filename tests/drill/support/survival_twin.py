"""The portal's worker on kombu's own folders (kombu 5.7.0, kombu/transport/filesystem.py)."""

from sla_portal.celery import app

app.conf.broker_transport = "filesystem"
