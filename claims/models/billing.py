"""What billing gets: a credit note for each redemption of a voucher, and how far the ledger was exported."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .ledger import Entry


class CreditNote(models.Model):
    """A redemption of a voucher as a numbered paper, or the paper that cancels one where it is reversed.

    Numbers have no gaps within a year. Triggers refuse to change what it states and, once it is printed, anything.
    """

    number = models.CharField(_("number"), max_length=20, unique=True)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="credit_note", verbose_name=_("ledger entry"))
    cancels = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="cancelled_by", verbose_name=_("cancels")
    )
    statement = models.JSONField(_("statement"), help_text=_("What it says, as it was when it was issued."))
    issued_at = models.DateTimeField(_("issued at"))
    pdf = models.CharField(max_length=200, blank=True, help_text=_("Name of the stored PDF. Empty: not printed yet."))
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("credit note")
        verbose_name_plural = _("credit notes")
        ordering = ["id"]
        default_permissions = ()
        indexes = [models.Index(fields=["id"], condition=models.Q(sha256=""), name="credit_notes_to_print")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(pdf="", sha256="") | (~models.Q(pdf="") & ~models.Q(sha256="")),
                name="a_printed_credit_note_has_a_file_with_a_hash",
            )
        ]

    def __str__(self) -> str:
        return self.number


class BillingExport(models.Model):
    """A mark up to which the ledger was exported for billing. Triggers refuse UPDATE and DELETE."""

    number = models.PositiveIntegerField(_("number"), unique=True)
    exported_at = models.DateTimeField(_("exported at"))
    exported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("exported by")
    )
    entries = models.PositiveIntegerField(_("entries"))

    class Meta:
        verbose_name = _("export for billing")
        verbose_name_plural = _("exports for billing")
        ordering = ["-number"]
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.number)


class BilledEntry(models.Model):
    """An entry of the ledger in the one export for billing that has it. Triggers refuse UPDATE and DELETE."""

    entry = models.OneToOneField(
        Entry, models.PROTECT, primary_key=True, related_name="billed", verbose_name=_("ledger entry")
    )
    export = models.ForeignKey(
        BillingExport, models.PROTECT, related_name="billed", verbose_name=_("export for billing")
    )

    class Meta:
        verbose_name = _("exported entry")
        verbose_name_plural = _("exported entries")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.export} · {self.entry_id}"
