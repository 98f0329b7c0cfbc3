"""manage.py loadhistory FILE"""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from sla_portal.audit.actors import Actor

from ...operations import load_history
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

    def handle(self, *_args, file, **_options):
        try:
            history = read(self._content(file))
            loaded = load_history(actor=Actor.system("loadhistory"), history=history, now=timezone.now())
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

    def _content(self, name: str) -> bytes:
        if name == "-":
            return sys.stdin.buffer.read()
        try:
            return Path(name).read_bytes()
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
