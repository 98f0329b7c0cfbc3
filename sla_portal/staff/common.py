"""Shared by all staff pages: check the permission, render, report refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from sla_portal.kernel.errors import Refused


def require_right(request: HttpRequest, right: str) -> None:
    """Answer 403 unless the user has the permission `right` (`incidents.add_incident`)."""
    if not request.user.has_perm(right):
        raise PermissionDenied


def page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> TemplateResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context}, status=status)


@contextmanager
def refusals_on(form: forms.Form, **fields: str) -> Iterator[None]:
    """Convert a refusal of an operation into an error of the field that caused it, or else of the form.

    `fields` names the form's field of an argument where the two have different names.
    """
    try:
        yield
    except Refused as refused:
        field = fields.get(refused.field, refused.field)
        shown = field in form.fields and not form.fields[field].widget.is_hidden
        form.add_error(field if shown else None, str(refused))
    except IntegrityError:
        # Of two concurrent writes, a constraint accepted only one.
        form.add_error(None, _("Someone else saved at the same moment, so nothing was saved. Save again."))
