"""Tell the contacts of customers, by choice, that the reports of a closed month are issued."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import lock_chain
from sla_portal.availability.models import MonthClosing
from sla_portal.customers.models import Contact, Customer
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Kind, Notice
from sla_portal.notices.operations import give_notice

from .. import emails
from ..models import Report, ReportRun, Status

MAILED_FOR = timedelta(days=31)
"""What was issued earlier is not told of: who chooses the e-mails gets no past year at once."""

INSERT = "INSERT INTO reports_mailedreport (report_id, notice_id) SELECT due.id, %s FROM ({due}) due"


def mail_due_reports(*, now: datetime) -> int:
    """Tell of the reports of closed months once each, an installer of those of all its sites; return the number of notices.

    A month waits until all of its requested reports are rendered.
    """
    months = set(_due(now).order_by().values_list("month", flat=True))
    return sum(_mail(month, now) for month in sorted(months))


def _mail(month: date, now: datetime) -> bool:
    if ReportRun.objects.filter(month=month, made_at__isnull=True, error="").exists():
        return False
    if Report.objects.filter(month=month, status__in=[Status.QUEUED, Status.RENDERING]).exists():
        return False
    with transaction.atomic():
        # Of two workers the second finds nothing due.
        lock_chain()
        due = _due(now).filter(month=month).order_by()
        if not due.exists():
            return False
        notice = give_notice(
            actor=Actor.system("schedule"),
            kind=Kind.REPORT,
            about=str(ServiceMonth.of(month)),
            wordings=emails.issued(ServiceMonth.of(month)),
            audience=Contact.objects.filter(customer__reports_by_mail=True),
            customers=Customer.objects.filter(pk__in=due.values("customer")),
            public=False,
            now=now,
        )
        _record(notice, due)
    return True


def _record(notice: Notice, due: QuerySet[Report]) -> None:
    select, parameters = due.values("id").query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(INSERT.format(due=select), [notice.pk, *parameters])


def _due(now: datetime) -> QuerySet[Report]:
    """Return the reports to tell of: the newest, issued since their month was closed, of customers that want it."""
    closed_at = MonthClosing.objects.filter(month=OuterRef("month")).order_by("revision").values("closed_at")[:1]
    owners = Contact.objects.order_by().values("customer")
    wanted = Customer.objects.filter(
        Q(reports_by_mail=True, pk__in=owners) | Q(installer__reports_by_mail=True, installer__in=owners)
    )
    return Report.objects.filter(
        customer__in=wanted.order_by().values("pk"),
        status=Status.READY,
        superseded_by__isnull=True,
        mailed__isnull=True,
        issued_at__gt=now - MAILED_FOR,
        issued_at__gte=Subquery(closed_at),
    )
