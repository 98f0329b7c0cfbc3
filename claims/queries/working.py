"""Who works on claims, who looks at one now, and who is mentioned in its notes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import QuerySet

from ..models import Claim, Mention, Viewer
from .deciders import MODEL_BACKEND

LOOKING_FOR = timedelta(minutes=2)
"""For how long a page counts as open after it was last renewed."""


def reviewers() -> QuerySet[User]:
    """Return who may review claims, by name."""
    return _able("claims.review_claim")


def colleagues() -> QuerySet[User]:
    """Return who may see claims, by name."""
    return _able("claims.view_claim")


def viewers_of(claim: Claim, but: User, now: datetime) -> QuerySet[Viewer]:
    """Return who else has the page of a claim open, the earliest first."""
    return (
        Viewer.objects.filter(claim=claim, seen_at__gt=now - LOOKING_FOR)
        .exclude(user=but)
        .select_related("user")
        .order_by("id")
    )


def unread_mentions(user: User) -> QuerySet[Mention]:
    """Return the notes in which `user` is mentioned and that were not marked as read, the oldest first."""
    return (
        Mention.objects.filter(user=user, read_at__isnull=True)
        .select_related("note__claim", "note__author")
        .order_by("id")
    )


def _able(right: str) -> QuerySet[User]:
    return User.objects.with_perm(right, backend=MODEL_BACKEND).order_by("first_name", "last_name", "username")
