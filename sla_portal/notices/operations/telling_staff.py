"""Send e-mails to staff by the way that customers' e-mails take: a test, and an invitation to set a password."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import require
from sla_portal.customers.models import Contact
from sla_portal.kernel.errors import Refused

from ..models import Kind, Notice
from ..private import private_link
from ..rules import INVITATION, TEST
from ..wording import worded
from .giving import Address, give_notice


class AddressMissing(Refused):
    """The account has no e-mail address."""

    field = "email"


def send_test(*, actor: Actor, user: User, now: datetime) -> Notice:
    """Queue a test e-mail to a member of staff; what came of it stands on its delivery. Raises `AddressMissing`."""
    require(actor, "operator.open_portal")
    return _send(actor, user, TEST, "notices/emails/test", {}, now)


def invite(*, actor: Actor, user: User, now: datetime) -> Notice:
    """Queue an e-mail with a personal link by which a new member of staff sets a password. Raises `AddressMissing`."""
    require(actor, "auth.add_user")
    context = {"login": user.get_username(), "link": private_link("/admin/password/")}
    return _send(actor, user, f"{INVITATION} {user.pk}", "notices/emails/invitation", context, now)


def _send(actor: Actor, user: User, about: str, template: str, context: Mapping[str, Any], now: datetime) -> Notice:
    if not user.email:
        raise AddressMissing(_("The account has no e-mail address."))
    return give_notice(
        # Issuing notices to customers is another right.
        actor=Actor.system(f"{actor.name} ({about})"),
        kind=Kind.ANNOUNCEMENT,
        about=about,
        wordings=worded(template, context),
        audience=Contact.objects.none(),
        addresses=[Address(user.email, user.get_full_name(), get_language() or "en")],
        public=False,
        now=now,
    )
