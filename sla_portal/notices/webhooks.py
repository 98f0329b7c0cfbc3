"""Events from the mail provider; django-anymail calls this for each and has checked the webhook secret."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType
from django.utils import timezone

from . import operations
from .models import Told

PERMANENT = {EventType.BOUNCED, EventType.REJECTED, EventType.FAILED}
LATE = {EventType.DEFERRED}
COMPLAINTS = {EventType.COMPLAINED}


def note_event(event: AnymailTrackingEvent, **_signal: Any) -> None:
    """Record a bounce, delay or complaint; ignore other events and unknown e-mails."""
    if event.event_type not in PERMANENT | LATE | COMPLAINTS:
        return
    named = f"{(event.metadata or {}).get('notice-id', '')} {event.message_id or ''}"
    told = [event.event_id, event.event_type, event.message_id, event.recipient, str(event.timestamp)]
    operations.note_bounce(
        mark=named,
        told=Told.COMPLAINT if event.event_type in COMPLAINTS else Told.IN_FIELDS,
        permanent=event.event_type in PERMANENT,
        recipient=str(event.recipient or "")[:254],
        said=" ".join(str(event.mta_response or event.description or event.reject_reason or event.event_type).split())[
            :500
        ],
        key=hashlib.sha256(json.dumps(told).encode()).hexdigest(),
        now=timezone.now(),
    )
