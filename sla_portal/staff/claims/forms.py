"""The forms with which claims are entered, reviewed and decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from claims.models import ClaimedTime, Outcome, Source
from claims.queries import Assessment
from claims.rules import GROUNDS
from claims.words import ground_name
from sla_portal.availability.clauses import OWN_CLAUSES
from sla_portal.clocks import ClockField, format_instant
from sla_portal.customers.models import Contact
from sla_portal.kernel.months import ServiceMonth
from sla_portal.website.claims.forms import TimesForm

from ..forms import TYPED, KeyedForm, ReasonForm
from ..incidents.impact import ClauseText

GRANT_CLAUSE = "3.2"
LONGEST = 20_000


def text_field(label: Any, rows: int, **given: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.Textarea(attrs={"rows": rows}), max_length=5000, **given)


class OutcomeForm(forms.Form):
    """Grant or refuse, on which clause and why."""

    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), widget=forms.RadioSelect)
    clause = forms.ChoiceField(
        label=gettext_lazy("Clause of a refusal"),
        required=False,
        help_text=gettext_lazy("A refusal names the clause on which it rests. A grant rests on 3.2."),
    )
    reason = text_field(
        gettext_lazy("Reason, for the record"),
        2,
        error_messages={"required": gettext_lazy("Say why.")},
        help_text=gettext_lazy("Read by the second person, not by the customer."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["outcome"].choices = [(Outcome.GRANT, _("Grant")), (Outcome.REFUSE, _("Refuse"))]
        fields["clause"].choices = [("", _("choose a clause")), *((number, ground_name(number)) for number in GROUNDS)]

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("outcome") == Outcome.GRANT:
            self.cleaned_data["clause"] = GRANT_CLAUSE
        elif not self.cleaned_data.get("clause") and "clause" not in self.errors:
            self.add_error("clause", _("Name the clause on which the refusal rests."))
        return self.cleaned_data


class RecommendForm(KeyedForm, OutcomeForm):
    """What one person recommends, with the letter as it will go out."""

    voucher_minutes = forms.IntegerField(label=gettext_lazy("Minutes as voucher"), min_value=0, required=False)
    letter_subject = forms.CharField(label=gettext_lazy("Subject"), max_length=300, required=False)
    letter_text = forms.CharField(
        label=gettext_lazy("Letter"),
        widget=forms.Textarea(attrs={"rows": 14}),
        max_length=LONGEST,
        required=False,
        help_text=gettext_lazy(
            "What is given, and the link to the page of the claim, are added below it by themselves."
        ),
    )

    def __init__(self, *args: Any, assessment: Assessment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        most = assessment.entitlement.paid
        fields["voucher_minutes"].max_value = most
        fields["voucher_minutes"].widget.attrs |= {"max": most, "size": 6}
        fields["voucher_minutes"].initial = 0
        if assessment.blocking:
            fields["outcome"].choices = fields["outcome"].choices[1:]
            fields["outcome"].initial = Outcome.REFUSE
        self.most = most

    def clean_voucher_minutes(self) -> int:
        count = self.cleaned_data["voucher_minutes"] or 0
        if count > self.most:
            raise forms.ValidationError(
                _("At most %(most)s minutes can be given as voucher: only those that carry a charge (1.3).")
                % {"most": self.most}
            )
        return count

    def check_letter(self) -> bool:
        """Whether the letter can go out; what is missing becomes an error."""
        for name in ("letter_subject", "letter_text"):
            if not self.cleaned_data.get(name):
                self.add_error(name, _("Draft the letter, or write it, before you recommend."))
        return not self.errors

    def with_letter(self, subject: str, text: str, assessment: Assessment) -> RecommendForm:
        """The same form with another letter in it."""
        data = cast("QueryDict", self.data).copy()
        data["letter_subject"], data["letter_text"] = subject, text
        form = type(self)(data, assessment=assessment, auto_id=self.auto_id)
        form.is_valid()
        return form


class TogetherForm(OutcomeForm):
    """One outcome, clause and reason for many claims; each is still checked by itself."""

    part = forms.ChoiceField(
        label=gettext_lazy("What is given as"),
        widget=forms.RadioSelect,
        required=False,
        initial="extension",
        choices=[
            ("extension", gettext_lazy("Service extension")),
            ("voucher", gettext_lazy("Voucher, as far as the minutes carry a charge")),
        ],
    )


class QuestionForm(KeyedForm):
    question = text_field(
        gettext_lazy("What do you need from the customer?"),
        3,
        help_text=gettext_lazy("Goes out by mail as it is written, in the customer's language."),
    )


class AnswerForm(KeyedForm):
    text = text_field(gettext_lazy("What did the customer say?"), 3)


class AppealForm(KeyedForm):
    text = text_field(gettext_lazy("What does the customer say against the refusal?"), 3)


class ReturnForm(KeyedForm, ReasonForm):
    """Why a recommendation is returned."""


class DecideForm(KeyedForm):
    """The recommendation that was shown."""

    recommendation = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class OwnExclusionForm(KeyedForm):
    """Claimed time to be found of the customer's own making (4.2 to 4.9)."""

    clause = forms.ChoiceField(label=gettext_lazy("Clause"))
    stretch = forms.ChoiceField(label=gettext_lazy("Which time"), widget=forms.RadioSelect)
    starts_at = ClockField(label=gettext_lazy("From"), required=False)
    ends_at = ClockField(label=gettext_lazy("Until"), required=False)
    reason = text_field(gettext_lazy("Why the clause applies"), 2)
    evidence = text_field(gettext_lazy("Evidence"), 2, help_text=gettext_lazy("What proves it, and where it is found."))

    def __init__(self, *args: Any, clauses: Iterable[ClauseText], times: Sequence[ClaimedTime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        zone = timezone.get_current_timezone()
        self.times = {str(time.pk): (time.starts_at, time.ends_at) for time in times}
        fields["clause"].choices = [
            ("", _("choose a clause")),
            *((one.number, f"{one.number} {one.heading}") for one in clauses if one.number in OWN_CLAUSES),
        ]
        fields["stretch"].choices = [
            *(
                (
                    pk,
                    _("%(start)s to %(end)s")
                    % {"start": format_instant(start, zone), "end": format_instant(end, zone)},
                )
                for pk, (start, end) in self.times.items()
            ),
            (TYPED, _("Another time")),
        ]
        fields["stretch"].initial = next(iter(self.times), TYPED)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("stretch") == TYPED:
            for name in ("starts_at", "ends_at"):
                if not self.cleaned_data.get(name) and name not in self.errors:
                    self.add_error(name, _("Type the day and the time."))
        return self.cleaned_data

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The time chosen or typed."""
        chosen = self.cleaned_data["stretch"]
        if chosen == TYPED:
            return self.cleaned_data["starts_at"], self.cleaned_data["ends_at"]
        return self.times[chosen]


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once."""

    widget = ManyFiles(attrs={"multiple": True, "accept": ".png,.jpg,.jpeg,.webp,.pdf,.txt,.eml"})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:  # noqa: ARG002 - as Django calls it
        files = data if isinstance(data, list) else [data] if data else []
        if not files:
            raise forms.ValidationError(_("Choose at least one file."))
        # An empty file is refused by the operation, with its own sentence.
        return files


class ProofForm(forms.Form):
    """Files that the customer sent another way."""

    files = FilesField(
        label=gettext_lazy("Files that the customer sent"),
        help_text=gettext_lazy("PNG, JPEG, WebP, PDF, TXT or EML; up to 10 of 20 MB each."),
    )


class EnterForm(KeyedForm):
    """For which month, who asks, and how it came."""

    month = forms.TypedChoiceField(label=gettext_lazy("Service month"), coerce=ServiceMonth.parse)
    contact = forms.TypedChoiceField(
        label=gettext_lazy("Who speaks for the customer"),
        help_text=gettext_lazy("The letters and the private link go to this address."),
    )
    source = forms.ChoiceField(
        label=gettext_lazy("How it came"),
        widget=forms.RadioSelect,
        initial=Source.PHONE,
        choices=[(Source.PHONE, Source.PHONE.label), (Source.TICKET, Source.TICKET.label)],
    )
    ticket_number = forms.CharField(label=gettext_lazy("Ticket number"), max_length=60, required=False)

    def __init__(
        self, *args: Any, months: Sequence[tuple[ServiceMonth, str]], contacts: Sequence[Contact], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        known = {str(contact.pk): contact for contact in contacts}
        fields["month"].choices = [(str(month), name) for month, name in months]
        fields["contact"].choices = [
            (pk, f"{one.email} ({one.name})" if one.name else one.email) for pk, one in known.items()
        ]
        fields["contact"].coerce = known.get


class CallerTimesForm(TimesForm):
    """The times that a caller tells, on the caller's own clock: the website's form, in the words of the desk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        for name in ("functions", "clients"):
            choices = fields[name].choices
            fields[name].widget = forms.CheckboxSelectMultiple(attrs={"class": "choices"})
            fields[name].choices = choices
        fields["functions"].help_text = _("None ticked: every function.")
        fields["clients"].help_text = _("None ticked: every client.")
        fields["zone"].label = _("The caller's time zone")
        fields["description"].label = _("What they saw")
