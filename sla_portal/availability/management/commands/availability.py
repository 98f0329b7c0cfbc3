"""manage.py availability MONTH [--region CODE | --customer CODE] [--as-of INSTANT] [--json]"""

import json
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils import timezone

from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.instants import instant_text, parse_instant
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.months import ServiceMonth

from ...queries import Judged, customer_month, region_month, status_of
from ...rules import MonthStatus, cut


class Command(BaseCommand):
    help = "Print the availability of a service month, of all regions or of the regions or customers named (docs/history.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", help="such as 2026-09")
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--region", metavar="CODE", action="append", help="may be given several times")
        scope.add_argument("--customer", metavar="CODE", action="append", help="may be given several times")
        parser.add_argument("--as-of", metavar="INSTANT", help="end of ongoing outages (default: now)")
        parser.add_argument("--json", action="store_true", help="a JSON array instead of a table")

    def handle(self, *_args, month, region, customer, as_of, **options):
        try:
            service_month = ServiceMonth.parse(month)
            now = parse_instant(as_of) if as_of else timezone.now()
            listed = [
                statement(scope, one.code, judged, status_of(one, judged, now))
                for scope, one, judged in judgements(service_month, now, region, customer)
            ]
        except (ValueError, Refused) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(listed, indent=2, ensure_ascii=False))
            return
        self.stdout.write(
            f"{'':<20} {'availability':>12} {'target':>8}  {'':<14} {'U':>6} {'allowed':>7} {'excluded':>8} {'T':>6}  status"
        )
        for one in listed:
            verdict = "not in service" if one["met"] is None else "SLA met" if one["met"] else "SLA breached"
            self.stdout.write(
                f"{one['code']:<20} {one['availability'] or '–':>12} {one['target']:>8}  {verdict:<14} "
                f"{one['unavailable_minutes']:>6} {one['budget_minutes']:>7} {one['excluded_minutes']:>8} "
                f"{one['total_minutes']:>6}  {', '.join([one['status'], *one['pending']])}"
            )


def judgements(
    month: ServiceMonth, now: datetime, regions, customers
) -> Iterator[tuple[str, Region | Customer, Judged]]:
    """Judge the month of the customers named, or else of the regions named or all."""
    if customers:
        yield from (("customer", one, customer_month(one, month, now)) for one in named(Customer, customers))
    else:
        yield from (("region", one, region_month(one, month, now)) for one in named(Region, regions))


def named(model, codes):
    """Return the rows with these codes, or all rows where none is named, in the order of their codes."""
    rows = {row.code: row for row in (model.objects.filter(code__in=codes) if codes else model.objects.all())}
    for code in codes or ():
        if code not in rows:
            raise ValueError(f"There is no {model._meta.verbose_name} with the code {code}.")
    return [rows[code] for code in sorted(rows)]


def statement(scope: str, code: str, judged: Judged, status: MonthStatus) -> dict:
    """Return the JSON object of a month (docs/history.md); `availability` and `met` are None where T = 0."""
    figures = judged.figures
    return {
        "month": str(judged.month),
        "scope": scope,
        "code": code,
        "service_days": figures.service_days,
        "total_minutes": figures.total_minutes,
        "unavailable_minutes": figures.unavailable_minutes,
        "excluded_minutes": figures.excluded_minutes,
        "availability": None if figures.availability is None else cut(figures.availability),
        "target": figures.terms.target_text,
        "met": figures.met,
        "budget_minutes": figures.budget_minutes,
        "provisional": figures.provisional,
        "status": status.status.value,
        "pending": [reason.value for reason in status.pending],
        "minutes_url": f"{settings.SITE_URL}{reverse('admin:minutes', args=[judged.month, scope, code])}",
        "failure_events": [
            {
                "started_at": instant_text(instant(event.start)),
                "ended_at": instant_text(instant(event.end)),
                "minutes": event.minutes,
                "excluded_minutes": event.excluded_minutes,
                "incidents": list(event.incidents),
            }
            for event in figures.events
        ],
    }
