"""Preview and download of proof materials; the audit log records every view."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import quote

from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from claims.models import Enclosure, Proof
from claims.operations.proofs import record_view
from sla_portal.audit.versions import acting

from ..common import download, page, require_right

TYPES = {"image/png": "image/png", "image/jpeg": "image/jpeg", "text": "text/plain; charset=utf-8"}


@require_GET
@cache_control(private=True, no_store=True)
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Serve the preview of a file: a picture, or plain text for a frame."""
    require_right(request, "claims.view_proof")
    proof = get_object_or_404(Proof, pk=pk)
    content = _content(proof.preview)
    if content is None:
        return _damaged(request, proof)
    record_view(actor=acting(request), proof=proof, what="preview", now=timezone.now())
    return HttpResponse(
        content,
        content_type=TYPES[proof.preview_kind],
        headers={
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'self'",
            "X-Frame-Options": "SAMEORIGIN",
        },
    )


@require_GET
@cache_control(private=True, no_store=True)
def original(request: HttpRequest, pk: int) -> HttpResponse:
    """Serve the original as a download, after checking its SHA-256."""
    require_right(request, "claims.view_proof")
    proof = get_object_or_404(Proof, pk=pk)
    content = _content(proof.file)
    if content is None or sha256(content).hexdigest() != proof.sha256:
        return _damaged(request, proof)
    record_view(actor=acting(request), proof=proof, what="original", now=timezone.now())
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(proof.name)}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        },
    )


@require_GET
@cache_control(private=True, no_store=True)
def enclosure(request: HttpRequest, pk: int) -> HttpResponse:
    """Serve a file that goes with a letter as a download."""
    require_right(request, "claims.view_proof")
    found = get_object_or_404(Enclosure, pk=pk)
    return download(bytes(found.content), found.name, "application/octet-stream")


def _content(file: FieldFile) -> bytes | None:
    try:
        with file.open("rb") as stored:
            return stored.read()
    except (OSError, ValueError):  # it is not there, or was never named
        return None


def _damaged(request: HttpRequest, proof: Proof) -> HttpResponse:
    words = {"title": _("This file is missing or damaged"), "name": proof.name}
    return page(request, "staff/file_damaged.html", words, status=410)
