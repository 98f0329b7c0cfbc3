"""The audit log: one entry per write, in the same transaction, append-only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from .rules import Finding, Mark, canonical, link
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

    def content(self) -> bytes:
        """Return the checkpoint as the file that is sealed."""
        stated = {
            "checkpoint": self.number,
            "made_at": self.made_at.isoformat(),
            "entries": self.entries,
            "entry": self.entry,
            "hash": self.hash,
        }
        return canonical(stated).encode()


class Check(models.Model):
    """An integrity check of the audit log, or of what was issued, and what it found. Triggers refuse UPDATE and DELETE."""

    at = models.DateTimeField(_("at"))
    whole = models.BooleanField(_("whole log"), help_text=_("No: only what follows the newest checkpoint."))
    entries = models.PositiveBigIntegerField(_("entries checked"))
    documents = models.PositiveBigIntegerField(
        _("documents checked"), null=True, help_text=_("Empty: a check of the audit log.")
    )
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


class Kind(models.TextChoices):
    """What kinds of documents are issued."""

    REPORT = "report", _("availability report")
    ANNOUNCEMENT = "announcement", _("announcement")
    AGREEMENT = "agreement", _("agreement version")
    CLOSING = "closing", _("month closing")
    CHECKPOINT = "checkpoint", _("checkpoint of the audit log")
    BUNDLE = "bundle", _("evidence bundle")
    CREDIT_NOTE = "credit note", _("credit note")


class Document(models.Model):
    """A document that was issued, known by its number or by the SHA-256 of its file. Triggers refuse UPDATE and DELETE."""

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    about = models.CharField(
        _("about"), max_length=120, help_text=_("The record of which these are revisions; numbers may be alike.")
    )
    number = models.CharField(_("number"), max_length=120)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    rehearsal = models.PositiveIntegerField(
        _("rehearsal"), default=0, help_text=_("Number of the rehearsal in which it was issued. 0: none.")
    )
    issued_at = models.DateTimeField(_("issued at"))
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64, db_index=True)
    check_code = models.CharField(
        _("check code"), max_length=19, unique=True, help_text=_("Proves to the public page that the paper was seen.")
    )
    pdf = models.CharField(
        max_length=200,
        blank=True,
        help_text=_("Name of the stored PDF, which is signed within; others are sealed beside."),
    )

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            # What was issued in a rehearsal stays, and the numbers start anew.
            models.UniqueConstraint(
                fields=["kind", "about", "revision", "rehearsal"], name="a_document_has_each_revision_once"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="a_document_is_of_a_known_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.number} · {self.revision}" if self.revision > 1 else self.number

    @property
    def waits_for_seal(self) -> bool:
        """Whether it is about to be sealed."""
        seal = getattr(self, "seal", None)
        return bool(settings.SEAL_KEY) and seal is not None and seal.sealed_at is None


class Certificate(models.Model):
    """A certificate that documents were sealed with, and its chain. Triggers refuse UPDATE and DELETE."""

    fingerprint = models.CharField(_("SHA-256 fingerprint"), max_length=64, unique=True)
    subject = models.CharField(_("subject"), max_length=300)
    issuer = models.CharField(_("issued by"), max_length=300)
    valid_from = models.DateTimeField(_("valid from"))
    valid_until = models.DateTimeField(_("valid until"))
    pem = models.TextField(_("certificate and chain"))
    demonstration = models.BooleanField(_("demonstration key"))
    first_used_at = models.DateTimeField(_("first used at"))

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.subject

    @property
    def holder(self) -> str:
        """Who holds the key: common name and organisation of the subject, or the whole of it where it lacks the first."""
        parts = (part.partition("=") for part in re.split(r"(?<!\\)[,+]", self.subject))
        stated = {name.strip(): re.sub(r"\\(.)", r"\1", value) for name, _equals, value in parts}
        return ", ".join(stated[name] for name in ("CN", "O") if name in stated) if "CN" in stated else self.subject


class Seal(models.Model):
    """The seal of a document. The rows are a queue; triggers refuse any change once the document is sealed."""

    document = models.OneToOneField(Document, models.PROTECT, primary_key=True, verbose_name=_("document"))
    next_attempt_at = models.DateTimeField(_("next attempt"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), blank=True)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(_("leased until"), null=True)
    sealed_at = models.DateTimeField(_("sealed at"), null=True)
    certificate = models.ForeignKey(
        Certificate, models.PROTECT, null=True, related_name="+", verbose_name=_("certificate")
    )
    level = models.CharField(_("level"), max_length=4, blank=True)
    timestamped_at = models.DateTimeField(_("time stamp"), null=True)
    sha256 = models.CharField(
        _("SHA-256 of the sealed file"),
        max_length=64,
        blank=True,
        help_text=_("Of the sealed PDF, or of the seal beside."),
    )
    content = models.BinaryField(null=True, help_text=_("What follows the bytes of a PDF, or the seal beside."))

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(sealed_at__isnull=True), name="seals_that_wait"
            ),
            models.Index(fields=["sha256"], condition=models.Q(sealed_at__isnull=False), name="seals_by_hash"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    sealed_at__isnull=True, certificate__isnull=True, content__isnull=True, sha256="", level=""
                )
                | (
                    models.Q(
                        sealed_at__isnull=False, certificate__isnull=False, content__isnull=False, lease__isnull=True
                    )
                    & models.Q(level__in=["B-B", "B-T", "B-LT"], error="")
                    & ~models.Q(sha256="")
                ),
                name="a_seal_is_whole_or_none",
            ),
            models.CheckConstraint(
                condition=models.Q(lease__isnull=True, leased_until__isnull=True)
                | models.Q(lease__isnull=False, leased_until__isnull=False),
                name="a_seal_is_leased_until_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(level__in=["", "B-B"], timestamped_at__isnull=True)
                | models.Q(level__in=["B-T", "B-LT"], timestamped_at__isnull=False),
                name="a_level_above_b_b_has_a_time_stamp",
            ),
        ]

    def __str__(self) -> str:
        return str(self.document)


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
