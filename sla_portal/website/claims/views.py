"""The claim form: what can be claimed for, then five steps that can be gone back."""

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
    KEPT,
    TooManyTries,
    ask_for_code,
    ask_for_links,
    confirm_code,
    count_try,
    save_answers,
    start_application,
    submit_application,
)
from claims.operations.proofs import MOST, add_proof, remove_proof
from claims.queries.applying import application_behind, newest_token, standing_claim
from claims.tasks import mail_soon
from sla_portal import visitors
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.tasks import deliver_soon

from ..caching import cached
from ..reader import Reader, zones
from ..views import page, public
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
    kept_of,
    typed,
)
from .private import Stop, gone, on_clock, private, show
from .queries import ClaimMonth, claim_months

STEPS = (CONTRACT, TIMES, PROOF, CODE, CHECK)
STARTS_AN_HOUR, FILES_AN_HOUR, LINKS_AN_HOUR = 20, 60, 10
"""From one address of the network: an office shares one."""
FIELDS = {
    CONTRACT: ("reference", "email", "month"),
    TIMES: ("zone", *ENDS, "functions", "clients", "description"),
}


# Before anything is typed


@csrf_exempt  # reading sets no cookie, so there is no token; starting does nothing in anybody's name
def claim(request: HttpRequest) -> HttpResponse:
    """Say which months can be claimed for, and start a claim."""
    return start(request) if request.method == "POST" else months(request)


@public
def months(request: HttpRequest, reader: Reader) -> HttpResponse:
    now = timezone.now()
    facts = cached("claim months", lambda: claim_months(now), now)

    def shown() -> dict[str, Any]:
        return {
            "months": [(one, one.standing(now).value) for one in facts.value],
            "kept_hours": int(KEPT.total_seconds() // 3600),
        }

    return page(request, reader, "claim", facts, shown)


@private
def start(request: HttpRequest, reader: Reader) -> HttpResponse:
    now = timezone.now()
    count_try("start", visitors.address(request), STARTS_AN_HOUR, now)
    answers = {CONTRACT: kept_of(request.POST, ["month"])}
    key = start_application(language=reader.language, answers=answers, now=now)
    return HttpResponseRedirect(reverse("claim_step", args=[key, CONTRACT]))


# The steps


class Journey:
    """An application with its steps as forms."""

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
        """The form of a step with what was typed; its errors only where it is `bound`."""
        answers = self.application.answers.get(step, {})
        many = (*ENDS, "functions", "clients")
        given: dict[str, Any] = (
            {"data": typed(answers)}
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
        """The first step that is not done; None where only sending is left."""
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
            "standing": self.month.standing(self.now).value if self.month else "",
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
    """Show a step of the form, or take what was typed at it."""
    if step not in STEPS:
        raise Http404
    journey = Journey(request, reader, key, timezone.now())
    sent = journey.application.claim
    if sent:
        token = newest_token(sent, journey.now)
        if token is None:
            raise gone(journey.now)
        return HttpResponseRedirect(reverse("claim_status", args=[token]))
    if request.method == "POST":
        return TAKEN[step](journey)
    return SHOWN[step](journey)


def _wanted(journey: Journey, step: str) -> str:
    """The step that the button leads to: the next one, unless another was pressed."""
    asked = journey.request.POST.get("go", "")
    at = STEPS.index(step)
    return asked if asked in STEPS[:at] else STEPS[at + 1]


def _show_contract(journey: Journey) -> HttpResponse:
    return journey.show(CONTRACT, {"form": journey.form(CONTRACT, bound=False)})


def _take_contract(journey: Journey) -> HttpResponse:
    journey.save(CONTRACT, kept_of(journey.request.POST, FIELDS[CONTRACT]))
    form = journey.form(CONTRACT, bound=True)
    if form.is_valid():
        return journey.to(TIMES)
    return journey.show(CONTRACT, {"form": form}, 422)


def _show_times(journey: Journey) -> HttpResponse:
    return journey.show(TIMES, {"form": journey.form(TIMES, bound=False)} | _choices())


def _take_times(journey: Journey) -> HttpResponse:
    post = journey.request.POST
    answers = kept_of(post, FIELDS[TIMES])
    rows = len(answers["from_day"])
    if post.get("rows") == "add":
        for name in ENDS:
            answers[name] = [*answers[name], ""][:MOST_ROWS]
    elif post.get("remove", "").isdecimal() and len(post["remove"]) < 4 and 0 < int(post["remove"]) <= rows:
        for name in ENDS:
            del answers[name][int(post["remove"]) - 1 : int(post["remove"])]
    journey.save(TIMES, answers)
    if post.get("rows") or post.get("remove"):
        return HttpResponseRedirect(f"{journey.address(TIMES)}#times")
    wanted = _wanted(journey, TIMES)
    form = journey.form(TIMES, bound=True)
    if wanted != PROOF or form.is_valid():
        return journey.to(wanted)
    return journey.show(TIMES, {"form": form} | _choices(), 422)


def _choices() -> dict[str, Any]:
    return {"zones": zones(), "most_rows": MOST_ROWS}


def _show_proof(journey: Journey, errors: list[str] | None = None) -> HttpResponse:
    context = {"proofs": list(journey.application.proofs.all()), "errors": errors, "most": MOST}
    return journey.show(PROOF, context, 422 if errors else 200)


def _take_proof(journey: Journey) -> HttpResponse:
    post = journey.request.POST
    removed = post.get("remove", "")
    if removed:
        for proof in journey.application.proofs.all():
            if str(proof.pk) == removed:
                remove_proof(actor=FORM, proof=proof, now=journey.now)
        return journey.to(PROOF)
    errors = added(journey.request, journey.application, FORM, journey.now)
    wanted = _wanted(journey, PROOF)
    if not errors and post.get("go") == "add":
        return journey.to(PROOF)
    if not errors and wanted == CODE and not journey.application.proofs.exists():
        errors = [_("Attach at least one file that shows the outage (clause 3.3.2).")]
    return _show_proof(journey, errors) if errors else journey.to(wanted)


def added(request: HttpRequest, to: Any, actor: Any, now: datetime) -> list[str]:
    """Add the files that were sent; return what was wrong with those that were refused."""
    errors = []
    files: list[UploadedFile] = request.FILES.getlist("files")
    for file in files:
        count_try("file", visitors.address(request), FILES_AN_HOUR, now)
        try:
            add_proof(actor=actor, to=to, upload=file, now=now)
        except Refused as refused:
            errors.append(f"{(file.name or '')[:80]}: {refused}")
    return errors


def _show_code(journey: Journey, error: str = "", status: int = 200) -> HttpResponse:
    asked = "".join(journey.application.answers.get("code", {}).get("asked_at", [])[:1])
    asked_at = parse_datetime(asked) if asked else None
    context = {
        "asked": asked_at is not None and journey.now < asked_at + CODE_VALID,
        "asked_at": asked_at,
        "email": "".join(journey.application.answers.get(CONTRACT, {}).get("email", [])[:1]),
        "minutes": int(CODE_VALID.total_seconds() // 60),
        "error": error,
    }
    return journey.show(CODE, context, status)


def _take_code(journey: Journey) -> HttpResponse:
    post = journey.request.POST
    wanted = _wanted(journey, CODE)
    if wanted != CHECK:
        return journey.to(wanted)
    if not journey.form(CONTRACT, bound=True).is_valid():
        return journey.to(CONTRACT)
    try:
        if post.get("go") == "send":
            ask_for_code(application=journey.application, now=journey.now)
            mail_soon()
            return journey.to(CODE)
        if not journey.application.confirmed_at:
            digits = "".join(post.get("code", "")[:40].split())
            confirm_code(application=journey.application, typed=digits, now=journey.now)
    except TooManyTries as refused:
        return _show_code(journey, str(refused), 429)
    except Refused as refused:
        return _show_code(journey, str(refused), 422)
    return journey.to(CHECK)


def _show_check(journey: Journey, error: str = "") -> HttpResponse:
    unfinished = journey.unfinished()
    if unfinished:
        return journey.to(unfinished)
    contract, times = journey.form(CONTRACT, bound=True), journey.form(TIMES, bound=True)
    contract.is_valid()
    times.is_valid()
    journey.reader = on_clock(journey.reader, times.cleaned_data["zone"])
    month = ServiceMonth.parse(contract.cleaned_data["month"])
    context = {
        "contract": contract.cleaned_data,
        "times": times,
        "proofs": list(journey.application.proofs.all()),
        "standing_claim": standing_claim(journey.application, month.first_day),
        "error": error,
    }
    return journey.show(CHECK, context, 422 if error else 200)


def _take_check(journey: Journey) -> HttpResponse:
    if journey.request.POST.get("go") in STEPS[:-1]:
        return journey.to(journey.request.POST["go"])
    unfinished = journey.unfinished()
    if unfinished:
        return journey.to(unfinished)
    contract, times = journey.form(CONTRACT, bound=True), journey.form(TIMES, bound=True)
    contract.is_valid()
    times.is_valid()
    said = times.cleaned_data
    try:
        claim = submit_application(
            application=journey.application,
            month=ServiceMonth.parse(contract.cleaned_data["month"]),
            times=times.stretches,
            time_zone=said["zone"],
            functions=[one for one in times.grid.functions if one.code in said["functions"]],
            clients=[one for one in times.grid.clients if one.code in said["clients"]],
            description=said["description"],
            now=journey.now,
        )
    except Refused as refused:
        return _show_check(journey, str(refused))
    deliver_soon()
    token = newest_token(claim, journey.now)
    if token is None:
        raise gone(journey.now)
    return HttpResponseRedirect(reverse("claim_status", args=[token]))


SHOWN = {CONTRACT: _show_contract, TIMES: _show_times, PROOF: _show_proof, CODE: _show_code, CHECK: _show_check}
TAKEN = {CONTRACT: _take_contract, TIMES: _take_times, PROOF: _take_proof, CODE: _take_code, CHECK: _take_check}


# A new link


@private
def new_link(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Send new links to a claimant who has lost them; whether there is one, the page does not say."""
    form = NewLinkForm(request.POST or None)
    if not form.is_valid():
        return show(request, reader, "claim_new_link", {"form": form}, 422 if form.is_bound else 200)
    now = timezone.now()
    count_try("links", visitors.address(request), LINKS_AN_HOUR, now)
    ask_for_links(language=reader.language, answers=kept_of(request.POST, ["reference", "email"]), now=now)
    mail_soon()
    return show(request, reader, "claim_new_link", {"sent": True})
