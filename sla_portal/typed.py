"""What people type: invisible characters are refused, those on record are shown, and the first refusal of a form is focused."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.template.backends.django import DjangoTemplates, Template
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from sla_portal.kernel.characters import character_name, hidden_character, with_turning_shown
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.money import MOST_DECIMALS

LINE_BREAK = re.compile(r"\s*[\r\n]+\s*")
LONGEST_AMOUNT = 20
"""Digits with which an amount is reckoned before its length is checked."""
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


def prepare_text_fields() -> None:
    """Let every text field of every form, Django's own too, refuse invisible characters, and hold one line if it shows one."""
    for kind in (forms.CharField, forms.EmailField, forms.URLField):
        kind.default_validators = [*kind.default_validators, refuse_hidden_characters]
    forms.TextInput.value_from_datadict = _on_one_line  # type: ignore[method-assign, assignment]


def _on_one_line(widget: forms.TextInput, data: Any, files: Any, name: str) -> Any:
    """A browser takes line breaks out of what is pasted into such an input; what else sends a form may leave them in."""
    typed = forms.widgets.Input.value_from_datadict(widget, data, files, name)
    return LINE_BREAK.sub(" ", typed) if isinstance(typed, str) else typed


class AmountField(forms.DecimalField):
    """An amount of money, whatever its currency; zeros behind the last decimal that any has are not counted."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 13, "decimal_places": MOST_DECIMALS, **kwargs})

    def to_python(self, value: Any) -> Any:
        amount = super().to_python(value)
        if amount is None or not amount.is_finite() or len(amount.as_tuple().digits) > LONGEST_AMOUNT:
            return amount
        unit = Decimal(1).scaleb(-MOST_DECIMALS)
        return (
            amount.quantize(unit) if int(amount.as_tuple().exponent) < -MOST_DECIMALS and not amount % unit else amount
        )


class HiddenCharacter(Refused):
    """The text has an invisible character."""


def typed_text(text: str, longest: int) -> str:
    """Return a text that was typed where there is no form field, cut to `longest`. Raises `HiddenCharacter`.

    Without NUL, which no database accepts.
    """
    text = text.replace("\0", "").strip()[:longest]
    try:
        refuse_hidden_characters(text)
    except ValidationError as error:
        raise HiddenCharacter(error.message) from None
    return text


def typed_line(text: str, longest: int) -> str:
    """Return a text as `typed_text`, on one line."""
    return typed_text(LINE_BREAK.sub(" ", text), longest)


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


class Templates(DjangoTemplates):
    """Templates of pages, e-mails and PDFs, in which no text on record turns a line round, however it came there."""

    def get_template(self, template_name: str) -> Template:
        return _TemplateThatShows(super().get_template(template_name).template, self)


class _TemplateThatShows(Template):
    def render(self, context: Any = None, request: Any = None) -> SafeString:
        # Of safe text, the code points in their brackets are safe.
        return SafeString(with_turning_shown(super().render(context, request)))


class FormRenderer(TemplatesSetting):
    """Renders forms with the templates of the project, and focuses the first error."""

    bound_field_class = FocusedField
