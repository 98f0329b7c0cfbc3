"""Customer responses to an amendment, and registering those received outside the portal (5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.db.models import Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sla_portal.agreements.models import AgreementVersion, Answer, Contract
from sla_portal.agreements.operations import register_answer, withdraw_answer
from sla_portal.agreements.queries import (
    acceptance,
    acceptance_counts,
    concerned,
    deliveries_for,
    running_contracts,
    standing_answers,
    took_effect,
)
from sla_portal.agreements.rules import Acceptance, AnswerKind, Stage, last_day_of_stopping
from sla_portal.agreements.words import response_words
from sla_portal.audit.versions import acting
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import day_span, local_date

from ..common import page, refusals_on, require_right
from ..exports import READ_AT_ONCE, csv_response
from ..forms import ReasonForm
from .forms import AnswerForm
from .pending import days_until, today

VIEW, REGISTER = "agreements.view_answer", "agreements.register_answer"
ON_A_PAGE = 50
TOLD_SHOWN = 20
FARTHEST = 1_000_000


BADGES = {
    Acceptance.AGREED: "up",
    Acceptance.ACCEPTED: "up",
    Acceptance.NO_RESPONSE: "unknown",
    Acceptance.OBJECTED: "waiting",
    Acceptance.TERMINATED: "counted",
    Acceptance.EXPIRED: "outside",
}


def response_status(state: str, *, in_force: bool) -> tuple[str, str]:
    """Return the badge and the label of a customer's response."""
    return BADGES[Acceptance(state)], response_words(Acceptance(state), in_force=in_force)


def _announced(pk: int) -> AgreementVersion:
    """Return an announced version or raise 404."""
    version = get_object_or_404(AgreementVersion.objects.select_related("based_on", "notice"), pk=pk)
    if not version.notice_id:
        raise Http404(f"Version {version} was never announced.")
    return version


@require_safe
def customers(request: HttpRequest, pk: int) -> HttpResponse:
    """List the customers whom a version concerns, filtered by `?state=`, `?q=` (code or name, its own or its installer's) and `?page=`.

    With `?on=` as they stood at the end of a day.
    """
    require_right(request, VIEW)
    now = timezone.now()
    version = _announced(pk)
    day, recorded_at = _recorded_at(request, version, now)
    counts = acceptance_counts(version, now, recorded_at=recorded_at)
    in_force = took_effect(version, recorded_at or now)
    state = request.GET.get("state", "")
    search = request.GET.get("q", "").strip()[:100].replace("\0", "")
    listed = acceptance(version, now, state if state in counts else "", recorded_at=recorded_at)
    if search:
        named = Q(code__icontains=search) | Q(name__icontains=search)
        listed = listed.filter(named | Q(installer__in=Customer.objects.filter(named).order_by().values("pk")))
    number = _page_number(request.GET.get("page", ""))
    answers = Prefetch("answers", standing_answers(version, recorded_at), to_attr="answers_now")
    contracts = Prefetch("contracts", Contract.objects.order_by("-starts_on"))
    first = (number - 1) * ON_A_PAGE
    found = list(listed.select_related("region").prefetch_related(answers, contracts)[first : first + ON_A_PAGE + 1])
    return page(
        request,
        "staff/amendments/answers.html",
        {
            "title": _("Customer responses to version %(version)s") % {"version": version},
            "version": version,
            "withdrawn": version.stage is Stage.WITHDRAWN,
            "in_force": days_until(version.effective_on, now) <= 0,
            "day": day,
            "first_day": local_date(epoch(cast("datetime", version.published_at)), settings.SLA_ZONE),
            "today": today(now),
            "filters": [
                (value, *response_status(value, in_force=in_force), number) for value, number in counts.items()
            ],
            "all": sum(counts.values()),
            "state": state if state in counts else "",
            "search": search,
            "lines": [
                (customer, *response_status(customer.state, in_force=in_force)) for customer in found[:ON_A_PAGE]
            ],
            "number": number,
            "first": first + 1,
            "last": first + len(found[:ON_A_PAGE]),
            "more": len(found) > ON_A_PAGE,
            "may_register": request.user.has_perm(REGISTER) and _can_be_answered(version),
        },
    )


@require_safe
def export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send how every customer stands, or with `?on=` stood at the end of a day, as CSV."""
    require_right(request, VIEW)
    now = timezone.now()
    version = _announced(pk)
    day, recorded_at = _recorded_at(request, version, now)
    columns = (_("Customer"), _("Name"), _("Status"), _("Status in words"), _("Responses"))
    name = f"responses-{version.pk}-{day or today(now)}"
    return csv_response(name, columns, _rows(version, now, recorded_at))


def _rows(version: AgreementVersion, now: datetime, recorded_at: datetime | None) -> Iterator[tuple[str, ...]]:
    in_force = took_effect(version, recorded_at or now)
    answers = Prefetch("answers", standing_answers(version, recorded_at), to_attr="answers_now")
    customers = acceptance(version, now, recorded_at=recorded_at).prefetch_related(answers)
    for customer in customers.iterator(chunk_size=READ_AT_ONCE):
        given = (
            f"{one.get_kind_display()} · {one.received_at.isoformat()} · {one.by_name} · {one.email or one.get_via_display()}"
            for one in customer.answers_now
        )
        words = response_words(Acceptance(customer.state), in_force=in_force)
        yield customer.code, customer.name, customer.state, words, "; ".join(given)


def _recorded_at(request: HttpRequest, version: AgreementVersion, now: datetime) -> tuple[date | None, datetime | None]:
    """Return the day of `?on=` and its end in the SLA time zone; None for today, and for what is no day since the announcement."""
    try:
        day = date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        return None, None
    if not local_date(epoch(cast("datetime", version.published_at)), settings.SLA_ZONE) <= day < today(now):
        return None, None
    return day, instant(day_span(day, settings.SLA_ZONE)[1]) - timedelta(microseconds=1)


def _page_number(text: str) -> int:
    return min(int(text), FARTHEST) if text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) else 1


def _can_be_answered(version: AgreementVersion) -> bool:
    """A response received before the effective date may be registered after it."""
    return version.stage is Stage.PUBLISHED


@dataclass(frozen=True)
class Consequence:
    """A contract with its agreed end and its last service day if the response is registered."""

    contract: Contract
    ends_on: date
    last_day: date | None
    """None: it continues under the new version."""


def consequences(
    version: AgreementVersion, form: AnswerForm, contracts: list[Contract], now: datetime
) -> list[Consequence]:
    """Return what the response does to each contract that the version concerns."""
    given = form.cleaned_data
    if form.answer_kind is not AnswerKind.TERMINATION:
        return [Consequence(contract, contract.last_day, None) for contract in contracts]
    last_day = given["last_day"] or last_day_of_stopping(cast("date", version.effective_on), today(now))
    chosen = [given["contract"]] if given["contract"] else contracts
    return [
        Consequence(contract, contract.last_day, min(last_day, contract.last_day) if contract in chosen else None)
        for contract in contracts
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """Register a customer's objection or termination; its consequences are shown before it is saved."""
    require_right(request, VIEW)
    now = timezone.now()
    version = _announced(pk)
    if "\0" in code:
        raise Http404
    customer = get_object_or_404(concerned(version).select_related("region"), code=code)
    contracts = list(running_contracts(version, customer).order_by("starts_on", "pk"))
    posted = request.POST if request.method == "POST" else None
    form = AnswerForm(posted, contracts=contracts, announced_at=cast("datetime", version.published_at), now=now)
    follows = None
    if posted is not None:
        require_right(request, REGISTER)
        if form.is_valid() and form.may_be_saved:
            with refusals_on(form, {"received_at": "received_on"}):
                register_answer(
                    actor=acting(request),
                    version=version,
                    customer=customer,
                    kind=form.answer_kind,
                    contract=form.cleaned_data["contract"],
                    by_name=form.cleaned_data["by_name"],
                    text=form.words,
                    received_at=form.received_at,
                    last_day=form.cleaned_data["last_day"],
                    now=now,
                )
                messages.success(request, _("The response was registered."))
                return redirect("admin:amendment_answer", pk, customer.code)
        elif form.is_valid():
            follows = consequences(version, form, contracts, now)
            form = form.for_preview()
    return _answer_page(request, version, customer, contracts, form, follows, now)


def _answer_page(
    request: HttpRequest,
    version: AgreementVersion,
    customer: Customer,
    contracts: list[Contract],
    form: AnswerForm,
    follows: list[Consequence] | None,
    now: datetime,
    **bound: Any,
) -> HttpResponse:
    stands = acceptance(version, now).get(pk=customer.pk)
    given = (
        version.answers.filter(customer=customer)
        .select_related("contract", "registered_by")
        .prefetch_related("reinstatements__contract")
    )
    refused = bool(form.errors or bound)
    return page(
        request,
        "staff/amendments/answer.html",
        {
            "title": customer.name,
            "version": version,
            "customer": customer,
            "state": response_status(stands.state, in_force=took_effect(version, now)),
            "contracts": contracts,
            "told": deliveries_for(version, customer).select_related("notice").order_by("-pk")[:TOLD_SHOWN],
            "given": given,
            "form": form,
            "follows": follows,
            "objects": follows is not None and form.data.get("kind") == AnswerKind.OBJECTION.value,
            "may_register": request.user.has_perm(REGISTER) and _can_be_answered(version),
            "withdraw": ReasonForm(auto_id="back-%s"),
            **bound,
        },
        status=422 if refused else 200,
    )


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a response on behalf of the customer, with a reason."""
    require_right(request, REGISTER)
    now = timezone.now()
    row = get_object_or_404(Answer.objects.select_related("version", "customer"), pk=pk)
    form = ReasonForm(request.POST, auto_id="back-%s")
    if not form.is_valid():
        messages.error(request, _("Enter a reason."))
    else:
        try:
            withdraw_answer(actor=acting(request), answer=row, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, _("The response was withdrawn."))
        except Refused as refused:
            messages.error(request, str(refused))
    return redirect("admin:amendment_answer", row.version_id, row.customer.code)
