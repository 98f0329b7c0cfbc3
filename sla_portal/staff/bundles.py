"""Request, follow and download the evidence bundle of an amendment, a claim or a month."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_safe

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Kind
from sla_portal.audit.queries import seal_of
from sla_portal.audit.versions import acting
from sla_portal.reports.models import Bundle, Status
from sla_portal.reports.operations import record_download
from sla_portal.reports.tasks import make_bundle

from .common import SEAL_TYPE, download, page, refusals_on, require_right, with_documents
from .forms import KeyedForm
from .operations import save_once

VIEW, REQUEST = "reports.view_bundle", "reports.request_bundle"
SHOWN = 20
IN_PROGRESS = Q(status__in=[Status.QUEUED, Status.RENDERING])
READ_AT_ONCE = 1 << 20


class BundleForm(KeyedForm):
    """The language of the bundle."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language of documents and explanations"), choices=settings.LANGUAGES
    )


@dataclass(frozen=True)
class Evidence:
    """What the bundles of a page are of: the page's own address, the page it belongs to, and what a bundle contains."""

    title: str
    contents: str
    url: str
    back: str
    back_name: str
    found: QuerySet[Bundle]


def bundles_page(
    request: HttpRequest,
    evidence: Evidence,
    request_one: Callable[..., Bundle],
    form_class: type[BundleForm] = BundleForm,
) -> HttpResponse:
    """List bundles and request one by `request_one(actor=, now=, language=, …)`; `?part=progress` is the part that refreshes."""
    require_right(request, VIEW)
    form = form_class(request.POST or None, initial={"language": get_language() or settings.LANGUAGE_CODE})
    if request.method == "POST":
        require_right(request, REQUEST)
        if form.is_valid():
            with refusals_on(form):
                return redirect(_requested(acting(request), evidence.url, request_one, form.cleaned_data))
    shown = list(evidence.found.select_related("version", "claim")[:SHOWN])
    with_documents(Kind.BUNDLE, [(one.about, one) for one in shown])
    context = {
        "title": evidence.title,
        "evidence": evidence,
        "form": form,
        "bundles": shown,
        "shown": SHOWN,
        "more": evidence.found.count() > SHOWN,
        "in_progress": evidence.found.filter(IN_PROGRESS).exists(),
        "may_request": request.user.has_perm(REQUEST),
    }
    template = "staff/_bundles.html" if request.GET.get("part") == "progress" else "staff/bundles.html"
    return page(request, template, context, status=422 if form.errors else 200)


def _requested(actor: Actor, url: str, request_one: Callable[..., Bundle], given: dict[str, Any]) -> str:
    now: datetime = timezone.now()
    values = {name: value for name, value in given.items() if name != "key"}

    def write() -> str:
        bundle = request_one(actor=actor, now=now, **values)
        # Only for speed: if the message is lost, the schedule finds the row.
        make_bundle.delay_on_commit(bundle.pk)
        return url

    return save_once(key=given["key"], write=write, now=now)


@require_GET
@cache_control(private=True, no_store=True)
def bundle_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the ZIP file after checking its SHA-256, and record the download."""
    require_right(request, VIEW)
    bundle = get_object_or_404(Bundle.objects.select_related("version", "claim"), pk=pk, status=Status.READY)
    if not _is_whole(bundle):
        words = {"title": _("This file is missing or damaged"), "name": bundle.file_name}
        return page(request, "staff/file_damaged.html", words, status=410)
    record_download(actor=acting(request), bundle=bundle, now=timezone.now())
    return FileResponse(
        bundle.file.open("rb"),
        as_attachment=True,
        filename=bundle.file_name,
        content_type="application/zip",
        headers={"X-Content-Type-Options": "nosniff"},
    )


@require_safe
def bundle_seal(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the seal of a bundle."""
    require_right(request, VIEW)
    bundle = get_object_or_404(Bundle.objects.select_related("version", "claim"), pk=pk, status=Status.READY)
    return download(seal_of(Kind.BUNDLE, bundle.about), f"{bundle.file_name}.p7s", SEAL_TYPE)


def _is_whole(bundle: Bundle) -> bool:
    digest = sha256()
    try:
        with bundle.file.open("rb") as file:
            while part := file.read(READ_AT_ONCE):
                digest.update(part)
    except OSError:
        return False
    return digest.hexdigest() == bundle.sha256
