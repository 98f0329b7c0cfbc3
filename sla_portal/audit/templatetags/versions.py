"""Put the version of what a page shows into each of its forms, and show what has changed since. A builtin of all templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..models import Entry
from ..versions import FIELD
from .audit_log import changed_fields, format_typed

register = template.Library()


class VersionedTokenNode(CsrfTokenNode):
    """Django's token against forged requests, and the version of the page with its address."""

    def render(self, context: Context) -> SafeString:
        token = super().render(context)
        seen = getattr(context.get("request"), "seen", None)
        if seen is None:
            return token
        return token + format_html('<input type="hidden" name="{}" value="{}">', FIELD, seen)


@register.tag
def csrf_token(_parser: Parser, _token: Token) -> VersionedTokenNode:
    """Django's `csrf_token`; on staff pages with the version, so that no form can be without it."""
    return VersionedTokenNode()


@register.inclusion_tag("audit/_changed.html", takes_context=True)
def changed_meanwhile(context: Context) -> dict[str, Any]:
    """What has changed since the submitted page was made, beside what was typed, and the choice between the two."""
    request: HttpRequest | None = context.get("request")
    seen = getattr(request, "seen", None)
    if request is None or seen is None or seen.changed is None:
        return {}
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "entries": [(entry, list(_beside(entry, request.POST))) for entry in seen.changed.entries],
        "page": seen.page,
        "action": request.get_full_path(),
        "again": [] if request.FILES else list(_sent(request.POST)),
    }


def _sent(typed: QueryDict) -> Iterator[tuple[str, str]]:
    """What was submitted, without what each form gets anew."""
    for name, values in typed.lists():
        if name not in ("csrfmiddlewaretoken", FIELD):
            yield from ((name, value) for value in values)


def _beside(entry: Entry, typed: QueryDict) -> Iterator[tuple[str, SafeString, SafeString, SafeString | None]]:
    """Field, before, after and what was typed into it; None where the form has no such field."""
    for name, shown, before, after in changed_fields(entry):
        # A date and a time are two inputs.
        keys = [key for key in (name, f"{name}_0", f"{name}_1") if key in typed]
        values = [value for key in keys for value in typed.getlist(key) if value]
        yield shown, before, after, format_typed(entry, name, values) if keys else None
