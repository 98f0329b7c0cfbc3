"""Forms for notices of maintenance windows, converted to the arguments of the operations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maintenance.operations import WindowInThePast, check_not_past
from sla_portal.clocks import ClockField
from sla_portal.kernel.intervals import epoch, instant

from ..forms import TYPED, KeyedForm, ReasonForm, TimedForm

EXTENSION_MINUTES = (15, 30, 60)


def _whole_seconds(form: forms.Form, name: str) -> datetime | None:
    at = form.cleaned_data.get(name)
    if at and at.microsecond:
        form.add_error(name, _("Enter whole seconds."))
        return None
    return at


def refuse_past(form: TimedForm, name: str, ends_at: datetime) -> None:
    """Put the refusal of a window that is wholly in the past on the field `name`."""
    try:
        check_not_past(ends_at, form.now)
    except WindowInThePast as refused:
        form.add_error(name, str(refused))


class NoticeReasonForm(forms.Form):
    """The reason given to the recipients of a notice."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
        help_text=gettext_lazy("Optional. Sent as written, in every language."),
    )


class AnnouncementForm(TimedForm, NoticeReasonForm):
    """The start and end that a notice announces."""

    starts_at = ClockField(label=gettext_lazy("From"))
    ends_at = ClockField(label=gettext_lazy("Until"))
    field_order = ("starts_at", "ends_at", "reason")

    def clean(self) -> dict[str, Any]:
        starts_at, ends_at = (_whole_seconds(self, name) for name in ("starts_at", "ends_at"))
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", _("The window ends before it starts. Enter an end after the start."))
        elif ends_at:
            refuse_past(self, "ends_at", ends_at)
        return self.cleaned_data

    @property
    def period(self) -> tuple[datetime, datetime]:
        return self.cleaned_data["starts_at"], self.cleaned_data["ends_at"]


class ExtensionForm(TimedForm, NoticeReasonForm):
    """The extension of a window beyond its announced end."""

    by = forms.ChoiceField(label=gettext_lazy("Extend by"), widget=forms.RadioSelect)
    ends_at = ClockField(label=gettext_lazy("New end"), required=False)
    field_order = ("by", "ends_at", "reason")

    def __init__(self, *args: Any, announced: tuple[datetime, datetime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.announced = announced
        by: Any = self.fields["by"]
        by.choices = [
            *((str(count), _("%(count)s min") % {"count": count}) for count in EXTENSION_MINUTES),
            (TYPED, _("Specify time")),
        ]

    def clean(self) -> dict[str, Any]:
        ends_at = self.announced[1]
        by = self.cleaned_data.get("by")
        if by == TYPED:
            until = self.typed("ends_at") and _whole_seconds(self, "ends_at")
            if until and until <= ends_at:
                self.add_error(
                    "ends_at",
                    _("The window is already announced until this time or later. Enter a later end, or reschedule it."),
                )
        elif by:
            until = ends_at + timedelta(minutes=int(by))
        else:
            until = None
        if until and until > ends_at:
            refuse_past(self, "ends_at" if by == TYPED else "by", until)
        self.cleaned_data["until"] = until
        return self.cleaned_data

    @property
    def period(self) -> tuple[datetime, datetime]:
        return self.announced[0], self.cleaned_data["until"]


class CancellationForm(forms.Form):
    """The reason for cancelling an announced window."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text=gettext_lazy("Sent as written, in every language."),
    )

    @property
    def period(self) -> tuple[None, None]:
        return None, None


class NotCarriedOutForm(KeyedForm, ReasonForm):
    """The reason why an announced window passed without maintenance; for the record, sent to nobody."""


LATEST = epoch(datetime(9999, 1, 1, tzinfo=UTC))


class SendCancellationForm(KeyedForm):
    """A cancellation as previewed; `after` is the newest notice at the time of the preview."""

    after = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=2000, widget=forms.HiddenInput)

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """The announced period; None: cancellation."""
        return None


class SendForm(SendCancellationForm):
    """A notice as previewed; its times in seconds since the epoch."""

    reason = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)
    starts = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput)
    ends = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput)

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        return instant(self.cleaned_data["starts"]), instant(self.cleaned_data["ends"])
