"""Renew a contract, move its end, correct its days, change its charge: what follows is shown before it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from claims.models import Claim, Status
from sla_portal.agreements.models import Contract
from sla_portal.agreements.operations import (
    agree_later_end,
    change_charge,
    correct_contract,
    renew_contract,
    resume_contract,
    terminate_contract,
    time_changed,
    withdraw_renewal,
)
from sla_portal.agreements.queries import later_periods, record_of_contract, renewal_of
from sla_portal.agreements.rules import ContractRecord
from sla_portal.audit.operations import closed_months_touched
from sla_portal.audit.versions import acting
from sla_portal.availability.operations import preview_change_of_customer
from sla_portal.clocks import month_name
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.money import format_amount
from sla_portal.kernel.months import ServiceMonth, days_span, local_date

from ..common import page, refusals_on, require_right
from ..incidents.closed_months import format_changes
from ..words import CLAIM_MARKS
from .forms import ChargeForm, ContractActionForm, CorrectForm, LastDayForm, LaterEndForm, RenewForm

CHANGE, ADD = "agreements.change_contract", "agreements.add_contract"
MOST_CLAIMS = 50


@dataclass(frozen=True)
class TouchedClaim:
    """A claim of a month that a change touches, with the charge in force before and after."""

    claim: Claim
    badge: str
    before: str
    after: str


@dataclass(frozen=True)
class Consequences:
    """What a change of a contract does to service months, claims and renewals."""

    months: Sequence[ServiceMonth]
    closed: Sequence[str] = ()
    figures: Sequence[dict[str, Any]] = ()
    claims: Sequence[TouchedClaim] = ()
    withdrawn: Sequence[str] = ()
    last_day: date | None = None
    """Of the contract then; None where it stays, or the contract is withdrawn."""

    @property
    def first(self) -> str:
        return month_name(self.months[0])

    @property
    def last(self) -> str:
        return month_name(self.months[-1])

    @property
    def granted(self) -> bool:
        """Whether compensation was granted for one of the months."""
        return any(line.claim.status == Status.GRANTED for line in self.claims)


def consequences(contract: Contract, write: Callable[[], object], now: datetime) -> Consequences:
    """Return what `write` would do; nothing of it is kept."""
    own = Contract.objects.filter(pk__in=[contract.pk, *(one.pk for one in later_periods(contract))])
    before = {row.pk: (row.reference, record_of_contract(row)) for row in own.all()}
    with transaction.atomic():
        write()
        after = {row.pk: (row.reference, record_of_contract(row)) for row in own.all()}
        transaction.set_rollback(True)
    touched = {
        pk: period for pk in before if (period := time_changed(before[pk][1], after[pk][1] if pk in after else None))
    }
    time = [period for periods in touched.values() for period in periods]
    months = sorted({month for start, end in time for month in ServiceMonth.touched(start, end, settings.SLA_ZONE)})
    closed = closed_months_touched(time)
    changed = (
        preview_change_of_customer(write=write, customer=contract.customer, months=closed, now=now) if closed else []
    )
    then = after[contract.pk][1].last_day if contract.pk in after else None
    claims = Claim.objects.filter(contract__in=touched, month__in=[month.first_day for month in months])
    return Consequences(
        months=months,
        closed=[month_name(month) for month in closed],
        figures=format_changes(changed),
        claims=[
            TouchedClaim(
                claim,
                CLAIM_MARKS[Status(claim.status)],
                _charge(before[claim.contract_id][1], claim),
                _charge(after[claim.contract_id][1], claim) if claim.contract_id in after else "",
            )
            for claim in claims.select_related("contract").order_by("month", "number")[:MOST_CLAIMS]
        ],
        withdrawn=[reference for pk, (reference, _record) in before.items() if pk not in after],
        last_day=then if then != contract.last_day else None,
    )


def _charge(record: ContractRecord, claim: Claim) -> str:
    return format_amount(record.charge_in(claim.service_month), record.currency)


@dataclass(frozen=True)
class Action:
    """Something that is done with a contract: its operation, form, words and what the form says of it."""

    operation: Callable[..., None]
    form: type[ContractActionForm]
    title: Any
    button: Any
    done: Any
    help: Any
    of: str = "contract"
    """The argument of the operation that is the contract."""

    def write(self, request: HttpRequest, contract: Contract, form: ContractActionForm, now: datetime) -> None:
        reason = form.cleaned_data["reason"]
        self.operation(actor=acting(request), **{self.of: contract}, **form.given, reason=reason, now=now)


ACTIONS = {
    "end_contract": Action(
        terminate_contract,
        LastDayForm,
        gettext_lazy("End %(contract)s early"),
        gettext_lazy("End the contract early"),
        gettext_lazy("%(contract)s ends early."),
        gettext_lazy("A renewal that has not begun is withdrawn with it. Payments stay on record."),
    ),
    "resume_contract": Action(
        resume_contract,
        ContractActionForm,
        gettext_lazy("Undo the early end of %(contract)s"),
        gettext_lazy("Let the contract continue"),
        gettext_lazy("%(contract)s continues as agreed."),
        gettext_lazy("The contract continues to its agreed last service day, with the extensions granted."),
    ),
    "agree_later_end": Action(
        agree_later_end,
        LaterEndForm,
        gettext_lazy("Agree on a later end of %(contract)s"),
        gettext_lazy("Save the later end"),
        gettext_lazy("%(contract)s has a later end."),
        gettext_lazy("Terms and charge stay as they are. For another charge or reference, renew the contract instead."),
    ),
    "correct_contract": Action(
        correct_contract,
        CorrectForm,
        gettext_lazy("Correct the days of %(contract)s"),
        gettext_lazy("Save the correction"),
        gettext_lazy("The days of %(contract)s were corrected."),
        gettext_lazy("For days that were typed wrongly. What was agreed later is recorded by ending, extending or renewing."),
    ),
    "change_charge": Action(
        change_charge,
        ChargeForm,
        gettext_lazy("Change the charge of %(contract)s"),
        gettext_lazy("Save the charge"),
        gettext_lazy("The charge of %(contract)s was changed."),
        gettext_lazy(
            "A claim is valued by the charge in force in its month. Charges are only added; a later entry for the same month "
            "supersedes the earlier one."
        ),
    ),
    "withdraw_renewal": Action(
        withdraw_renewal,
        ContractActionForm,
        gettext_lazy("Withdraw the renewal %(contract)s"),
        gettext_lazy("Withdraw the renewal"),
        gettext_lazy("The renewal %(contract)s was withdrawn."),
        gettext_lazy("Only a renewal that has not begun, and on which nothing rests, is withdrawn. The audit log keeps it."),
        of="renewal",
    ),
}  # fmt: skip


def act(name: str, request: HttpRequest, pk: int) -> HttpResponse:
    """Show what an action does to service months, claims and renewals; do it when it is sent again."""
    require_right(request, CHANGE)
    action, now = ACTIONS[name], timezone.now()
    contract = get_object_or_404(Contract.objects.select_related("customer__region", "renews"), pk=pk)
    today = local_date(epoch(now), settings.SLA_ZONE)
    form = action.form(request.POST if request.method == "POST" else None, contract=contract, today=today)
    follows = None
    if form.is_valid():
        with refusals_on(form):
            if form.may_be_saved:
                action.write(request, contract, form, now)
                messages.success(request, action.done % {"contract": contract})
                return redirect("admin:customer_periods", contract.customer_id)
            follows = consequences(contract, partial(action.write, request, contract, form, now), now)
            form = form.for_preview()
    context = {
        "title": action.title % {"contract": contract},
        "contract": contract,
        "renewal": renewal_of(contract),
        "form": form,
        "follows": follows,
        "action": action,
        "back": reverse("admin:agreements_contract_change", args=[contract.pk]),
    }
    return page(request, "staff/contracts/change.html", context, status=422 if form.errors else 200)


PAGES = {name: require_http_methods(["GET", "HEAD", "POST"])(partial(act, name)) for name in ACTIONS}
"""The page of each action, by the name of its URL."""


@require_http_methods(["GET", "HEAD", "POST"])
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the period that renews a contract on the same terms; sign it as it is, or as it was typed over."""
    require_right(request, ADD)
    now = timezone.now()
    contract = get_object_or_404(Contract.objects.select_related("customer", "renews"), pk=pk)
    form = RenewForm(request.POST if request.method == "POST" else None, contract=contract)
    if form.is_valid():
        with refusals_on(form):
            renewal = renew_contract(actor=acting(request), contract=contract, **form.cleaned_data, now=now)
            messages.success(
                request,
                _("%(renewal)s renews %(contract)s from %(day)s.")
                % {"renewal": renewal, "contract": contract, "day": renewal.starts_on.isoformat()},
            )
            return redirect("admin:customer_periods", contract.customer_id)
    begins = contract.next_day
    ends = form.cleaned_data.get("ends_on") if form.is_bound else form.initial["ends_on"]
    span = days_span(begins, max(begins, ends or begins), settings.SLA_ZONE)
    context = {
        "title": _("Renew %(contract)s") % {"contract": contract},
        "contract": contract,
        "renewal": renewal_of(contract),
        "begins": begins,
        "closed": [month_name(month) for month in closed_months_touched([(instant(span[0]), instant(span[1]))])],
        "form": form,
        "back": reverse("admin:agreements_contract_change", args=[contract.pk]),
    }
    return page(request, "staff/contracts/renew.html", context, status=422 if form.errors else 200)
