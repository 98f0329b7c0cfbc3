"""What of the service is concerned, as ticked on a form."""

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
    """All of them, or those ticked. A row that names none means all; on a form nothing ticked is an oversight."""

    widget = forms.CheckboxSelectMultiple(attrs={"class": "choices"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)


class ScopedForm(forms.ModelForm):
    """A form of a row that names regions, functions or clients through its own link tables."""

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
        """Link the saved row with what was ticked; Django would link it with the boxes."""
        for name in self.scopes:
            ticked = self.cleaned_data[name]
            getattr(self.instance, name).set([] if ALL in ticked else ticked)


def offered() -> dict[str, list[models.Model]]:
    """What can be ticked, read once for many forms."""
    return {name: list(model._default_manager.all()) for name, model in SCOPES.items()}
