"""The forms that the pages of every wing share."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

NOW, TYPED = "now", "typed"


class TimedForm(forms.Form):
    """A form that reads what was tapped against the present moment."""

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now.replace(microsecond=0)

    def typed(self, name: str) -> datetime | None:
        """The instant typed into a field, or None with an error on it."""
        at = self.cleaned_data.get(name)
        if at is None and name not in self.errors:
            self.add_error(name, _("Type the day and the time."))
        return at


class KeyedForm(forms.Form):
    """A form that is saved once, however often it is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        error_messages={"required": gettext_lazy("Enter a reason.")},
    )


class DecisionForm(forms.Form):
    """Why an exclusion is confirmed, rejected or revoked; a confirmation may go without."""

    reason = forms.CharField(
        label=gettext_lazy("Reason of the decision"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        required=False,
    )
