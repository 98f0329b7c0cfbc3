"""The audit log of a record, shown below it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django import template
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.html import conditional_escape, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from sla_portal.clocks import DASH, clock

from .. import queries, verbs
from ..models import Entry

register = template.Library()

SHOWN = 100
CLAUSE = "clause "
"""How changes of an agreement's draft name a clause."""


@register.inclusion_tag("audit/_log.html")
def audit_log(*subjects: models.Model) -> dict[str, Any]:
    """Show the entries about any of `subjects`, newest first."""
    entries = list(islice(queries.entries_about(*subjects), SHOWN + 1))
    return {"entries": entries[:SHOWN], "more": len(entries) > SHOWN, "shown": SHOWN}


@register.filter
def verb(entry: Entry) -> str:
    """The verb of an entry in the reader's language."""
    return verbs.verb(entry.action)


@register.filter
def format_changes(entry: Entry) -> Iterator[tuple[str, SafeString, SafeString]]:
    """Field, value before and value after of each change, in the reader's language."""
    for name, (before, after) in entry.changes.items():
        field = _field(entry.subject_type, name)
        yield _name(field, name), _format(before, field), _format(after, field)


def _field(kind: str, name: str) -> models.Field | None:
    try:
        return apps.get_model(kind)._meta.get_field(name)
    except (LookupError, FieldDoesNotExist):
        return None


def _name(field: models.Field | None, name: str) -> str:
    named = getattr(field, "verbose_name", None) or verbs.FIELDS.get(name)
    if named is None and name.startswith(CLAUSE):
        named = _("Clause %(clause)s") % {"clause": name.removeprefix(CLAUSE)}
    return str(named or name.replace("_", " "))


def _format(value: Any, field: models.Field | None = None) -> SafeString:
    if value is None or value in ("", [], {}):
        return SafeString(DASH)
    if isinstance(value, bool):
        return SafeString(_("yes") if value else _("no"))
    if isinstance(value, list):
        return format_html_join(", ", "{}", ((_format(each, field),) for each in value))
    if isinstance(value, dict):
        return format_html_join("; ", "{} {}", ((_name(None, key), _format(each)) for key, each in value.items()))
    if isinstance(value, str) and (at := _instant(value)):
        return clock(at)
    return conditional_escape(dict(getattr(field, "flatchoices", ())).get(value, value))


def _instant(text: str) -> datetime | None:
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    return at if at is not None and at.tzinfo else None
