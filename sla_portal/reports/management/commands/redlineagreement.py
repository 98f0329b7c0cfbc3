"""manage.py redlineagreement BEFORE AFTER [--language en] [--pdf FILE] [--html FILE]"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.loader import render_to_string
from django.utils import timezone, translation

from sla_portal.agreements.changes import TextChanges
from sla_portal.agreements.management.commands.loadagreement import text_of
from sla_portal.agreements.markers import rendered
from sla_portal.agreements.queries import first_version
from sla_portal.agreements.redline import ClauseWords, Kind, clause_changes
from sla_portal.agreements.rules import Terms
from sla_portal.agreements.wording import NotAnAgreement, read_numbered_text

SIGNS = {Kind.SAME: "{}", Kind.INSERTED: "[+{}+]", Kind.DELETED: "[-{}-]"}


class Command(BaseCommand):
    help = "Show what changed between two numbered texts, word by word, with the terms of the first version at markers. Nothing is saved."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("before", help="the earlier text, in UTF-8")
        parser.add_argument("after", help="the later text, in UTF-8")
        parser.add_argument("--language", choices=[code for code, _name in settings.LANGUAGES], default="en")
        parser.add_argument("--pdf", type=Path, help="write the redline as a PDF to this file")
        parser.add_argument("--html", type=Path, help="write the redline as a web page to this file")

    def handle(
        self, *_args: Any, before: str, after: str, language: str, pdf: Path | None, html: Path | None, **_options: Any
    ) -> None:
        first = first_version()
        if first is None:
            raise CommandError("No version is published whose terms could be printed.")
        old, new = (_clauses(file, first.terms, language) for file in (before, after))
        changes = TextChanges(language, clause_changes(old, new))
        names = [Path(file).name for file in (before, after)]
        if pdf:
            # Only a process that prints needs WeasyPrint and its libraries.
            from ...pdf.agreement import compared_pdf

            pdf.write_bytes(compared_pdf(names[0], names[1], changes, language, timezone.now()))
        if html:
            with translation.override(language):
                html.write_text(render_to_string("reports/compared.html", {"names": names, "text": changes}))
        for clause in changes.changed:
            said = "".join(SIGNS[run.kind].format(run.text) for run in (*clause.heading, *clause.text))
            self.stdout.write(f"{clause.was or '+'} -> {clause.number or '-'}  {said}")
        self.stdout.write(f"{len(changes.changed)} clauses changed, {len(changes.unchanged)} unchanged.")


def _clauses(file: str, terms: Terms, language: str) -> list[ClauseWords]:
    try:
        found = read_numbered_text(text_of(file)).clauses
    except NotAnAgreement as error:
        raise CommandError(f"{file}: {error}") from None
    return [ClauseWords(one.number, one.heading, rendered(one.wording, terms, language)) for one in found]
