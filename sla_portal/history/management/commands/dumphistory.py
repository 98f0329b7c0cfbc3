"""manage.py dumphistory [FILE]"""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...dump import written


class Command(BaseCommand):
    help = "Write what is on record as a history file (docs/history.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="the file to write; standard output without it")

    def handle(self, *_args, file, **_options):
        if file == "-":
            for piece in written():
                self.stdout.write(piece, ending="")
            return
        try:
            with Path(file).open("w", encoding="utf-8", newline="\n") as target:
                target.writelines(written())
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
