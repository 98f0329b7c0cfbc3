"""manage.py loadagreement FILE [--version 1.0] [--replace --reason TEXT]"""

import re
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused

from ...first_version import VERSION
from ...models import AgreementVersion
from ...operations import load_wording, replace_wording
from ...wording import NotAnAgreement, read_numbered_text


class Command(BaseCommand):
    help = "Read the operator's own numbered text of the agreement and keep each clause's wording beside its summary."

    def create_parser(self, *names, **options):
        # Of two options --version, Django's and ours, the later stands.
        return super().create_parser(*names, conflict_handler="resolve", **options)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the text, in UTF-8")
        parser.add_argument(
            "--version", dest="agreement_version", default=VERSION, help=f"of the agreement; {VERSION} without it"
        )
        parser.add_argument("--replace", action="store_true", help="correct a wording loaded earlier")
        parser.add_argument("--reason", default="", help="why it is replaced")

    def handle(self, *_args, file, agreement_version, replace, reason, **_options):
        version = AgreementVersion.objects.filter(version=agreement_version).first()
        if version is None:
            raise CommandError(f"There is no agreement version {agreement_version}.")
        actor, now = Actor.system("loadagreement"), timezone.now()
        try:
            found = read_numbered_text(text_of(file))
            if replace:
                written = replace_wording(actor=actor, version=version, clauses=found.clauses, reason=reason, now=now)
            else:
                written = load_wording(actor=actor, version=version, clauses=found.clauses, now=now)
        except (NotAnAgreement, Refused) as error:
            raise CommandError(f"{error} Nothing was loaded.") from None
        for clause in found.clauses:
            self.stdout.write(f"{clause.number:<6} {first_words(clause.wording)}")
        for where, paragraphs in (("before the first", found.preamble), ("after the last", found.left_over)):
            for paragraph in paragraphs:
                self.stdout.write(f"Left out, {where} clause: {first_words(paragraph)}")
        self.stdout.write(f"Read {len(found.clauses)} clauses; {written} written to version {version}.")


def text_of(file: str) -> str:
    try:
        text = Path(file).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8: byte {error.start + 1} cannot be read.") from None
    if hidden := re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text):
        raise CommandError(f"{file} is not a text: it holds the character {ord(hidden[0])}.")
    return text


def first_words(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
