"""The forms of an amendment: text, terms, effective date, customer responses, register entries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

from django import forms
from django.conf import settings
from django.db.models import Q
from django.forms.models import fields_for_model
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from sla_portal.agreements.changes import TERMS
from sla_portal.agreements.models import (
    CLAUSE_FIELDS,
    LATER_TERMS,
    TERM_FIELDS,
    AgreementVersion,
    Clause,
    Contract,
    RegisterEntry,
)
from sla_portal.agreements.operations import NotAcceptable
from sla_portal.agreements.operations.drafting import MOST_CLAUSES
from sla_portal.agreements.operations.register import TEXTS
from sla_portal.agreements.queries.drafts import SUMMARIES, DraftContent
from sla_portal.agreements.rules import AnswerKind, Terms, plain_text
from sla_portal.clocks import DayInput
from sla_portal.customers.models import code_validator
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import day_span, local_date
from sla_portal.plausible import ask_whether_meant

from ..forms import YES_OR_NO, KeyedForm
from .merging import MINE, THEIRS, EditedClause

KEEP = "keep_"
"""How the field is called that chooses between what is typed into a term or summary and what another person saved."""


def keep_field() -> forms.ChoiceField:
    """The choice between what is typed and what another person saved."""
    return forms.ChoiceField(
        choices=[(MINE, gettext_lazy("keep mine")), (THEIRS, gettext_lazy("keep theirs"))],
        initial=MINE,
        required=False,
        widget=forms.RadioSelect,
    )


class StartForm(forms.Form):
    """The name of a new draft and the version its text comes from."""

    version = forms.CharField(
        label=gettext_lazy("Name of the new version"),
        max_length=20,
        validators=[code_validator],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text_of = forms.ModelChoiceField(
        AgreementVersion.objects.filter(Q(published_at__isnull=True) | Q(withdrawn_at__isnull=False)),
        label=gettext_lazy("Text and terms"),
        required=False,
        empty_label=gettext_lazy("of the newest version"),
        error_messages={"invalid_choice": gettext_lazy("Choose an item from the list.")},
    )


class TermsForm(forms.Form):
    """The terms and summary of changes of a draft; what another person saved is chosen from `known`."""

    def __init__(self, *args: Any, draft: AgreementVersion, known: DraftContent | None = None, **kwargs: Any) -> None:
        names = (*TERM_FIELDS, *SUMMARIES)
        initial = {name: getattr(draft, name) for name in names} | {
            "availability_target": draft.terms.target_text,
            "smallest_voucher": f"{draft.terms.smallest_voucher.normalize():f}",
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.fields |= fields_for_model(AgreementVersion, fields=names, field_classes=YES_OR_NO)
        for name in SUMMARIES:
            self.fields[name].widget = forms.Textarea(attrs={"rows": 5, "lang": "zh-hans" if "_zh" in name else "en"})
        self.fields |= {f"{KEEP}{name}": keep_field() for name in names if f"{KEEP}{name}" in self.data}
        self.draft, self.known = draft, known

    @property
    def values(self) -> dict[str, Any]:
        """The terms and summaries by their columns, as they were chosen to be."""
        return {name: self._value(name) for name in (*TERM_FIELDS, *SUMMARIES)}

    def _value(self, name: str) -> Any:
        if self.known and self.cleaned_data.get(f"{KEEP}{name}") == THEIRS:
            return self.known.values[name]
        typed = self.cleaned_data[name]
        if name in LATER_TERMS:
            return typed or None
        return plain_text(typed) if name in SUMMARIES else typed

    def choice(self, name: str) -> forms.BoundField | None:
        """The field that chooses between what is typed and what another person saved, where both changed it."""
        return self[f"{KEEP}{name}"] if f"{KEEP}{name}" in self.fields else None

    @property
    def as_terms(self) -> Terms:
        """Return the terms as typed, or the draft's own if they are invalid."""
        if not self.is_bound or not self.is_valid():
            return self.draft.terms
        return terms_of(self.draft, self.values)


def terms_of(draft: AgreementVersion, values: Mapping[str, Any]) -> Terms:
    """Return the terms of a draft with other `values` of its columns."""
    terms = {name: values[name] for name in TERM_FIELDS}
    return AgreementVersion(version=draft.version, effective_on=draft.effective_on, **terms).terms


class ClauseForm(forms.Form):
    """A clause of a draft: its number, and its heading, wording and summary in both languages; see `EditedClause`."""

    theirs = forms.CharField(max_length=100, required=False, widget=forms.HiddenInput)
    keep = keep_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= fields_for_model(Clause, fields=CLAUSE_FIELDS)
        for name in CLAUSE_FIELDS:
            field = self.fields[name]
            field.widget.attrs |= {"lang": "zh-hans"} if name.endswith("_zh") else {"lang": "en"}
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs |= {"rows": 4}
        self.fields["number"].widget.attrs |= {"size": 6, "autocomplete": "off"}

    @property
    def text(self) -> EditedClause:
        texts = {name: plain_text(self.cleaned_data[name]) for name in CLAUSE_FIELDS}
        return EditedClause(**texts, theirs=self.cleaned_data["theirs"], keep=self.cleaned_data["keep"] or MINE)

    @property
    def shown(self) -> EditedClause:
        """The clause as it stands in the form, valid or not."""
        return EditedClause(**{name: self[name].value() or "" for name in (*CLAUSE_FIELDS, "theirs", "keep")})


ClauseForms = forms.formset_factory(
    ClauseForm, extra=0, can_delete=True, max_num=MOST_CLAUSES, validate_max=True, absolute_max=MOST_CLAUSES
)


def clause_forms(clauses: Sequence[EditedClause]) -> forms.BaseFormSet[ClauseForm]:
    """Return unbound forms of these clauses."""
    return ClauseForms(initial=[vars(clause) for clause in clauses], prefix="clauses")


def clauses_typed(formset: forms.BaseFormSet[ClauseForm]) -> list[EditedClause]:
    """Return the clauses of valid forms in their order, without the removed ones."""
    return [form.text for form in formset.forms if not form.cleaned_data.get("DELETE")]


def put_errors(refused: NotAcceptable, terms: TermsForm, formset: forms.BaseFormSet[ClauseForm]) -> None:
    """Add each error to its field (`clauses.3.1.heading`, `availability_target`)."""
    by_number = {form.cleaned_data.get("number"): form for form in formset.forms}
    for name, sentences in refused.errors.items():
        about, _dot, field = name.removeprefix("clauses.").rpartition(".")
        form = by_number.get(about) if name.startswith("clauses.") else None
        for sentence in sentences:
            if form is not None and field in form.fields:
                form.add_error(field, sentence)
            elif name in terms.fields:
                terms.add_error(name, sentence)
            else:
                terms.add_error(None, sentence)


# Publishing


FEW_DAYS = 14
"""A version in force for fewer days is asked about."""


class SubmitForm(forms.Form):
    """The effective date of a version."""

    effective_on = forms.DateField(
        label=gettext_lazy("In force from"),
        widget=DayInput,
        help_text=gettext_lazy("From 00:00 of this day in the SLA time zone."),
    )

    def __init__(
        self, *args: Any, earliest: date, now: datetime, before: AgreementVersion | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, initial={"effective_on": earliest}, **kwargs)
        self.now, self.before = now, before
        self.fields["effective_on"].widget.attrs["min"] = earliest.isoformat()

    def clean_effective_on(self) -> date:
        day: date = self.cleaned_data["effective_on"]
        if not 2000 <= day.year <= 2999:
            raise forms.ValidationError(_("Give the year in four digits, for example 2026."))
        return day

    def clean(self) -> dict[str, Any]:
        ask_whether_meant(self, "effective_on", self.now, because=self._short_reign())
        return self.cleaned_data

    def _short_reign(self) -> str:
        """Say so where the version before would be in force for a few days only."""
        day = self.cleaned_data.get("effective_on")
        if day is None or self.before is None or not 0 < (days := (day - self.before.takes_effect_on).days) < FEW_DAYS:
            return ""
        sentence = ngettext(
            "Version %(version)s would be in force for %(days)s day only, from %(first)s to %(last)s.",
            "Version %(version)s would be in force for %(days)s days only, from %(first)s to %(last)s.",
            days,
        )
        return sentence % {
            "version": self.before,
            "days": days,
            "first": self.before.takes_effect_on.isoformat(),
            "last": (day - timedelta(days=1)).isoformat(),
        }


class WithdrawForm(KeyedForm):
    """The reason for withdrawing an announced version, in each language; `previewed` is the digest of what was shown."""

    reason = forms.CharField(
        label=gettext_lazy("Reason, in English"),
        widget=forms.Textarea(attrs={"rows": 3, "lang": "en"}),
        max_length=2000,
        error_messages={"required": gettext_lazy("Enter the reason in English: whoever reads English gets this text.")},
    )
    reason_zh = forms.CharField(
        label=gettext_lazy("Reason, in Chinese"),
        widget=forms.Textarea(attrs={"rows": 3, "lang": "zh-hans"}),
        max_length=2000,
        error_messages={"required": gettext_lazy("Enter the reason in Chinese: whoever reads Chinese gets this text.")},
    )
    previewed = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    @property
    def signature(self) -> str:
        """The digest of what the e-mail says."""
        return hashlib.sha256(
            "\0".join(self.cleaned_data[name] for name in ("reason", "reason_zh")).encode()
        ).hexdigest()

    @property
    def may_be_saved(self) -> bool:
        return bool(self.cleaned_data["previewed"] == self.signature)

    def for_preview(self) -> WithdrawForm:
        """Return the same form, which is saved when it is sent unchanged."""
        data = cast("QueryDict", self.data).copy()
        data["previewed"] = self.signature
        return type(self)(data, auto_id=self.auto_id)


# Customer responses


class AnswerForm(forms.Form):
    """An objection or termination received outside the portal; `previewed` is the signature whose consequences were shown."""

    CHANNELS = (
        ("letter", gettext_lazy("By letter")),
        ("phone", gettext_lazy("By telephone")),
        ("mail", gettext_lazy("By e-mail")),
        ("person", gettext_lazy("In person")),
    )
    KINDS = (
        (AnswerKind.ACCEPTANCE.value, gettext_lazy("Accepts the amendment")),
        (AnswerKind.OBJECTION.value, gettext_lazy("Objects to the amendment")),
        (AnswerKind.TERMINATION.value, gettext_lazy("Terminates the contract")),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Response of the customer"), choices=KINDS, widget=forms.RadioSelect)
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), choices=CHANNELS, widget=forms.RadioSelect)
    received_on = forms.DateField(
        label=gettext_lazy("Received on"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=gettext_lazy("In the SLA time zone."),
    )
    by_name = forms.CharField(label=gettext_lazy("Person responding for the customer"), max_length=200)
    text = forms.CharField(
        label=gettext_lazy("Content of the response"),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4900,
        required=False,
    )
    contract = forms.TypedChoiceField(label=gettext_lazy("Contract"), required=False, empty_value=None)
    last_day = forms.DateField(
        label=gettext_lazy("Last service day"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        required=False,
        help_text=gettext_lazy("For a termination. Empty: the latest possible day."),
    )
    previewed = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, contracts: Sequence[Contract], announced_at: datetime, now: datetime, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.contracts, self.announced_at, self.now = {str(one.pk): one for one in contracts}, announced_at, now
        contract: Any = self.fields["contract"]
        contract.choices = [
            ("", _("All contracts concerned")),
            *((pk, one.reference) for pk, one in self.contracts.items()),
        ]
        contract.coerce = self.contracts.get
        today = local_date(epoch(now), settings.SLA_ZONE)
        received: Any = self.fields["received_on"]
        received.initial = today
        received.widget.attrs |= {
            "max": today.isoformat(), "min": local_date(epoch(announced_at), settings.SLA_ZONE).isoformat(),
        }  # fmt: skip

    def clean_received_on(self) -> date:
        day: date = self.cleaned_data["received_on"]
        if not date(1970, 1, 2) <= day <= local_date(epoch(self.now), settings.SLA_ZONE):
            raise forms.ValidationError(_("Enter the day it was received: today or earlier."))
        return day

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("kind") != AnswerKind.TERMINATION.value:
            self.cleaned_data |= {"last_day": None, "contract": None}
        return self.cleaned_data

    @property
    def answer_kind(self) -> AnswerKind:
        return AnswerKind(self.cleaned_data["kind"])

    @property
    def received_at(self) -> datetime:
        """The start of the day of receipt; on the day of the announcement, the time of the announcement."""
        day = self.cleaned_data["received_on"]
        if day == local_date(epoch(self.announced_at), settings.SLA_ZONE):
            return self.announced_at
        return instant(day_span(day, settings.SLA_ZONE)[0])

    @property
    def words(self) -> str:
        """Channel and content, as stored."""
        return f"{dict(self.CHANNELS)[self.cleaned_data['channel']]}. {self.cleaned_data['text']}".strip()

    @property
    def signature(self) -> str:
        """The values that decide the consequences."""
        given = self.cleaned_data
        return f"{given['kind']} {given['contract'].pk if given['contract'] else ''} {given['last_day'] or ''} {given['received_on']}"

    @property
    def may_be_saved(self) -> bool:
        return bool(self.cleaned_data["previewed"] == self.signature)

    def for_preview(self) -> AnswerForm:
        """Return the same form, which is registered when it is sent unchanged."""
        data = cast("QueryDict", self.data).copy()
        data["previewed"] = self.signature
        return type(self)(data, contracts=list(self.contracts.values()), announced_at=self.announced_at, now=self.now)


# The register of errata and interpretations


class EntryForm(forms.Form):
    """A register entry in both languages."""

    def __init__(self, *args: Any, entry: RegisterEntry | None = None, **kwargs: Any) -> None:
        initial = {name: getattr(entry, name) for name in TEXTS} if entry else {}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields |= fields_for_model(RegisterEntry, fields=TEXTS)
        terms: Any = self.fields["term"]
        self.fields["term"] = forms.ChoiceField(
            label=terms.label,
            help_text=terms.help_text,
            required=False,
            choices=[("", _("none")), *((field, term.name()) for field, term in TERMS.items())],
        )
        for name, field in self.fields.items():
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs |= {"rows": 3, "lang": "zh-hans" if name.endswith("_zh") else "en"}


class CopyForm(forms.Form):
    """The draft into which a proposed wording is copied."""

    # Not a ModelChoiceField: that passes any number to the database, which may be out of range.
    draft = forms.TypedChoiceField(label=gettext_lazy("Draft"))

    def __init__(self, *args: Any, drafts: Iterable[AgreementVersion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {str(draft.pk): draft for draft in drafts}
        field: Any = self.fields["draft"]
        field.choices = [(pk, draft.version) for pk, draft in known.items()]
        field.coerce = known.get
