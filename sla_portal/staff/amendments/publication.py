"""Publish an amendment by two people, see how far it came, and withdraw it (5.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from sla_portal.agreements import emails
from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.operations import (
    notify_left_out,
    publish_version,
    return_draft,
    submit_draft,
    withdraw_version,
)
from sla_portal.agreements.queries import (
    NoAgreementInForce,
    acceptance_counts,
    answers_of,
    contacts_under_contract,
    contracts_in_force,
    customers_left_out,
    earliest_day,
    newest_version,
    reached,
    told_off_record,
    told_or_concerned,
    version_in_force,
)
from sla_portal.agreements.rules import Stage
from sla_portal.audit.actors import Actor
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.customers.models import Contact, Customer
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Notice
from sla_portal.notices.queries import pace, progress
from sla_portal.notices.tasks import deliver_soon
from sla_portal.notices.views import bar, marks

from ..common import page, refusals_on, require_right
from ..forms import KeyedForm, ReasonForm
from ..operations import save_once
from .comparison import changes_shown, letter_shown, supposed
from .forms import AskForm, WithdrawForm
from .under_way import days_until, today

VIEW, DRAFT, PUBLISH = "agreements.view_agreementversion", "agreements.draft_version", "agreements.publish_version"
LEFT_OUT_SHOWN = 20


@dataclass(frozen=True)
class Earliest:
    """The first day on which a draft published today can take effect, and why no earlier one can be chosen."""

    day: date
    today: date
    notice_days: int
    after: AgreementVersion | None
    """The version on whose day, or before, it cannot take effect; None where the days of notice decide."""

    @property
    def first_full_day(self) -> date:
        return self.today + timedelta(days=1)

    @property
    def last_full_day(self) -> date:
        return self.today + timedelta(days=self.notice_days)


def earliest(now: datetime) -> Earliest:
    """Raises `NoAgreementInForce`."""
    notice_days = version_in_force(today(now)).amendment_notice_days
    day, newest = earliest_day(now), newest_version()
    if newest and newest.effective_on and newest.effective_on >= day:
        return Earliest(newest.effective_on + timedelta(days=1), today(now), notice_days, newest)
    return Earliest(day, today(now), notice_days, None)


@dataclass(frozen=True)
class Audience:
    """Whom a version would tell that is published today."""

    contacts: int
    customers: int
    without_address: int
    """Customers under contract then, with no contact."""


def audience(effective_on: date, now: datetime) -> Audience:
    """Customers with a contract in force between today and the day before it takes effect."""
    first, last = today(now), effective_on - timedelta(days=1)
    contacts: QuerySet[Contact] = contacts_under_contract((), first, last)
    customers = Customer.objects.filter(pk__in=contracts_in_force(first, last).values("customer"))
    told = customers.filter(contacts__isnull=False).distinct().count()
    return Audience(contacts.count(), told, customers.filter(contacts__isnull=True).count())


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the publication of a draft: its day, whom it will tell, and the letter; POST asks, `?effective_on=` only shows."""
    require_right(request, DRAFT)
    now = timezone.now()
    draft = get_object_or_404(AgreementVersion.objects.select_related("based_on", "drafted_by"), pk=pk)
    if draft.stage is not Stage.DRAFT and request.method != "POST":
        return redirect("admin:amendment", pk)
    try:
        first = earliest(now)
    except NoAgreementInForce as refused:
        messages.error(request, str(refused))
        return redirect("admin:amendment", pk)
    sent = request.POST if request.method == "POST" else request.GET if "effective_on" in request.GET else None
    form = AskForm(sent, earliest=first.day)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            submit_draft(
                actor=Actor.staff(request.user), draft=draft, effective_on=form.cleaned_data["effective_on"], now=now
            )
            messages.success(
                request, _("Submitted for approval. The text is locked until another person publishes it or sends it back.")
            )
            return redirect("admin:amendment", pk)
    chosen = first.day if sent is None or not form.is_valid() else form.cleaned_data["effective_on"]
    draft.effective_on = chosen
    return page(
        request,
        "staff/amendments/submit.html",
        {
            "title": _("Submit %(version)s for approval") % {"version": draft},
            "draft": draft,
            "form": form,
            "earliest": first,
            "audience": audience(chosen, now),
            "letters": letter_shown(draft, emails.Step.ANNOUNCEMENT),
            "missing_summary": not (draft.summary_of_changes and draft.summary_of_changes_zh),
        },
        status=422 if form.errors else 200,
    )


def shown(request: HttpRequest, version: AgreementVersion, now: datetime, **bound: Any) -> HttpResponse:
    """A version that stands still; `bound` are the forms that were sent and refused, by name."""
    if request.GET.get("part") == "mail" and version.notice:
        return page(request, "notices/_mail.html", mail_shown(request, version.notice, now))
    if version.stage is Stage.SUBMITTED:
        return _decision(request, version, now, **bound)
    return _published(request, version, now, **bound)


def _decision(request: HttpRequest, version: AgreementVersion, now: datetime, **bound: Any) -> HttpResponse:
    """Everything that the second person looks at before it goes out."""
    effective_on = cast("date", version.effective_on)
    try:
        first = earliest(now)
    except NoAgreementInForce:
        first = None
    own = version.submitted_by_id == request.user.pk
    return page(
        request,
        "staff/amendments/decision.html",
        {
            "title": _("Version %(version)s, pending approval") % {"version": version},
            "version": version,
            "own": own,
            "may_publish": request.user.has_perm(PUBLISH) and not own,
            "may_return": request.user.has_perm(DRAFT),
            "earliest": first,
            "too_late": first is not None and effective_on < first.day,
            "days_to_go": days_until(effective_on, now),
            "audience": audience(effective_on, now),
            "letters": letter_shown(version, emails.Step.ANNOUNCEMENT),
            "what_if": supposed(version.terms, now, asked="what-if" in request.GET),
            "publish": KeyedForm(),
            "give_back": ReasonForm(auto_id="return-%s"),
            "log": audit_log(version),
            **changes_shown(version),
            **bound,
        },
        status=422 if bound else 200,
    )


def _published(request: HttpRequest, version: AgreementVersion, now: datetime, **bound: Any) -> HttpResponse:
    """What became of a version that was published."""
    days_to_go = days_until(version.effective_on, now)
    pending = version.stage is Stage.PUBLISHED and days_to_go > 0
    occasions = reached(version) if version.notice_id else []
    may_see_customers = request.user.has_perm("agreements.view_answer")
    announced = version.notice_id is not None
    return page(
        request,
        "staff/amendments/published.html",
        {
            "title": _("Version %(version)s") % {"version": version},
            "version": version,
            "withdrawn": version.stage is Stage.WITHDRAWN,
            "pending": pending,
            "days_to_go": days_to_go,
            "is_in_force": version.stage is Stage.PUBLISHED
            and not pending
            and version_in_force(today(now)).pk == version.pk,
            "whole": not version.sha256 or version.sha256 == version.expected_sha256(),
            "announced": announced,
            **(mail_shown(request, version.notice, now) if version.notice else {}),
            "occasions": [(one, marks(one.progress)) for one in occasions],
            **(_left_out(request, version, pending) if announced else {}),
            "counts": acceptance_counts(version, now) if announced and may_see_customers else None,
            "answers": answers_of(version).count() if announced and may_see_customers else 0,
            "may_withdraw": pending and announced and request.user.has_perm(PUBLISH),
            "would_tell": _would_tell(version) if pending and announced else 0,
            "withdraw": WithdrawForm(auto_id="withdraw-%s"),
            "log": audit_log(version),
            **(changes_shown(version) if version.based_on else {}),
            **bound,
        },
        status=422 if bound else 200,
    )


def _left_out(request: HttpRequest, version: AgreementVersion, pending: bool) -> dict[str, Any]:
    """Customers to whom no mail about the version went: how many, who they are, and how many have an address by now."""
    customers = customers_left_out(version).annotate(
        has_address=Exists(Contact.objects.filter(customer=OuterRef("pk")))
    )
    to_tell = customers.filter(has_address=True).count() if pending else 0
    return {
        "untold": customers.count(),
        "left_out": customers.order_by("code")[:LEFT_OUT_SHOWN],
        "to_tell": to_tell,
        "tell": KeyedForm() if to_tell and request.user.has_perm(PUBLISH) else None,
    }


def _would_tell(version: AgreementVersion) -> int:
    """Contacts whom a withdrawal would tell, and addresses that were told and are off record by now."""
    off_record = told_off_record(version).exclude(email__in=told_or_concerned(version).order_by().values("email"))
    return told_or_concerned(version).count() + off_record.values("email").distinct().count()


def mail_shown(request: HttpRequest, notice: Notice, now: datetime) -> dict[str, Any]:
    """What `notices/_mail.html` shows of the announcement's mail."""
    came = progress([notice])[notice.pk]
    return {
        "notice": notice,
        "progress": came,
        "pace": pace(notice, came, now),
        "portal_limit": settings.MAILS_PER_MINUTE,
        "bar": bar(came),
        "marks": marks(came),
        "may_view": request.user.has_perm("notices.view_delivery"),
    }


def _found(pk: int) -> AgreementVersion:
    return get_object_or_404(AgreementVersion.objects.select_related("based_on", "submitted_by", "notice"), pk=pk)


@require_POST
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish what another person asked to; sent twice, it is published once."""
    require_right(request, PUBLISH)
    version, now = _found(pk), timezone.now()

    def write() -> None:
        publish_version(actor=Actor.staff(request.user), version=version, now=now)
        messages.success(
            request, _("Published. The announcement is on the website, and the e-mails are being sent.")
        )

    return _told_once(request, pk, write, now)


@require_POST
def tell(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell the customers to whom no mail about an announced version went; sent twice, they are told once."""
    require_right(request, PUBLISH)
    version, now = _found(pk), timezone.now()

    def write() -> None:
        notify_left_out(actor=Actor.staff(request.user), version=version, now=now)
        messages.success(request, _("The e-mails are being sent."))

    return _told_once(request, pk, write, now)


def _told_once(request: HttpRequest, pk: int, write: Callable[[], None], now: datetime) -> HttpResponse:
    """Do what sends mail, once for the form's key, and go back to the version's page."""
    form, here = KeyedForm(request.POST), reverse("admin:amendment", args=[pk])

    def write_and_hurry() -> str:
        write()
        # A hurry only: where the message is lost, the schedule finds the rows.
        deliver_soon()
        return here

    if not form.is_valid():
        messages.error(request, _("The page was incomplete. Nothing was changed. Please check it again."))
        return redirect(here)
    try:
        return redirect(save_once(key=form.cleaned_data["key"], write=write_and_hurry, now=now))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(here)


@require_POST
def give_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Return what was asked for, with a reason, to be changed."""
    require_right(request, DRAFT)
    version, now = _found(pk), timezone.now()
    form = ReasonForm(request.POST, auto_id="return-%s")
    if form.is_valid():
        with refusals_on(form):
            return_draft(actor=Actor.staff(request.user), draft=version, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, _("Sent back. The version is a draft again, and the reason is in the audit log."))
            return redirect("admin:amendment", pk)
    return _refused(request, version, now, give_back=form)


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a version before its day; everyone told of it is told. Without the tick it only shows the letter."""
    require_right(request, PUBLISH)
    version, now = _found(pk), timezone.now()
    form = WithdrawForm(request.POST, auto_id="withdraw-%s")

    def write() -> str:
        withdraw_version(actor=Actor.staff(request.user), version=version, reason=form.cleaned_data["reason"], now=now)
        deliver_soon()
        messages.success(request, _("Withdrawn. Everyone who was notified of the version is notified of the withdrawal."))
        return reverse("admin:amendment", args=[pk])

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return _refused(request, version, now, withdraw=form)


def _refused(request: HttpRequest, version: AgreementVersion, now: datetime, **form: Any) -> HttpResponse:
    """The page again with what was wrong; where the version went on meanwhile, its page as it is now."""
    if version.stage is Stage.DRAFT or (version.stage is Stage.SUBMITTED) is not ("give_back" in form):
        for sentences in form.popitem()[1].errors.values():
            for sentence in sentences:
                messages.error(request, sentence)
        return redirect("admin:amendment", version.pk)
    return shown(request, version, now, **form)
