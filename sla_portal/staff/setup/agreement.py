"""Set the first version of the agreement: its day, terms, and text in both languages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.forms.models import fields_for_model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from sla_portal.agreements.models import LATER_TERMS, TERM_FIELDS, AgreementVersion
from sla_portal.agreements.operations import NotAcceptable, load_wording, set_first_version
from sla_portal.agreements.queries import first_version as first_on_record
from sla_portal.agreements.queries import missing_in_first_version, stands_still
from sla_portal.agreements.queries.versions import UNKNOWN_DAY
from sla_portal.agreements.rules import plain_text
from sla_portal.agreements.wording import NotAnAgreement, NumberedText, numbered_text, read_numbered_text
from sla_portal.audit.actors import Actor
from sla_portal.audit.versions import acting

from ..common import page, refusals_on, require_right
from ..forms import YES_OR_NO

RIGHT = "agreements.set_first_version"
TEXTS = {"english": "en", "chinese": "zh-hans"}
MOST = 200_000
"""Characters of a text."""


class TextField(forms.CharField):
    """A numbered text; its value are the clauses, or None where it is empty."""

    widget = forms.Textarea(attrs={"rows": 16})

    def to_python(self, value: Any) -> Any:
        text = plain_text(super().to_python(value))
        if not text.strip():
            return None
        if len(text) > MOST:
            raise forms.ValidationError(
                _("The text has %(length)d characters. At most %(most)d are allowed.")
                % {"length": len(text), "most": MOST}
            )
        try:
            return read_numbered_text(text)
        except NotAnAgreement as error:
            raise forms.ValidationError(str(error)) from None


class FirstVersionForm(forms.Form):
    """Day, terms and texts; with `texts_only`, once the version stands still, only a text that is missing."""

    effective_on = forms.DateField(
        label=gettext_lazy("In force since"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("The first day, on the SLA clock. No month before it is closed."),
        error_messages={"invalid": gettext_lazy("Enter the date in the form 2026-12-31.")},
    )
    english = TextField(label=gettext_lazy("Text in English"), required=False)
    chinese = TextField(label=gettext_lazy("Text in Chinese"), required=False)

    def __init__(self, data: Any, *, version: AgreementVersion, texts_only: bool) -> None:
        day = version.effective_on
        initial: dict[str, Any] = {"effective_on": None if day == UNKNOWN_DAY else day}
        initial |= {name: getattr(version, name) for name in TERM_FIELDS}
        initial["availability_target"] = version.terms.target_text
        initial["smallest_voucher"] = f"{version.terms.smallest_voucher.normalize():f}"
        self.on_record = {name: text_on_record(version, language) for name, language in TEXTS.items()}
        super().__init__(data, initial=initial | self.on_record)
        for name, language in TEXTS.items():
            self.fields[name].widget.attrs["lang"] = language
        if texts_only:
            del self.fields["effective_on"]
            for name in TEXTS:
                if self.on_record[name]:
                    del self.fields[name]
        else:
            self.fields |= fields_for_model(AgreementVersion, fields=TERM_FIELDS, field_classes=YES_OR_NO)

    @property
    def terms(self) -> list[forms.BoundField]:
        return [self[name] for name in TERM_FIELDS if name in self.fields]

    @property
    def typed(self) -> dict[str, NumberedText]:
        """The texts by language, where one was typed."""
        found = {language: self.cleaned_data.get(name) for name, language in TEXTS.items()}
        return {language: text for language, text in found.items() if text}


def text_on_record(version: AgreementVersion, language: str) -> str:
    """Return the text of a version in a language as it could be typed again; empty where it has none."""
    suffix = "_zh" if language != "en" else ""
    clauses = [
        (clause.number, getattr(clause, f"heading{suffix}"), getattr(clause, f"wording{suffix}"))
        for clause in version.clauses.all()
    ]
    if not any(wording for _number, _heading, wording in clauses):
        return ""
    preamble = getattr(version, "preamble", None)
    return numbered_text(getattr(preamble, f"title{suffix}", ""), getattr(preamble, f"text{suffix}", ""), clauses)


@require_http_methods(["GET", "HEAD", "POST"])
def first_version(request: HttpRequest) -> HttpResponse:
    """Show and set the first version until it stands still."""
    require_right(request, RIGHT)
    now = timezone.now()
    version = first_on_record()
    if version is None:
        raise Http404
    still = stands_still(version)
    form = FirstVersionForm(request.POST or None, version=version, texts_only=still)
    if request.method == "POST" and form.is_valid():
        try:
            with refusals_on(form, {"texts": "english"}):
                _save(acting(request), version, form, still, now)
                messages.success(request, _("Saved."))
                return redirect(request.path)
        except NotAcceptable as refused:
            for name, sentences in refused.errors.items():
                form.add_error(name if name in form.fields else None, sentences)
    left_out = [text.left_over for text in form.typed.values()] if form.is_bound and form.is_valid() else []
    context = {
        "title": _("First version of the agreement"),
        "form": form,
        "version": version,
        "still": still,
        "missing": missing_in_first_version(version),
        "left_out": left_out,
    }
    return page(request, "staff/setup/agreement.html", context, status=422 if form.errors else 200)


def _save(actor: Actor, version: AgreementVersion, form: FirstVersionForm, still: bool, now: Any) -> None:
    if not still:
        set_first_version(
            actor=actor,
            effective_on=form.cleaned_data["effective_on"],
            terms={
                name: form.cleaned_data[name] or None if name in LATER_TERMS else form.cleaned_data[name]
                for name in TERM_FIELDS
            },
            texts=form.typed,
            now=now,
        )
        return
    for language, text in form.typed.items():
        load_wording(
            actor=Actor.system(f"{actor.name} (setup)"), version=version, clauses=text.clauses, language=language,
            title=text.title, opening=text.opening, now=now,
        )  # fmt: skip
