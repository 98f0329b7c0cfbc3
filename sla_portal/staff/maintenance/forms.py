"""Forms for notices of maintenance windows, converted to the arguments of the operations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maintenance.models import MaintenanceWindow
from maintenance.operations import (
    WindowInThePast,
    WindowTooFarAhead,
    WindowTooLong,
    WorkTimesOutOfOrder,
    check_period,
    check_work_times,
)
from sla_portal.clocks import ClockField
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.plausible import ask_whether_meant

from ..forms import TYPED, DecisionForm, KeyedForm, ReasonForm, TimedForm

EXTENSION_MINUTES = (15, 30, 60)


def _whole_seconds(form: forms.Form, name: str) -> datetime | None:
    at = form.cleaned_data.get(name)
    if at and at.microsecond:
        form.add_error(name, _("Enter whole seconds."))
        return None
    return at


def refuse_period(form: TimedForm, starts_at: datetime, ends_at: datetime, start: str, end: str) -> None:
    """Put the refusal of a period that cannot be announced on the field of its `start` or `end`."""
    try:
        check_period(starts_at, ends_at, form.now)
    except WindowTooFarAhead as refused:
        form.add_error(start, str(refused))
    except (WindowInThePast, WindowTooLong) as refused:
        form.add_error(end, str(refused))


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
        elif starts_at and ends_at:
            refuse_period(self, starts_at, ends_at, "starts_at", "ends_at")
            ask_whether_meant(self, "starts_at", self.now)
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
            field = "ends_at" if by == TYPED else "by"
            refuse_period(self, self.announced[0], until, field, field)
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


class DiscardForm(KeyedForm, ReasonForm):
    """The reason why a draft will not be announced."""


class ConfirmForm(KeyedForm, DecisionForm):
    """The confirmation of an announcement that another person requested."""


class WithdrawForm(KeyedForm, ReasonForm):
    """The reason for withdrawing a requested announcement, or for sending it back."""


class WorkForm(TimedForm, KeyedForm):
    """When work took place that nobody recorded as it happened."""

    started_at = ClockField(label=gettext_lazy("Started at"))
    completed_at = ClockField(label=gettext_lazy("Completed at"))
    before_start = forms.BooleanField(
        label=gettext_lazy("Completed before the announced start: nothing is excluded under 4.1"), required=False
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason for changing a closed month"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
    )

    def __init__(self, *args: Any, window: MaintenanceWindow, announced_from: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.window, self.announced_from = window, announced_from
        self.asks = False

    def clean(self) -> dict[str, Any]:
        started_at, completed_at = (_whole_seconds(self, name) for name in ("started_at", "completed_at"))
        if not (started_at and completed_at):
            return self.cleaned_data
        try:
            check_work_times(self.window, started_at, completed_at, self.now)
        except WorkTimesOutOfOrder as refused:
            self.add_error(refused.field, str(refused))
        else:
            if completed_at <= self.announced_from and not self.cleaned_data.get("before_start"):
                self.asks = True
                self.add_error(
                    "completed_at",
                    _("The work was completed before the announced start. Enter a later time, or confirm it below."),
                )
        return self.cleaned_data


LATEST = epoch(datetime(9999, 1, 1, tzinfo=UTC))


class SendCancellationForm(KeyedForm):
    """A cancellation as previewed."""

    reason = forms.CharField(max_length=2000, widget=forms.HiddenInput)

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """The announced period; None: cancellation."""
        return None


class SendForm(SendCancellationForm):
    """A notice as previewed; its times in seconds since the epoch."""

    reason = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)
    why = forms.CharField(
        label=gettext_lazy("Reason for more than 24 hours"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
        help_text=gettext_lazy("For the person who confirms, and for the audit log. Not sent to customers."),
    )
    starts = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput)
    ends = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput)

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        return instant(self.cleaned_data["starts"]), instant(self.cleaned_data["ends"])
