"""The pages of a notice and of the inbox."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial, wraps

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from sla_portal.audit.versions import acting
from sla_portal.badges import badge
from sla_portal.kernel.errors import Refused
from sla_portal.typed import typed_line

from . import operations
from .mail import inbox
from .models import OPEN, Attachment, Delivery, Notice, Status, UnmatchedReport
from .private import concealed
from .queries import pace, progress, unmatched_reports
from .tasks import deliver_soon

DELIVERIES_ON_A_PAGE = 50
OPEN_ON_THE_PAGE = 10
REPORTS_ON_A_PAGE = 20
LONGEST_SHOWN = 4000
"""Bytes of a report that is shown as it came."""
LONGEST = 2000
"""Characters that are read of what is typed into a field."""
# An e-mail needs inline styles, which the site's policy refuses; the sandbox disables everything else.
POLICY_OF_A_MAIL = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


def requiring(right):
    """Answer 403 unless the user has the permission `right`."""

    def guard(view):
        @wraps(view)
        def guarded(request, **arguments):
            if not request.user.has_perm(right):
                raise PermissionDenied
            return view(request, **arguments)

        return guarded

    return guard


@require_safe
@requiring("notices.view_notice")
def notice_page(request, pk):
    """Show a notice and its deliveries.

    `?status=` filters the deliveries; `?part=mail` is the part that refreshes while e-mails are sent.
    """
    notice = get_object_or_404(Notice.objects.prefetch_related("wordings", "attachments"), pk=pk)
    return _notice_page(request, notice)


def _notice_page(request, notice, status_code=200):
    now = timezone.now()
    sent = progress([notice])[notice.pk]
    context = {
        "notice": notice,
        "progress": sent,
        "pace": pace(notice, sent, now),
        "portal_limit": settings.MAILS_PER_MINUTE,
        "bar": bar(sent),
        "badges": status_badges(sent),
        "may_view": request.user.has_perm("notices.view_delivery"),
        "may_throttle": request.user.has_perm("notices.give_notice"),
    }
    if request.GET.get("part") == "mail":
        return TemplateResponse(request, "notices/_mail.html", context)
    status = request.GET.get("status")
    listed = notice.deliveries.filter(status=status) if status in Status.values else notice.deliveries.all()
    context |= {
        **admin.site.each_context(request),
        "title": _("Notice"),
        "subtitle": f"{notice.number} {notice.wording().subject}",
        "said": [(wording, concealed(wording.text, wording.language)) for wording in notice.wordings.all()],
        "whole": notice.sha256 == notice.expected_sha256(),
        "open": notice.deliveries.filter(status=Status.UNKNOWN)[:OPEN_ON_THE_PAGE],
        "failed": notice.deliveries.filter(status__in=[Status.FAILED, Status.BOUNCED])[:OPEN_ON_THE_PAGE],
        "statuses": [(value, label, sent.counts.get(value, 0)) for value, label in Status.choices],
        "status": status if status in Status.values else "",
        "page": Paginator(listed.order_by("id"), DELIVERIES_ON_A_PAGE).get_page(request.GET.get("page")),
        "may_resolve": request.user.has_perm("notices.resolve_delivery"),
    }
    return TemplateResponse(request, "notices/notice.html", context, status=status_code)


def status_badges(progress):
    """Return a badge for each delivery status with its number."""
    counted = [
        (progress.sent, "up", _("%(n)s sent")),
        (progress.left, "waiting", _("%(n)s in progress")),
        (progress.bounced, "counted", _("%(n)s bounced")),
        (progress.reached_by_letter, "up", _("%(n)s notified by letter")),
        (progress.failed, "counted", _("%(n)s failed")),
        (progress.unknown, "unknown", _("%(n)s unknown")),
    ]
    return format_html_join(
        " ", "{}", ((badge(state, words % {"n": number}),) for number, state, words in counted if number)
    )


def bar(progress):
    """Return the parts of the progress bar from left to right: state, start and width in percent."""
    strips, start = [], 0.0
    for state, number in (
        ("done", progress.reached),
        ("counted", progress.failed + progress.bounced),
        ("unknown", progress.unknown),
    ):
        width = 100 * number / progress.total if progress.total else 0
        strips.append((state, round(start, 3), round(width, 3)))
        start += width
    return strips


@require_safe
@requiring("notices.view_notice")
def attachment(_request, pk, name):
    file = get_object_or_404(Attachment, notice=pk, name=name)
    return download(file.name, file.content_type, bytes(file.content))


def download(name, content_type, content):
    response = HttpResponse(content, content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# Throttling


@require_POST
@requiring("notices.give_notice")
def pause(request, pk):
    return throttle(request, pk, operations.pause_notice, _("Paused. No more e-mails of this notice are sent."))


@require_POST
@requiring("notices.give_notice")
def resume(request, pk):
    answer = throttle(request, pk, operations.resume_notice, _("Resumed. The e-mails of this notice are sent again."))
    deliver_soon()
    return answer


@require_POST
@requiring("notices.give_notice")
def limit(request, pk):
    """Set the rate limit of a notice; an empty `per_minute` removes it."""
    typed = request.POST.get("per_minute", "").strip()
    # 0 is refused by the operation.
    per_minute = (int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0) if typed else None
    return throttle(request, pk, partial(operations.limit_notice, per_minute=per_minute), _("The limit was saved."))


def throttle(request, pk, operation, done):
    notice = get_object_or_404(Notice, pk=pk)
    try:
        operation(
            actor=acting(request),
            notice=notice,
            reason=typed(request, "reason"),
            now=timezone.now(),
        )
    except Refused as refused:
        messages.error(request, str(refused))
        return _notice_page(request, notice, status_code=422)
    messages.success(request, done)
    return redirect("admin:notices_notice_change", pk)


# Undelivered mail


@require_safe
@requiring("notices.view_delivery")
def delivery_page(request, pk):
    """Show the delivery of one e-mail and how to resolve it."""
    return _delivery_page(request, get_object_or_404(Delivery, pk=pk))


def _delivery_page(request, delivery, status_code=200):
    delivery = Delivery.objects.select_related("notice", "contact__customer", "replacement").get(pk=delivery.pk)
    context = {
        **admin.site.each_context(request),
        "title": _("E-mails"),
        "subtitle": delivery.email,
        "delivery": delivery,
        "says": delivery.notice.wording(),
        "customers": delivery.customers.all(),
        "bounces": delivery.bounces.all(),
        "replaces": delivery.replaces.all(),
        "may_see_customer": request.user.has_perm("customers.view_customer"),
        "may_resolve": request.user.has_perm("notices.resolve_delivery") and delivery.status in OPEN,
        "may_confirm": delivery.status in (Status.UNKNOWN, Status.BOUNCED),
        "typed": request.POST,
        "today": timezone.localdate(timezone=settings.SLA_ZONE),
    }
    return TemplateResponse(request, "notices/delivery.html", context, status=status_code)


@require_POST
@requiring("notices.resolve_delivery")
def confirm(request, pk):
    return decide(request, pk, operations.confirm_delivery, _("Recorded: the e-mail to %(address)s was delivered."))


@require_POST
@requiring("notices.resolve_delivery")
def again(request, pk):
    answer = decide(request, pk, operations.send_again, _("The e-mail to %(address)s will be sent again."))
    deliver_soon()
    return answer


@require_POST
@requiring("notices.resolve_delivery")
def correct(request, pk):
    done = _("%(address)s was corrected. The e-mail will be sent to the new address.")
    answer = decide(request, pk, operations.correct_address, done, "email")
    deliver_soon()
    return answer


@require_POST
@requiring("notices.resolve_delivery")
def letter(request, pk):
    try:
        letter_on = date.fromisoformat(request.POST.get("letter_on", ""))
    except ValueError:
        # Refused by the operation like any other invalid date.
        letter_on = date.max
    operation = partial(operations.reached_by_letter, letter_on=letter_on)
    return decide(request, pk, operation, _("Recorded: %(address)s was notified by letter."), "reference")


def decide(request, pk, operation, done, *fields):
    delivery = get_object_or_404(Delivery, pk=pk)
    try:
        said = {name: typed(request, name) for name in ("reason", *fields)}
        if not said["reason"]:
            raise operations.NoReason(_("Enter a reason. It is recorded in the audit log."))
        operation(actor=acting(request), delivery=delivery, now=timezone.now(), **said)
    except Refused as refused:
        messages.error(request, str(refused))
        return _delivery_page(request, delivery, status_code=422)
    messages.success(request, done % {"address": delivery.email})
    if request.POST.get("back") == "notice":
        return redirect(reverse("admin:notices_notice_change", args=[delivery.notice_id]) + "#open")
    return redirect("admin:notices_delivery_change", pk)


def typed(request, name):
    return typed_line(request.POST.get(name, ""), LONGEST)


@require_safe
@requiring("notices.resolve_delivery")
def unmatched(request):
    """List the reports of mail servers that name no e-mail of ours or cannot be read."""
    reports = unmatched_reports()
    shown = [(report, _readable(report)) for report in reports[:REPORTS_ON_A_PAGE]]
    context = {
        **admin.site.each_context(request),
        "title": _("Unmatched reports"),
        "shown": shown,
        "more": reports.count() - len(shown),
        "kept_days": operations.bouncing.KEPT_FOR.days,
    }
    return TemplateResponse(request, "notices/unmatched.html", context)


def _readable(report):
    """Return the beginning of a message as it came, in signs that can be printed."""
    text = bytes(report.content[:LONGEST_SHOWN]).decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c == "\n" else "" for c in text)


@require_POST
@requiring("notices.resolve_delivery")
def looked_at(request, pk):
    report = get_object_or_404(UnmatchedReport.objects.defer("content"), pk=pk)
    operations.look_at_report(actor=acting(request), report=report, now=timezone.now())
    messages.success(request, _("The report is marked as looked at."))
    return redirect("admin:unmatched_reports")


# The inbox of a portal that sends no e-mail


def requires_inbox(view):
    @wraps(view)
    def found(request, **arguments):
        if not inbox.in_use():
            raise Http404
        return view(request, **arguments)

    return found


@require_safe
@requiring("notices.read_inbox")
@requires_inbox
def inbox_page(request):
    """List the newest e-mails that the portal would have sent."""
    mails = [{"name": mail.name, "at": received_at(mail), "message": mail.message} for mail in inbox.newest()]
    context = {
        **admin.site.each_context(request),
        "title": _("Inbox of this portal"),
        "mails": mails,
        "most": inbox.SHOWN,
        "folder": settings.MAIL_DIR,
    }
    return TemplateResponse(request, "notices/inbox.html", context)


@require_safe
@requiring("notices.read_inbox")
@requires_inbox
def inbox_message(request, name):
    """Show an e-mail with its attachments; `?part=` downloads one by its index."""
    message = received(name).message
    files = list(message.iter_attachments())
    if (part := request.GET.get("part", "")).isdecimal():
        if int(part) >= len(files):
            raise Http404
        file = files[int(part)]
        return download(file.get_filename(), file.get_content_type(), file.get_payload(decode=True))
    text = message.get_body(("plain",))
    context = {
        **admin.site.each_context(request),
        "title": _("E-mails"),
        "subtitle": message["Subject"],
        "name": name,
        "message": message,
        "message_id": message["Message-ID"],
        "at": received_at(received(name)),
        "text": text.get_content() if text else "",
        "has_html": message.get_body(("html",)) is not None,
        "files": [file.get_filename() for file in files],
    }
    return TemplateResponse(request, "notices/inbox_message.html", context)


@require_safe
@requiring("notices.read_inbox")
@requires_inbox
def inbox_html(_request, name):
    """Show the HTML of an e-mail, sandboxed."""
    html = received(name).message.get_body(("html",))
    if html is None:
        raise Http404
    return HttpResponse(html.get_content(), headers={"Content-Security-Policy": POLICY_OF_A_MAIL})


def received(name):
    mail = inbox.received(name)
    if mail is None:
        raise Http404
    return mail


def received_at(mail):
    return datetime.fromtimestamp(int(mail.at), UTC)
