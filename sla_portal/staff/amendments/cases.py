"""What Legal decides after a response: contracts that ended because of a withdrawn version, and objections (5.2)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from sla_portal.agreements import emails
from sla_portal.agreements.models import AgreementVersion, Answer, Contract
from sla_portal.agreements.operations import (
    NotAcceptable,
    assign_objection,
    leave_terminated,
    reinstate_contracts,
    reply_to_objection,
)
from sla_portal.agreements.queries import (
    ended_because_of,
    open_objections,
    reply_audience,
    reply_languages,
    to_reinstate,
)
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.audit.versions import acting
from sla_portal.kernel.errors import Refused
from sla_portal.notices.private import concealed
from sla_portal.notices.tasks import deliver_soon

from ..common import page, refusals_on, require_right
from ..forms import KeyedForm
from ..operations import save_once
from .comparison import EmailPreview
from .pending import today

VIEW, REGISTER = "agreements.view_answer", "agreements.register_answer"
ON_A_PAGE = 100
REINSTATE, LEAVE = "reinstate", "leave"


class EndedForm(KeyedForm):
    """Which contracts, and the consent of the customer or why they stay terminated."""

    contract = forms.MultipleChoiceField(
        label=gettext_lazy("Contracts"),
        error_messages=dict.fromkeys(["required", "invalid_choice"], gettext_lazy("Choose items from the list.")),
        widget=forms.CheckboxSelectMultiple,
    )
    by_name = forms.CharField(label=gettext_lazy("Who agreed for the customer"), max_length=200, required=False)
    consent = forms.CharField(
        label=gettext_lazy("When and how"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
        help_text=gettext_lazy("Such as: by telephone on 12 June, to Lena Roth."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why they stay terminated"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
    )

    def __init__(self, *args: Any, contracts: list[Contract], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contracts = {str(one.pk): one for one in contracts}
        chosen: Any = self.fields["contract"]
        chosen.choices = [(pk, f"{one.reference} · {one.customer}") for pk, one in self.contracts.items()]

    @property
    def chosen(self) -> list[Contract]:
        return [self.contracts[pk] for pk in self.cleaned_data["contract"]]


@require_http_methods(["GET", "HEAD", "POST"])
def ended(request: HttpRequest, pk: int) -> HttpResponse:
    """List the contracts that ended because of a withdrawn version; reinstate them, or leave them with a reason."""
    require_right(request, VIEW)
    version = get_object_or_404(AgreementVersion, pk=pk, withdrawn_at__isnull=False)
    now = timezone.now()
    waiting = Paginator(to_reinstate().filter(answer__version=version), ON_A_PAGE).get_page(request.GET.get("page"))
    contracts = [row.contract for row in waiting]
    form = EndedForm(request.POST if request.method == "POST" else None, contracts=contracts)
    if request.method == "POST":
        require_right(request, REGISTER)
        if form.is_valid():
            with refusals_on(form):
                return _decided(request, version, form, now)
    rows = ended_because_of(version)
    return page(
        request,
        "staff/amendments/ended.html",
        {
            "title": _("Contracts terminated because of version %(version)s") % {"version": version},
            "version": version,
            "waiting": waiting,
            "decided": rows.filter(outcome__isnull=False)[:ON_A_PAGE],
            "all": rows.count(),
            "form": form,
            "chosen": request.POST.getlist("contract"),
            "may_decide": request.user.has_perm(REGISTER),
            "emails": _preview(version, emails.Event.REINSTATED, "…"),
        },
        status=422 if form.errors else 200,
    )


def _decided(request: HttpRequest, version: AgreementVersion, form: EndedForm, now: datetime) -> HttpResponse:
    given, chosen = form.cleaned_data, form.chosen
    of: dict[str, Any] = {"actor": acting(request), "version": version, "contracts": chosen, "now": now}

    def write() -> str:
        if request.POST.get("do") == LEAVE:
            leave_terminated(reason=given["reason"], **of)
            messages.success(request, _("The contracts stay terminated, and the reason is on record."))
        else:
            reinstate_contracts(by_name=given["by_name"], consent=given["consent"], **of)
            deliver_soon()
            messages.success(request, _("Reinstated. The contracts are as they were, and the customers are told."))
        return reverse("admin:ended_contracts", args=[version.pk])

    return redirect(save_once(key=given["key"], write=write, now=now))


# Objections


class CaseForm(forms.Form):
    """Who replies to an objection, and by which day."""

    owner = forms.TypedChoiceField(label=gettext_lazy("Owner"), required=False, empty_value=None)
    due_on = forms.DateField(
        label=gettext_lazy("Reply due on"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=gettext_lazy("In the SLA time zone."),
    )

    def __init__(self, *args: Any, answer: Answer, now: datetime, **kwargs: Any) -> None:
        initial = {"owner": answer.owner_id, "due_on": answer.due_on or today(now)}
        super().__init__(*args, initial=initial, **kwargs)
        people = User.objects.with_perm(REGISTER, backend="django.contrib.auth.backends.ModelBackend")
        self.people = {str(one.pk): one for one in people.filter(is_active=True).order_by("username")}
        owner: Any = self.fields["owner"]
        owner.choices = [("", "–"), *((pk, one.get_full_name() or one.username) for pk, one in self.people.items())]
        owner.coerce = self.people.get
        self.earliest = today(now)

    def clean_due_on(self) -> date:
        day: date = self.cleaned_data["due_on"]
        if not self.earliest <= day <= self.earliest + timedelta(days=366):
            raise forms.ValidationError(_("Choose a day from today on, within a year."))
        return day


class ReplyForm(KeyedForm):
    """The reply to an objection, in the languages of those who read it; `previewed` once it was shown."""

    reply = forms.CharField(
        label=gettext_lazy("Reply, in English"), widget=forms.Textarea(attrs={"rows": 5, "lang": "en"}), max_length=5000
    )
    reply_zh = forms.CharField(
        label=gettext_lazy("Reply, in Chinese"),
        widget=forms.Textarea(attrs={"rows": 5, "lang": "zh-hans"}),
        max_length=5000,
    )
    previewed = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, languages: set[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if name.startswith("reply"):
                field.required = any(name.endswith("_zh") == one.startswith("zh") for one in languages)
                field.error_messages["required"] = _(
                    "Somebody who gets the reply reads this language. Enter the reply in it."
                )
                field.help_text = "" if field.required else _("Nobody who gets the reply reads this language.")

    @property
    def signature(self) -> str:
        return f"{self.cleaned_data['reply']}\n{self.cleaned_data['reply_zh']}"


@require_http_methods(["GET", "HEAD", "POST"])
def objection(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an objection as a case: set owner and deadline, and reply; the reply is shown before it is sent."""
    require_right(request, VIEW)
    now = timezone.now()
    row = get_object_or_404(
        Answer.objects.select_related("version", "customer", "owner", "delivery", "replied_by"),
        pk=pk,
        kind="objection",
    )
    case = CaseForm(answer=row, now=now)
    languages = reply_languages(row)
    reply, shown = ReplyForm(languages=languages), False
    if request.method == "POST":
        require_right(request, REGISTER)
        if request.POST.get("do") == "assign":
            case = CaseForm(request.POST, answer=row, now=now)
            if case.is_valid():
                with refusals_on(case):
                    assign_objection(actor=acting(request), answer=row, now=now, **case.cleaned_data)
                    messages.success(request, _("Owner and deadline were saved."))
                    return redirect("admin:objection", pk)
        else:
            reply = ReplyForm(request.POST, languages=languages)
            if reply.is_valid():
                if reply.cleaned_data["previewed"] != reply.signature:
                    data = request.POST.copy()
                    data["previewed"] = reply.signature
                    reply, shown = ReplyForm(data, languages=languages), True
                    reply.is_valid()
                else:
                    with refusals_on(reply):
                        return _replied(request, row, reply, now)
    if shown:
        row.reply, row.reply_zh = reply.cleaned_data["reply"], reply.cleaned_data["reply_zh"]
    return page(
        request,
        "staff/amendments/objection.html",
        {
            "title": _("Objection of %(customer)s") % {"customer": row.customer},
            "answer": row,
            "version": row.version,
            "open": row.stands and not row.replied_at,
            "overdue": bool(row.due_on and row.due_on < today(now)),
            "case": case,
            "reply": reply,
            "recipients": reply_audience(row) if shown else 0,
            "emails": [
                one
                for one in _preview(row.version, emails.Event.REPLY, row.by_name, answer=row)
                if one.language in languages
            ]
            if shown
            else [],
            "may_register": request.user.has_perm(REGISTER),
            "log": audit_log(row),
        },
        status=422 if case.errors or reply.errors else 200,
    )


def _replied(request: HttpRequest, row: Answer, form: ReplyForm, now: datetime) -> HttpResponse:
    def write() -> str:
        said = {name: form.cleaned_data[name] for name in ("reply", "reply_zh")}
        reply_to_objection(actor=acting(request), answer=row, now=now, **said)
        deliver_soon()
        messages.success(request, _("The reply is being sent."))
        return reverse("admin:objection", args=[row.pk])

    try:
        return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    except NotAcceptable as refused:
        raise Refused(str(refused)) from refused


@require_safe
def objections(request: HttpRequest) -> HttpResponse:
    """List the objections that wait for a reply, those due first."""
    require_right(request, VIEW)
    found = Paginator(open_objections(), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"title": _("Objections to reply to"), "objections": found, "today": today(timezone.now())}
    return page(request, "staff/amendments/objections.html", context)


def _preview(
    version: AgreementVersion, event: emails.Event, by_name: str, answer: Answer | None = None
) -> list[EmailPreview]:
    return [
        EmailPreview(words.language, words.heading, concealed(words.text, words.language))
        for words in emails.response(version, event, by_name=by_name, at=timezone.now(), answer=answer)
    ]
