"""The sentences about the operator, and about how what is not real is marked."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .rules import Mark, Operator


def mark_name(mark: str) -> str:
    """Return the word that stands on everything; empty where nothing is marked."""
    return {Mark.NONE: "", Mark.REHEARSAL: _("Rehearsal"), Mark.STAGING: _("Staging copy")}[Mark(mark)]


def mark_sentence(mark: str) -> str:
    """Return what the mark means to whoever reads it."""
    return {
        Mark.NONE: "",
        Mark.REHEARSAL: _(
            "This portal is being tried out. Nothing here is real or binding, and all of it will be removed."
        ),
        Mark.STAGING: _(
            "This is a copy for trying out. Nothing here is real or binding, and customers get no e-mail from it."
        ),
    }[Mark(mark)]


def marked(text: str, mark: str) -> str:
    """Return a title with the mark before it, or as it is where nothing is marked."""
    return f"[{mark_name(mark)}] {text}" if mark else text


def portal_name(operator: Operator) -> str:
    """Return the name of the portal in the reader's language, as titles, feeds and the API state it."""
    if name := operator.name_in(get_language()):
        return _("%(operator)s SLA portal") % {"operator": name}
    return _("SLA portal")


def shown(operator: Operator) -> dict[str, Any]:
    """Return what the frame of a page shows of the operator, in the reader's language."""
    language = get_language()
    return {
        "operator": operator,
        "operator_name": operator.name_in(language),
        "operator_address": operator.address_in(language),
        "portal_name": portal_name(operator),
    }
