"""Verify a document; the files that are sealed, their seals, and the certificates."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from claims.operations.applying import count_try
from sla_portal import visitors
from sla_portal.audit.models import Kind

from . import queries
from .caching import cached
from .claims.private import private, show
from .page import page, public
from .reader import Reader

VERIFIED_AN_HOUR = 60
"""Limit per network address; an office may share one."""


@csrf_exempt  # reading sets no cookie, so there is no token; asking acts in nobody's name
def verify(request: HttpRequest) -> HttpResponse:
    """Show the page, or answer by a file's hash or by a number with its check code."""
    return answer(request) if request.method == "POST" else ask(request)


@public
def ask(request: HttpRequest, reader: Reader) -> HttpResponse:
    facts = cached("certificates", queries.certificates, timezone.now())
    return page(request, reader, "verify", facts, lambda: {"certificates": facts.value})


@private
def answer(request: HttpRequest, reader: Reader) -> HttpResponse:
    now = timezone.now()
    count_try("verify", visitors.address(request), VERIFIED_AN_HOUR, now)
    typed = {name: request.POST.get(name, "").strip()[:200] for name in ("sha256", "number", "check_code")}
    context: dict[str, Any] = {"certificates": cached("certificates", queries.certificates, now).value, "typed": typed}
    digest = re.sub(r"\s", "", typed["sha256"]).lower()
    code = re.sub(r"\D", "", typed["check_code"])
    if typed["sha256"]:
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            context["wrong"] = _("A SHA-256 has 64 characters, digits and the letters a to f.")
        else:
            context |= {"asked": True, "verified": queries.verified_by_hash(digest)}
    elif not typed["number"] or len(code) != 16:
        context["wrong"] = _("Enter the number of the document and its check code, which has 16 digits.")
    else:
        grouped = "-".join(code[at : at + 4] for at in range(0, 16, 4))
        context |= {"asked": True, "verified": queries.verified_by_code(typed["number"].replace("\0", ""), grouped)}
    return show(request, reader, "verify", context, 422 if "wrong" in context else 200)


# Files


@require_safe
def announcement(_request: HttpRequest, about: str) -> HttpResponse:
    """An announcement as the file that is sealed."""
    return _file(queries.announced_content(_sound(about)), f"announcement-{about}.json", "application/json")


@require_safe
def checkpoint(_request: HttpRequest, about: int) -> HttpResponse:
    """A checkpoint as the file that is sealed."""
    return _file(queries.checkpoint_content(_storable(about)), f"checkpoint-{about}.json", "application/json")


@require_safe
def seal(_request: HttpRequest, kind: str, about: str | int) -> HttpResponse:
    """The seal of a public document, a detached CMS signature."""
    content = queries.seal_beside(Kind(kind), _sound(str(about)))
    return _file(content, f"{kind}-{about}.json.p7s", "application/pkcs7-signature")


@require_safe
def certificate(_request: HttpRequest, fingerprint: str) -> HttpResponse:
    """A certificate with its chain."""
    known = {one.fingerprint: one.pem for one in cached("certificates", queries.certificates, timezone.now()).value}
    pem = known.get(fingerprint)
    return _file(pem.encode() if pem else None, f"{fingerprint[:16]}.pem", "application/x-pem-file")


def _file(content: bytes | None, name: str, content_type: str) -> HttpResponse:
    if content is None:
        raise Http404
    headers = {"Content-Disposition": content_disposition_header(as_attachment=True, filename=name)}
    return HttpResponse(content, content_type=content_type, headers=headers)


def _sound(text: str) -> str:
    """Return what a database can be queried for: PostgreSQL refuses NUL."""
    if "\0" in text:
        raise Http404
    return text


def _storable(number: int) -> int:
    if number >= 2**63:
        raise Http404
    return number
