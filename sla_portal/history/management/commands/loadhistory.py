"""manage.py loadhistory [--as-recorded] FILE"""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.availability.rules import availability, cut

from ...operations import load_history
from ...queries import closed_months_changed
from ...reader import NotAHistory, read

SHOWN = 50
"""Errors listed at most."""


class Command(BaseCommand):
    help = (
        "Record a history file (docs/history.md). All or nothing; a second load of the same file changes nothing; an error "
        "names the path in the document."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file, or - for standard input")
        parser.add_argument(
            "--as-recorded",
            action="store_true",
            help="take times of incidents out of order (2.2) as they are, and list them for correction, and take money that "
            "its currency does not have",
        )

    def handle(self, *_args, file, as_recorded, **_options):
        try:
            history = read(self._content(file), as_recorded=as_recorded)
            now = timezone.now()
            loaded = load_history(actor=Actor.system("loadhistory"), history=history, now=now)
        except NotAHistory as error:
            listed = [*error.errors[:SHOWN]]
            if len(error.errors) > SHOWN:
                listed.append(f"… and {len(error.errors) - SHOWN} more.")
            raise CommandError("\n".join([*listed, "Nothing was loaded."])) from None
        except DatabaseError as error:
            raise CommandError(f"Nothing was loaded; the database refused it: {str(error).splitlines()[0]}") from error
        for kind, count in loaded.items():
            self.stdout.write(f"{kind}: {count} written")
        if not any(loaded.values()):
            self.stdout.write("Everything in the file is on record already.")
        for month, region, frozen, figures in closed_months_changed(since=now):
            was = stated(frozen.unavailable_minutes, frozen.total_minutes)
            now_is = stated(figures.unavailable_minutes, figures.total_minutes)
            self.stdout.write(f"closed month {month}, {region.code}: closed with {was}; by the record now {now_is}")

    def _content(self, name: str) -> bytes:
        if name == "-":
            return sys.stdin.buffer.read()
        try:
            return Path(name).read_bytes()
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}.") from None


def stated(unavailable_minutes: int, total_minutes: int) -> str:
    """Format the figures of a month: `99.93055 % (30 min unavailable)`."""
    ratio = availability(unavailable_minutes, total_minutes)
    return "not in service" if ratio is None else f"{cut(ratio)} % ({unavailable_minutes} min unavailable)"
