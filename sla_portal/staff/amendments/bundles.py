"""Request and download evidence bundles of an amendment (5.2)."""

from __future__ import annotations

from hashlib import sha256

from django import forms
from django.conf import settings
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from sla_portal.agreements.models import AgreementVersion
from sla_portal.audit.models import Kind
from sla_portal.audit.queries import seal_of
from sla_portal.audit.versions import acting
from sla_portal.reports.models import Bundle, Status
from sla_portal.reports.operations import record_download, request_bundle
from sla_portal.reports.tasks import make_bundle

from ..common import SEAL_TYPE, download, page, refusals_on, require_right, with_documents
from ..forms import KeyedForm
from ..operations import save_once

SHOWN = 20
IN_PROGRESS = Q(status__in=[Status.QUEUED, Status.RENDERING])
READ_AT_ONCE = 1 << 20


class BundleForm(KeyedForm):
    """The language of the bundle, and the recipient whose e-mails are added."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language of documents and explanations"), choices=settings.LANGUAGES
    )
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
    """List the bundles of a version and request one; `?part=progress` is the part that refreshes."""
    require_right(request, "reports.view_bundle")
    version = get_object_or_404(AgreementVersion, pk=pk, notice__isnull=False)
    form = BundleForm(request.POST or None, initial={"language": get_language() or settings.LANGUAGE_CODE})
    if request.method == "POST":
        require_right(request, "reports.request_bundle")
        if form.is_valid():
            with refusals_on(form):
                return redirect(_requested(request, version, form))
    found = version.bundles.all()
    shown = list(found.select_related("version")[:SHOWN])
    with_documents(Kind.BUNDLE, [(one.about, one) for one in shown])
    context = {
        "title": _("Evidence bundle for version %(version)s") % {"version": version},
        "version": version,
        "form": form,
        "bundles": shown,
        "shown": SHOWN,
        "more": found.count() > SHOWN,
        "in_progress": found.filter(IN_PROGRESS).exists(),
        "may_request": request.user.has_perm("reports.request_bundle"),
    }
    template = (
        "staff/amendments/_bundles.html" if request.GET.get("part") == "progress" else "staff/amendments/bundles.html"
    )
    return page(request, template, context, status=422 if form.errors else 200)


def _requested(request: HttpRequest, version: AgreementVersion, form: BundleForm) -> str:
    said = form.cleaned_data
    now = timezone.now()

    def write() -> str:
        bundle = request_bundle(
            actor=acting(request), version=version, language=said["language"], email=said["email"], now=now
        )
        # Only for speed: if the message is lost, the schedule finds the row.
        make_bundle.delay_on_commit(bundle.pk)
        return reverse("admin:bundles", args=[version.pk])

    return save_once(key=said["key"], write=write, now=now)


@require_GET
@cache_control(private=True, no_store=True)
def bundle_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the ZIP file after checking its SHA-256, and record the download."""
    require_right(request, "reports.view_bundle")
    bundle = get_object_or_404(Bundle.objects.select_related("version"), pk=pk, status=Status.READY)
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
    require_right(request, "reports.view_bundle")
    bundle = get_object_or_404(Bundle.objects.select_related("version"), pk=pk, status=Status.READY)
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
