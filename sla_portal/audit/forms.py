"""A form of a record that others may change at the same time."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

THEIRS = "theirs"
"""Names of fields that keep their present values, whatever was typed."""


class MergingForm(forms.ModelForm):
    """A form that carries the values it was shown with; a field that was left as shown keeps its present value."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            return
        if self.is_bound:
            self.data = self.data.copy()
        for name, field in self.fields.items():
            if name in self.initial and not field.disabled:
                field.show_hidden_initial = not self.is_bound or self._carries(name)

    def _carries(self, name: str) -> bool:
        """Whether the value that was shown was submitted; without it, what was submitted counts as typed."""
        shown = self[name].html_initial_name
        if f"{shown}_0" in self.data:
            # Django looks for this name alone, and would show again what was typed as what had been shown.
            self.data[shown] = ""
        return shown in self.data

    def _is_kept(self, name: str) -> bool:
        if self.instance._state.adding or name not in self.initial:
            return False
        if self[name].html_name in self.data.getlist(THEIRS):
            return True
        return self.fields[name].show_hidden_initial and not self._is_typed(name)

    def _is_typed(self, name: str) -> bool:
        field = self.fields[name]
        shown = field.hidden_widget().value_from_datadict(self.data, self.files, self[name].html_initial_name)
        try:
            if isinstance(field, forms.MultiValueField):
                shown = field.clean(shown) if any(shown) else None
            else:
                shown = field.to_python(shown)
        except ValidationError:
            return True
        return field.has_changed(shown, self[name].data)

    def _clean_fields(self) -> None:
        super()._clean_fields()
        for name in filter(self._is_kept, self.fields):
            self._errors.pop(name, None)
            try:
                self.cleaned_data[name] = self._present(name)
            except ValidationError as error:
                self.add_error(name, error)

    def _present(self, name: str) -> Any:
        field = self.fields[name]
        value = field.prepare_value(self[name].initial)
        if isinstance(field, forms.MultiValueField):
            value = field.widget.decompress(value)
        return field.clean(value)

    @property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if not self._is_kept(name)]
