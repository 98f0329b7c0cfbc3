"""What every page of the desk does: ask for the right, show, and say what was refused."""

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
    """Answer 403 unless the reader has `right` (`incidents.add_incident`)."""
    if not request.user.has_perm(right):
        raise PermissionDenied


def page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> TemplateResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context}, status=status)


@contextmanager
def refusals_on(form: forms.Form) -> Iterator[None]:
    """Turn what an operation refuses into an error of the form, which then is not valid."""
    try:
        yield
    except Refused as refused:
        form.add_error(None, str(refused))
    except IntegrityError:
        # Two saved at the same moment, and a constraint let one of them through.
        form.add_error(None, _("Somebody saved something at the same moment. Save again."))
