"""Text that people type: invisible characters are refused at the field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from sla_portal.kernel.characters import character_name, hidden_character

SHOWN_BEFORE = 20
"""How many characters before an invisible one tell where it is."""


def refuse_hidden_characters(value: Any) -> None:
    """Refuse a text with an invisible character; name it and what it stands after. Django refuses NUL itself."""
    text = value.replace("\0", " ") if isinstance(value, str) else ""
    place = hidden_character(text)
    if place is None:
        return
    before = text[max(0, place - SHOWN_BEFORE) : place].split("\n")[-1].strip()
    sentence = (
        _("This text has an invisible character after “%(before)s”: %(character)s. Delete it or type the text again.")
        if before
        else _(
            "This text has an invisible character at the start of a line: %(character)s. Delete it or type the text again."
        )
    )
    raise ValidationError(
        sentence % {"before": before, "character": character_name(text[place])}, code="hidden_character"
    )


def refuse_hidden_characters_everywhere() -> None:
    """Let every text field of every form refuse invisible characters, those of Django's own forms too."""
    forms.CharField.default_validators = [refuse_hidden_characters]
