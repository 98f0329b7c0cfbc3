"""Put the version of what a page shows into each of its forms, and show what has changed since. A builtin of all templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..forms import THEIRS
from ..models import Entry
from ..versions import FIELD
from .audit_log import NESTED, Change, changes_of

register = template.Library()

OF_FORMS = {"closed_months"}
"""What forms carry and nobody typed, though the audit log has a name for it."""
INPUT = re.compile(r"(?:(\w+-[0-9]+)-)?(.*?)(?:_[01])?", re.DOTALL)
"""An input of a form: the row that it belongs to, and the field; a date and a time are two inputs of one."""


class VersionedTokenNode(CsrfTokenNode):
    """Django's token against forged requests, and the version of the page with its address."""

    def render(self, context: Context) -> SafeString:
        token = SafeString(super().render(context))
        seen = getattr(context.get("request"), "seen", None)
        return token if seen is None else token + format_html('<input type="hidden" name="{}" value="{}">', FIELD, seen)


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
        "theirs": THEIRS,
        "entries": [(entry, list(_beside(entry, request.POST))) for entry in seen.changed.entries],
        "refusal": seen.changed.refusal,
        "entered": list(_entered(seen.changed.entries[-1], request.POST))
        if seen.changed.refusal or context.get("alone")
        else [],
        "page": seen.page,
        "action": request.get_full_path(),
        "again": [] if request.FILES else list(_sent(request.POST)),
    }


def _sent(typed: QueryDict) -> Iterator[tuple[str, str]]:
    """What was submitted, without what each form gets anew."""
    for name, values in typed.lists():
        if name not in ("csrfmiddlewaretoken", FIELD, THEIRS):
            yield from ((name, value) for value in values)


def _entered(entry: Entry, typed: QueryDict) -> Iterator[tuple[str, SafeString]]:
    """The name and the value of each field that was typed into, of those that the audit log has a name for."""
    fields: dict[tuple[str, str], list[str]] = {}
    for key in typed:
        within, name = INPUT.fullmatch(key).groups()  # type: ignore[union-attr]
        fields.setdefault((within or "", name), []).append(key)
    for (within, name), keys in fields.items():
        if all(typed.getlist(key) == typed.getlist(f"initial-{key}") for key in keys):
            continue
        # A number is the key of another record: it says nothing to the reader.
        values = [value for key in keys for value in typed.getlist(key) if value.strip() and not value.isdecimal()]
        change = Change(NESTED.get(within.partition("-")[0], entry.subject_type), name, None, None)
        if values and change.has_name and name not in OF_FORMS:
            yield change.shown_name, change.format_typed(values)


@dataclass(frozen=True)
class Beside:
    """A change that the submitted page did not show, beside what was typed."""

    name: str
    before: SafeString
    after: SafeString
    typed: SafeString | None
    """None: the form has no such field, or the field was left as it was shown."""
    field: str
    """The field that may keep theirs; empty where the form cannot."""


def _beside(entry: Entry, typed: QueryDict) -> Iterator[Beside]:
    for change in (part for whole in changes_of(entry) for part in whole.parts):
        name, within = change.name, change.kind != entry.subject_type
        # A date and a time are two inputs; so is each field of the rows of a record within.
        inputs = re.compile(rf"{re.escape(name)}(_[01]|-[0-9]+-\w+)?" if within else rf"{re.escape(name)}(_[01])?")
        keys = [key for key in typed if inputs.fullmatch(key)]
        merging = any(f"initial-{key}" in typed for key in keys)
        if merging and all(typed.getlist(key) == typed.getlist(f"initial-{key}") for key in keys):
            keys = []
        # A number in a row is the key of another record: it says nothing to the reader.
        values = [value for key in keys for value in typed.getlist(key) if value and not (within and value.isdecimal())]
        beside = change.format_typed(values) if keys else None
        yield Beside(change.shown_name, *change.shown, beside, name if keys and merging else "")
