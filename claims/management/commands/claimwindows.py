"""manage.py claimwindows YEAR [--json]"""

import json
import re

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from claims.queries import windows_of
from claims.rules import ClaimWindow
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.months import ServiceMonth


class Command(BaseCommand):
    help = "List the claim period of each service month of a year: when claims open and close (3.3.1)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("year", help="for example 2026")
        parser.add_argument("--json", action="store_true", help="a JSON array instead of a table")

    def handle(self, *_args, year, **options):
        try:
            if not re.fullmatch("[0-9]{4}", year):
                raise ValueError(f"“{year}” is not a year. Write it with four digits, for example 2026.")
            months = [ServiceMonth(int(year), month) for month in range(1, 13)]
            found = list(windows_of(months).items())
        except ValueError as error:
            raise CommandError(str(error)) from None
        if len(found) < len(months):
            raise CommandError(f"No agreement version is in force in all months of {year}. Choose a later year.")
        if options["json"]:
            self.stdout.write(json.dumps([statement(*one) for one in found], indent=2))
            return
        self.stdout.write(f"{'month':<9}{'fifth working day':<19}{'opens':<18}{'closes':<18}{settings.SLA_TIME_ZONE}")
        for month, window in found:
            opens, closes = (
                f"{edge.astimezone(settings.SLA_ZONE):%Y-%m-%d %H:%M}" for edge in (window.opens_at, window.closes_at)
            )
            self.stdout.write(
                f"{month!s:<9}{window.last_day_to_wait!s:<19}{opens:<18}{closes:<18}"
                f"{'provisional' if window.provisional else ''}".rstrip()
            )


def statement(month: ServiceMonth, window: ClaimWindow) -> dict:
    """Instants in UTC; the fifth working day is that of the following month, or the one that the terms name instead."""
    return {
        "month": str(month),
        "fifth_working_day": window.last_day_to_wait.isoformat(),
        "opens_at": instant_text(window.opens_at),
        "closes_at": instant_text(window.closes_at),
        "provisional": window.provisional,
    }
