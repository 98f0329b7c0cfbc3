"""manage.py stagecopy [--mask] [--yes]"""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused

from ...copying import make_staging_copy


class Command(BaseCommand):
    help = (
        "Make a restored copy of the database a staging copy (docs/operations.md): links, forms and sessions of the original "
        "end, its e-mails are held. Needs SITE_ROLE=staging. The database cannot be served as the original afterwards."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mask", action="store_true", help="mask names and addresses of customers and contacts")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args, mask, yes, **_options):
        database = settings.DATABASES["default"]
        named = f"{database['NAME']} on {database['HOST']}" if database.get("HOST") else str(database["NAME"])
        question = f"Type yes if the database {named} is a copy, and not the original: "
        if not yes and input(question).strip().lower() != "yes":
            raise CommandError("Nothing was changed.")
        try:
            done = make_staging_copy(actor=Actor.system("stagecopy"), mask=mask, now=timezone.now())
        except Refused as refusal:
            raise CommandError(f"{refusal} Nothing was changed.") from None
        for name, count in done.items():
            self.stdout.write(f"{name}: {count}")
        self.stdout.write("The database is a staging copy.")
