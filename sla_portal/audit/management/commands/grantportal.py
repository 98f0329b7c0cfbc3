"""manage.py grantportal ROLE"""

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from ...privileges import grant_to_portal


class Command(BaseCommand):
    help = "Give a PostgreSQL role what the running portal needs, and nothing else (docs/operations.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", help="the role in the DATABASE_URL of the running portal")

    def handle(self, *_args, role, **_options):
        if connection.vendor != "postgresql":
            raise CommandError("Only PostgreSQL has roles.")
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s)", [role])
            own, exists = cursor.fetchone()
        if not exists:
            raise CommandError(f"There is no role {role}. Create it: CREATE ROLE \"{role}\" LOGIN PASSWORD '…'")
        if own == role:
            raise CommandError(f"{role} is the role of this connection: run this as the owner of the tables.")
        with transaction.atomic():
            frozen = grant_to_portal(connection, role)
        self.stdout.write(f"{role} may read and add rows. It may not change or delete those of {', '.join(frozen)}.")
