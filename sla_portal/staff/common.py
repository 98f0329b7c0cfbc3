"""Shared by all staff pages: check the permission, render, report refusals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from sla_portal.audit.models import Kind
from sla_portal.audit.operations import TouchesClosedMonth
from sla_portal.audit.queries import documents
from sla_portal.kernel.errors import Refused

T = TypeVar("T", bound=Model)


def require_right(request: HttpRequest, right: str) -> None:
    """Answer 403 unless the user has the permission `right` (`incidents.add_incident`)."""
    if not request.user.has_perm(right):
        raise PermissionDenied


def page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> TemplateResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context}, status=status)


SEAL_TYPE = "application/pkcs7-signature"


def download(content: bytes | None, name: str, content_type: str) -> HttpResponse:
    """Send a file; answer 404 where there is none."""
    if content is None:
        raise Http404
    headers = {
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=name),
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(content, content_type=content_type, headers=headers)


def with_documents(kind: Kind, rows: Iterable[tuple[str, Any]]) -> None:
    """Set `document` on each row, by what it is about in the register; None where the register does not know it."""
    rows = list(rows)
    found = documents().filter(kind=kind, about__in={about for about, _row in rows})
    known = {(one.about, one.revision): one for one in found}
    for about, row in rows:
        row.document = known.get((about, getattr(row, "revision", 1)))


def chosen_template(request: HttpRequest, templates: Iterable[T]) -> T:
    """Return the one of `templates` whose button was pressed; answer 404 if it is not there."""
    pressed = request.POST["template"]
    found = next((template for template in templates if str(template.pk) == pressed), None)
    if found is None:
        raise Http404
    return found


@contextmanager
def refusals_on(form: forms.Form, fields: Mapping[str, str] | None = None) -> Iterator[None]:
    """Convert a refusal of an operation into an error of the field that caused it, or else of the form.

    `fields` maps what a refusal names to the field of the form, where the form's has another name.
    """
    try:
        yield
    except TouchesClosedMonth as refused:
        form.add_error("reason" if "reason" in form.fields else None, str(refused))
    except Refused as refused:
        for name, sentence in _reasons(refused):
            field = (fields or {}).get(name, name)
            shown = field in form.fields and not form.fields[field].widget.is_hidden
            form.add_error(field if shown else None, sentence)
    except IntegrityError:
        # Of two concurrent writes, a constraint accepted only one.
        form.add_error(None, _("Someone else saved at the same moment, so nothing was saved. Save again."))


def _reasons(refused: Refused) -> list[tuple[str, str]]:
    """The field and the sentence of each objection of a refusal."""
    objections = getattr(refused, "objections", ())
    return [(objection.field, _(objection.sentence)) for objection in objections] or [(refused.field, str(refused))]
