"""Draft an amendment: its terms, clauses and summary of changes (5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, record, require, snapshot
from sla_portal.kernel.errors import Refused

from ..markers import BRACES, TEXTS, misplaced_marker, unknown_marker, unknown_markers
from ..models import (
    CLAUSE_FIELDS,
    PREAMBLE_FIELDS,
    TERM_FIELDS,
    AgreementVersion,
    Clause,
    Preamble,
    RegisterEntry,
)
from ..queries import NoAgreementInForce, newest_version
from ..queries.drafts import CLAUSE, SUMMARIES
from ..rules import DraftedClause
from ..wording import may_follow
from .refusals import NotAcceptable, check_reason, cleaned, locked_draft

MOST_CLAUSES = 300
NAMES_TAKEN = {"answer", "compare"}
"""Names of pages that the permanent URL of a version would collide with."""


class NothingProposed(Refused):
    """The register entry proposes no wording for the draft."""


def draft_version(
    *,
    actor: Actor,
    version: str,
    now: datetime,
    based_on: AgreementVersion | None = None,
    text_of: AgreementVersion | None = None,
) -> AgreementVersion:
    """Start a draft named `version` based on `based_on`, by default the newest version, with its clauses and terms.

    With `text_of` the text and terms come from another draft or a withdrawn version.
    """
    require(actor, "agreements.draft_version")
    based_on = based_on or newest_version()
    if based_on is None:
        raise NoAgreementInForce(_("There is no published version to base an amendment on."))
    errors: dict[str, list[str]] = {}
    name = cleaned(AgreementVersion(), {"version": version}, errors).get("version", "")
    with transaction.atomic():
        # Serialize, so that two drafts do not take the same name.
        AgreementVersion.objects.select_for_update().get(pk=based_on.pk)
        if AgreementVersion.objects.filter(version=name).exists():
            errors["version"] = [_("Version %(version)s already exists. Choose another name.") % {"version": name}]
        if name in NAMES_TAKEN:
            errors["version"] = [_("The website already has a page of this name. Choose another name.")]
        if errors:
            raise NotAcceptable(errors)
        draft = AgreementVersion.objects.create(
            version=name,
            based_on=based_on,
            drafted_by=actor.user,
            drafted_at=now,
            changed_at=now,
            **{name: getattr(text_of, name) for name in SUMMARIES if text_of},
            **{term: getattr(text_of or based_on, term) for term in TERM_FIELDS},
        )
        _write_clauses(draft, [clause.drafted for clause in (text_of or based_on).clauses.all()])
        if preamble := Preamble.objects.filter(agreement_version=text_of or based_on).first():
            texts = {name: getattr(preamble, name) for name in PREAMBLE_FIELDS}
            Preamble.objects.create(agreement_version=draft, **texts)
        changes = {"based_on": [None, based_on.version]}
        if text_of:
            changes["text_of"] = [None, text_of.version]
        record(actor=actor, action="drafted", subject=draft, changes=changes, now=now)
    return draft


def change_draft(
    *,
    actor: Actor,
    draft: AgreementVersion,
    now: datetime,
    terms: Mapping[str, Any] | None = None,
    clauses: Sequence[DraftedClause] | None = None,
    summary_of_changes: str | None = None,
    summary_of_changes_zh: str | None = None,
) -> None:
    """Change a draft's terms (those named), clauses (all, in their order) and summary of changes.

    None leaves them unchanged. Raises `NotAcceptable` with the sentences by field (`availability_target`,
    `clauses.3.1.heading`), `ChangedMeanwhile` and `DraftLocked`.
    """
    require(actor, "agreements.draft_version")
    with transaction.atomic():
        locked = locked_draft(actor, draft)
        said = {name: text for name, text in zip(SUMMARIES, (summary_of_changes, summary_of_changes_zh), strict=True)
                if text is not None}  # fmt: skip
        errors: dict[str, list[str]] = {
            name: [_("There is no such term.")] for name in terms or {} if name not in TERM_FIELDS
        }
        named = {name: value for name, value in (terms or {}).items() if name in TERM_FIELDS}
        values = cleaned(locked, named | said, errors)
        written = None if clauses is None else _checked(clauses, errors)
        if errors:
            raise NotAcceptable(errors)
        changes = difference(snapshot(locked, values), values)
        for name, value in values.items():
            setattr(locked, name, value)
        if written is not None:
            changes |= _rewritten(locked, written)
        _save(actor, locked, values, changes, "changed", now)
    draft.refresh_from_db()


def copy_wording(*, actor: Actor, draft: AgreementVersion, entry: RegisterEntry, now: datetime) -> None:
    """Copy the wording proposed by a register entry into a draft's clause."""
    require(actor, "agreements.draft_version")
    with transaction.atomic():
        locked = locked_draft(actor, draft)
        proposed = {"wording": entry.proposed_wording, "wording_zh": entry.proposed_wording_zh}
        if not any(proposed.values()):
            raise NothingProposed(_("This register entry proposes no wording."))
        clause = locked.clauses.filter(number=entry.clause).first()
        if clause is None:
            raise NothingProposed(_("The draft has no clause %(number)s.") % {"number": entry.clause})
        changed = difference(snapshot(clause, proposed), proposed)
        Clause.objects.filter(pk=clause.pk).update(**proposed)
        _save(
            actor,
            locked,
            (),
            {_called(entry.clause): _sides(changed)} if changed else {},
            "took a wording over into",
            now,
        )
    draft.refresh_from_db()


def discard_draft(*, actor: Actor, draft: AgreementVersion, reason: str, now: datetime) -> None:
    """Discard a draft; the audit log keeps it on record."""
    require(actor, "agreements.draft_version")
    check_reason(reason)
    with transaction.atomic():
        locked = locked_draft(actor, draft)
        record(actor=actor, action="discarded", subject=locked, reason=reason, now=now)
        locked.delete()


def check_draft(draft: AgreementVersion) -> None:
    """Raise `NotAcceptable` unless the draft can be published as it is."""
    errors: dict[str, list[str]] = {}
    cleaned(draft, {name: getattr(draft, name) for name in TERM_FIELDS}, errors)
    _checked([clause.drafted for clause in draft.clauses.all()], errors)
    if errors:
        raise NotAcceptable(errors)


def _save(
    actor: Actor, draft: AgreementVersion, names: Iterable[str], changes: Mapping[str, Any], action: str, now: datetime
) -> None:
    if changes:
        draft.changed_at = now
        draft.save(update_fields=[*names, "changed_at"])
        # Who approved what it said before is asked again.
        draft.reviewers.update(approved_at=None, approved_sha256="")
        record(actor=actor, action=action, subject=draft, changes=changes, now=now)


def _write_clauses(draft: AgreementVersion, clauses: Iterable[DraftedClause]) -> None:
    Clause.objects.bulk_create(
        Clause(agreement_version=draft, **{name: getattr(clause, name) for name in CLAUSE_FIELDS}) for clause in clauses
    )


def _checked(clauses: Sequence[DraftedClause], errors: dict[str, list[str]]) -> list[DraftedClause]:
    """Return the valid clauses: numbered in order, each text within its limits; collect `errors`."""
    if len(clauses) > MOST_CLAUSES:
        errors["clauses"] = [_("An agreement can have at most %(most)d clauses.") % {"most": MOST_CLAUSES}]
        return []
    if not clauses:
        errors["clauses"] = [_("An agreement needs at least one clause.")]
    written = []
    before = ""
    for clause in clauses:
        prefix = f"clauses.{clause.number}."
        texts = {name: getattr(clause, name) for name in CLAUSE_FIELDS}
        taken = cleaned(Clause(), texts, errors, prefix)
        number = taken.get("number", "")
        if number and number not in (may_follow(before) if before else {"1"}):
            errors[prefix + "number"] = [
                _("Clause %(number)s cannot follow clause %(before)s.") % {"number": number, "before": before}
                if before
                else _("The first clause must be number 1, not %(number)s.") % {"number": number}
            ]
        before = number or before
        for name in ("heading", "heading_zh"):
            if BRACES.search(taken.get(name, "")):
                errors[prefix + name] = [misplaced_marker(taken[name])]
        for name, _language in TEXTS:
            if unknown := unknown_markers(taken.get(name, "")):
                errors[prefix + name] = [unknown_marker(unknown[0])]
        if len(taken) == len(CLAUSE_FIELDS):
            written.append(DraftedClause(**taken))
    return written


def _rewritten(draft: AgreementVersion, clauses: list[DraftedClause]) -> dict[str, Any]:
    """Replace the clauses if any differs; return the changes by clause."""
    before = [clause.drafted for clause in draft.clauses.all()]
    if before == clauses:
        return {}
    draft.clauses.all().delete()
    _write_clauses(draft, clauses)
    old, new = ({one.number: vars(one) for one in some} for some in (before, clauses))
    return {
        _called(number): _sides(difference(old.get(number, {}), new.get(number, {})))
        for number in dict.fromkeys([*old, *new])
        if old.get(number) != new.get(number)
    } or {"clauses": [[one.number for one in before], [one.number for one in clauses]]}


def _sides(changed: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return what differs as `[before, after]`, as the audit log records every change."""
    return [{name: sides[place] for name, sides in changed.items() if sides[place]} for place in (0, 1)]


def _called(number: str) -> str:
    return f"{CLAUSE}{number}"
