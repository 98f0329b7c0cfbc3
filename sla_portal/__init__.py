"""The portal of a service level agreement."""

# Before anything reads a zone.
from sla_portal import zones  # noqa: F401

# Loaded with the package, so that whoever sends a task sends it to the portal's own broker.
from sla_portal.celery import app as celery_app

__all__ = ["celery_app"]
