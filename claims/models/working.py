"""Who works on a claim: who looks at it, and what colleagues note for one another. Nothing of it is shown to the customer."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .applying import Claim


class Viewer(models.Model):
    """A member of staff with the page of a claim open; the page renews it while it is."""

    claim = models.ForeignKey(Claim, models.CASCADE, related_name="viewers", verbose_name=_("claim"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("viewed by"))
    seen_at = models.DateTimeField(_("viewed at"), db_index=True)

    class Meta:
        verbose_name = _("viewer of a claim")
        verbose_name_plural = _("viewers of claims")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["claim", "user"], name="a_person_looks_at_a_claim_once"),
        ]

    def __str__(self) -> str:
        return f"{self.claim} · {self.user}"


class Note(models.Model):
    """An internal note on a claim. Triggers refuse to change or delete it."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="notes", verbose_name=_("claim"))
    text = models.TextField(_("internal note"))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("author"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("internal note")
        verbose_name_plural = _("internal notes")
        ordering = ["id"]
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=~models.Q(text=""), name="a_note_says_something")]

    def __str__(self) -> str:
        return str(self.claim)


class Mention(models.Model):
    """A colleague named in a note, who finds it on the home page until it is marked as read."""

    note = models.ForeignKey(Note, models.PROTECT, related_name="mentions", verbose_name=_("internal note"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("colleague"))
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    class Meta:
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        ordering = ["id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["user", "id"], condition=models.Q(read_at__isnull=True), name="mentions_to_be_read")
        ]
        constraints = [
            models.UniqueConstraint(fields=["note", "user"], name="a_note_mentions_a_person_once"),
        ]

    def __str__(self) -> str:
        return f"{self.note} · {self.user}"
