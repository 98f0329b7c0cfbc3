"""Twelve kinds of edits of an agreement's text, as redline on screen and as PDF: each is seen, and nothing else.

`AGREEMENT=FILE python -m tests.drill redlines` takes a text by its path; without it, the demo's. `REDLINES=FOLDER` keeps the
edited text, the page and the PDF, to be read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from tests.support.parts import Figure
from tests.support.servers import set_up

NEEDS = ()


@dataclass(frozen=True)
class Size:
    pass


FULL, SMALL = Size(), Size()
Texts = dict[str, tuple[str, str]]
"""Heading and wording by number, in order."""


def run(_size: Size) -> Iterator[Figure]:
    set_up()
    from django.conf import settings
    from django.core.management import call_command

    from sla_portal.agreements.wording import numbered_text, read_numbered_text
    from sla_portal.demo.agreement import wording_of

    given = os.environ.get("AGREEMENT")
    found = (read_numbered_text(Path(given).read_text(encoding="utf-8-sig")) if given else wording_of("en")).clauses
    before: Texts = {one.number: (one.heading, one.wording) for one in found}
    folder = Path(os.environ.get("REDLINES", settings.VAR_DIR))
    files = [folder / f"redline-{name}" for name in ("before.txt", "after.txt", "changes.pdf", "changes.html")]

    def written(texts: Texts, file: Path) -> str:
        file.write_text(numbered_text("Agreement", "", [(number, *said) for number, said in texts.items()]))
        return str(file)

    after = before
    more = 0
    old = written(before, files[0])
    for edit, touched in EDITS.items():
        after = edit(after)
        output = StringIO()
        call_command("redlineagreement", old, written(edit(before), files[1]), stdout=output)
        told = [line.split("  ")[0] for line in output.getvalue().splitlines()[:-1] if re.match(r"[\d.+]+ -> ", line)]
        yield Figure(
            f"{edit.__name__}: clauses shown as changed", len(told), least=touched, most=touched, required=True
        )
        more += max(0, len(told) - touched)
    yield Figure("clauses shown as changed that no edit touched", more, most=0, required=True)
    output = StringIO()
    new = written(after, files[1])
    call_command("redlineagreement", old, new, pdf=files[2], html=files[3], stdout=output)
    yield Figure("bytes of the PDF", files[2].stat().st_size, least=5_000, required=True)
    yield Figure("marks on the page", files[3].read_text().count("<ins>"), least=6, required=True)


def _reworded(texts: Texts, number: str, change: Callable[[str], str]) -> Texts:
    heading, wording = texts[number]
    return texts | {number: (heading, change(wording))}


def one_word(texts: Texts) -> Texts:
    return _reworded(texts, "1.2", lambda text: text.replace(" and ", " or ", 1))


def a_number(texts: Texts) -> Texts:
    return _reworded(texts, "1.5", lambda text: text.replace("one minute", "two minutes"))


def a_sentence_added(texts: Texts) -> Texts:
    return _reworded(texts, "2.2", lambda text: f"{text} A report is given on request.")


def a_sentence_removed(texts: Texts) -> Texts:
    return _reworded(texts, "1.3", lambda text: text.rpartition(". ")[0] + ".")


def a_paragraph_split(texts: Texts) -> Texts:
    return _reworded(texts, "1.1", lambda text: text.replace(", ", ",\n\n", 1))


def a_heading(texts: Texts) -> Texts:
    return texts | {"3.1": ("When it applies", texts["3.1"][1])}


def a_clause_added(texts: Texts) -> Texts:
    return texts | {"5.3": ("", "The laws of the seat of the provider apply to it.")}


def the_last_clause_removed(texts: Texts) -> Texts:
    return {number: said for number, said in texts.items() if number != "4.11"}


def a_clause_rewritten(texts: Texts) -> Texts:
    return texts | {"4.5": ("", "Wireless reception in lifts, cellars and garages.")}


def two_clauses_exchanged(texts: Texts) -> Texts:
    return texts | {"4.2": texts["4.4"], "4.4": texts["4.2"]}


def a_number_becomes_a_marker(texts: Texts) -> Texts:
    return _reworded(texts, "2", lambda text: re.sub(r"9\d?\.\d+\s?%", "{{availability_target}}", text) + " So be it.")


def a_list(texts: Texts) -> Texts:
    return _reworded(texts, "4.1", lambda text: f"{text}\n\n- announced by e-mail\n- announced on the website")


EDITS: dict[Callable[[Texts], Texts], int] = {
    one_word: 1, a_number: 1, a_sentence_added: 1, a_sentence_removed: 1, a_paragraph_split: 1, a_heading: 1,
    a_clause_added: 1, the_last_clause_removed: 1, a_clause_rewritten: 1, two_clauses_exchanged: 2,
    a_number_becomes_a_marker: 1, a_list: 1,
}  # fmt: skip
"""Each kind of edit, and the clauses that it touches."""
