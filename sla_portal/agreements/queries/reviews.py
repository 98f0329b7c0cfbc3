"""How far the review of a draft is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet

from ..models import AgreementVersion, ClauseComment, Reviewer


@dataclass(frozen=True)
class Review:
    """The reviewers in their order with what stands against each, and the comments."""

    reviewers: tuple[Reviewer, ...]
    comments: tuple[ClauseComment, ...]
    sha256: str
    """Of the text and terms as they are now."""

    def has_approved(self, reviewer: Reviewer) -> bool:
        """Whether a reviewer approved what the draft says now."""
        return bool(reviewer.approved_at) and reviewer.approved_sha256 == self.sha256

    @property
    def next(self) -> Reviewer | None:
        """The reviewer whose turn it is."""
        return next((one for one in self.reviewers if not self.has_approved(one)), None)

    @property
    def open_comments(self) -> int:
        return sum(comment.resolved_at is None for comment in self.comments)

    def is_overdue(self, reviewer: Reviewer, today: date) -> bool:
        return bool(reviewer.due_on and reviewer.due_on < today and not self.has_approved(reviewer))


def review_of(draft: AgreementVersion) -> Review:
    return Review(
        tuple(draft.reviewers.select_related("user")),
        tuple(draft.comments.select_related("written_by", "resolved_by")),
        draft.expected_sha256(),
    )


def asked_to_review(user: User) -> QuerySet[Reviewer]:
    """Return the reviews of drafts that wait for a person: nobody before them is open. Most pressing first."""
    earlier = Reviewer.objects.filter(
        version=OuterRef("version"), place__lt=OuterRef("place"), approved_at__isnull=True
    )
    return (
        Reviewer.objects.filter(user=user, approved_at__isnull=True, version__submitted_at__isnull=True)
        .filter(~Exists(earlier), version__published_at__isnull=True)
        .select_related("version")
        .order_by("due_on", "pk")
    )
