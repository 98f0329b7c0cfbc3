"""The pages of the customer account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from claims.models.applying import Status as ClaimStatus
from claims.operations.applying import TooManyTries, start_confirmed_application
from claims.queries.applying import newest_token
from sla_portal import visitors
from sla_portal.agreements.models import Contract
from sla_portal.customers.models import AccountSession
from sla_portal.customers.operations import choose_reports_by_mail
from sla_portal.customers.queries import contacts_of_customer
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.models import Kind, Notice
from sla_portal.notices.private import concealed
from sla_portal.reports.queries import file_of

from ..claims.forms import TIMES
from ..claims.private import Stop, show
from ..claims.queries import compensation_of, emails_about
from ..reader import Reader
from ..tasks import mail_sign_in_codes_soon
from . import queries
from .access import Account, account_page, close_session, of_customer, open_session, page, session_of, signed_in
from .export import archive_of
from .operations import CODE_VALID, account_holder, ask_to_sign_in, check_code, end_session, hashed, record_export
from .operations import sign_in as use

PAGE = 40
MINUTES = int(CODE_VALID.total_seconds() // 60)


# Signing in


class AddressForm(forms.Form):
    """The address to which a code is mailed."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address on record"),
        max_length=254,
        error_messages={"required": gettext_lazy("Enter your e-mail address.")},
        help_text=gettext_lazy(
            "We send a code and a link to it, if it is on record for a customer. There is no password."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


@account_page
def enter(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Lead to the customer, let one of several be chosen, or ask for an address to sign in with."""
    now = timezone.now()
    session = session_of(request, now)
    if session and request.method != "POST":
        return _choice(request, reader, session)
    form = AddressForm(request.POST or None)
    if not form.is_valid():
        return show(request, reader, "account/sign_in", {"form": form}, 422 if form.is_bound else 200)
    key = ask_to_sign_in(email=form.cleaned_data["email"], visitor=visitors.address(request), now=now)
    mail_sign_in_codes_soon()
    return HttpResponseRedirect(reverse("account_code", args=[key]))


def _choice(request: HttpRequest, reader: Reader, session: AccountSession) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    customers = queries.customers_of(session)
    if not text and (only := list(customers[:2])) and len(only) == 1:
        return HttpResponseRedirect(reverse("account_customer", args=[only[0].code]))
    found = customers.filter(Q(code__icontains=text) | Q(name__icontains=text)) if text else customers
    number = _page_number(request)
    rows = list(found[(number - 1) * PAGE : number * PAGE + 1])
    shown = {"session": session, "customers": rows[:PAGE], "more": len(rows) > PAGE, "page": number, "text": text}
    return show(request, reader, "account/choice", shown)


@account_page
def code(request: HttpRequest, reader: Reader, key: str) -> HttpResponse:
    """Take the code from the e-mail."""
    now, request_row = timezone.now(), queries.request_with(hashed(key))
    if request_row is None or request_row.used_at or request_row.expires_at <= now:
        raise _gone()
    shown: dict[str, Any] = {"email": request_row.email, "minutes": MINUTES}
    if request.method != "POST":
        return show(request, reader, "account/code", shown)
    try:
        check_code(request=request_row, typed="".join(request.POST.get("code", "")[:40].split()), now=now)
        return open_session(use(request=request_row, now=now))
    except TooManyTries as refused:
        return show(request, reader, "account/code", shown | {"error": str(refused), "over": True}, 429)
    except Refused as refused:
        return show(request, reader, "account/code", shown | {"error": str(refused)}, 422)


@account_page
def link(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Ask for a press, then sign in: what a mail scanner opens signs nobody in."""
    now, request_row = timezone.now(), queries.request_of_link(hashed(token))
    if request_row is None or request_row.used_at or request_row.expires_at <= now:
        raise _gone()
    if request.method != "POST":
        return show(request, reader, "account/link", {"email": request_row.email})
    try:
        return open_session(use(request=request_row, now=now))
    except Refused:
        raise _gone() from None


def _gone() -> Stop:
    return Stop(
        410,
        _("This code or link is no longer valid"),
        _("Codes and links are valid for 15 minutes and work once. Sign in again to get a new one."),
        again=reverse("account"),
    )


@signed_in
def sign_out(request: HttpRequest, _reader: Reader, session: AccountSession) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseRedirect(reverse("account"))
    end_session(session=session)
    return close_session()


# One customer


@of_customer
def overview(request: HttpRequest, reader: Reader, account: Account) -> HttpResponse:
    """What waits for the customer, its contracts, contacts and subscriptions."""
    today = local_date(epoch(account.now), settings.SLA_ZONE)
    months = queries.months_of(account.customer, account.now, slice(12))
    versions = queries.versions_of(account.customer, account.session.email, account.now)
    return page(
        request,
        reader,
        account,
        "overview",
        {
            "breached": [one for one in months if one.claimable],
            "questions": list(queries.claims_of(account.customer).filter(status=ClaimStatus.WAITING)),
            "pending": [one for one in versions if one.token and not one.answers],
            "contracts": list(
                Contract.objects.filter(customer=account.customer).select_related("renewed_by").order_by("-starts_on")
            ),
            "today": today,
            "several": queries.customers_of(account.session).count() > 1,
        },
    )


@of_customer
def months(request: HttpRequest, reader: Reader, account: Account) -> HttpResponse:
    """The months with figures and reports."""
    number = _page_number(request)
    found = queries.months_of(account.customer, account.now, slice((number - 1) * PAGE, number * PAGE + 1))
    return page(request, reader, account, "months", {"months": found[:PAGE], "more": len(found) > PAGE, "page": number})


@of_customer
def report(_request: HttpRequest, _reader: Reader, account: Account, pk: int) -> HttpResponse:
    """Download the PDF of a report."""
    found = queries.report_of(account.customer, pk)
    if found is None:
        raise Http404
    try:
        return _download(file_of(found), found.file_name, "application/pdf")
    except Refused as refused:
        raise Stop(500, _("The file is damaged"), str(refused)) from refused


@of_customer
def start_claim(request: HttpRequest, reader: Reader, account: Account, month: str) -> HttpResponse:
    """Start the claim form for a month, with contract, month and confirmed address filled in."""
    back = HttpResponseRedirect(reverse("account_months", args=[account.customer.code]))
    if request.method != "POST":
        return back
    wanted = next(
        (one for one in queries.months_of(account.customer, account.now, slice(PAGE)) if str(one.month) == month), None
    )
    contact = contacts_of_customer(account.customer).filter(email__iexact=account.session.email).first()
    if wanted is None or wanted.unclaimed is None or contact is None:
        return back
    try:
        key = start_confirmed_application(
            contract=wanted.unclaimed,
            contact=contact,
            month=wanted.month,
            language=reader.language,
            confirmed_at=account.session.started_at,
            now=account.now,
        )
    except Refused as refused:
        raise Stop(403, _("You may not claim for this customer"), str(refused)) from refused
    return HttpResponseRedirect(reverse("claim_step", args=[key, TIMES]))


@of_customer
def claims(request: HttpRequest, reader: Reader, account: Account) -> HttpResponse:
    """The claims of the customer, and its vouchers with their balance."""
    today = local_date(epoch(account.now), settings.SLA_ZONE)
    vouchers = queries.vouchers_of(account.customer, today)
    number = _page_number(request)
    rows = list(queries.claims_of(account.customer)[(number - 1) * PAGE : number * PAGE + 1])
    return page(
        request,
        reader,
        account,
        "claims",
        {
            "claims": rows[:PAGE],
            "more": len(rows) > PAGE,
            "page": number,
            "vouchers": vouchers,
            "balances": queries.balances_of(account.customer, today),
        },
    )


@of_customer
def claim(request: HttpRequest, reader: Reader, account: Account, number: str) -> HttpResponse:
    """A claim with its e-mails; who made it goes on to its own page."""
    found = queries.claims_of(account.customer).filter(number=number.replace("\0", "")).first()
    if found is None:
        raise Http404
    own = found.email.lower() == account.session.email.lower()
    shown = {
        "claim": found,
        "emails": emails_about(found, reader.language),
        "granted": compensation_of(found),
        "token": newest_token(found, account.now) if own else None,
        "own": own,
    }
    return page(request, reader, account, "claim", shown)


@of_customer
def messages(request: HttpRequest, reader: Reader, account: Account) -> HttpResponse:
    """The letters and notices that went to the customer."""
    number = _page_number(request)
    rows = list(queries.notices_for(account.customer)[(number - 1) * PAGE : number * PAGE + 1])
    notices = [(one, one.wording(reader.language)) for one in rows[:PAGE]]
    return page(request, reader, account, "messages", {"notices": notices, "more": len(rows) > PAGE, "page": number})


@of_customer
def message(request: HttpRequest, reader: Reader, account: Account, number: str) -> HttpResponse:
    """A letter or notice as sent, without its personal link."""
    notice = _notice(account, number)
    said = notice.wording(reader.language)
    shown = {
        "notice": notice,
        "said": said,
        "text": concealed(said.text),
        "recipients": queries.recipients_of(notice, account.customer),
        "files": list(notice.attachments.defer("content")),
        "is_claim": notice.kind == Kind.CLAIM,
    }
    return page(request, reader, account, "message", shown)


@of_customer
def attachment(_request: HttpRequest, _reader: Reader, account: Account, number: str, pk: int) -> HttpResponse:
    """Download a file that was attached to a letter or notice."""
    found = _notice(account, number).attachments.filter(pk=pk).first()
    if found is None:
        raise Http404
    return _download(bytes(found.content), found.name, found.content_type)


def _notice(account: Account, number: str) -> Notice:
    found = queries.notices_for(account.customer).filter(number=number.replace("\0", "")).first()
    if found is None:
        raise Http404
    return found


@of_customer
def agreement(request: HttpRequest, reader: Reader, account: Account) -> HttpResponse:
    """The versions of the agreement, and what the customer answered."""
    versions = queries.versions_of(account.customer, account.session.email, account.now)
    return page(
        request,
        reader,
        account,
        "agreement",
        {"versions": versions, "today": local_date(epoch(account.now), settings.SLA_ZONE)},
    )


@of_customer
def reports_by_mail(request: HttpRequest, _reader: Reader, account: Account) -> HttpResponse:
    """Choose whether the contacts get the reports of closed months by e-mail."""
    if request.method == "POST" and request.POST.get("wanted") in {"yes", "no"}:
        choose_reports_by_mail(
            actor=account_holder(account.session.email),
            customer=account.customer,
            wanted=request.POST["wanted"] == "yes",
            now=account.now,
        )
    return HttpResponseRedirect(reverse("account_customer", args=[account.customer.code]) + "#subscriptions")


@of_customer
def export(request: HttpRequest, _reader: Reader, account: Account) -> HttpResponse:
    """Download everything about the customer as a ZIP."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("account_customer", args=[account.customer.code]))
    archive = archive_of(account.customer, account.contacts, may_see_codes=account.may_claim, now=account.now)
    record_export(session=account.session, customer=account.customer, now=account.now)
    # A streaming response is none of `HttpResponse`, though the pages before it treat both alike.
    zipped: Any = FileResponse(
        archive, as_attachment=True, filename=f"{account.customer.code}.zip", content_type="application/zip"
    )
    return zipped


def _download(content: bytes, name: str, content_type: str) -> HttpResponse:
    headers = {
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(content, content_type=content_type, headers=headers)


def _page_number(request: HttpRequest) -> int:
    typed = request.GET.get("page", "")
    return max(1, int(typed)) if typed.isdecimal() and typed.isascii() and len(typed) < 6 else 1
