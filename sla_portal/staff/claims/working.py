"""Take and assign a claim, leave internal notes, and mark mentions as read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from claims.models import Claim, Mention
from claims.operations.working import assign_claim, note_claim, read_mention, take_claim
from sla_portal.audit.actors import Actor
from sla_portal.audit.versions import acting
from sla_portal.kernel.errors import Refused

from ..common import require_right
from .claim import REVIEW, VIEW, found_claim, take_step, typed_count
from .forms import AssignForm, NoteForm

NOTE = "claims.note_claim"


@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """Take a claim that nobody has, from the queue or its page, and go to it."""
    require_right(request, REVIEW)
    claim = found_claim(typed_count(request.POST.get("claim")))
    try:
        take_claim(actor=acting(request), claim=claim, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The claim is assigned to you."))
    return redirect("admin:claim", claim.pk)


@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Assign a claim to a colleague, or to nobody."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        assign_claim(actor=actor, claim=claim, to=given["to"], now=now)

    return take_step(request, pk, REVIEW, "assign", AssignForm, do, _("Assignment saved."))


@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave an internal note."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        note_claim(actor=actor, claim=claim, text=given["text"], now=now)

    return take_step(request, pk, NOTE, "note", NoteForm, do, _("Note saved. The customer does not see it."))


@require_POST
def mark_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a mention of oneself off the home page."""
    require_right(request, VIEW)
    mention = get_object_or_404(Mention, pk=pk, user=request.user)
    read_mention(actor=acting(request), mention=mention, now=timezone.now())
    return redirect("admin:index")
