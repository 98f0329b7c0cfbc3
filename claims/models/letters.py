"""Saved replies, from which letters to claimants are written, the files attached to letters, and letters as PDFs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from incidents.models import in_language
from sla_portal.notices.models import Notice

from .applying import Claim, Scan


class ReplyKind(models.TextChoices):
    """What a saved reply is for."""

    GRANT = "grant", _("grant")
    CREDIT = "credit", _("credit without a claim")
    REFUSAL = "refusal", _("refusal")
    QUESTION = "question", _("question to the customer")
    REVERSAL = "reversal", _("correction of a compensation")
    CLOSING = "closing", _("closing and signature of every e-mail")


class SavedReply(models.Model):
    """A text with fields for the e-mails of one kind; the first of a kind is what is drafted unless another is chosen."""

    kind = models.CharField(_("kind"), max_length=10, choices=ReplyKind.choices)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("name in Chinese"), max_length=80, blank=True)
    text = models.TextField(_("text"), max_length=5000)
    text_zh = models.TextField(_("text in Chinese"), max_length=5000)
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("The first of a kind is drafted unless another is chosen.")
    )

    class Meta:
        verbose_name = _("saved reply")
        verbose_name_plural = _("saved replies")
        ordering = ["kind", "position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=ReplyKind.values), name="a_saved_reply_is_of_a_known_kind"
            ),
            models.CheckConstraint(
                condition=~models.Q(name="") & ~models.Q(text="") & ~models.Q(text_zh=""),
                name="a_saved_reply_has_a_name_and_a_text_in_each_language",
            ),
        ]

    def __str__(self) -> str:
        return in_language(self.name, self.name_zh)

    @property
    def wording(self) -> str:
        """The text in the active language."""
        return in_language(self.text, self.text_zh)


class Enclosure(models.Model):
    """A file that an agent attached to a letter. Triggers refuse UPDATE and DELETE.

    Recommendations name those that go with their letter; one that none names is not sent.
    """

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="enclosures", verbose_name=_("claim"))
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10)
    size = models.PositiveIntegerField(_("size"))
    sha256 = models.CharField("SHA-256", max_length=64)
    content = models.BinaryField(_("content"))
    scan = models.CharField(_("virus scan"), max_length=12, choices=Scan.choices)
    added_at = models.DateTimeField(_("added at"))
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("added by"))

    class Meta:
        verbose_name = _("file of a letter")
        verbose_name_plural = _("files of letters")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["claim", "sha256"], name="a_file_is_enclosed_with_a_claim_once"),
            models.UniqueConstraint(fields=["claim", "name"], name="the_enclosures_of_a_claim_have_names_of_their_own"),
            models.CheckConstraint(
                condition=models.Q(scan__in=Scan.values), name="a_scan_of_an_enclosure_found_nothing_or_was_not"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Letter(models.Model):
    """A letter to a claimant: an e-mail that can be downloaded as a PDF, too. The row is the queue of what is to be printed.

    Triggers refuse to change a letter that is printed, and to delete it.
    """

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="letters", verbose_name=_("claim"))
    notice = models.OneToOneField(Notice, models.PROTECT, related_name="letter", verbose_name=_("notice"))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    pdf = models.BinaryField("PDF", null=True)
    sha256 = models.CharField(_("SHA-256 of the PDF"), max_length=64, blank=True)
    printed_at = models.DateTimeField(_("printed at"), null=True)

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering = ["id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["id"], condition=models.Q(printed_at__isnull=True), name="letters_to_be_printed")
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(printed_at__isnull=True, pdf__isnull=True, sha256="")
                | models.Q(models.Q(printed_at__isnull=False, pdf__isnull=False), ~models.Q(sha256="")),
                name="a_printed_letter_has_its_file_and_hash",
            )
        ]

    def __str__(self) -> str:
        return str(self.notice)
