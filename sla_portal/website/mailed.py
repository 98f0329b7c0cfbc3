"""The reports that a contact was told of by e-mail, behind the personal link in it: of its customer, or of its sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from tempfile import TemporaryFile
from typing import Any
from zipfile import ZIP_STORED, ZipFile

from django.conf import settings
from django.db.models import F
from django.db.models.fields.json import KT
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from claims.queries import window_of
from sla_portal.customers.models import Customer
from sla_portal.customers.queries import with_address
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Kind
from sla_portal.notices.private import delivery_of
from sla_portal.reports.emails import LINK_VALID
from sla_portal.reports.models import Report
from sla_portal.reports.queries import file_of

from .claims.private import Stop, private, show
from .reader import Reader


@dataclass(frozen=True)
class Told:
    """What the link of a delivery leads to: reports of a month, by customer."""

    delivery: Delivery
    month: ServiceMonth
    reports: Sequence[Any]
    """Each with what it states: the availability `reached` and whether the SLA was `met`."""

    @property
    def breached(self) -> bool:
        return any(one.met is False for one in self.reports)

    @property
    def closes_on(self) -> date:
        """The last day on which compensation can be claimed (3.3.1)."""
        return (window_of(self.month).closes_at - timedelta(seconds=1)).astimezone(settings.SLA_ZONE).date()


def _told(token: str, now: datetime) -> Told:
    delivery = delivery_of(token)
    if delivery is None or delivery.notice.kind != Kind.REPORT:
        raise Stop(
            404, _("This link does not work"), _("It may have been copied incompletely. Open it from the e-mail.")
        )
    # Who left the customer, or the site its installer, reads no reports any more.
    customers = with_address(Customer.objects.all(), delivery.email)
    if delivery.customers.exists():
        customers = customers.filter(pk__in=delivery.customers.values("customer"))
    elif delivery.contact:
        customers = customers.filter(pk=delivery.contact.customer_id)
    reports = Report.objects.filter(mailed__notice=delivery.notice, customer__in=customers.order_by().values("pk"))
    found = list(
        reports.select_related("customer", "superseded_by")
        .defer("statement", "superseded_by__statement")
        .annotate(reached=KT("statement__figures__availability"), met=F("statement__figures__met"))
        .order_by("customer__code")
    )
    if not found or not delivery.contact or now >= delivery.notice.given_at + LINK_VALID:
        raise Stop(
            410,
            _("This link is no longer valid"),
            _(
                "It is valid for 180 days, and as long as its address is on record for the customer. Please write to us."
            ),
        )
    return Told(delivery, ServiceMonth.parse(delivery.notice.about), found)


@private
def reports(request: HttpRequest, reader: Reader, token: str) -> HttpResponse:
    """List the reports of a month that a contact was told of."""
    return show(request, reader, "mailed_reports", {"told": _told(token, timezone.now()), "token": token})


@private
def report(_request: HttpRequest, _reader: Reader, token: str, pk: int) -> HttpResponse:
    """Download the PDF of one of the reports."""
    found = next((one for one in _told(token, timezone.now()).reports if one.pk == pk), None)
    if found is None:
        raise Http404
    return _download(_content(found), found.file_name, "application/pdf")


@private
def all_reports(_request: HttpRequest, _reader: Reader, token: str) -> HttpResponse:
    """Download all of the reports as one ZIP."""
    told = _told(token, timezone.now())
    archive = TemporaryFile()  # noqa: SIM115 - the response closes it
    with ZipFile(archive, "w", ZIP_STORED) as files:
        for one in told.reports:
            files.writestr(one.file_name, _content(one))
    archive.seek(0)
    # A streaming response is none of `HttpResponse`, though the pages before it treat both alike.
    zipped: Any = FileResponse(
        archive, as_attachment=True, filename=f"reports-{told.month}.zip", content_type="application/zip"
    )
    return zipped


def _content(report: Report) -> bytes:
    try:
        return file_of(report)
    except Refused as refused:
        raise Stop(500, _("The file is damaged"), str(refused)) from refused


def _download(content: bytes, name: str, kind: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=kind, headers=headers)
