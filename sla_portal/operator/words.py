"""How what is not real is marked, for people."""

from __future__ import annotations

from django.utils.translation import gettext as _

from .rules import Mark


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
