"""The trail at the foot of a record."""

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


@register.inclusion_tag("audit/_log.html")
def audit_log(*subjects: models.Model) -> dict[str, Any]:
    """Show who did what to any of `subjects`, newest first."""
    entries = list(islice(queries.entries_about(*subjects), SHOWN + 1))
    return {"entries": entries[:SHOWN], "more": len(entries) > SHOWN, "shown": SHOWN}


@register.filter
def verb(entry: Entry) -> str:
    """What was done, in the reader's language."""
    return verbs.verb(entry.action)


@register.filter
def format_changes(entry: Entry) -> Iterator[tuple[str, SafeString, SafeString]]:
    """Field, from and to of an entry, in the words of the reader."""
    for name, (before, after) in entry.changes.items():
        yield _field(entry.subject_type, name), _told(before), _told(after)


def _field(kind: str, name: str) -> str:
    try:
        return str(apps.get_model(kind)._meta.get_field(name).verbose_name)
    except (LookupError, FieldDoesNotExist, AttributeError):
        return name.replace("_", " ")


def _told(value: Any) -> SafeString:
    if value is None or value in ("", [], {}):
        return SafeString(DASH)
    if isinstance(value, bool):
        return SafeString(_("yes") if value else _("no"))
    if isinstance(value, list):
        return format_html_join(", ", "{}", ((_told(each),) for each in value))
    if isinstance(value, dict):
        return format_html_join("; ", "{} {}", ((key.replace("_", " "), _told(each)) for key, each in value.items()))
    if isinstance(value, str) and (at := _instant(value)):
        return clock(at)
    return conditional_escape(value)


def _instant(text: str) -> datetime | None:
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    return at if at is not None and at.tzinfo else None
