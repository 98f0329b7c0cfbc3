"""The page on which a claimant follows a claim, adds proof, answers, takes it back, and appeals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from claims.models import Claim, ClaimLink, Status
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
from sla_portal.notices.tasks import deliver_soon

from ..reader import Reader
from .forms import LONGEST_TEXT, SayForm
from .private import gone, on_clock, private, show
from .queries import given_for, letters_about
from .views import added


@dataclass(frozen=True)
class Follower:
    """Whoever holds a valid link, with the claim that it leads to."""

    link: ClaimLink
    token: str
    now: datetime

    @classmethod
    def of(cls, token: str, now: datetime) -> Follower:
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
    """Show a claim to whoever holds a valid link to it."""
    return _page(request, reader, Follower.of(token, timezone.now()))


@private
def withdraw(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Ask whether the claim is really to be taken back, and take it back."""
    follower = Follower.of(token, timezone.now())
    if request.method != "POST":
        reader = on_clock(reader, follower.claim.time_zone)
        window = window_of(follower.claim.service_month)
        context = {"claim": follower.claim, "token": token, "window": window, "open": follower.claim.status in OPEN}
        return show(request, reader, "claim_withdraw", context)
    reason = request.POST.get("reason", "").replace("\0", "")[:LONGEST_TEXT]
    return _done(
        request, reader, follower,
        lambda: withdraw_claim(actor=follower.actor, claim=follower.claim, reason=reason, now=follower.now),
    )  # fmt: skip


@private
def proof(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Add files to a claim."""
    follower = Follower.of(token, timezone.now())
    if request.method != "POST":
        return _back(follower)
    errors = added(request, follower.claim, follower.actor, follower.now)
    if not errors and not request.FILES:
        errors = [_("Choose a file first.")]
    return _page(request, reader, follower, {"proof_errors": errors}, 422) if errors else _back(follower, "proof")


@private
def answer(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Answer what the reviewer asked."""
    follower = Follower.of(token, timezone.now())
    return _said(
        request, reader, follower, "answer",
        lambda text: customer_answered(actor=follower.actor, claim=follower.claim, text=text, now=follower.now),
    )  # fmt: skip


@private
def appeal(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """Appeal a refusal, once."""
    follower = Follower.of(token, timezone.now())
    return _said(
        request, reader, follower, "appeal",
        lambda text: appeal_refusal(actor=follower.actor, claim=follower.claim, text=text, now=follower.now),
    )  # fmt: skip


def _said(
    request: HttpRequest, reader: Reader, follower: Follower, name: str, say: Callable[[str], None]
) -> HttpResponse:
    if request.method != "POST":
        return _back(follower)
    form = SayForm(request.POST)
    if not form.is_valid():
        context = {f"{name}_errors": form.errors["text"], "said": request.POST.get("text", "")[:LONGEST_TEXT]}
        return _page(request, reader, follower, context, 422)
    return _done(request, reader, follower, lambda: say(form.cleaned_data["text"]))


def _done(request: HttpRequest, reader: Reader, follower: Follower, do: Callable[[], Any]) -> HttpResponse:
    try:
        do()
    except Refused as refused:
        follower.claim.refresh_from_db()
        return _page(request, reader, follower, {"refused": str(refused)}, 422)
    deliver_soon()
    return _back(follower)


def _back(follower: Follower, anchor: str = "") -> HttpResponse:
    return HttpResponseRedirect(reverse("claim_status", args=[follower.token]) + (f"#{anchor}" if anchor else ""))


def _page(
    request: HttpRequest,
    reader: Reader,
    follower: Follower,
    context: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    claim = follower.claim
    reader = on_clock(reader, claim.time_zone)
    given = given_for(claim)
    proofs = list(claim.proofs.all())
    shown = {
        "claim": claim,
        "token": follower.token,
        "link": follower.link,
        "window": window_of(claim.service_month),
        "times": list(claim.times.all()),
        "functions": list(claim.functions.all()),
        "clients": list(claim.clients.all()),
        "proofs": proofs,
        "most": MOST,
        "letters": letters_about(claim, reader.language),
        "given": given,
        "voucher_value": amount(given.voucher.value, given.voucher.currency) if given and given.voucher else "",
        "open": claim.status in OPEN,
        "closed": closing_of(claim.service_month) is not None,
        "may_add": claim.status in OPEN and len(proofs) < MOST,
        "may_appeal": claim.status == Status.REFUSED and claim.appealed_at is None,
        "sla_today": follower.now.astimezone(settings.SLA_ZONE).date(),
    }
    return show(request, reader, "claim_status", shown | (context or {}), status)
