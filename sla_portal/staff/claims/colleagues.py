"""Who else works on a claim, on its page: who has it, who looks at it now, internal notes and mentions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from claims.models import Claim
from claims.operations.working import look_at_claim
from claims.queries.working import colleagues, viewers_of

from .forms import AssignForm, NoteForm

NAMES_SHOWN = 12


def looked_at(request: HttpRequest, claim: Claim, now: datetime) -> dict[str, Any]:
    """Note that the page of a claim is open; return who else has it open."""
    look_at_claim(user=request.user, claim=claim, now=now)
    return {"claim": claim, "viewers": list(viewers_of(claim, request.user, now))}


def work_on(request: HttpRequest, claim: Claim, now: datetime) -> dict[str, Any]:
    """Context of the part of the page that colleagues share."""
    notes = list(claim.notes.select_related("author").prefetch_related("mentions__user"))
    others = colleagues().exclude(pk=request.user.pk)[: NAMES_SHOWN + 1]
    return {
        **looked_at(request, claim, now),
        "notes": [(one, _unread(request, one)) for one in notes],
        "names": [one.get_username() for one in others],
        "names_shown": NAMES_SHOWN,
        "assign": AssignForm(initial={"to": claim.assigned_to_id}, auto_id="assign-%s"),
        "note": NoteForm(auto_id="note-%s"),
    }


def _unread(request: HttpRequest, note: Any) -> int | None:
    """Return the primary key of the reader's own mention that is not marked as read."""
    own = (one.pk for one in note.mentions.all() if one.user_id == request.user.pk and not one.read_at)
    return next(own, None)
