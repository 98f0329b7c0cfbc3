"""Attach evidence to an exclusion, and download it."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from sla_portal.audit.versions import acting
from sla_portal.availability.models import Evidence, Exclusion
from sla_portal.availability.operations import add_evidence
from sla_portal.kernel.errors import Refused
from sla_portal.typed import HiddenCharacter, typed_text

from ..common import page, require_right

LONGEST_REASON = 2000


@require_POST
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Attach the uploaded files to an exclusion of an incident."""
    require_right(request, "availability.propose_exclusion")
    exclusion = get_object_or_404(Exclusion.objects.select_related("incident"), pk=pk, incident__isnull=False)
    files = request.FILES.getlist("file")
    if not files:
        messages.error(request, _("Choose a file first."))
    try:
        reason = typed_text(request.POST.get("reason", ""), LONGEST_REASON)
    except HiddenCharacter as refused:
        messages.error(request, str(refused))
        files = []
    for upload in files:
        try:
            added = add_evidence(
                actor=acting(request),
                exclusion=exclusion,
                upload=upload,
                now=timezone.now(),
                reason=reason,
            )
        except Refused as refused:
            messages.error(request, f"{upload.name}: {refused}")
        else:
            messages.success(request, _("%(name)s was added as evidence.") % {"name": added.name})
    return redirect(reverse("admin:incident_page", args=[exclusion.incident_id]) + f"#exclusion-{exclusion.pk}")


@require_safe
@cache_control(private=True, no_store=True)
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """Download evidence after checking its SHA-256; as an attachment only, because the file is not trusted."""
    require_right(request, "availability.view_evidence")
    evidence = get_object_or_404(Evidence, pk=pk)
    try:
        with evidence.file.open("rb") as stored:
            content = stored.read()
    except OSError:
        content = b""
    if sha256(content).hexdigest() != evidence.sha256:
        words = {"title": _("This file is missing or damaged"), "name": evidence.name}
        return page(request, "staff/file_damaged.html", words, status=410)
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(evidence.name)}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
        },
    )
