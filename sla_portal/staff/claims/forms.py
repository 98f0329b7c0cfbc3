"""Forms to enter, review and decide claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from claims.models import ClaimedTime, Enclosure, Outcome, ReplyKind, SavedReply, Source
from claims.operations.receiving import MOST_TIMES
from claims.queries import Assessment
from claims.queries.replies import replies
from claims.queries.working import reviewers
from claims.rules import GROUNDS
from claims.words import ground_name
from sla_portal.availability.clauses import CUSTOMER_CLAUSES
from sla_portal.clocks import ClockField, format_instant
from sla_portal.customers.models import Contact
from sla_portal.kernel.months import ServiceMonth
from sla_portal.website.claims.forms import TimesForm

from ..forms import TYPED, KeyedForm, ReasonForm
from ..incidents.impact import ClauseText

GRANT_CLAUSE = "3.2"
LONGEST = 20_000
ACCEPTED = ".png,.jpg,.jpeg,.webp,.heic,.heif,.avif,.pdf,.txt,.eml"


def text_field(label: Any, rows: int, **given: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.Textarea(attrs={"rows": rows}), max_length=5000, **given)


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class OutcomeForm(forms.Form):
    """Outcome of a claim, with clause and reason."""

    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), widget=forms.RadioSelect)
    clause = forms.ChoiceField(
        label=gettext_lazy("Clause of the refusal"),
        required=False,
        help_text=gettext_lazy("The clause on which the refusal is based. A grant is based on 3.2."),
    )
    reason = text_field(
        gettext_lazy("Reason, for the record"),
        2,
        error_messages={"required": gettext_lazy("Give a reason.")},
        help_text=gettext_lazy("Visible to the approver, not to the customer."),
    )

    def __init__(self, *args: Any, grounds: Sequence[str] = GROUNDS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["outcome"].choices = [(Outcome.GRANT, _("Grant")), (Outcome.REFUSE, _("Refuse"))]
        fields["clause"].choices = [("", _("choose a clause")), *((number, ground_name(number)) for number in grounds)]

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("outcome") == Outcome.GRANT:
            self.cleaned_data["clause"] = GRANT_CLAUSE
        elif not self.cleaned_data.get("clause") and "clause" not in self.errors:
            self.add_error("clause", _("Choose the clause on which the refusal is based."))
        return self.cleaned_data


class ReplyField(forms.ChoiceField):
    """A saved reply of some kinds; empty: the first that fits. Clean it to the reply."""

    def __init__(self, *kinds: ReplyKind, **kwargs: Any) -> None:
        super().__init__(label=gettext_lazy("Saved reply"), required=False, **kwargs)
        self.kinds = kinds

    def offer(self) -> None:
        """Read the replies that can be chosen."""
        # One of ours that stands in for a kind without any has no key: it is what is drafted without a choice.
        self.known = {str(one.pk): one for one in replies(*self.kinds) if one.pk}
        of_kind = {kind: [(pk, str(one)) for pk, one in self.known.items() if one.kind == kind] for kind in self.kinds}
        listed = (
            of_kind[self.kinds[0]] if len(self.kinds) == 1 else [(kind.label, of_kind[kind]) for kind in self.kinds]
        )
        self.choices = [("", _("the first that fits")), *listed]

    def clean(self, value: Any) -> SavedReply | None:
        return self.known.get(super().clean(value))


class RecommendForm(KeyedForm, OutcomeForm):
    """A recommendation, with the e-mail to the customer."""

    reply = ReplyField(ReplyKind.GRANT, ReplyKind.REFUSAL)
    voucher_minutes = forms.IntegerField(label=gettext_lazy("Voucher minutes"), min_value=0, required=False)
    letter_subject = forms.CharField(label=gettext_lazy("Subject"), max_length=300, required=False)
    letter_text = forms.CharField(
        label=gettext_lazy("E-mail text"),
        widget=forms.Textarea(attrs={"rows": 14}),
        max_length=LONGEST,
        required=False,
        help_text=gettext_lazy(
            "Above it goes the salutation; below it what is given, what the customer can do, closing and signature."
        ),
    )

    files = forms.FileField(
        label=gettext_lazy("Attach files"),
        required=False,
        widget=ManyFiles(attrs={"multiple": True, "accept": ACCEPTED}),
        help_text=gettext_lazy("Up to 5 files, 10 MB together, of the kinds that proof materials have."),
    )
    enclosed = forms.MultipleChoiceField(
        label=gettext_lazy("Attached to the e-mail"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        *args: Any,
        assessment: Assessment,
        enclosures: Sequence[Enclosure] = (),
        refused_files: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, grounds=assessment.grounds, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["clause"].help_text = _(
            "Offered are the clauses that the record bears out: of a failed check, of a confirmed exclusion of claimed minutes, "
            "and 3.3.2, where the proof materials do not show the outage."
        )
        fields["clause"].error_messages["invalid_choice"] = _(
            "On the record the claim does not fail under this clause. Choose one from the list."
        )
        fields["reply"].offer()
        self.enclosures, self.refused_files = enclosures, refused_files
        fields["enclosed"].choices = [(one.pk, f"{one.name} ({filesizeformat(one.size)})") for one in enclosures]
        most = assessment.entitlement.paid
        fields["voucher_minutes"].max_value = most
        fields["voucher_minutes"].widget.attrs |= {"max": most, "size": 6}
        fields["voucher_minutes"].initial = 0
        if assessment.blocking:
            fields["outcome"].choices = fields["outcome"].choices[1:]
            fields["outcome"].initial = Outcome.REFUSE
        self.most = most

    def clean_reply(self) -> SavedReply | None:
        reply, grants = self.cleaned_data["reply"], self.cleaned_data.get("outcome") == Outcome.GRANT
        if reply and "outcome" in self.cleaned_data and (reply.kind == ReplyKind.GRANT) != grants:
            raise forms.ValidationError(_("This reply is for the other outcome. Choose another."))
        return reply

    def clean_enclosed(self) -> list[Enclosure]:
        chosen = self.cleaned_data["enclosed"]
        return [one for one in self.enclosures if str(one.pk) in chosen]

    def clean(self) -> dict[str, Any]:
        for sentence in self.refused_files:
            self.add_error("files", sentence)
        return super().clean()

    def clean_voucher_minutes(self) -> int:
        count = self.cleaned_data["voucher_minutes"] or 0
        if count > self.most:
            raise forms.ValidationError(
                _("Voucher minutes can be at most %(most)s, the minutes that carry a charge (1.3).")
                % {"most": self.most}
            )
        return count

    def check_email(self) -> bool:
        """Whether the e-mail is complete; missing parts become errors."""
        for name in ("letter_subject", "letter_text"):
            if not self.cleaned_data.get(name):
                self.add_error(name, _("Draft or write the e-mail before you submit the recommendation."))
        return not self.errors

    def with_email(self, subject: str, text: str, assessment: Assessment) -> RecommendForm:
        """Return the same form with another e-mail."""
        data = cast("QueryDict", self.data).copy()
        data["letter_subject"], data["letter_text"] = subject, text
        form = type(self)(data, assessment=assessment, enclosures=self.enclosures, auto_id=self.auto_id)
        form.is_valid()
        return form


class TogetherForm(OutcomeForm):
    """One outcome, clause and reason for several claims; each claim is checked separately."""

    part = forms.ChoiceField(
        label=gettext_lazy("Form of compensation"),
        widget=forms.RadioSelect,
        required=False,
        initial="extension",
        choices=[
            ("extension", gettext_lazy("Service extension")),
            ("voucher", gettext_lazy("Voucher for the minutes that carry a charge")),
        ],
    )


class QuestionForm(KeyedForm):
    """A question to the customer; with `do=draft` only its saved reply counts."""

    reply = ReplyField(ReplyKind.QUESTION)
    question = text_field(
        gettext_lazy("Question to the customer"),
        3,
        help_text=gettext_lazy("Sent by e-mail exactly as written. Write it in the customer's language."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["reply"].offer()
        if self.is_bound and self.data.get("do") == "draft":
            fields["question"].required = False

    @property
    def first_reply(self) -> SavedReply:
        return replies(ReplyKind.QUESTION)[0]

    def with_question(self, question: str) -> QuestionForm:
        """Return the same form with another question."""
        data = cast("QueryDict", self.data).copy()
        data["question"] = question
        form = type(self)(data, auto_id=self.auto_id)
        form.is_valid()
        return form


class AnswerForm(KeyedForm):
    text = text_field(gettext_lazy("Customer's answer"), 3)


class AppealForm(KeyedForm):
    text = text_field(gettext_lazy("Reasons for the appeal"), 3)


class AssignForm(KeyedForm):
    """The colleague who works on a claim."""

    to = forms.ModelChoiceField(
        User.objects.none(),
        label=gettext_lazy("Assign to"),
        required=False,
        empty_label=gettext_lazy("nobody"),
        error_messages={"invalid_choice": gettext_lazy("Choose a colleague from the list.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["to"].queryset = reviewers()
        fields["to"].label_from_instance = lambda user: user.get_full_name() or user.get_username()


class NoteForm(KeyedForm):
    text = text_field(gettext_lazy("Internal note"), 3)


class SendBackForm(KeyedForm, ReasonForm):
    """The reason to send back a recommendation."""


class DecideForm(KeyedForm):
    """The recommendation and the letter that the approver saw."""

    recommendation = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    letter = forms.RegexField("[0-9a-f]{64}", widget=forms.HiddenInput, required=False)


class CustomerExclusionForm(KeyedForm):
    """An exclusion of claimed time caused by the customer (4.2 to 4.9)."""

    clause = forms.ChoiceField(label=gettext_lazy("Clause"))
    stretch = forms.ChoiceField(label=gettext_lazy("Period"), widget=forms.RadioSelect)
    starts_at = ClockField(label=gettext_lazy("From"), required=False)
    ends_at = ClockField(label=gettext_lazy("Until"), required=False)
    reason = text_field(gettext_lazy("Why the clause applies"), 2)
    evidence = text_field(
        gettext_lazy("Evidence"), 2, help_text=gettext_lazy("What the evidence shows and where it is stored.")
    )

    def __init__(self, *args: Any, clauses: Iterable[ClauseText], times: Sequence[ClaimedTime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        zone = timezone.get_current_timezone()
        self.times = {str(time.pk): (time.starts_at, time.ends_at) for time in times}
        fields["clause"].choices = [
            ("", _("choose a clause")),
            *((one.number, f"{one.number} {one.heading}") for one in clauses if one.number in CUSTOMER_CLAUSES),
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
            (TYPED, _("Another period")),
        ]
        fields["stretch"].initial = next(iter(self.times), TYPED)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("stretch") == TYPED:
            for name in ("starts_at", "ends_at"):
                if not self.cleaned_data.get(name) and name not in self.errors:
                    self.add_error(name, _("Enter a date and time."))
        return self.cleaned_data

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The chosen or entered period."""
        chosen = self.cleaned_data["stretch"]
        if chosen == TYPED:
            return self.cleaned_data["starts_at"], self.cleaned_data["ends_at"]
        return self.times[chosen]


class FilesField(forms.FileField):
    """Several files at once."""

    widget = ManyFiles(attrs={"multiple": True, "accept": ACCEPTED})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:  # noqa: ARG002 - as Django calls it
        files = data if isinstance(data, list) else [data] if data else []
        if not files:
            raise forms.ValidationError(_("Choose at least one file."))
        # The operation refuses an empty file with its own message.
        return files


class ProofForm(forms.Form):
    """Files that the customer sent by other means."""

    files = FilesField(
        label=gettext_lazy("Files from the customer"),
        help_text=gettext_lazy("PNG, JPEG, WebP, HEIC, AVIF, PDF, TXT or EML; up to 10 of 20 MB each."),
    )


class EnterForm(KeyedForm):
    """Month, contact and source of a claim."""

    month = forms.TypedChoiceField(label=gettext_lazy("Service month"), coerce=ServiceMonth.parse)
    contact = forms.TypedChoiceField(
        label=gettext_lazy("Contact"),
        help_text=gettext_lazy("E-mails and the personal link go to this address."),
    )
    source = forms.ChoiceField(
        label=gettext_lazy("Received by"),
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
    """The outages that a caller reports, in the caller's time zone: the website's form with labels for staff."""

    most_rows = MOST_TIMES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        for name in ("functions", "clients"):
            choices = fields[name].choices
            fields[name].widget = forms.CheckboxSelectMultiple(attrs={"class": "choices"})
            fields[name].choices = choices
        fields["functions"].help_text = _("None ticked means all functions.")
        fields["clients"].help_text = _("None ticked means all clients.")
        fields["zone"].label = _("Caller's time zone")
        fields["description"].label = _("Reported outage")
