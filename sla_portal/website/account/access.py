"""Who is in the customer account, and how its pages are answered: by a cookie that no other page gets or reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from sla_portal.customers.models import AccountSession, Customer, Right

from ..claims.private import private, show
from ..reader import Reader
from .operations import SESSION_VALID, hashed
from .queries import ContactWithRights, contacts_with_rights, customers_of, rights_of, session_with

COOKIE = "account_session"
PATH = "/account/"
"""The cookie goes to no other page: not to the staff's."""


@dataclass(frozen=True)
class Account:
    """The account of one customer, opened by a signed-in contact."""

    session: AccountSession
    customer: Customer
    now: datetime

    @cached_property
    def contacts(self) -> list[ContactWithRights]:
        return contacts_with_rights(self.customer)

    @cached_property
    def may_claim(self) -> bool:
        return Right.CLAIM in rights_of(self.contacts, self.session.email)


def account_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Call `view(request, reader, …)`; no cache keeps what it answers.

    A form of another site is refused by what the browser says of it (`private`), and has no cookie (SameSite).
    """
    answered = private(view)

    @wraps(answered)
    def uncached(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = answered(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response

    return uncached


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Call `view(request, reader, session, …)`; without a session, lead to the sign-in."""

    @wraps(view)
    def answered(request: HttpRequest, reader: Reader, *args: object, **kwargs: object) -> HttpResponse:
        session = session_of(request, timezone.now())
        if session is None:
            return HttpResponseRedirect(reverse("account"))
        return view(request, reader, session, *args, **kwargs)

    return account_page(answered)


def of_customer(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Call `view(request, reader, account, …)` with the customer of the address; another's is not found."""

    @wraps(view)
    def answered(
        request: HttpRequest, reader: Reader, session: AccountSession, code: str, *args: object, **kwargs: object
    ) -> HttpResponse:
        customer = customers_of(session).filter(code=code).first()
        if customer is None:
            raise Http404
        return view(request, reader, Account(session, customer, timezone.now()), *args, **kwargs)

    return signed_in(answered)


def session_of(request: HttpRequest, now: datetime) -> AccountSession | None:
    cookie = request.COOKIES.get(COOKIE, "")
    return session_with(hashed(cookie), now) if cookie else None


def open_session(cookie: str) -> HttpResponse:
    """Answer a sign-in."""
    response = HttpResponseRedirect(reverse("account"))
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(SESSION_VALID.total_seconds()),
        path=PATH,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response


def close_session() -> HttpResponse:
    response = HttpResponseRedirect(reverse("account"))
    response.delete_cookie(COOKIE, path=PATH, samesite="Lax")
    return response


def page(
    request: HttpRequest, reader: Reader, account: Account, template: str, context: dict[str, Any]
) -> HttpResponse:
    """Answer with a page of `templates/website/account` about the customer."""
    around = {"account": account, "customer": account.customer, "session": account.session, "tab": template}
    return show(request, reader, f"account/{template}", around | context)
