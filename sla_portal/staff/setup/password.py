"""Set the first password of an account by the link of its invitation."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record_password
from sla_portal.notices.private import delivery_of
from sla_portal.notices.rules import INVITATION

from ..common import page

VALID = timedelta(days=7)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def set_first_password(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for a password until one is set; afterwards, and after seven days, the link opens nothing."""
    now = timezone.now()
    user = invited(token, now)
    if user is None:
        return page(request, "staff/setup/password.html", {"title": _("This link is no longer valid")}, status=410)
    form = SetPasswordForm(user, request.POST or None)
    if form.is_valid():
        form.save()
        record_password(actor=Actor.staff(user), user=user, now=now)
        messages.success(request, _("Your password is set. Sign in with it."))
        return redirect("admin:login")
    context = {"title": _("Set a password"), "form": form, "login": user.get_username()}
    return page(request, "staff/setup/password.html", context, status=422 if form.errors else 200)


def invited(token: str, now: datetime) -> User | None:
    """Return the account of an invitation that is still to be used, locked in the caller's transaction."""
    delivery = delivery_of(token)
    if delivery is None or delivery.notice.given_at < now - VALID:
        return None
    what, _space, account = delivery.notice.about.partition(" ")
    if what != INVITATION or not account.isdigit():
        return None
    user = User.objects.select_for_update().filter(pk=account, is_active=True).first()
    return user if user and not user.has_usable_password() else None
