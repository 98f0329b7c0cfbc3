"""Set the first version, and keep the operator's own wording of a version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, lock_chain, record, require, snapshot
from sla_portal.kernel.errors import Refused

from ..markers import BRACES, misplaced_marker, unknown_marker, unknown_markers
from ..models import CLAUSE_FIELDS, TERM_FIELDS, AgreementVersion, Clause, Preamble
from ..queries import first_version, stands_still
from ..queries.drafts import CLAUSE
from ..rules import without_wording
from ..wording import ClauseText, NumberedText
from .drafting import check_draft
from .freezing import freeze_earlier_changes
from .refusals import NotAcceptable, ReasonMissing, cleaned

SUFFIX = {"en": "", "zh-hans": "_zh"}
"""What the columns of a language end with."""
FIELDS = {"en": "english", "zh-hans": "chinese"}
"""What the text of a language is called in a form."""


class AnotherWordingLoaded(Refused):
    """The version has a wording already, and it says something else."""


class TextLocked(Refused):
    """Customers were told of the version, its publication is asked for, or a month was closed by it: nobody changes it."""


class TextsDiffer(Refused):
    """The English and the Chinese text do not have the same clauses, or one of them lacks a wording."""

    field = "english"


def set_first_version(
    *,
    actor: Actor,
    now: datetime,
    effective_on: date | None = None,
    terms: Mapping[str, Any] | None = None,
    texts: Mapping[str, NumberedText] | None = None,
) -> AgreementVersion:
    """Set the first version: its day, those of its terms that are named, and its text by language.

    Raises `TextLocked` once a month was closed by it or an amendment announced, and `NotAcceptable` and `TextsDiffer` for
    what could not be published either.
    """
    require(actor, "agreements.set_first_version")
    with transaction.atomic():
        # Months are closed and amendments published under this lock.
        lock_chain()
        first = first_version()
        if first is None:
            raise TextLocked(_("No version is published."))
        version = AgreementVersion.objects.select_for_update().get(pk=first.pk)
        _check_changeable(version)
        values: dict[str, Any] = dict(terms or {})
        if effective_on:
            values["effective_on"] = effective_on
        errors = {name: [_("There is no such term.")] for name in terms or {} if name not in TERM_FIELDS}
        if effective_on and (later := _taken_from(version, effective_on)):
            errors["effective_on"] = [
                _("Version %(version)s takes effect on %(day)s. The first version takes effect before it.")
                % {"version": later, "day": later.takes_effect_on.isoformat()}
            ]
        taken = cleaned(version, {name: value for name, value in values.items() if name not in errors}, errors)
        if errors:
            raise NotAcceptable(errors)
        changes = difference(snapshot(version, taken), taken)
        for name, value in taken.items():
            setattr(version, name, value)
        version.save(update_fields=[*taken])
        for language, text in (texts or {}).items():
            changes |= _write(version, text.clauses, text.title, text.opening, language)
        if texts:
            _leave_out_others(version, texts, changes)
            _put_in_order(version)
            _check_texts(version)
        check_draft(version)
        if changes:
            record(actor=actor, action="set up", subject=version, changes=changes, now=now)
    return version


def load_wording(
    *,
    actor: Actor,
    version: AgreementVersion,
    clauses: Sequence[ClauseText],
    now: datetime,
    language: str = "en",
    title: str = "",
    opening: str = "",
) -> int:
    """Keep the operator's own text of each clause; returns how many were written, none if it stands there already.

    A clause that the version does not sum up is added. Raises `AnotherWordingLoaded`: what was promised is not
    reworded quietly (5.2).
    """
    require(actor, "agreements.change_clause")
    with transaction.atomic():
        _lock(version, now)
        column = f"wording{SUFFIX[language]}"
        before = {number: said for number, said in version.clauses.values_list("number", column) if said}
        after = {clause.number: clause.wording for clause in clauses}
        if other := next((number for number in before if before[number] != after.get(number, "")), None):
            raise AnotherWordingLoaded(
                _(
                    "Version %(version)s already has a different wording (clause %(number)s). Replace it only to "
                    "correct it, and give a reason. A change of what is promised is an amendment (5.2)."
                )
                % {"version": version, "number": other}
            )
        return _load(actor, "loaded the wording of", version, clauses, language, title, opening, "", now)


def replace_wording(
    *,
    actor: Actor,
    version: AgreementVersion,
    clauses: Sequence[ClauseText],
    reason: str,
    now: datetime,
    language: str = "en",
    title: str = "",
    opening: str = "",
) -> int:
    """Replace a wording loaded earlier, with a reason; the audit log keeps the old one."""
    require(actor, "agreements.change_clause")
    if not reason.strip():
        raise ReasonMissing(_("Enter a reason for replacing the wording."))
    with transaction.atomic():
        _check_changeable(_lock(version, now))
        return _load(actor, "replaced the wording of", version, clauses, language, title, opening, reason, now)


def _lock(version: AgreementVersion, now: datetime) -> AgreementVersion:
    """Return the version under its lock; what is shown of later versions is frozen before."""
    lock_chain()
    locked = AgreementVersion.objects.select_for_update().get(pk=version.pk)
    if locked.submitted_at:
        raise TextLocked(
            _(
                "The text of version %(version)s has been locked since %(day)s. Correct a mistake by another amendment (5.2)."
            )
            % {"version": locked, "day": locked.submitted_at.date().isoformat()}
        )
    freeze_earlier_changes(now=now)
    return locked


def _check_changeable(version: AgreementVersion) -> None:
    if version.notice_id or (version.published_at and stands_still(version)):
        raise TextLocked(
            _(
                "A month was closed by version %(version)s, or an amendment of it was announced. It is not changed any "
                "more: correct a mistake by an amendment (5.2)."
            )
            % {"version": version}
        )


def _load(
    actor: Actor,
    action: str,
    version: AgreementVersion,
    clauses: Sequence[ClauseText],
    language: str,
    title: str,
    opening: str,
    reason: str,
    now: datetime,
) -> int:
    changes = _write(version, clauses, title, opening, language)
    if changes:
        AgreementVersion.objects.drafts().filter(pk=version.pk).update(changed_at=now)
        record(actor=actor, action=action, subject=version, changes=changes, reason=reason, now=now)
    return len([number for number in changes if number not in PREAMBLE])


PREAMBLE = ("title", "title_zh", "preamble", "preamble_zh")


def _write(
    version: AgreementVersion, clauses: Sequence[ClauseText], title: str, opening: str, language: str
) -> dict[str, Any]:
    """Write the text of a language: title, preamble and each clause; return the changes.

    A heading of the text takes the place of the summary's; where the text has none, the summary's stays.
    """
    _check_markers(clauses, title, opening, language)
    heading, wording = f"heading{SUFFIX[language]}", f"wording{SUFFIX[language]}"
    found = {clause.number: clause for clause in version.clauses.all()}
    changes: dict[str, Any] = {}
    for text in clauses:
        clause = found.pop(text.number, None) or Clause(agreement_version=version, number=text.number)
        before = {"heading": getattr(clause, heading), "wording": getattr(clause, wording)}
        after = {"heading": text.heading or before["heading"], "wording": text.wording}
        if before == after and clause.pk:
            continue
        setattr(clause, heading, after["heading"])
        setattr(clause, wording, after["wording"])
        clause.save()
        if before["wording"] != after["wording"]:
            changes[text.number] = [before["wording"], after["wording"]]
        if before["heading"] != after["heading"]:
            changes.setdefault(text.number, [before["heading"], after["heading"]])
    for number, clause in found.items():
        if said := getattr(clause, wording):
            setattr(clause, wording, "")
            clause.save()
            changes[number] = [said, ""]
    return changes | _write_preamble(version, title, opening, language)


def _check_markers(clauses: Iterable[ClauseText], title: str, opening: str, language: str) -> None:
    """Raise `NotAcceptable` where a wording holds what is no term marker; a heading or preamble holds none at all."""
    sentences = [
        _("Clause %(number)s: %(sentence)s") % {"number": text.number, "sentence": unknown_marker(one)}
        for text in clauses
        for one in unknown_markers(text.wording)
    ]
    others = (title, opening, *(text.heading for text in clauses))
    sentences += [misplaced_marker(said) for said in others if BRACES.search(said)]
    if sentences:
        raise NotAcceptable({FIELDS[language]: sentences})


def _write_preamble(version: AgreementVersion, title: str, opening: str, language: str) -> dict[str, Any]:
    row = Preamble.objects.filter(agreement_version=version).first() or Preamble(agreement_version=version)
    after = {f"title{SUFFIX[language]}": title, f"text{SUFFIX[language]}": opening}
    before = snapshot(row, after)
    if before == after:
        return {}
    for name, value in after.items():
        setattr(row, name, value)
    row.full_clean(validate_unique=False)
    row.save()
    return {name.replace("text", "preamble"): sides for name, sides in difference(before, after).items()}


def _leave_out_others(version: AgreementVersion, texts: Mapping[str, NumberedText], changes: dict[str, Any]) -> None:
    """Remove summaries of clauses that the agreement does not have."""
    named = {clause.number for text in texts.values() for clause in text.clauses}
    for clause in version.clauses.filter(wording="", wording_zh=""):
        if clause.number not in named:
            changes[f"{CLAUSE}{clause.number}"] = [{"heading": clause.heading}, {}]
            clause.delete()


def _put_in_order(version: AgreementVersion) -> None:
    """Let the clauses stand in the order of their numbers, also those that were added."""
    clauses = list(version.clauses.all())
    in_order = sorted(clauses, key=lambda clause: [int(part) for part in clause.number.split(".")])
    if clauses != in_order:
        version.clauses.all().delete()
        Clause.objects.bulk_create(
            Clause(agreement_version=version, **{name: getattr(clause, name) for name in CLAUSE_FIELDS})
            for clause in in_order
        )


def _taken_from(version: AgreementVersion, day: date) -> AgreementVersion | None:
    """Return a version that takes effect on `day` or before, and is not the first any more then."""
    others = AgreementVersion.objects.published().exclude(pk=version.pk)
    return others.filter(effective_on__lte=day).order_by("effective_on").first()


def _check_texts(version: AgreementVersion) -> None:
    """A version without a wording of every clause is not published, and both languages have the same clauses (5.2)."""
    rows = list(version.clauses.values_list("number", "wording", "wording_zh"))
    for said, column in ((_("English"), 1), (_("Chinese"), 2)):
        if not any(row[column] for row in rows):
            continue
        if unworded := without_wording([(row[0], row[column]) for row in rows]):
            raise TextsDiffer(
                _("The %(language)s text has no wording of clause %(numbers)s.")
                % {"language": said, "numbers": ", ".join(unworded)}
            )
