"""Keep the operator's own wording of a version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.kernel.errors import Refused

from ..models import AgreementVersion, Clause
from ..wording import ClauseText
from .freezing import freeze_earlier_changes
from .refusals import ReasonMissing


class AnotherWordingLoaded(Refused):
    """The version has a wording already, and it says something else."""


class TextLocked(Refused):
    """Customers were told of the version, or its publication is asked for: nobody rewords it."""


def load_wording(*, actor: Actor, version: AgreementVersion, clauses: Sequence[ClauseText], now: datetime) -> int:
    """Keep the operator's own text of each clause; returns how many were written, none if it stands there already.

    A clause that the version does not sum up is added. Raises `AnotherWordingLoaded`: what was promised is not
    reworded quietly (5.2).
    """
    require(actor, "agreements.change_clause")
    with transaction.atomic():
        changes = _rewording(version, clauses, now)
        if any(before for before, _after in changes.values()):
            raise AnotherWordingLoaded(
                _(
                    "Version %(version)s already has a different wording (clause %(number)s). Replace it only to "
                    "correct it, and give a reason. A change of what is promised is an amendment (5.2)."
                )
                % {"version": version, "number": next(number for number, (before, _after) in changes.items() if before)}
            )
        return _reword(actor, "loaded the wording of", version, clauses, changes, "", now)


def replace_wording(
    *, actor: Actor, version: AgreementVersion, clauses: Sequence[ClauseText], reason: str, now: datetime
) -> int:
    """Replace a wording loaded earlier, with a reason; the audit log keeps the old one."""
    require(actor, "agreements.change_clause")
    if not reason.strip():
        raise ReasonMissing(_("Enter a reason for replacing the wording."))
    with transaction.atomic():
        changes = _rewording(version, clauses, now)
        return _reword(actor, "replaced the wording of", version, clauses, changes, reason, now)


def _rewording(version: AgreementVersion, clauses: Iterable[ClauseText], now: datetime) -> dict[str, list[str]]:
    """From which wording to which, by number, under the version's lock; what is shown of later versions is frozen before."""
    locked = AgreementVersion.objects.select_for_update().get(pk=version.pk)
    if locked.submitted_at:
        raise TextLocked(
            _(
                "The text of version %(version)s has been locked since %(day)s. Correct a mistake by another amendment (5.2)."
            )
            % {"version": locked, "day": locked.submitted_at.date().isoformat()}
        )
    freeze_earlier_changes(now=now)
    before = {number: wording for number, wording in version.clauses.values_list("number", "wording") if wording}
    return _differing(before, {clause.number: clause.wording for clause in clauses})


def _differing(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str]]:
    return {
        number: [old, new]
        for number in [*after, *(number for number in before if number not in after)]
        if (old := before.get(number, "")) != (new := after.get(number, ""))
    }


def _reword(
    actor: Actor,
    action: str,
    version: AgreementVersion,
    clauses: Sequence[ClauseText],
    changes: dict[str, list[str]],
    reason: str,
    now: datetime,
) -> int:
    headings = {clause.number: clause.heading for clause in clauses}
    for number, (_before, wording) in changes.items():
        Clause.objects.update_or_create(
            agreement_version=version,
            number=number,
            defaults={"wording": wording},
            create_defaults={"wording": wording, "heading": headings.get(number, "")},
        )
    if changes:
        AgreementVersion.objects.drafts().filter(pk=version.pk).update(changed_at=now)
        record(actor=actor, action=action, subject=version, changes=changes, reason=reason, now=now)
    return len(changes)
