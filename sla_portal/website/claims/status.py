"""The page of a claim for its claimant: follow it, add proof materials, answer, withdraw, appeal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from claims.models import Claim, ClaimLink
from claims.models.applying import OPEN
from claims.operations import appeal_refusal, customer_answered, withdraw_claim
from claims.operations.applying import claimant
from claims.operations.proofs import MOST
from claims.queries import window_of
from claims.queries.applying import link_behind
from sla_portal.audit.actors import Actor
from sla_portal.availability.queries import closing_of
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.money import format_amount as amount
from sla_portal.minutes import LONGEST
from sla_portal.notices.tasks import deliver_soon
from sla_portal.typed import typed_text

from ..minutes import listed
from ..queries import minutes_of_customer
from ..reader import Reader
from .forms import LONGEST_TEXT, MessageForm
from .private import gone, in_time_zone, private, show
from .queries import compensation_of, emails_about
from .views import RefusedFiles, add_files


@dataclass(frozen=True)
class LinkHolder:
    """The holder of a valid personal link, with the claim."""

    link: ClaimLink
    token: str
    now: datetime

    @classmethod
    def of(cls, token: str, now: datetime) -> LinkHolder:
        link = link_behind(token)
        if link is None:
            raise gone(None)
        ended_at = min(filter(None, [link.revoked_at, link.expires_at]))
        if ended_at <= now:
            raise gone(ended_at)
        return cls(link, token, now)

    @property
    def claim(self) -> Claim:
        return self.link.claim

    @property
    def actor(self) -> Actor:
        return claimant(self.claim.email)


@private
def status(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Show a claim to the holder of a valid link."""
    return _page(request, reader, LinkHolder.of(token, timezone.now()))


@private
def minutes(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """List the minutes of the claimant's month, with what the customer caused, once it is closed: `?at=`, `?page=`."""
    claim = LinkHolder.of(token, timezone.now()).claim
    reader = in_time_zone(reader, claim.time_zone)
    found = minutes_of_customer(claim.contract.customer, claim.service_month)
    asked = {name: request.GET.get(name, "")[:LONGEST] for name in ("at", "page")}
    context = {"claim": claim, "token": token, **(listed(found, **asked) if found else {})}
    return show(request, reader, "claim_minutes", context)


@private
def letter(_request: HttpRequest, _reader: Reader, token: str, number: str) -> HttpResponse:
    """Send a letter as a PDF."""
    claim = LinkHolder.of(token, timezone.now()).claim
    found = claim.letters.filter(notice__number=number, printed_at__isnull=False).first()
    if found is None:
        raise Http404
    return HttpResponse(
        bytes(found.pdf or b""),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{number}.pdf"', "X-Content-Type-Options": "nosniff"},
    )


@private
def withdraw(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Ask for confirmation, then withdraw the claim."""
    holder = LinkHolder.of(token, timezone.now())
    if request.method != "POST":
        reader = in_time_zone(reader, holder.claim.time_zone)
        window = window_of(holder.claim.service_month)
        context = {"claim": holder.claim, "token": token, "window": window, "open": holder.claim.status in OPEN}
        return show(request, reader, "claim_withdraw", context)

    def write() -> None:
        reason = typed_text(request.POST.get("reason", ""), LONGEST_TEXT)
        withdraw_claim(actor=holder.actor, claim=holder.claim, reason=reason, now=holder.now)

    return _done(request, reader, holder, write)


@private
def proof(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Add files to a claim."""
    holder = LinkHolder.of(token, timezone.now())
    if request.method != "POST":
        return _back(holder)
    refused = add_files(request, holder.claim, holder.actor, holder.now)
    if not request.FILES:
        refused = RefusedFiles([_("Choose a file first.")])
    if not refused:
        return _back(holder, "proof")
    return _page(request, reader, holder, {"refused_files": refused}, refused.status)


@private
def answer(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Answer what the reviewer asked, with files."""
    holder = LinkHolder.of(token, timezone.now())
    return _message(
        request, reader, holder, "answer",
        lambda text: customer_answered(actor=holder.actor, claim=holder.claim, text=text, now=holder.now),
    )  # fmt: skip


@private
def appeal(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Appeal a refusal, once, with files."""
    holder = LinkHolder.of(token, timezone.now())
    return _message(
        request, reader, holder, "appeal",
        lambda text: appeal_refusal(actor=holder.actor, claim=holder.claim, text=text, now=holder.now),
    )  # fmt: skip


def _message(
    request: HttpRequest, reader: Reader, holder: LinkHolder, name: str, say: Callable[[str], None]
) -> HttpResponse:
    if request.method != "POST":
        return _back(holder)
    form = MessageForm(request.POST)
    # The files first: those that are accepted are kept, so that nothing is sent without the others, and nothing chosen twice.
    refused = add_files(request, holder.claim, holder.actor, holder.now)
    if refused or not form.is_valid():
        context: dict[str, Any] = {
            f"{name}_errors": form.errors.get("text", []),
            f"{name}_files": refused,
            "entered": request.POST.get("text", "")[:LONGEST_TEXT],
        }
        return _page(request, reader, holder, context, refused.status if refused else 422)
    return _done(request, reader, holder, lambda: say(form.cleaned_data["text"]))


def _done(request: HttpRequest, reader: Reader, holder: LinkHolder, do: Callable[[], Any]) -> HttpResponse:
    try:
        do()
    except Refused as refused:
        holder.claim.refresh_from_db()
        return _page(request, reader, holder, {"refused": str(refused)}, 422)
    deliver_soon()
    return _back(holder)


def _back(holder: LinkHolder, anchor: str = "") -> HttpResponse:
    return HttpResponseRedirect(reverse("claim_status", args=[holder.token]) + (f"#{anchor}" if anchor else ""))


def _page(
    request: HttpRequest,
    reader: Reader,
    holder: LinkHolder,
    context: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    claim = holder.claim
    reader = in_time_zone(reader, claim.time_zone)
    granted = compensation_of(claim)
    proofs = list(claim.proofs.all())
    shown = {
        "claim": claim,
        "token": holder.token,
        "link": holder.link,
        "window": window_of(claim.service_month),
        "times": list(claim.times.all()),
        "functions": list(claim.functions.all()),
        "clients": list(claim.clients.all()),
        "proofs": proofs,
        "most": MOST,
        "emails": emails_about(claim, reader.language),
        "granted": granted,
        "voucher_value": amount(granted.voucher.value, granted.voucher.currency) if granted and granted.voucher else "",
        "voucher_left": amount(granted.voucher_left, granted.voucher.currency)
        if granted and granted.voucher and 0 < granted.voucher_left < granted.voucher.value
        else "",
        "open": claim.status in OPEN,
        "closed": closing_of(claim.service_month) is not None,
        "may_add": claim.status in OPEN and len(proofs) < MOST,
        "may_attach": len(proofs) < MOST,
        "may_appeal": claim.may_be_appealed,
        "sla_today": holder.now.astimezone(settings.SLA_ZONE).date(),
    }
    return show(request, reader, "claim_status", shown | (context or {}), status)
