"""Form fields for the affected regions, core functions and clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext as _

from .models import Client, CoreFunction, Region

ALL = "all"
SCOPES: Mapping[str, type[models.Model]] = {"regions": Region, "functions": CoreFunction, "clients": Client}


class ScopeField(forms.MultipleChoiceField):
    """All, or those selected. A row without any means all; a form without any is incomplete."""

    widget = forms.CheckboxSelectMultiple(attrs={"class": "choices"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)


class ScopedForm(forms.ModelForm):
    """A form of a row with many-to-many fields for regions, functions or clients."""

    def __init__(self, *args: Any, offered: Mapping[str, Sequence[models.Model]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scopes = [name for name in SCOPES if name in self.fields]
        for name in self.scopes:
            rows = offered[name] if offered else SCOPES[name]._default_manager.all()
            self.fields[name].choices = [(ALL, _("all")), *((str(row.pk), str(row)) for row in rows)]
            if not self.instance._state.adding:
                self.initial[name] = [str(row.pk) for row in getattr(self.instance, name).all()] or [ALL]

    def clean(self) -> dict[str, Any]:
        facts = super().clean()
        for name in self.scopes:
            if ALL in facts.get(name, ()) and len(facts[name]) > 1:
                self.add_error(name, _("Select either “all” or individual items."))
        return facts

    def _save_m2m(self) -> None:
        """Save the selected rows; Django would save the raw choices, including “all”."""
        for name in self.scopes:
            ticked = self.cleaned_data[name]
            getattr(self.instance, name).set([] if ALL in ticked else ticked)


def offered() -> dict[str, list[models.Model]]:
    """Return the choices, read once for many forms."""
    return {name: list(model._default_manager.all()) for name, model in SCOPES.items()}
