"""Recommendations, and decisions by another person. Triggers refuse UPDATE and DELETE."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .applying import Claim
from .letters import Enclosure


class Outcome(models.TextChoices):
    GRANT = "grant", _("grant")
    REFUSE = "refuse", _("refuse")


class Recommendation(models.Model):
    """A recommendation, with the e-mail to the customer and the figures on which it is based."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="recommendations", verbose_name=_("claim"))
    outcome = models.CharField(_("outcome"), max_length=6, choices=Outcome.choices)
    clause = models.CharField(_("clause"), max_length=10, help_text=_("The clause on which the outcome is based."))
    reason = models.TextField(_("reason"))
    voucher_minutes = models.PositiveIntegerField(_("voucher minutes"), default=0)
    extension_minutes = models.PositiveIntegerField(_("extension minutes"), default=0)
    letter_subject = models.CharField(_("e-mail subject"), max_length=300)
    letter_text = models.TextField(_("e-mail text"))
    enclosures = models.ManyToManyField(
        Enclosure, related_name="recommendations", verbose_name=_("files attached to the e-mail")
    )
    facts = models.JSONField(_("facts"), help_text=_("The figures on which it is based, as they were then."))
    after_appeal = models.BooleanField(_("after an appeal"), default=False)
    recommended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recommended by")
    )
    recommended_at = models.DateTimeField(_("recommended at"))

    class Meta:
        verbose_name = _("recommendation")
        verbose_name_plural = _("recommendations")
        ordering = ["id"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=Outcome.values), name="a_recommendation_is_to_grant_or_to_refuse"
            ),
            models.CheckConstraint(
                condition=~models.Q(clause="") & ~models.Q(reason=""),
                name="a_recommendation_names_a_clause_and_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(outcome=Outcome.GRANT) | models.Q(voucher_minutes=0, extension_minutes=0),
                name="a_refusal_gives_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.claim} · {self.get_outcome_display()}"


class Decision(models.Model):
    """The decision of another person on a recommendation: approved, or sent back."""

    recommendation = models.OneToOneField(
        Recommendation, models.PROTECT, related_name="decision", verbose_name=_("recommendation")
    )
    key = models.UUIDField(unique=True, help_text="Of the form that decided: sent twice, it decides once.")
    agreed = models.BooleanField(_("approved"))
    reason = models.TextField(_("reason"), blank=True)
    recommended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    refused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who decided the refusal that was appealed.",
    )
    refusal_recommended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"))

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["id"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(decided_by=models.F("recommended_by")),
                name="a_claim_is_decided_by_another_person",
            ),
            models.CheckConstraint(
                condition=models.Q(refused_by__isnull=True)
                | (
                    ~models.Q(decided_by=models.F("refused_by"))
                    & ~models.Q(decided_by=models.F("refusal_recommended_by"))
                ),
                name="an_appeal_is_decided_by_a_third_person",
            ),
            models.CheckConstraint(
                condition=models.Q(agreed=True) | ~models.Q(reason=""), name="what_is_returned_says_why"
            ),
        ]

    def __str__(self) -> str:
        return str(self.recommendation)
