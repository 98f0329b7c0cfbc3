"""Errata and interpretations: what the text leaves open, and how the portal interprets it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext_lazy as _


class Matter(models.TextChoices):
    ERRATUM = "erratum", _("misprint")
    READING = "reading", _("interpretation")


class RegisterEntry(models.Model):
    """A question that the agreement's text leaves open, the answer chosen, why, and a wording that would settle it."""

    clause = models.CharField(_("clause"), max_length=10)
    matter = models.CharField(_("kind"), max_length=10, choices=Matter.choices, default=Matter.READING)
    term = models.CharField(
        _("term"), max_length=40, blank=True, help_text=_("The term of a version that settles it, if there is one.")
    )
    question = models.TextField(_("open question"), max_length=2000)
    question_zh = models.TextField(_("open question (Chinese)"), max_length=2000, blank=True)
    answer = models.TextField(_("interpretation"), max_length=2000)
    answer_zh = models.TextField(_("interpretation (Chinese)"), max_length=2000, blank=True)
    why = models.TextField(_("reason"), max_length=2000)
    why_zh = models.TextField(_("reason (Chinese)"), max_length=2000, blank=True)
    proposed_wording = models.TextField(_("proposed wording"), max_length=20_000, blank=True)
    proposed_wording_zh = models.TextField(_("proposed wording (Chinese)"), max_length=20_000, blank=True)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("written by")
    )
    written_at = models.DateTimeField(_("written at"))
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("approved by")
    )
    approved_by_name = models.CharField(_("approved by (name)"), max_length=200, blank=True)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)

    class Meta:
        verbose_name = _("register entry")
        verbose_name_plural = _("errata and interpretations")
        ordering = ["id"]
        default_permissions = ("view",)
        permissions = [
            ("write_registerentry", gettext_noop("Can write register entries (errata and interpretations)")),
            ("approve_registerentry", gettext_noop("Can approve a register entry that another person wrote")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(matter__in=Matter.values), name="an_entry_is_a_misprint_or_a_reading"
            ),
            models.CheckConstraint(
                condition=models.Q(approved_at__isnull=True, approved_by_name="")
                | (models.Q(approved_at__isnull=False) & ~models.Q(approved_by_name="")),
                name="an_approved_entry_says_by_whom",
            ),
            models.CheckConstraint(
                condition=models.Q(written_by__isnull=True)
                | models.Q(approved_by__isnull=True)
                | ~models.Q(approved_by=models.F("written_by")),
                name="an_entry_is_approved_by_another_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clause} · {self.text('question')[:80]}"

    def text(self, name: str, language: str | None = None) -> str:
        """Return `question`, `answer`, `why` or `proposed_wording` in `language`, by default the reader's."""
        chinese = (language or get_language() or "").startswith("zh")
        return str((getattr(self, f"{name}_zh") if chinese else "") or getattr(self, name))
