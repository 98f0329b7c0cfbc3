"""manage.py emptyrehearsal [--customers] [--yes]"""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused
from sla_portal.operator.queries import running_rehearsal

from ...emptying import clear_away, counts_of_record, empty_rehearsal


class Command(BaseCommand):
    help = (
        "Remove everything that was recorded in the rehearsal, and end it (docs/operations.md). Refused where none runs: what "
        "is on record then is real. What was set up stays: people, regions, functions, clients, the agreement's first version, "
        "customers, contacts, contracts."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--customers", action="store_true", help="remove customers, contacts, contracts and payments, too"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args, customers, yes, **_options):
        rehearsal = running_rehearsal()
        if rehearsal is None:
            raise CommandError("No rehearsal is running: what is on record is real and stays.")
        self.stdout.write(f"Begun {rehearsal.begun_at:%Y-%m-%d %H:%M} UTC by {rehearsal.begun_by_name}. On record:")
        self._list(counts_of_record())
        if not yes and input(f"Type {settings.SITE_URL} to remove all of it: ").strip() != settings.SITE_URL:
            raise CommandError("Nothing was removed.")
        try:
            emptied = empty_rehearsal(actor=Actor.system("emptyrehearsal"), customers=customers, now=timezone.now())
        except Refused as refusal:
            raise CommandError(f"{refusal} Nothing was removed.") from None
        except OperationalError as error:
            first = str(error).splitlines()[0]
            raise CommandError(f"Nothing was removed. Stop the portal's processes, and try again: {first}") from None
        self.stdout.write("The rehearsal is over. Removed:")
        self._list(emptied.counts)
        if stayed := clear_away(emptied):
            raise CommandError(f"These files could not be deleted; delete them by hand: {', '.join(stayed)}")

    def _list(self, counts):
        for name, count in counts.items():
            self.stdout.write(f"  {name}: {count}")
