"""Share the work on claims among colleagues: take and assign a claim, see who looks at it, leave notes. Nobody outside is told."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.kernel.errors import Refused

from ..models import Claim, Mention, Note, Viewer
from ..models.applying import OPEN
from ..queries.working import LOOKING_FOR, colleagues
from ..rules import mentions
from .receiving import locked_claim


class AlreadyAssigned(Refused):
    """Another person has taken the claim."""


class CannotReview(Refused):
    """The person may not review claims."""

    field = "to"


class NoteMissing(Refused):
    """The note is empty."""

    field = "text"


class NoSuchColleague(Refused):
    """A note mentions a name that no colleague has who may see claims."""

    field = "text"


def take_claim(*, actor: Actor, claim: Claim, now: datetime) -> None:
    """Assign an open claim that nobody has to the actor. Taking it again changes nothing; raises `AlreadyAssigned`."""
    require(actor, "claims.review_claim")
    with transaction.atomic():
        # Of two who take it at once, the second waits here and finds the first.
        holder = Claim.objects.select_for_update().get(pk=claim.pk).assigned_to
        if holder == actor.user:
            return
        if holder:
            raise AlreadyAssigned(
                _("%(name)s has taken claim %(number)s. Take it over on its page, if you have agreed on it.")
                % {"name": _name(holder), "number": claim}
            )
        _assign(actor, locked_claim(actor, claim, *OPEN), actor.user, "took", now)


def assign_claim(*, actor: Actor, claim: Claim, to: User | None, now: datetime) -> None:
    """Assign an open claim to a colleague, or to nobody."""
    require(actor, "claims.review_claim")
    if to and not to.has_perm("claims.review_claim"):
        raise CannotReview(_("%(name)s may not review claims. Choose someone else.") % {"name": _name(to)})
    with transaction.atomic():
        locked = locked_claim(actor, claim, *OPEN)
        if locked.assigned_to != to:
            _assign(actor, locked, to, "assigned", now)


def look_at_claim(*, user: User, claim: Claim, now: datetime) -> None:
    """Note that a member of staff has the page of a claim open; it is forgotten when the page is not renewed."""
    Viewer.objects.bulk_create(
        [Viewer(claim=claim, user=user, seen_at=now)],
        update_conflicts=True,
        unique_fields=["claim", "user"],
        update_fields=["seen_at"],
    )


def forget_viewers(*, now: datetime) -> None:
    """Delete who looked at claims and does not any more."""
    Viewer.objects.filter(seen_at__lte=now - LOOKING_FOR).delete()


def note_claim(*, actor: Actor, claim: Claim, text: str, now: datetime) -> Note:
    """Leave an internal note on a claim; colleagues named in it with `@` find it on their home page.

    Raises `NoSuchColleague` for a name that nobody has who may see claims.
    """
    require(actor, "claims.note_claim")
    if not text.strip():
        raise NoteMissing(_("Enter the note."))
    known = {one.get_username().casefold(): one for one in colleagues()}
    found, unknown = mentions(text, known)
    if unknown:
        raise NoSuchColleague(
            _("No colleague who may see claims has this user name: %(names)s. Correct it, or leave out the @.")
            % {"names": ", ".join(f"@{name}" for name in unknown)}
        )
    with transaction.atomic():
        note = Note.objects.create(claim=claim, text=text.strip(), author=actor.user, at=now)
        Mention.objects.bulk_create(Mention(note=note, user=known[name]) for name in found)
        named = [_name(known[name]) for name in found]
        record(actor=actor, action="noted on", subject=claim, now=now, changes={"mentioned": [None, named]})
    return note


def read_mention(*, actor: Actor, mention: Mention, now: datetime) -> None:
    """Take a mention off the home page of who is mentioned. Reading it again changes nothing."""
    Mention.objects.filter(pk=mention.pk, user=actor.user, read_at__isnull=True).update(read_at=now)


def _assign(actor: Actor, claim: Claim, to: User | None, action: str, now: datetime) -> None:
    before, claim.assigned_to = claim.assigned_to, to
    claim.save(update_fields=["assigned_to"])
    changes = {"assigned_to": [before and _name(before), to and _name(to)]}
    record(actor=actor, action=action, subject=claim, now=now, changes=changes)


def _name(user: User) -> str:
    return user.get_full_name() or user.get_username()
