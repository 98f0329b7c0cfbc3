"""The claim wizard: the claim periods, then five steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from claims.models import Application
from claims.operations.applying import (
    CODE_VALID,
    FORM,
    SAVED_FOR,
    TooManyTries,
    ask_for_code,
    ask_for_links,
    choose_contract,
    confirm_code,
    count_try,
    save_answers,
    start_application,
    submit_application,
)
from claims.operations.proofs import MOST, add_proof, remove_proof
from claims.queries.applying import application_behind, contracts_to_claim_for, existing_claim, newest_token
from claims.tasks import mail_soon
from sla_portal import visitors
from sla_portal.agreements.models import Contract
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.tasks import deliver_soon

from ..caching import cached
from ..page import page, public
from ..reader import Reader, zones
from .forms import (
    CHECK,
    CODE,
    CONTRACT,
    ENDS,
    MOST_ROWS,
    PROOF,
    TIMES,
    ContractForm,
    NewLinkForm,
    TimesForm,
    answers_in,
    query_dict,
)
from .private import Stop, gone, in_time_zone, private, show
from .queries import ClaimMonth, claim_months

STEPS = (CONTRACT, TIMES, PROOF, CODE, CHECK)
STARTS_AN_HOUR, FILES_AN_HOUR, LINKS_AN_HOUR = 20, 60, 10
"""Limits per IP address; an office may share one."""
FIELDS = {
    CONTRACT: ("reference", "email", "month"),
    TIMES: ("zone", *ENDS, "functions", "clients", "description"),
}


# Claim periods


@csrf_exempt  # reading sets no cookie, so there is no token; starting acts in nobody's name
def claim(request: HttpRequest) -> HttpResponse:
    """Show the claim periods, or start a claim."""
    return start(request) if request.method == "POST" else months(request)


@public
def months(request: HttpRequest, reader: Reader) -> HttpResponse:
    now = timezone.now()
    facts = cached("claim months", lambda: claim_months(now), now)

    def shown() -> dict[str, Any]:
        return {
            "months": [(one, one.period_status(now).value) for one in facts.value],
            "saved_hours": int(SAVED_FOR.total_seconds() // 3600),
        }

    return page(request, reader, "claim", facts, shown)


@private
def start(request: HttpRequest, reader: Reader) -> HttpResponse:
    now = timezone.now()
    count_try("start", visitors.address(request), STARTS_AN_HOUR, now)
    answers = {CONTRACT: answers_in(request.POST, ["month"])}
    key = start_application(language=reader.language, answers=answers, now=now)
    return HttpResponseRedirect(reverse("claim_step", args=[key, CONTRACT]))


# The steps


class Wizard:
    """An application in progress, with its steps as forms."""

    def __init__(self, request: HttpRequest, reader: Reader, key: str, now: datetime) -> None:
        self.request, self.reader, self.key, self.now = request, reader, key, now
        application = application_behind(key)
        if application is None or application.expires_at <= now:
            raise _form_gone(application)
        self.application: Application = application
        self.months = cached("claim months", lambda: claim_months(now), now).value

    def address(self, step: str) -> str:
        return reverse("claim_step", args=[self.key, step])

    def to(self, step: str) -> HttpResponse:
        return HttpResponseRedirect(self.address(step))

    @property
    def month(self) -> ClaimMonth | None:
        chosen = "".join(self.application.answers.get(CONTRACT, {}).get("month", [])[:1])
        return next((one for one in self.months if str(one.month) == chosen), None)

    def form(self, step: str, *, bound: bool) -> Form:
        """Return the form of a step with the saved entries; with errors only if `bound`."""
        answers = self.application.answers.get(step, {})
        many = (*ENDS, "functions", "clients")
        given: dict[str, Any] = (
            {"data": query_dict(answers)}
            if bound
            else {
                "initial": {
                    name: list(texts) if name in many else "".join(texts[:1]) for name, texts in answers.items()
                }
            }
        )
        if step == CONTRACT:
            return ContractForm(months=self.months, now=self.now, **given)
        if not bound and not answers.get("zone"):
            given["initial"]["zone"] = str(self.reader.zone)
        return TimesForm(month=self.month.month if self.month else None, now=self.now, **given)

    def unfinished(self) -> str | None:
        """Return the first incomplete step; None if the claim can be submitted."""
        if not self.form(CONTRACT, bound=True).is_valid():
            return CONTRACT
        if not self.form(TIMES, bound=True).is_valid():
            return TIMES
        if not self.application.proofs.exists():
            return PROOF
        return None if self.application.confirmed_at else CODE

    def save(self, step: str, answers: dict[str, list[str]]) -> None:
        save_answers(application=self.application, step=step, answers=answers)
        self.application.refresh_from_db()

    def show(self, step: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        at = STEPS.index(step)
        around = {
            "key": self.key,
            "step": step,
            "number": at + 1,
            "steps": [(one, number < at) for number, one in enumerate(STEPS)],
            "month": self.month,
            "period": self.month.period_status(self.now).value if self.month else "",
            "application": self.application,
            "saved_until": self.application.expires_at.replace(second=0, microsecond=0),
        }
        return show(self.request, self.reader, f"claim_{step}", around | context, status)


def _form_gone(application: Application | None) -> Stop:
    sentence = _("Nothing was submitted: forms are saved for 24 hours. Please start again.")
    if application is None:
        return Stop(404, _("Form not found"), sentence)
    return Stop(410, _("This form has expired"), sentence)


@private
def step(request: HttpRequest, reader: Reader, key: str, step: str) -> HttpResponse:
    """Show a step of the form, or process its entries."""
    if step not in STEPS:
        raise Http404
    wizard = Wizard(request, reader, key, timezone.now())
    sent = wizard.application.claim
    if sent:
        token = newest_token(sent, wizard.now)
        if token is None:
            raise gone(wizard.now)
        return HttpResponseRedirect(reverse("claim_status", args=[token]))
    if request.method == "POST":
        return PROCESS[step](wizard)
    return SHOW[step](wizard)


def _wanted(wizard: Wizard, step: str) -> str:
    """Return the step of the pressed button; the next one by default."""
    asked = wizard.request.POST.get("go", "")
    at = STEPS.index(step)
    return asked if asked in STEPS[:at] else STEPS[at + 1]


def _show_contract(wizard: Wizard) -> HttpResponse:
    return wizard.show(CONTRACT, {"form": wizard.form(CONTRACT, bound=False)})


def _process_contract(wizard: Wizard) -> HttpResponse:
    wizard.save(CONTRACT, answers_in(wizard.request.POST, FIELDS[CONTRACT]))
    form = wizard.form(CONTRACT, bound=True)
    if form.is_valid():
        return wizard.to(TIMES)
    return wizard.show(CONTRACT, {"form": form}, 422)


def _show_times(wizard: Wizard) -> HttpResponse:
    return wizard.show(TIMES, {"form": wizard.form(TIMES, bound=False)} | _choices())


def _process_times(wizard: Wizard) -> HttpResponse:
    post = wizard.request.POST
    answers = answers_in(post, FIELDS[TIMES])
    rows = len(answers["from_day"])
    if post.get("rows") == "add":
        for name in ENDS:
            answers[name] = [*answers[name], ""][:MOST_ROWS]
    elif post.get("remove", "").isdecimal() and len(post["remove"]) < 4 and 0 < int(post["remove"]) <= rows:
        for name in ENDS:
            del answers[name][int(post["remove"]) - 1 : int(post["remove"])]
    wizard.save(TIMES, answers)
    if post.get("rows") or post.get("remove"):
        return HttpResponseRedirect(f"{wizard.address(TIMES)}#times")
    wanted = _wanted(wizard, TIMES)
    form = wizard.form(TIMES, bound=True)
    if wanted != PROOF or form.is_valid():
        return wizard.to(wanted)
    return wizard.show(TIMES, {"form": form} | _choices(), 422)


def _choices() -> dict[str, Any]:
    return {"zones": zones(), "most_rows": MOST_ROWS}


def _show_proof(wizard: Wizard, errors: list[str] | None = None) -> HttpResponse:
    context = {"proofs": list(wizard.application.proofs.all()), "errors": errors, "most": MOST}
    return wizard.show(PROOF, context, 422 if errors else 200)


def _process_proof(wizard: Wizard) -> HttpResponse:
    post = wizard.request.POST
    removed = post.get("remove", "")
    if removed:
        for proof in wizard.application.proofs.all():
            if str(proof.pk) == removed:
                remove_proof(actor=FORM, proof=proof, now=wizard.now)
        return wizard.to(PROOF)
    errors = added(wizard.request, wizard.application, FORM, wizard.now)
    wanted = _wanted(wizard, PROOF)
    if not errors and post.get("go") == "add":
        return wizard.to(PROOF)
    if not errors and wanted == CODE and not wizard.application.proofs.exists():
        errors = [_("Attach at least one file that shows the outage (clause 3.3.2).")]
    return _show_proof(wizard, errors) if errors else wizard.to(wanted)


def added(request: HttpRequest, to: Any, actor: Any, now: datetime) -> list[str]:
    """Add the uploaded files; return the errors of refused ones."""
    errors = []
    files: list[UploadedFile] = request.FILES.getlist("files")
    for file in files:
        count_try("file", visitors.address(request), FILES_AN_HOUR, now)
        try:
            add_proof(actor=actor, to=to, upload=file, now=now)
        except Refused as refused:
            errors.append(f"{(file.name or '')[:80]}: {refused}")
    return errors


def _show_code(wizard: Wizard, error: str = "", status: int = 200) -> HttpResponse:
    asked = "".join(wizard.application.answers.get("code", {}).get("asked_at", [])[:1])
    asked_at = parse_datetime(asked) if asked else None
    context = {
        "asked": asked_at is not None and wizard.now < asked_at + CODE_VALID,
        "asked_at": asked_at,
        "email": "".join(wizard.application.answers.get(CONTRACT, {}).get("email", [])[:1]),
        "minutes": int(CODE_VALID.total_seconds() // 60),
        "error": error,
    }
    return wizard.show(CODE, context, status)


def _process_code(wizard: Wizard) -> HttpResponse:
    post = wizard.request.POST
    wanted = _wanted(wizard, CODE)
    if wanted != CHECK:
        return wizard.to(wanted)
    if not wizard.form(CONTRACT, bound=True).is_valid():
        return wizard.to(CONTRACT)
    try:
        if post.get("go") == "send":
            ask_for_code(application=wizard.application, now=wizard.now)
            mail_soon()
            return wizard.to(CODE)
        if not wizard.application.confirmed_at:
            digits = "".join(post.get("code", "")[:40].split())
            confirm_code(application=wizard.application, typed=digits, now=wizard.now)
    except TooManyTries as refused:
        return _show_code(wizard, str(refused), 429)
    except Refused as refused:
        return _show_code(wizard, str(refused), 422)
    return wizard.to(CHECK)


def _show_check(wizard: Wizard, error: str = "") -> HttpResponse:
    unfinished = wizard.unfinished()
    if unfinished:
        return wizard.to(unfinished)
    contract, times = wizard.form(CONTRACT, bound=True), wizard.form(TIMES, bound=True)
    contract.is_valid()
    times.is_valid()
    wizard.reader = in_time_zone(wizard.reader, times.cleaned_data["zone"])
    month = ServiceMonth.parse(contract.cleaned_data["month"])
    context = {
        "contract": contract.cleaned_data,
        "times": times,
        "proofs": list(wizard.application.proofs.all()),
        "existing_claim": existing_claim(wizard.application, month.first_day),
        "contracts": _contracts(wizard.application, month),
        "error": error,
    }
    return wizard.show(CHECK, context, 422 if error else 200)


def _contracts(application: Application, month: ServiceMonth) -> list[Contract]:
    """Return the contracts to choose from: the one entered, and the others for which the confirmed address may claim."""
    if not application.contact or not application.contract:
        return []
    found = list(contracts_to_claim_for(application.contact.email, month))
    return found if application.contract in found else [application.contract, *found]


def _process_check(wizard: Wizard) -> HttpResponse:
    if wizard.request.POST.get("go") in STEPS[:-1]:
        return wizard.to(wizard.request.POST["go"])
    unfinished = wizard.unfinished()
    if unfinished:
        return wizard.to(unfinished)
    contract, times = wizard.form(CONTRACT, bound=True), wizard.form(TIMES, bound=True)
    contract.is_valid()
    times.is_valid()
    entered, month = times.cleaned_data, ServiceMonth.parse(contract.cleaned_data["month"])
    chosen = wizard.request.POST.get("contract", "")
    try:
        if chosen and chosen != getattr(wizard.application.contract, "reference", ""):
            choose_contract(application=wizard.application, reference=chosen, month=month)
            wizard.application.refresh_from_db()
        if wizard.request.POST.get("go") == "choose":
            return wizard.to(CHECK)
        claim = submit_application(
            application=wizard.application,
            month=month,
            times=times.stretches,
            time_zone=entered["zone"],
            functions=[one for one in times.grid.functions if one.code in entered["functions"]],
            clients=[one for one in times.grid.clients if one.code in entered["clients"]],
            description=entered["description"],
            now=wizard.now,
        )
    except Refused as refused:
        return _show_check(wizard, str(refused))
    deliver_soon()
    token = newest_token(claim, wizard.now)
    if token is None:
        raise gone(wizard.now)
    return HttpResponseRedirect(reverse("claim_status", args=[token]))


SHOW = {CONTRACT: _show_contract, TIMES: _show_times, PROOF: _show_proof, CODE: _show_code, CHECK: _show_check}
PROCESS = {
    CONTRACT: _process_contract,
    TIMES: _process_times,
    PROOF: _process_proof,
    CODE: _process_code,
    CHECK: _process_check,
}


# A new link


@private
def new_link(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Request new links; the response does not reveal whether there are claims."""
    form = NewLinkForm(request.POST or None)
    if not form.is_valid():
        return show(request, reader, "claim_new_link", {"form": form}, 422 if form.is_bound else 200)
    now = timezone.now()
    count_try("links", visitors.address(request), LINKS_AN_HOUR, now)
    ask_for_links(language=reader.language, answers=answers_in(request.POST, ["reference", "email"]), now=now)
    mail_soon()
    return show(request, reader, "claim_new_link", {"sent": True})
