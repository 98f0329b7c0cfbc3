"""The claim wizard: the claim periods, then five steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from claims.models import Application, Claim
from claims.operations.applying import (
    CODE_VALID,
    FORM,
    SAVED_FOR,
    WRONG_CODES,
    TooManyTries,
    ask_for_code,
    ask_for_links,
    choose_contract,
    codes_left,
    confirm_code,
    count_try,
    note_late,
    save_answers,
    start_application,
    submit_application,
    tries_left,
)
from claims.operations.proofs import MOST, add_proof, remove_proof
from claims.queries.applying import application_behind, contracts_to_claim_for, existing_claim, newest_token
from claims.tasks import mail_soon
from sla_portal import visitors
from sla_portal.agreements.models import Contract
from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.tasks import deliver_soon

from ..caching import cached
from ..page import page, public
from ..reader import ZONE_COOKIE, Reader, zones
from .forms import (
    CHECK,
    CODE,
    CONTRACT,
    ENDS,
    MOST_ROWS,
    PROOF,
    TICKED,
    TIMES,
    ContractForm,
    NewLinkForm,
    TimesForm,
    answers_in,
    closed_sentence,
    query_dict,
)
from .private import Stop, gone, in_time_zone, private, show
from .queries import (
    ClaimMonth,
    ListedIncident,
    PeriodStatus,
    claim_months,
    counted_so_far,
    earlier_claim_month,
    listed_incidents,
)

STEPS = (CONTRACT, TIMES, PROOF, CODE, CHECK)
STARTS_AN_HOUR, FILES_AN_HOUR, LINKS_AN_HOUR = 20, 60, 10
"""Limits per IP address; an office may share one."""
FIELDS = {
    CONTRACT: ("reference", "email", "month"),
    TIMES: ("zone", TICKED, *ENDS, "functions", "clients", "description"),
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
        if asked := earlier_claim_month(self.answer(CONTRACT, "month"), now):
            self.months = (*self.months, asked)

    def answer(self, step: str, name: str) -> str:
        """Return the first saved text of an entry."""
        return "".join(self.application.answers.get(step, {}).get(name, [])[:1])

    def address(self, step: str) -> str:
        return reverse("claim_step", args=[self.key, step])

    def to(self, step: str) -> HttpResponse:
        return HttpResponseRedirect(self.address(step))

    @property
    def month(self) -> ClaimMonth | None:
        chosen = self.answer(CONTRACT, "month")
        return next((one for one in self.months if str(one.month) == chosen), None)

    @cached_property
    def incidents(self) -> tuple[ListedIncident, ...]:
        """The incidents to tick: of the contract's region once the e-mail is confirmed; before, nothing tells which it is."""
        listed = listed_incidents(self.month.month, self.now) if self.month else ()
        if not self.application.confirmed_at or not self.application.contract:
            return listed
        ticked = self.application.answers.get(TIMES, {}).get(TICKED, [])
        region = self.application.contract.customer.region.code
        return tuple(one for one in listed if one.region.code == region or one.key in ticked)

    def form(self, step: str, *, bound: bool) -> Form:
        """Return the form of a step with the saved entries; with errors only if `bound`."""
        answers = self.application.answers.get(step, {})
        many = (TICKED, *ENDS, "functions", "clients")
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
        month = self.month.month if self.month else None
        return TimesForm(month=month, now=self.now, incidents=self.incidents, **given)

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
        self.__dict__.pop("incidents", None)

    def show(self, step: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        at = STEPS.index(step)
        zone = self.answer(TIMES, "zone")
        if zone in zones():
            self.reader = in_time_zone(self.reader, zone)
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
    month = wizard.month
    closed = closed_sentence(month) if month and month.period_status(wizard.now) is PeriodStatus.CLOSED else ""
    return wizard.show(CONTRACT, {"form": wizard.form(CONTRACT, bound=False), "closed": closed})


def _process_contract(wizard: Wizard) -> HttpResponse:
    wizard.save(CONTRACT, answers_in(wizard.request.POST, FIELDS[CONTRACT]))
    form, month = wizard.form(CONTRACT, bound=True), wizard.month
    if form.is_valid() and month and month.period_status(wizard.now) is PeriodStatus.CLOSED:
        note_late(application=wizard.application, month=month.month, now=wizard.now)
        mail_soon()
        form.add_error("month", closed_sentence(month))
    if form.is_valid():
        return wizard.to(TIMES)
    return wizard.show(CONTRACT, {"form": form}, 422)


def _show_times(wizard: Wizard) -> HttpResponse:
    return wizard.show(TIMES, {"form": wizard.form(TIMES, bound=False)} | _of_times(wizard))


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
    return wizard.show(TIMES, {"form": form} | _of_times(wizard), 422)


def _of_times(wizard: Wizard) -> dict[str, Any]:
    return {
        "zones": zones(),
        "most_rows": MOST_ROWS,
        "suggest": not wizard.application.answers.get(TIMES) and ZONE_COOKIE not in wizard.request.COOKIES,
        **_counted(wizard),
    }


def _counted(wizard: Wizard) -> dict[str, Any]:
    """What is counted so far, shown to the holder of a confirmed address alone."""
    application, month = wizard.application, wizard.month
    if not application.confirmed_at or not application.contract or not month:
        return {}
    return {"counted": counted_so_far(application.contract, month.month, wizard.now)}


def _show_proof(wizard: Wizard, refused: RefusedFiles | None = None) -> HttpResponse:
    context = {"proofs": list(wizard.application.proofs.all()), "refused_files": refused, "most": MOST}
    return wizard.show(PROOF, context, refused.status if refused else 200)


def _process_proof(wizard: Wizard) -> HttpResponse:
    post = wizard.request.POST
    removed = post.get("remove", "")
    if removed:
        for proof in wizard.application.proofs.all():
            if str(proof.pk) == removed:
                remove_proof(actor=FORM, proof=proof, now=wizard.now)
        return wizard.to(PROOF)
    refused = add_files(wizard.request, wizard.application, FORM, wizard.now)
    wanted = _wanted(wizard, PROOF)
    if not refused and post.get("go") == "add":
        return wizard.to(PROOF)
    if not refused and wanted == CODE and not wizard.application.proofs.exists():
        refused = RefusedFiles([_("Attach at least one file that shows the outage (clause 3.3.2).")])
    return _show_proof(wizard, refused) if refused else wizard.to(wanted)


@dataclass
class RefusedFiles:
    """Why files were refused, one sentence for each with its name, and how many can still be uploaded."""

    errors: list[str]
    places_left: int | None = None
    tries_left: int | None = None
    status: int = 422


def add_files(request: HttpRequest, to: Application | Claim, actor: Actor, now: datetime) -> RefusedFiles | None:
    """Add the uploaded files; return what was refused, None if nothing was."""
    errors, status = [], 422
    files: list[UploadedFile] = request.FILES.getlist("files")
    for file in files:
        try:
            count_try("file", visitors.address(request), FILES_AN_HOUR, now)
            add_proof(actor=actor, to=to, upload=file, now=now)
        except TooManyTries:
            sentence = _("It was not uploaded: the limit of files within an hour is reached. Upload it again later.")
            errors.append(f"{named_file(file)}: {sentence}")
            status = 429
        except Refused as refused:
            errors.append(f"{named_file(file)}: {refused}")
    if not errors:
        return None
    left = tries_left("file", visitors.address(request), FILES_AN_HOUR, now)
    return RefusedFiles(errors, max(MOST - to.proofs.count(), 0), left, status)


def named_file(file: UploadedFile) -> str:
    """Return the name of an uploaded file as a refusal names it."""
    return (file.name or "")[:80] or _("File without a name")


def _show_code(wizard: Wizard, error: str = "", status: int = 200) -> HttpResponse:
    asked = wizard.answer("code", "asked_at")
    asked_at = parse_datetime(asked) if asked else None
    wrong = wizard.application.wrong_codes
    context = {
        "asked": asked_at is not None and wizard.now < asked_at + CODE_VALID,
        "asked_at": asked_at,
        "email": wizard.answer(CONTRACT, "email"),
        "minutes": int(CODE_VALID.total_seconds() // 60),
        "error": error,
        "tries_left": WRONG_CODES - wrong if wrong else None,
        "codes_left": codes_left(wizard.application, wizard.now),
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
        wizard.application.refresh_from_db()
        return _show_code(wizard, str(refused), 422)
    return wizard.to(CHECK)


def _show_check(wizard: Wizard, error: str = "") -> HttpResponse:
    unfinished = wizard.unfinished()
    if unfinished:
        return wizard.to(unfinished)
    contract, times = wizard.form(CONTRACT, bound=True), wizard.form(TIMES, bound=True)
    contract.is_valid()
    times.is_valid()
    month = ServiceMonth.parse(contract.cleaned_data["month"])
    context = {
        "contract": contract.cleaned_data,
        "times": times,
        "proofs": list(wizard.application.proofs.all()),
        "existing_claim": existing_claim(wizard.application, month.first_day),
        "contracts": _contracts(wizard.application, month),
        "error": error,
        **_counted(wizard),
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
