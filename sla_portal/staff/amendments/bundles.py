"""Evidence bundles of an amendment (5.2)."""

from __future__ import annotations

from functools import partial

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from sla_portal.agreements.models import AgreementVersion
from sla_portal.reports.operations import request_bundle

from ..bundles import VIEW, BundleForm, Evidence, bundles_page
from ..common import require_right


class AmendmentBundleForm(BundleForm):
    """The language of the bundle, and the recipient whose e-mails are added."""

    email = forms.EmailField(
        label=gettext_lazy("E-mails to one recipient"),
        required=False,
        max_length=254,
        help_text=gettext_lazy(
            "Enter an e-mail address to add the source of the e-mails sent to it. Empty: no e-mails are added."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def bundles(request: HttpRequest, pk: int) -> HttpResponse:
    """List the bundles of a version and request one."""
    require_right(request, VIEW)
    version = get_object_or_404(AgreementVersion, pk=pk, notice__isnull=False)
    evidence = Evidence(
        title=_("Evidence bundle for version %(version)s") % {"version": version},
        contents=_(
            "One ZIP file for use in court: the version and its changes as PDF, the announcement with its hash, time and "
            "public pages, the list of deliveries, how each customer stood and which contracts ended, the audit log entries, "
            "and what is needed to verify each of them without this portal."
        ),
        url=reverse("admin:bundles", args=[version.pk]),
        back=reverse("admin:amendment", args=[version.pk]),
        back_name=_("Version %(version)s") % {"version": version},
        found=version.bundles.all(),
    )
    return bundles_page(request, evidence, partial(request_bundle, version=version), AmendmentBundleForm)
