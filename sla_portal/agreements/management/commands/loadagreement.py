"""manage.py loadagreement FILE [--language en] [--version 1.0] [--effective-on DAY] [--term NAME=VALUE] [--replace --reason TEXT]"""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused

from ...first_version import VERSION
from ...markers import contradictions
from ...models import AgreementVersion
from ...operations import load_wording, replace_wording, set_first_version
from ...queries import first_version
from ...wording import NotAnAgreement, NumberedText, read_numbered_text


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
        parser.add_argument("--language", choices=[code for code, _name in settings.LANGUAGES], default="en")
        parser.add_argument(
            "--effective-on",
            type=date.fromisoformat,
            help="the day since which the first version is in force; with it, or with --term, the first version is set as a whole",
        )
        parser.add_argument(
            "--term",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a term of the first version, as in availability_target=99.9; repeatable",
        )
        parser.add_argument("--replace", action="store_true", help="correct a wording loaded earlier")
        parser.add_argument("--reason", default="", help="why it is replaced")

    def handle(self, *_args, file, agreement_version, language, effective_on, term, replace, reason, **_options):
        version = AgreementVersion.objects.filter(version=agreement_version).first()
        if version is None:
            raise CommandError(f"There is no agreement version {agreement_version}.")
        actor, now = Actor.system("loadagreement"), timezone.now()
        try:
            found = read_numbered_text(text_of(file))
            given = {"title": found.title, "opening": found.opening, "language": language}
            with transaction.atomic():
                if effective_on or term:
                    if version != first_version():
                        raise CommandError("--effective-on and --term are for the first version. Nothing was loaded.")
                    set_first_version(actor=actor, effective_on=effective_on, terms=terms_of(term), now=now)
                if replace:
                    written = replace_wording(
                        actor=actor, version=version, clauses=found.clauses, reason=reason, now=now, **given
                    )
                else:
                    written = load_wording(actor=actor, version=version, clauses=found.clauses, now=now, **given)
        except (NotAnAgreement, Refused) as error:
            raise CommandError(f"{error} Nothing was loaded.") from None
        version.refresh_from_db()
        self._tell(found, version, written)

    def _tell(self, found: NumberedText, version: AgreementVersion, written: int) -> None:
        for clause in found.clauses:
            self.stdout.write(f"{clause.number:<6} {first_words(f'{clause.heading} {clause.wording}')}")
        for name, text in (("Title", found.title), ("Preamble", found.opening)):
            if text:
                self.stdout.write(f"{name}: {first_words(text)}")
        for paragraph in found.left_over:
            self.stdout.write(f"Left out, after the last clause: {first_words(paragraph)}")
        for sentence in contradictions(list(version.clauses.all()), version.terms):
            self.stdout.write(f"Check: {sentence}")
        self.stdout.write(f"Read {len(found.clauses)} clauses; {written} written to version {version}.")


def terms_of(given: Sequence[str]) -> dict[str, str]:
    """Return `NAME=VALUE` as a mapping; the operation checks names and values."""
    if wrong := next((one for one in given if "=" not in one), None):
        raise CommandError(f"--term wants NAME=VALUE, not {wrong}. Nothing was loaded.")
    return dict(one.split("=", 1) for one in given)


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
