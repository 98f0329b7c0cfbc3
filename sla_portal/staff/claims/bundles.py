"""Evidence bundles of a claim (3)."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from claims.models import Claim
from sla_portal.reports.operations import request_claim_bundle

from ..bundles import VIEW, Evidence, bundles_page
from ..common import require_right


@require_http_methods(["GET", "HEAD", "POST"])
def bundles(request: HttpRequest, pk: int) -> HttpResponse:
    """List the bundles of a claim and request one."""
    require_right(request, VIEW)
    claim = get_object_or_404(Claim, pk=pk)
    evidence = Evidence(
        title=_("Evidence bundle for claim %(number)s") % {"number": claim},
        contents=_(
            "One ZIP file for use in court: the application, the SHA-256 of the proof materials, the checks, every minute "
            "with its reason, the decisions, the e-mails, the ledger, the customer's reports of the month, the audit log "
            "entries, and what is needed to verify each of them without this portal."
        ),
        url=reverse("admin:claim_bundles", args=[claim.pk]),
        back=reverse("admin:claim", args=[claim.pk]),
        back_name=claim.number,
        found=claim.bundles.all(),
    )
    return bundles_page(request, evidence, partial(request_claim_bundle, claim=claim))
