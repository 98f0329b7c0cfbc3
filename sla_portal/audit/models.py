"""The audit log: one entry per write, in the same transaction, append-only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from .rules import Finding, Mark, link
from .verbs import verb


class Chain(models.Model):
    """The head of the audit log: every audited write locks this row, so entries have one order, and numbers no gap.

    A trigger lets it only move on to the newest entry.
    """

    last_hash = models.CharField(max_length=64)
    last_number = models.BigIntegerField(default=0)
    entries = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="the_audit_log_has_one_head")]


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
        return content_of(getattr(self, name) for name in CONTENT)

    def expected_hash(self) -> str:
        return link(self.previous_hash, self.content())


CONTENT = ("at", "actor_id", "actor_name", "action", "subject_type", "subject_id", "subject", "changes", "reason")


def content_of(values: Iterable[Any]) -> dict[str, Any]:
    """Return what the hash of an entry covers from the values of its columns `CONTENT`."""
    content = dict(zip(CONTENT, values, strict=True))
    content["actor"] = content.pop("actor_id")
    content["at"] = content["at"].isoformat()
    return content


class Occasion(models.TextChoices):
    """Why a checkpoint was made."""

    UPGRADE = "upgrade", _("first checkpoint of an existing log")
    DAILY = "daily", _("daily")
    CLOSING = "closing", _("month closed or corrected")
    PUBLICATION = "publication", _("agreement version published or withdrawn")
    DECISION = "decision", _("claim decided")
    BUNDLE = "bundle", _("evidence bundle made")


class Checkpoint(models.Model):
    """Where the audit log stood: the number and hash of its newest entry, and how many entries it had.

    Published and mailed, so that the log can be compared with what others hold. Triggers refuse UPDATE and DELETE.
    """

    number = models.PositiveBigIntegerField(_("checkpoint"), primary_key=True, help_text=_("Without gaps, from 1."))
    made_at = models.DateTimeField(_("made at"))
    occasion = models.CharField(_("occasion"), max_length=12, choices=Occasion.choices)
    about = models.CharField(_("about"), max_length=60, help_text=_("The day, or the record."))
    entries = models.PositiveBigIntegerField(_("entries"))
    entry = models.PositiveBigIntegerField(_("newest entry"))
    hash = models.CharField(_("hash of the newest entry"), max_length=64)

    class Meta:
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        ordering = ["-number"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["occasion", "about"], name="a_checkpoint_is_made_once_for_an_occasion"),
            models.CheckConstraint(
                condition=models.Q(occasion__in=Occasion.values), name="a_checkpoint_has_a_known_occasion"
            ),
            models.CheckConstraint(
                condition=models.Q(entries__gte=1, entry__gte=models.F("entries")),
                name="a_checkpoint_covers_entries",
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)

    @property
    def mark(self) -> Mark:
        return Mark(self.entry, self.hash, self.entries, self.number)


class Check(models.Model):
    """An integrity check of the audit log and what it found. Triggers refuse UPDATE and DELETE."""

    at = models.DateTimeField(_("at"))
    whole = models.BooleanField(_("whole log"), help_text=_("No: only what follows the newest checkpoint."))
    entries = models.PositiveBigIntegerField(_("entries checked"))
    found = models.JSONField(_("findings"), default=list)

    class Meta:
        verbose_name = _("integrity check")
        verbose_name_plural = _("integrity checks")
        ordering = ["-id"]
        default_permissions = ()
        permissions = [("view_faults", gettext_noop("Is notified when the audit log fails its integrity check"))]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"

    @property
    def findings(self) -> list[Finding]:
        return [Finding.read(stored) for stored in self.found]


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
