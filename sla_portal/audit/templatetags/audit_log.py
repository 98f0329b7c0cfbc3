"""The audit log of a record, shown below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.apps import apps
from django.core.cache import caches
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import translation
from django.utils.dateparse import parse_datetime
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from sla_portal.clocks import DASH, clock
from sla_portal.kernel.languages import text_language

from .. import queries, verbs
from ..models import Entry

register = template.Library()

SHOWN = 100
NAMED = {
    "region": "customers.region",
    "regions": "customers.region",
    "functions": "customers.corefunction",
    "clients": "customers.client",
}
"""Fields that hold codes or names of these models. Entries keep what was recorded; it is translated when shown."""
NAMED_TYPES = {model: field for field, model in NAMED.items()}
NESTED = {
    "outage": "incidents.outage",
    "outages": "incidents.outage",
    "payment": "agreements.payment",
    "review": "incidents.review",
    "suspension": "agreements.suspension",
}
"""Changes that hold a record of these models, by field."""
TRANSLATED_TYPES = {"agreements.answer", "agreements.registerentry", "operator.opening"}
"""Kinds of record whose names hold words of the portal, or a text in both languages."""
TYPED_TEXTS = {"action", "actions", "internal update", "public update"}
"""Changes that hold a text that may be recorded in Chinese too."""
ROLES = {"role"}
"""Fields that hold names of roles, which are translated when shown."""
CLAUSE = "clause "
"""How changes of an agreement's draft name a clause."""


@register.inclusion_tag("audit/_log.html")
def audit_log(*subjects: models.Model) -> dict[str, Any]:
    """Show the entries about any of `subjects`, newest first, and the looks at their files apart: they change nothing."""
    about = queries.entries_about(*subjects)
    entries = list(about.exclude(action__in=verbs.LOOKS)[: SHOWN + 1])
    looks = list(about.filter(action__in=verbs.LOOKS)[:SHOWN])
    return {"entries": entries[:SHOWN], "more": len(entries) > SHOWN, "shown": SHOWN, "looks": looks}


@register.filter
def verb(entry: Entry) -> str:
    """The verb of an entry in the reader's language."""
    return verbs.verb(entry.action)


@register.filter
def format_changes(entry: Entry) -> Iterator[tuple[str, SafeString, SafeString]]:
    """Field, value before and value after of each change, in the reader's language."""
    return ((change.shown_name, *change.shown) for change in changes_of(entry))


@dataclass(frozen=True)
class Change:
    """A change of a field as recorded: of the record of an entry, or of a record of another `kind` that it holds."""

    kind: str
    name: str
    before: Any
    after: Any

    @property
    def shown_name(self) -> str:
        return _name(self._field, self.name)

    @property
    def has_name(self) -> bool:
        """Whether it is a field of the record, or has a name of its own in the audit log."""
        return self._field is not None or self.name in verbs.FIELDS

    @property
    def shown(self) -> tuple[SafeString, SafeString]:
        """The values before and after, in the reader's language."""
        was, became = (
            _in_its_language(self.kind, self.name, _format(value, self.name, self._field))
            for value in (self.before, self.after)
        )
        return was, became

    @property
    def parts(self) -> list[Change]:
        """Its fields, if it is a change of a record that the form of the entry's record shows field by field."""
        sides = [self.before or {}, self.after or {}]
        if self.name not in NESTED or not all(isinstance(side, dict) for side in sides):
            return [self]
        return [Change(NESTED[self.name], name, *(side.get(name) for side in sides)) for name in sides[0] | sides[1]]

    def format_typed(self, values: list[str]) -> SafeString:
        """What was typed into the field, as its changes are shown."""
        return _format(" ".join(values), self.name, self._field)

    @property
    def _field(self) -> models.Field | None:
        return _field(self.kind, self.name)


def changes_of(entry: Entry) -> list[Change]:
    return [Change(entry.subject_type, name, *sides) for name, sides in entry.changes.items()]


@register.filter
def subject(entry: Entry) -> str:
    """The record of an entry; a region, core function or client by its name in the reader's language."""
    if entry.subject_type in TRANSLATED_TYPES and get_language() != "en":
        key = f"subject-{entry.subject_type}-{entry.subject_id}-{get_language()}"
        recorded, shown = caches["pages"].get_or_set(key, lambda: _subject_now(entry), 60) or ("", "")
        return shown if recorded == entry.subject else entry.subject
    return _names(NAMED_TYPES.get(entry.subject_type, "")).get(entry.subject, entry.subject)


def _subject_now(entry: Entry) -> tuple[str, str]:
    """Return the name of an entry's record as it would be recorded, and in the reader's language."""
    row = apps.get_model(entry.subject_type)._default_manager.filter(pk=entry.subject_id).first()
    if row is None:
        return "", ""
    with translation.override("en"):
        recorded = str(row)[:300]
    return recorded, str(row)


def _field(kind: str, name: str) -> models.Field | None:
    try:
        return apps.get_model(kind)._meta.get_field(name)
    except (LookupError, ValueError, FieldDoesNotExist):  # ValueError: not the label of a model
        return None


def _name(field: models.Field | None, name: str) -> str:
    named = getattr(field, "verbose_name", None) or verbs.FIELDS.get(name)
    if named is None and name.startswith(CLAUSE):
        named = _("Clause %(clause)s") % {"clause": name.removeprefix(CLAUSE)}
    return str(named or name.replace("_", " "))


def _format(value: Any, name: str, field: models.Field | None = None) -> SafeString:
    if value is None or value in ("", [], {}):
        return SafeString(DASH)
    if isinstance(value, bool):
        return SafeString(_("yes") if value else _("no"))
    if isinstance(value, list):
        return format_html_join(", ", "{}", ((_format(each, name, field),) for each in value))
    if isinstance(value, dict):
        kind = "agreements.clause" if name.startswith(CLAUSE) else NESTED.get(name, "")
        fields = [(key, _field(kind, key), each) for key, each in value.items()]
        shown = ((_name(at, key), _in_its_language(kind, key, _format(each, key, at))) for key, at, each in fields)
        return format_html_join("; ", "{} {}", shown)
    if isinstance(value, str) and (at := _instant(value)):
        return clock(at)
    if name in ROLES:
        return conditional_escape(_(value))
    if value == "all" and name in NAMED:
        return conditional_escape(pgettext("audit log", "all"))
    shown = dict(getattr(field, "flatchoices", ())).get(value, value)
    return conditional_escape(_names(name).get(shown, shown) if isinstance(shown, str) else shown)


def _in_its_language(kind: str, name: str, shown: SafeString) -> SafeString:
    """Mark the language of a text that the record has in both languages."""
    if name in TYPED_TEXTS or _field(kind, f"{name}_zh"):
        return format_html('<span lang="{}">{}</span>', text_language(shown), shown)
    return shown


def _names(kind: str) -> dict[str, str]:
    """Names in the reader's language of regions, core functions or clients, by code and by the name recorded.

    They are cached for a minute, so that a page of entries takes a fixed number of queries.
    """
    model = NAMED.get(kind)
    if model is None:
        return {}

    def read() -> dict[str, str]:
        rows = apps.get_model(model)._default_manager.all()
        return {recorded: str(row) for row in rows for recorded in (row.code, row.name)}

    return caches["pages"].get_or_set(f"names-{model}-{get_language()}", read, 60) or {}


def _instant(text: str) -> datetime | None:
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    return at if at is not None and at.tzinfo else None
