"""The review of a draft before it is submitted: comments on its clauses, and who approves it in which order."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .versions import AgreementVersion


class ClauseComment(models.Model):
    """A comment on a clause of a draft, or on the draft as a whole; it goes with a discarded draft."""

    version = models.ForeignKey(AgreementVersion, models.CASCADE, verbose_name=_("version"), related_name="comments")
    clause = models.CharField(_("clause"), max_length=10, blank=True, help_text=_("Empty: the draft as a whole."))
    text = models.TextField(_("comment"), max_length=2000)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by")
    )
    written_at = models.DateTimeField(_("written at"))
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("resolved by")
    )
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    class Meta:
        verbose_name = _("comment on a clause")
        verbose_name_plural = _("comments on clauses")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(resolved_at__isnull=True, resolved_by__isnull=True)
                | models.Q(resolved_at__isnull=False, resolved_by__isnull=False),
                name="a_comment_is_resolved_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.clause}".strip()


class Reviewer(models.Model):
    """A person who approves a draft, after those of lower `place`. The approval is of the text whose hash is kept."""

    version = models.ForeignKey(AgreementVersion, models.CASCADE, verbose_name=_("version"), related_name="reviewers")
    place = models.PositiveSmallIntegerField(_("order"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("reviewer"))
    due_on = models.DateField(_("due on"), null=True, blank=True)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    approved_sha256 = models.CharField(_("SHA-256 of what was approved"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("reviewer")
        verbose_name_plural = _("reviewers")
        ordering = ["place"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["version", "place"], name="a_place_in_a_review_has_one_reviewer"),
            models.UniqueConstraint(fields=["version", "user"], name="a_person_reviews_a_draft_once"),
            models.CheckConstraint(
                condition=models.Q(approved_at__isnull=True, approved_sha256="")
                | (models.Q(approved_at__isnull=False) & ~models.Q(approved_sha256="")),
                name="an_approval_says_of_which_text",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} · {self.user}"
