"""The audit log: one entry per write, in the same transaction, append-only."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from .rules import link
from .verbs import verb


class Chain(models.Model):
    """The last hash of the audit log: every audited write locks this row, so entries have one order."""

    last_hash = models.CharField(max_length=64)


class Entry(models.Model):
    """An entry: actor, verb, record, time, changes and reason. Triggers refuse UPDATE and DELETE."""

    at = models.DateTimeField(_("at"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
    )
    actor_name = models.CharField(_("actor"), max_length=200)
    action = models.CharField(
        _("action"), max_length=80, help_text=_("A verb in the past tense: logged, resolved, confirmed.")
    )
    subject_type = models.CharField(_("kind of record"), max_length=80)
    subject_id = models.CharField(_("record"), max_length=40)
    subject = models.CharField(_("name of the record"), max_length=300)
    changes = models.JSONField(_("changes"), default=dict, encoder=DjangoJSONEncoder)
    reason = models.TextField(_("reason"), blank=True)
    previous_hash = models.CharField(max_length=64, unique=True)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name = _("audit log entry")
        verbose_name_plural = _("audit log")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "id"], name="audit_entry_subject"),
            models.Index(fields=["at"], name="audit_entry_at"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {verb(self.action)} {self.subject}"

    def content(self) -> dict[str, Any]:
        """Return what the hash covers."""
        return {
            "at": self.at.isoformat(),
            "actor": self.actor_id,
            "actor_name": self.actor_name,
            "action": self.action,
            "subject_type": self.subject_type,
            "subject_id": self.subject_id,
            "subject": self.subject,
            "changes": self.changes,
            "reason": self.reason,
        }

    def expected_hash(self) -> str:
        return link(self.previous_hash, self.content())


class ClosedMonth(models.Model):
    """A closed service month: whoever changes its record states a reason (`record`)."""

    month = models.DateField(_("month"), unique=True, help_text=_("First day of the month."))
    changed_at = models.DateTimeField(
        _("changed at"), null=True, help_text=_("When its record was last changed after it was closed or corrected.")
    )

    class Meta:
        ordering = ["month"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
