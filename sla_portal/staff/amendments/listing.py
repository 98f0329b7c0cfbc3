"""All versions: the one in force, the announced amendment, drafts, superseded and withdrawn versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from sla_portal.agreements.models import AgreementVersion, RegisterEntry
from sla_portal.agreements.queries import newest_version

from ..common import page, require_right
from .forms import StartForm
from .pending import drafts, pending_amendments, today

SHOWN = 50


@require_safe
def amendments(request: HttpRequest) -> HttpResponse:
    """List all versions by stage."""
    require_right(request, "agreements.view_agreementversion")
    return listing(request, timezone.now())


def listing(request: HttpRequest, now: datetime, *, start: StartForm | None = None) -> HttpResponse:
    """Render the page; `start` is the form of a new draft that was sent and refused."""
    published = AgreementVersion.objects.published().filter(effective_on__lte=today(now)).order_by("-effective_on")
    newest_first = list(published[: SHOWN + 1])
    context: dict[str, Any] = {
        "title": _("Agreement"),
        "now": now,
        "in_force": newest_first[0] if newest_first else None,
        "past": newest_first[1:],
        "announced": pending_amendments(now),
        "drafts": drafts()[:SHOWN],
        "withdrawn": AgreementVersion.objects.filter(withdrawn_at__isnull=False).order_by("-withdrawn_at")[:SHOWN],
        "newest": newest_version(),
        "may_draft": request.user.has_perm("agreements.draft_version"),
        "start": start or StartForm(),
        "open_questions": RegisterEntry.objects.filter(approved_at__isnull=True).count(),
    }
    return page(request, "staff/amendments/list.html", context, status=422 if start and start.errors else 200)
