"""The forms of maintenance windows and their notices, made into what the operations take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.clocks import ClockField
from sla_portal.kernel.intervals import epoch, instant

from ..forms import TYPED, KeyedForm, TimedForm

MINUTES_LONGER = (15, 30, 60)


def _whole_seconds(form: forms.Form, name: str) -> datetime | None:
    at = form.cleaned_data.get(name)
    if at and at.microsecond:
        form.add_error(name, _("Give whole seconds."))
        return None
    return at


class WhyForm(forms.Form):
    """A sentence of our own for those who are told."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
        help_text=gettext_lazy("Goes out as it is written, in every language. May stay empty."),
    )


class AnnouncementForm(WhyForm):
    """The start and end that a notice announces."""

    starts_at = ClockField(label=gettext_lazy("From"))
    ends_at = ClockField(label=gettext_lazy("Until"))
    field_order = ("starts_at", "ends_at", "reason")

    def clean(self) -> dict[str, Any]:
        starts_at, ends_at = (_whole_seconds(self, name) for name in ("starts_at", "ends_at"))
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", _("The window ends before it starts. Give an end after the start."))
        return self.cleaned_data

    @property
    def stretch(self) -> tuple[datetime, datetime]:
        return self.cleaned_data["starts_at"], self.cleaned_data["ends_at"]


class LengtheningForm(TimedForm, WhyForm):
    """How much longer a window is to be, than it was announced last."""

    by = forms.ChoiceField(label=gettext_lazy("How much longer"), widget=forms.RadioSelect)
    ends_at = ClockField(label=gettext_lazy("Until"), required=False)
    field_order = ("by", "ends_at", "reason")

    def __init__(self, *args: Any, announced: tuple[datetime, datetime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.announced = announced
        by: Any = self.fields["by"]
        by.choices = [
            *((str(count), _("%(count)s min longer") % {"count": count}) for count in MINUTES_LONGER),
            (TYPED, _("Until another time")),
        ]

    def clean(self) -> dict[str, Any]:
        ends_at = self.announced[1]
        by = self.cleaned_data.get("by")
        if by == TYPED:
            until = self.typed("ends_at") and _whole_seconds(self, "ends_at")
            if until and until <= ends_at:
                self.add_error("ends_at", _("It was announced to end then or later. Give a later end, or move it."))
        elif by:
            until = ends_at + timedelta(minutes=int(by))
        else:
            until = None
        self.cleaned_data["until"] = until
        return self.cleaned_data

    @property
    def stretch(self) -> tuple[datetime, datetime]:
        return self.announced[0], self.cleaned_data["until"]


class CancellationForm(forms.Form):
    """Why an announced window will not be."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text=gettext_lazy("Goes out as it is written, in every language."),
    )

    @property
    def stretch(self) -> tuple[None, None]:
        return None, None


LATEST = epoch(datetime(9999, 1, 1, tzinfo=UTC))


class SendCancellationForm(KeyedForm):
    """A cancellation just as it was shown, and the notice before it on which all that was shown builds."""

    after = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=2000, widget=forms.HiddenInput)

    @property
    def stretch(self) -> tuple[datetime, datetime] | None:
        """What is announced; None: that there will be nothing."""
        return None


class SendForm(SendCancellationForm):
    """A notice of a window just as it was shown; its times in seconds since the epoch."""

    reason = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)
    starts = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput)
    ends = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput)

    @property
    def stretch(self) -> tuple[datetime, datetime] | None:
        return instant(self.cleaned_data["starts"]), instant(self.cleaned_data["ends"])
