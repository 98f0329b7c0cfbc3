"""Base forms shared by the staff pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

NOW, TYPED = "now", "typed"
YES_OR_NO = {"credit_without_claim": forms.BooleanField}
"""Terms of a version that are ticked: a column that is empty in versions of an earlier build would offer a third choice."""


class SignInForm(AdminAuthenticationForm):
    """Sign in; a name longer than any user's is refused before it reaches the database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = self.fields["username"]
        name.validators.append(MaxLengthValidator(name.max_length))


class TimedForm(forms.Form):
    """A form whose choices are relative to `now`."""

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now.replace(microsecond=0)

    def typed(self, name: str) -> datetime | None:
        """Return the instant typed into a field, or None and an error on the field."""
        at = self.cleaned_data.get(name)
        if at is None and name not in self.errors:
            self.add_error(name, _("Enter a date and a time."))
        return at


class KeyedForm(forms.Form):
    """A form with an idempotency key: sent twice, it is saved once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class CorrectionForm(forms.Form):
    """A form that asks for a reason where it would change the record of closed months."""

    correction = forms.CharField(
        label=gettext_lazy("Reason for changing a closed month"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
    )
    closed_months: Sequence[str] = ()
    changes: Sequence[dict[str, Any]] = ()

    def ask(self, months: Sequence[str], changes: Sequence[dict[str, Any]]) -> None:
        """Ask for the reason: name the months, and with `changes` what the write would change in them."""
        self.closed_months, self.changes = months, changes
        self.add_error("correction", _("Enter why the record of a closed month is changed."))


class ReasonForm(forms.Form):
    """A required reason."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        error_messages={"required": gettext_lazy("Enter a reason.")},
    )


class DecisionForm(forms.Form):
    """The reason for confirming, rejecting or revoking an exclusion; optional for a confirmation."""

    reason = forms.CharField(
        label=gettext_lazy("Reason for the decision"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        required=False,
    )
