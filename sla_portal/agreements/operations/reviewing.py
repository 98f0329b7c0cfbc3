"""Review a draft: comment on its clauses, name who approves it in which order, approve it, send it back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.kernel.errors import Refused

from ..models import AgreementVersion, ClauseComment, Reviewer
from ..queries import review_of
from .refusals import NotAcceptable, cleaned, locked_draft

DRAFT = "agreements.draft_version"


class NotYourTurn(Refused):
    """Another reviewer comes first, or the person is none."""


class ReviewOpen(Refused):
    """A reviewer has not approved what the draft says, or a comment is open."""


class CommentResolved(Refused):
    """The comment was resolved already."""


def comment_on_clause(*, actor: Actor, draft: AgreementVersion, clause: str, text: str, now: datetime) -> ClauseComment:
    """Comment on a clause of a draft, or on all of it with an empty `clause`."""
    require(actor, DRAFT)
    with transaction.atomic():
        locked = _locked(draft)
        errors: dict[str, list[str]] = {}
        taken = cleaned(ClauseComment(), {"clause": clause, "text": text}, errors)
        if clause and not locked.clauses.filter(number=clause).exists():
            errors["clause"] = [_("The draft has no clause %(number)s.") % {"number": clause}]
        if errors:
            raise NotAcceptable(errors)
        comment = ClauseComment.objects.create(version=locked, written_by=actor.user, written_at=now, **taken)
        changes = {"comment": [None, taken["text"]], "clause": [None, clause]}
        record(actor=actor, action="commented on", subject=locked, changes=changes, now=now)
    return comment


def resolve_comment(*, actor: Actor, comment: ClauseComment, now: datetime) -> None:
    """Mark a comment as resolved; it stays to be read."""
    require(actor, DRAFT)
    with transaction.atomic():
        draft = _locked(comment.version)
        if not ClauseComment.objects.filter(pk=comment.pk, resolved_at__isnull=True).update(
            resolved_by=actor.user, resolved_at=now
        ):
            raise CommentResolved(_("The comment was resolved already."))
        changes = {"comment": [comment.text, None], "clause": [comment.clause, None]}
        record(actor=actor, action="resolved a comment on", subject=draft, changes=changes, now=now)


def name_reviewers(
    *, actor: Actor, draft: AgreementVersion, reviewers: Sequence[tuple[User, date | None]], now: datetime
) -> None:
    """Name who reviews a draft, in the order of their approval, each with an internal deadline; approvals given stay."""
    require(actor, DRAFT)
    with transaction.atomic():
        locked = locked_draft(actor, draft)
        users = [user for user, _due in reviewers]
        if len(set(users)) < len(users):
            raise NotAcceptable({"reviewers": [_("Name each person once.")]})
        before = {one.user_id: one for one in locked.reviewers.all()}
        locked.reviewers.all().delete()
        for place, (user, due_on) in enumerate(reviewers, 1):
            was = before.get(user.pk)
            Reviewer.objects.create(
                version=locked,
                place=place,
                user=user,
                due_on=due_on,
                approved_at=was.approved_at if was else None,
                approved_sha256=was.approved_sha256 if was else "",
            )
        named = [f"{user.get_username()} {due_on or ''}".strip() for user, due_on in reviewers]
        changes = {"reviewers": [len(before) or None, ", ".join(named)]}
        record(actor=actor, action="named the reviewers of", subject=locked, changes=changes, now=now)


def approve_draft(*, actor: Actor, draft: AgreementVersion, now: datetime) -> None:
    """Approve what a draft says, as the reviewer whose turn it is; a later change asks for the approval again."""
    require(actor, DRAFT)
    with transaction.atomic():
        locked = locked_draft(actor, draft)
        mine = _my_turn(actor, locked)
        mine.approved_at, mine.approved_sha256 = now, locked.expected_sha256()
        mine.save(update_fields=["approved_at", "approved_sha256"])
        changes = {"sha256": [None, mine.approved_sha256]}
        record(actor=actor, action="approved the draft of", subject=locked, changes=changes, now=now)


def send_back_review(*, actor: Actor, draft: AgreementVersion, reason: str, now: datetime) -> None:
    """Send a draft back to those who draft it, as the reviewer whose turn it is: a comment, and every approval is asked for again."""
    require(actor, DRAFT)
    with transaction.atomic():
        locked = locked_draft(actor, draft)
        _my_turn(actor, locked)
        comment_on_clause(actor=actor, draft=locked, clause="", text=reason, now=now)
        locked.reviewers.update(approved_at=None, approved_sha256="")
        record(actor=actor, action="sent the draft back", subject=locked, reason=reason, now=now)


def check_review(draft: AgreementVersion) -> None:
    """Raise `ReviewOpen` unless every reviewer named approved what the draft says, and no comment is open."""
    review = review_of(draft)
    if waiting := review.next:
        raise ReviewOpen(
            _("%(name)s has not approved the draft as it is.")
            % {"name": waiting.user.get_full_name() or waiting.user.get_username()}
        )
    if review.open_comments:
        raise ReviewOpen(_("Resolve the open comments first."))


def _my_turn(actor: Actor, draft: AgreementVersion) -> Reviewer:
    waiting = review_of(draft).next
    if waiting is None or actor.user is None or waiting.user_id != actor.user.pk:
        raise NotYourTurn(_("It is another person's turn to review the draft."))
    return waiting


def _locked(draft: AgreementVersion) -> AgreementVersion:
    """Return the draft with a row lock, whatever was changed since: a comment undoes nobody's work."""
    return AgreementVersion.objects.select_for_update().get(pk=draft.pk)
