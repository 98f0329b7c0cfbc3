"""How an amendment is shown: its text beside the redline, its terms before and after, the what-if analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.forms import BoundField
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from sla_portal.agreements import emails
from sla_portal.agreements.changes import CHINESE, TERMS, TextChanges, Worded, term_changes, text_changes
from sla_portal.agreements.markers import MARKERS, Flaw, flaws, own_terms, term_name
from sla_portal.agreements.models import AgreementVersion, Withdrawal
from sla_portal.agreements.queries import published_changes
from sla_portal.agreements.queries.drafts import CLAUSE, DraftContent
from sla_portal.agreements.redline import ClauseChange
from sla_portal.agreements.rules import DraftedClause, Terms
from sla_portal.audit.models import Entry
from sla_portal.availability.rules import cut
from sla_portal.availability.what_if import WhatIfMonth, outages_to_judge, what_if
from sla_portal.clocks import month_name
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.private import concealed

from ..addresses import terms_query
from ..words import verdict
from .forms import ClauseForm, TermsForm, terms_of
from .merging import MINE, THEIRS, Changed, Merged
from .pending import today

MOST_OUTAGES = 5_000
"""With more outages in the closed months the analysis runs only on request."""


@dataclass(frozen=True)
class Text:
    """A text in which both differ: what another person saved and, where no field beside it shows that, what was typed."""

    label: str
    language: str
    theirs: str
    mine: str = ""


@dataclass(frozen=True)
class Theirs:
    """What another person saved where it was changed here too, and the field that chooses between the two."""

    choice: BoundField
    entry: Entry | None
    texts: Sequence[Text] = ()
    removed: str = ""
    """Who removed the clause that the other changed: `mine` or `theirs`."""


def theirs_of_clause(form: ClauseForm, known: DraftContent, entries: Sequence[Entry]) -> Theirs | None:
    """Return what another person saved in the clause of a form; None if nothing is to be chosen. `entries` newest first."""
    clause = form.shown
    if not clause.theirs:
        return None
    theirs = known.clause(clause.number_of_theirs)
    texts = [
        Text(
            label=str(form.fields[name].label),
            language=CHINESE if name.endswith("_zh") else "en",
            theirs=getattr(theirs, name) if theirs else "",
            mine=getattr(clause, name),
        )
        for name in clause.differing
    ]
    removed = "" if texts else MINE if clause.number_of_theirs else THEIRS
    entry = newest_of(entries, f"{CLAUSE}{clause.number_of_theirs or clause.number}")
    return Theirs(form["keep"], entry, texts, removed)


def theirs_of_value(form: TermsForm, name: str, known: DraftContent, entries: Sequence[Entry]) -> Theirs | None:
    """Return what another person saved as a term or summary; None if nothing is to be chosen. `entries` newest first."""
    choice = form.choice(name)
    if choice is None:
        return None
    if name in TERMS:
        text = Text("", get_language() or "en", TERMS[name].format(getattr(terms_of(form.draft, known.values), name)))
    else:
        text = Text("", CHINESE if name.endswith("_zh") else "en", known.values[name])
    return Theirs(choice, newest_of(entries, name), [text])


def newest_of(entries: Sequence[Entry], name: str) -> Entry | None:
    """Return the newest of `entries`, newest first, that changed a column or clause of a draft."""
    return next((entry for entry in entries if name in entry.changes), entries[0] if entries else None)


@dataclass(frozen=True)
class Item:
    """A clause, term or summary that changed meanwhile, with its place on the page, if any."""

    label: str
    anchor: str = ""
    entry: Entry | None = None


def merged_items(merged: Merged, terms: TermsForm, entries: Sequence[Entry]) -> dict[str, list[Item]]:
    """List what both changed, what others changed, and what only this person changed; `entries` newest first."""
    found: dict[Changed, list[Item]] = {by: [] for by in Changed}
    for place, clause in enumerate(merged.clauses):
        number = clause.number_of_theirs or clause.number
        item = Item(_clause_label(clause), f"edit-{place}", newest_of(entries, f"{CLAUSE}{number}"))
        found[merged.changed[place]].append(item)
    for was, by in merged.removed:
        label = _("%(clause)s: removed") % {"clause": _clause_label(was)}
        found[by].append(Item(label, "text", newest_of(entries, f"{CLAUSE}{was.number}")))
    for name in merged.values:
        label = TERMS[name].name() if name in TERMS else str(terms[name].label)
        found[merged.changed[name]].append(Item(label, terms[name].id_for_label, newest_of(entries, name)))
    return {by.value: items for by, items in found.items()}


def _clause_label(clause: DraftedClause) -> str:
    heading = (get_language() == CHINESE and clause.heading_zh) or clause.heading
    return f"{_('Clause %(clause)s') % {'clause': clause.number}} {heading}".strip()


@dataclass(frozen=True)
class Row:
    """A clause of a draft with its form and redline; a removed clause has no form."""

    redlines: tuple[TextChanges, ...] = ()
    """Of this clause: in English and, where it differs, in Chinese."""
    form: ClauseForm | None = None
    place: int = 0
    change: ClauseChange | None = None
    """In the reader's language."""
    theirs: Theirs | None = None

    @property
    def heading(self) -> str:
        return "".join(run.text for run in self.change.heading) if self.change and not self.is_changed else ""

    @property
    def number(self) -> str:
        return self.change.number if self.change else ""

    @property
    def markers(self) -> list[tuple[str, str]]:
        """The markers of the terms whose subject the clause is, with their names."""
        number = self.form["number"].value() if self.form else ""
        return [(f"{{{{{name}}}}}", term_name(name)) for name in MARKERS if name in own_terms(number)]

    @property
    def title(self) -> str:
        return f"{self.change.number} {self.heading}".strip() if self.change else ""

    @property
    def is_changed(self) -> bool:
        return any(redline.changed for redline in self.redlines)

    @property
    def is_open(self) -> bool:
        """Whether it has changes or errors, or a choice is to be made."""
        return self.form is not None and (self.is_changed or bool(self.form.errors) or self.theirs is not None)


def rows(
    before: Sequence[Worded],
    after: Sequence[Worded],
    forms: Sequence[ClauseForm] = (),
    theirs: Sequence[Theirs | None] = (),
) -> list[Row]:
    """Pair the clauses of two versions with the `forms` of `after`, if any, in its order, and `theirs` of each form."""
    english, chinese = (text_changes(before, after, language) for language in ("en", CHINESE))
    return _rows(english, chinese, forms, theirs)


def _rows(
    english: TextChanges, chinese: TextChanges, forms: Sequence[ClauseForm] = (), theirs: Sequence[Theirs | None] = ()
) -> list[Row]:
    in_chinese = {(change.number, change.was): change for change in chinese.clauses}
    found, place = [], 0
    for change in english.clauses:
        redlines = [TextChanges("en", (change,))]
        other = in_chinese.get((change.number, change.was), change)
        if other != change:
            # The English redline shows it already.
            alike = {name: () for name in ("text", "summary") if getattr(other, name) == getattr(change, name)}
            redlines.append(TextChanges(CHINESE, (replace(other, **alike),)))
        shown = other if get_language() == CHINESE else change
        if change.is_removed or not forms:
            found.append(Row(tuple(redlines), change=shown))
        else:
            found.append(Row(tuple(redlines), forms[place], place, shown, theirs[place]))
            place += 1
    return found


@dataclass(frozen=True)
class TermRow:
    """A term with its values before and after, the effect of the change, and its form field if it can be changed."""

    clause: str
    name: str
    before: str
    after: str
    meaning: str
    field: BoundField
    theirs: Theirs | None

    @property
    def is_changed(self) -> bool:
        return bool(self.meaning)


def term_rows(
    before: Terms, after: Terms, form: TermsForm, known: DraftContent, entries: Sequence[Entry]
) -> list[TermRow]:
    """Return every term in the order of `TERMS`."""
    found = []
    for field, term in TERMS.items():
        old, new = getattr(before, field), getattr(after, field)
        alone = term_changes(before, replace(before, **{field: new}))
        found.append(
            TermRow(
                clause=term.clause,
                name=term.name(),
                before=term.format(old),
                after=term.format(new),
                meaning=alone[0].meaning if alone else "",
                field=form[field],
                theirs=theirs_of_value(form, field, known, entries),
            )
        )
    return found


# Text and terms


@dataclass(frozen=True)
class FlawLine:
    """What stops a publication, or warns, with the place of its clause on the page."""

    sentence: str
    anchor: str


def text_and_terms(found: Sequence[Flaw], text: Sequence[Row] = ()) -> dict[str, list[FlawLine]]:
    """Return what stops the publication of a text, and what only warns."""
    places = {row.number: row.place for row in text if row.form}
    lines = [
        (flaw.warns, FlawLine(flaw.sentence, f"edit-{places[flaw.number]}" if flaw.number in places else ""))
        for flaw in found
    ]
    return {
        "stops": [line for warns, line in lines if not warns],
        "warnings": [line for warns, line in lines if warns],
    }


def flaws_of(version: AgreementVersion) -> dict[str, list[FlawLine]]:
    before = version.based_on
    return text_and_terms(flaws(list(version.clauses.all()), version.terms, before.terms if before else None))


# What-if analysis


@dataclass(frozen=True)
class WhatIfCell:
    """A month of a region in the table: actual and what-if result."""

    one: WhatIfMonth
    url: str
    preview: str
    """The address of the minutes of the what-if result."""

    @property
    def was(self) -> tuple[str, str]:
        return verdict(self.one.was.met if self.one.was else None, over=True)

    @property
    def would(self) -> tuple[str, str]:
        return verdict(self.one.would.met, over=True)

    @property
    def was_percent(self) -> str:
        reached = self.one.was_availability
        return "" if reached is None else cut(reached)

    @property
    def would_percent(self) -> str:
        reached = self.one.would.availability
        return "" if reached is None else cut(reached)


@dataclass(frozen=True)
class WhatIfRow:
    """A month of all regions in the table."""

    month: ServiceMonth
    cells: list[WhatIfCell]

    @property
    def name(self) -> str:
        return month_name(self.month)

    @property
    def counts_nothing(self) -> bool:
        """Whether no minute counts in either result, so that no customer's month can differ."""
        return not any(
            cell.one.was and (cell.one.was.unavailable_minutes or cell.one.would.unavailable_minutes)
            for cell in self.cells
        )


def what_if_table(
    terms: Terms, now: datetime, *, asked: bool, basis: AgreementVersion | None, chosen: str | None
) -> dict[str, Any]:
    """Analyse the last closed months under `terms`; with more than `MOST_OUTAGES` outages only if `asked`.

    The baseline is the months as they were closed or, `chosen` as "basis", the terms of the `basis` on today's record.
    """
    on_basis = basis is not None and chosen == "basis"
    return {"basis": basis, "on_basis": on_basis} | _what_if_table(
        terms, now, asked, basis.terms if basis and on_basis else None
    )


def _what_if_table(terms: Terms, now: datetime, asked: bool, compared_with: Terms | None) -> dict[str, Any]:
    outages = outages_to_judge()
    if outages > MOST_OUTAGES and not asked:
        return {"many_outages": outages}
    months: dict[ServiceMonth, list[WhatIfCell]] = {}
    try:
        for one in what_if(terms, now, compared_with):
            url = reverse("admin:month", args=[one.month, "region", one.region.code])
            months.setdefault(one.month, []).append(WhatIfCell(one, url, f"{url}minutes/?{terms_query(terms)}"))
    except Refused as refused:
        return {"refused": str(refused)}
    cells = [cell for found in months.values() for cell in found]
    return {
        "regions": [cell.one.region for cell in next(iter(months.values()), [])],
        "months": [WhatIfRow(month, found) for month, found in months.items()],
        "judged": len(cells),
        "met_to_breached": sum(cell.one.flips and cell.one.would.met is False for cell in cells),
        "breached_to_met": sum(cell.one.flips and cell.one.would.met is True for cell in cells),
        "other_minutes": sum(cell.one.changes and not cell.one.flips for cell in cells),
        "deviating": sorted({cell.one.month for cell in cells if cell.one.deviates}),
    }


# Submitted and published versions


def versions_to_compare(version: AgreementVersion, now: datetime) -> list[tuple[str, str]]:
    """Return the names of the versions that one can be compared with, and what each is to it."""
    in_force = (
        AgreementVersion.objects.published().filter(effective_on__lte=today(now)).order_by("-effective_on").first()
    )
    found = [(version.based_on, _("its basis"))] if version.based_on else []
    if in_force and in_force != version.based_on:
        found.append((in_force, _("in force")))
    named = {one.pk for one, _what in found} | {version.pk}
    found += [
        (one, _("draft") if one.published_at is None else "")
        for one in AgreementVersion.objects.all()
        if one.pk not in named
    ]
    return [(one.version, what) for one, what in found]


def compared_with(version: AgreementVersion, name: str | None) -> AgreementVersion | None:
    """Return the version chosen to compare with, by default the basis."""
    chosen = (
        AgreementVersion.objects.exclude(pk=version.pk).filter(version=name).first()
        if name and "\0" not in name
        else None
    )
    return chosen or version.based_on


def version_changes(version: AgreementVersion, against: AgreementVersion | None = None) -> dict[str, Any]:
    """Return the text and term changes of a version against another, by default its basis; once announced as shown then."""
    basis = against or version.based_on
    if basis is None:
        return {}
    if frozen := published_changes(basis.version, version.version):
        compared = _rows(frozen["en"].changes.text, frozen[CHINESE].changes.text)
        frozen_at = frozen["en"].frozen_at
        return {
            **_changed(basis, compared),
            "term_changes": frozen[get_language() or "en"].changes.terms,
            "frozen_later_at": frozen_at if frozen_at != version.published_at else None,
        }
    return {
        **_changed(basis, rows(basis.printed_clauses(), version.printed_clauses())),
        "term_changes": term_changes(basis.terms, version.terms),
    }


def _changed(basis: AgreementVersion, compared: Sequence[Row]) -> dict[str, Any]:
    return {
        "basis": basis,
        "changed_rows": [row for row in compared if row.is_changed],
        "unchanged": [row for row in compared if not row.is_changed],
    }


@dataclass(frozen=True)
class EmailPreview:
    """An e-mail in one language, without what is personal to each recipient."""

    language: str
    subject: str
    text: str


def email_preview(
    version: AgreementVersion, step: emails.Step, withdrawal: Withdrawal | None = None
) -> list[EmailPreview]:
    return [
        EmailPreview(words.language, words.heading, concealed(words.text, words.language))
        for words in emails.words(version, step, withdrawal=withdrawal, attached=step is emails.Step.ANNOUNCEMENT)
    ]
