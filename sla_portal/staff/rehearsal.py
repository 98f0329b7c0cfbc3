"""Begin a rehearsal, and see what a running one has recorded."""

from __future__ import annotations

from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from sla_portal.audit.verbs import FIELDS
from sla_portal.audit.versions import acting
from sla_portal.history.emptying import counts_of_record
from sla_portal.kernel.errors import Refused
from sla_portal.operator.models import Rehearsal
from sla_portal.operator.operations import begin_rehearsal
from sla_portal.operator.queries import is_opened, running_rehearsal

from .common import page, require_right


def rehearsal(request: HttpRequest) -> HttpResponse:
    """Show what a rehearsal is and what is on record, and begin one."""
    require_right(request, "operator.begin_rehearsal")
    refused = ""
    if request.method == "POST":
        if "sure" not in request.POST:
            refused = _("Confirm that everything on record may be removed.")
        else:
            try:
                begin_rehearsal(actor=acting(request), now=timezone.now())
            except Refused as refusal:
                refused = str(refusal)
            else:
                messages.success(request, _("The rehearsal has begun. Every page, e-mail and PDF says so."))
                return redirect("admin:rehearsal")
    running = running_rehearsal()
    context = {
        "title": _("Rehearsal"),
        "running": running,
        "opened": is_opened(),
        "on_record": [(FIELDS[name], count) for name, count in counts_of_record().items() if count],
        "ended": Rehearsal.objects.filter(ended_at__isnull=False),
        "owner": connection.vendor == "postgresql",
        "refused": refused,
    }
    return page(request, "staff/rehearsal.html", context, status=422 if refused else 200)
