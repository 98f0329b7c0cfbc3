"""A test of the delivery of e-mails, and what came of it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from sla_portal.audit.versions import acting
from sla_portal.notices.mail import inbox
from sla_portal.notices.models import Delivery, Kind, Status
from sla_portal.notices.operations import send_test
from sla_portal.notices.rules import TEST
from sla_portal.notices.tasks import deliver_soon

from ..common import page, refusals_on, require_right
from ..forms import KeyedForm
from ..operations import save_once
from .checklist import RIGHT

SHOWN = 5


@require_http_methods(["GET", "HEAD", "POST"])
def test_mail(request: HttpRequest) -> HttpResponse:
    """Send an e-mail to the person signed in, and show what came of the last ones."""
    require_right(request, RIGHT)
    now = timezone.now()
    form = KeyedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():

        def send() -> str:
            send_test(actor=acting(request), user=request.user, now=now)
            deliver_soon()
            return request.path

        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=send, now=now))
    sent = Delivery.objects.filter(
        notice__kind=Kind.ANNOUNCEMENT, notice__about=TEST, email__iexact=request.user.email
    ).select_related("notice")
    deliveries = list(sent.order_by("-id")[:SHOWN])
    context = {
        "title": _("Test e-mail"),
        "form": form,
        "deliveries": deliveries,
        "under_way": any(one.status in {Status.PENDING, Status.SENDING} for one in deliveries),
        "sender": settings.DEFAULT_FROM_EMAIL,
        "inbox": inbox.in_use(),
    }
    if request.GET.get("part") == "outcome":
        return page(request, "staff/setup/_outcome.html", context)
    return page(request, "staff/setup/mail.html", context, status=422 if form.errors else 200)
