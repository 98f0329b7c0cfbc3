"""Contacts in their customer account."""

from django.test import Client
from django.urls import reverse

from sla_portal.notices.models import Delivery
from sla_portal.notices.private import code, token
from sla_portal.website.account.operations import mail_codes


def asked(email: str, client: Client | None = None) -> str:
    """Ask for a code through the page; return the address of the page on which it is typed."""
    response = (client or Client()).post(reverse("account"), {"email": email})
    assert response.status_code == 302, response.content
    return response["Location"]


def newest_mail(email: str) -> Delivery:
    return Delivery.objects.select_related("notice").filter(email=email, notice__about="account").latest("pk")


def link_in_mail(email: str) -> str:
    return reverse("account_link", args=[token(newest_mail(email))])


def code_in_mail(email: str) -> str:
    return code(newest_mail(email))


def in_account(email: str, now, **browser) -> Client:
    """A browser signed in as the holder of an address."""
    client = Client(**browser)
    asked(email, client)
    mail_codes(now=now)
    assert client.post(link_in_mail(email)).status_code == 302
    return client
