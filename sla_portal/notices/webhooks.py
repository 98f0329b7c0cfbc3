"""Events from the mail provider; django-anymail calls this for each and has checked the webhook secret."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType
from django.utils import timezone

from . import operations

PERMANENT = {EventType.BOUNCED, EventType.REJECTED, EventType.FAILED}
LATE = {EventType.DEFERRED}


def note_event(event: AnymailTrackingEvent, **_signal: Any) -> None:
    """Record a bounce or delay; ignore other events and unknown e-mails."""
    if event.event_type not in PERMANENT | LATE:
        return
    named = f"{(event.metadata or {}).get('notice-id', '')} {event.message_id or ''}"
    told = [event.event_id, event.event_type, event.message_id, event.recipient, str(event.timestamp)]
    operations.note_bounce(
        mark=named,
        permanent=event.event_type in PERMANENT,
        said=" ".join(str(event.mta_response or event.description or event.reject_reason or event.event_type).split())[
            :500
        ],
        key=hashlib.sha256(json.dumps(told).encode()).hexdigest(),
        now=timezone.now(),
    )
