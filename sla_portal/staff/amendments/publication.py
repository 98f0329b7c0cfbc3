"""Submit and publish an amendment, and show its delivery (5.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.db.models import Exists
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from sla_portal.agreements import emails
from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.operations import (
    notify_missed,
    publish_version,
    send_back_draft,
    submit_draft,
)
from sla_portal.agreements.queries import (
    NoAgreementInForce,
    acceptance_counts,
    answers_of,
    customers_not_notified,
    customers_under_contract,
    earliest_day,
    ended_because_of,
    newest_version,
    notified_off_record,
    notified_or_concerned,
    pending_versions,
    reached,
    took_effect,
    version_in_force,
)
from sla_portal.agreements.rules import Acceptance, Stage
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.audit.versions import acting
from sla_portal.customers.models import Contact, Right
from sla_portal.customers.queries import OF_CUSTOMER, contacts_with, with_contact
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Notice
from sla_portal.notices.queries import pace, progress
from sla_portal.notices.tasks import deliver_soon
from sla_portal.notices.views import bar, status_badges
from sla_portal.reports.operations import print_for_mail
from sla_portal.reports.tasks import print_due_versions
from sla_portal.website.tasks import keep_announcements

from ..common import page, refusals_on, require_right
from ..forms import KeyedForm, ReasonForm
from ..operations import save_once
from .answers import response_status
from .comparison import (
    compared_with,
    email_preview,
    flaws_of,
    version_changes,
    versions_to_compare,
    what_if_table,
)
from .forms import SubmitForm
from .pending import days_until, today

VIEW, DRAFT, PUBLISH = "agreements.view_agreementversion", "agreements.draft_version", "agreements.publish_version"
NOT_NOTIFIED_SHOWN = 20


@dataclass(frozen=True)
class Earliest:
    """The first day on which a draft published today can take effect, and why no earlier one can be chosen."""

    day: date
    today: date
    notice_days: int
    after: AgreementVersion | None
    """The pending version after whose effective date it must take effect; None if the notice period decides."""

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
class Neighbour:
    """A version in time: its first day, and the last, None for the newest."""

    version: AgreementVersion
    first: date
    last: date | None
    is_this: bool

    @property
    def days(self) -> int | None:
        return (self.last - self.first).days + 1 if self.last else None


def neighbours(version: AgreementVersion, effective_on: date, now: datetime) -> list[Neighbour]:
    """Return the version in force, those announced, and this one, in time."""
    standing = [version_in_force(today(now)), *pending_versions(today(now))]
    starts = [(one.takes_effect_on, one) for one in standing] + [(effective_on, version)]
    lasts = [first - timedelta(days=1) for first, _version in starts[1:]]
    return [
        Neighbour(one, first, last, one is version) for (first, one), last in zip(starts, [*lasts, None], strict=True)
    ]


@dataclass(frozen=True)
class Audience:
    """Who is notified if a version is published today."""

    contacts: int
    customers: int
    without_address: int
    """Customers under contract without a contact."""


def audience(effective_on: date, now: datetime) -> Audience:
    """Count the customers with a contract in force between today and the day before the effective date."""
    first, last = today(now), effective_on - timedelta(days=1)
    customers = customers_under_contract((), first, last)
    reached_by_mail = with_contact(customers).count()
    return Audience(
        contacts_with(Right.LEGAL_NOTICES, customers).count(), reached_by_mail, customers.count() - reached_by_mail
    )


@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Submit a draft for approval on POST; preview recipients and e-mail for `?effective_on=` on GET."""
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
    form = SubmitForm(sent, earliest=first.day, now=now, before=newest_version())
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            submit_draft(actor=acting(request), draft=draft, effective_on=form.cleaned_data["effective_on"], now=now)
            messages.success(
                request,
                _("Submitted for approval. The text is locked until another person publishes it or sends it back."),
            )
            print_due_versions.delay_on_commit()
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
            "neighbours": neighbours(draft, chosen, now),
            "audience": audience(chosen, now),
            "emails": email_preview(draft, emails.Step.ANNOUNCEMENT),
            **flaws_of(draft),
            "missing_summary": not (draft.summary_of_changes and draft.summary_of_changes_zh),
        },
        status=422 if form.errors else 200,
    )


def version_page(request: HttpRequest, version: AgreementVersion, now: datetime, **bound: Any) -> HttpResponse:
    """Show a submitted, published or withdrawn version; `bound` are refused forms by name."""
    if request.GET.get("part") == "mail" and version.notice:
        return page(request, "notices/_mail.html", mail_context(request, version.notice, now))
    if version.stage is Stage.SUBMITTED:
        return _decision(request, version, now, **bound)
    return _published(request, version, now, **bound)


def _decision(request: HttpRequest, version: AgreementVersion, now: datetime, **bound: Any) -> HttpResponse:
    """Show what the second person checks before publishing."""
    effective_on = cast("date", version.effective_on)
    try:
        first = earliest(now)
    except NoAgreementInForce:
        first = None
    own = settings.PUBLISHING_NEEDS_SECOND_PERSON and version.submitted_by_id == request.user.pk
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
            "neighbours": neighbours(version, effective_on, now) if first else [],
            "audience": audience(effective_on, now),
            "emails": email_preview(version, emails.Step.ANNOUNCEMENT),
            "what_if": what_if_table(
                version.terms,
                now,
                asked="what-if" in request.GET,
                basis=version.based_on,
                chosen=request.GET.get("baseline"),
            ),
            **flaws_of(version),
            "publish": KeyedForm(),
            "send_back": ReasonForm(auto_id="return-%s"),
            "log": audit_log(version),
            **version_changes(version, compared_with(version, request.GET.get("against"))),
            "others": versions_to_compare(version, now),
            **bound,
        },
        status=422 if bound else 200,
    )


def _published(request: HttpRequest, version: AgreementVersion, now: datetime, **bound: Any) -> HttpResponse:
    """Show a published or withdrawn version."""
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
            **(mail_context(request, version.notice, now) if version.notice else {}),
            "occasions": [(one, status_badges(one.progress)) for one in occasions],
            **(_not_notified(request, version, pending) if announced else {}),
            "counts": _counts(version, now) if announced and may_see_customers else None,
            "answers": answers_of(version).count() if announced and may_see_customers else 0,
            "may_withdraw": pending and announced and request.user.has_perm(PUBLISH),
            "withdrawal": version.withdrawals.filter(status__in=["pending", "confirmed"]).first(),
            "ended": ended_because_of(version).count() if may_see_customers and version.withdrawn_at else 0,
            "log": audit_log(version),
            **(version_changes(version) if version.based_on else {}),
            **bound,
        },
        status=422 if bound else 200,
    )


def _counts(version: AgreementVersion, now: datetime) -> list[tuple[str, str, int]]:
    """Return badge, words and number of the customers in each status that is possible now."""
    in_force = took_effect(version, now)
    impossible = Acceptance.NO_RESPONSE if in_force else Acceptance.ACCEPTED
    return [
        (*response_status(state, in_force=in_force), count)
        for state, count in acceptance_counts(version, now).items()
        if state != impossible.value
    ]


def _not_notified(request: HttpRequest, version: AgreementVersion, pending: bool) -> dict[str, Any]:
    """Return the customers who were not notified of the version, and how many of them have an address by now."""
    customers = customers_not_notified(version).annotate(has_address=Exists(Contact.objects.filter(OF_CUSTOMER)))
    to_notify = customers.filter(has_address=True).count() if pending else 0
    return {
        "not_notified": customers.count(),
        "missed": customers.order_by("code")[:NOT_NOTIFIED_SHOWN],
        "to_notify": to_notify,
        "emails": email_preview(version, emails.Step.ANNOUNCEMENT) if to_notify else [],
        "notify": KeyedForm() if to_notify and request.user.has_perm(PUBLISH) else None,
    }


def would_notify(version: AgreementVersion) -> int:
    """Count the recipients of a withdrawal: contacts, and notified addresses whose contact was deleted since."""
    off_record = notified_off_record(version).exclude(
        email__in=notified_or_concerned(version).order_by().values("email")
    )
    return notified_or_concerned(version).count() + off_record.values("email").distinct().count()


def mail_context(request: HttpRequest, notice: Notice, now: datetime) -> dict[str, Any]:
    """Return the context of `notices/_mail.html` for the announcement."""
    sent = progress([notice])[notice.pk]
    return {
        "notice": notice,
        "progress": sent,
        "pace": pace(notice, sent, now),
        "portal_limit": settings.MAILS_PER_MINUTE,
        "bar": bar(sent),
        "badges": status_badges(sent),
        "may_view": request.user.has_perm("notices.view_delivery"),
    }


def _found(pk: int) -> AgreementVersion:
    return get_object_or_404(AgreementVersion.objects.select_related("based_on", "submitted_by", "notice"), pk=pk)


@require_POST
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish a version that another person submitted; idempotent by the form's key."""
    require_right(request, PUBLISH)
    version, now = _found(pk), timezone.now()
    # A worker made them after the submission; who is faster waits for them here.
    print_for_mail(version=version, now=now)

    def write() -> None:
        publish_version(actor=acting(request), version=version, now=now)
        messages.success(request, _("Published. The announcement is on the website, and the e-mails are being sent."))

    return _notified_once(request, pk, write, now)


@require_POST
def notify(request: HttpRequest, pk: int) -> HttpResponse:
    """Notify the customers who were not notified of an announced version; idempotent by the form's key."""
    require_right(request, PUBLISH)
    version, now = _found(pk), timezone.now()

    def write() -> None:
        notify_missed(actor=acting(request), version=version, now=now)
        messages.success(request, _("The e-mails are being sent."))

    return _notified_once(request, pk, write, now)


def _notified_once(request: HttpRequest, pk: int, write: Callable[[], None], now: datetime) -> HttpResponse:
    """Run `write` once for the form's key, start the delivery, and redirect to the version's page."""
    form, here = KeyedForm(request.POST), reverse("admin:amendment", args=[pk])

    def write_and_deliver() -> str:
        write()
        # Only for speed: if the message is lost, the schedule finds the rows.
        deliver_soon()
        keep_announcements.delay_on_commit()
        return here

    if not form.is_valid():
        messages.error(request, _("The page was incomplete. Nothing was changed. Please check it again."))
        return redirect(here)
    try:
        return redirect(save_once(key=form.cleaned_data["key"], write=write_and_deliver, now=now))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(here)


@require_POST
def send_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a submitted draft back with a reason."""
    require_right(request, DRAFT)
    version, now = _found(pk), timezone.now()
    form = ReasonForm(request.POST, auto_id="return-%s")
    if form.is_valid():
        with refusals_on(form):
            send_back_draft(actor=acting(request), draft=version, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, _("Sent back. The version is a draft again, and the reason is in the audit log."))
            return redirect("admin:amendment", pk)
    return _refused(request, version, now, send_back=form)


def _refused(request: HttpRequest, version: AgreementVersion, now: datetime, **form: Any) -> HttpResponse:
    """Show the page with the errors; if the version changed its stage in the meantime, redirect to its page."""
    if version.stage is not Stage.SUBMITTED:
        for sentences in form.popitem()[1].errors.values():
            for sentence in sentences:
                messages.error(request, sentence)
        return redirect("admin:amendment", version.pk)
    return version_page(request, version, now, **form)
