"""What people type into forms: invisible characters are refused, and the first refusal of a form is focused."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils.translation import get_language
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
    raise ValidationError(sentence % {"before": before, "character": _named(text[place])}, code="hidden_character")


def _named(character: str) -> str:
    # Unicode names its characters in English only.
    return character_name(character) if (get_language() or "en") == "en" else f"U+{ord(character):04X}"


def refuse_hidden_characters_everywhere() -> None:
    """Let every text field of every form refuse invisible characters, those of Django's own forms too."""
    for kind in (forms.CharField, forms.EmailField, forms.URLField):
        kind.default_validators = [*kind.default_validators, refuse_hidden_characters]


class FocusedField(BoundField):
    """A field that is focused, and so in view, where it holds the first error of its form."""

    @property
    def target(self) -> str:
        """The id of the input that a link to the field leads to; of several, the first."""
        return self.id_for_label or f"{self.auto_id}_0"

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        attrs = super().build_widget_attrs(attrs, widget)
        # Of choices, the page's script focuses the first; the attribute would stand at each.
        if self.errors and not isinstance(self.field.widget, forms.RadioSelect) and self._is_first():
            attrs["autofocus"] = True
        return attrs

    def _is_first(self) -> bool:
        return next((field.name for field in self.form.visible_fields() if field.errors), None) == self.name


class FormRenderer(TemplatesSetting):
    """Renders forms with the templates of the project, and focuses the first error."""

    bound_field_class = FocusedField
