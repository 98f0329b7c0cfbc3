"""Invitations to claim a breached month that nobody claimed. A credit without a claim is a `Claim` of that source."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sla_portal.agreements.models import Contract
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Notice


class Invitation(models.Model):
    """A proposal to invite a customer to claim, mailed when another person confirms it: once for a contract and month.

    Triggers refuse to change what was proposed, to change a closed invitation, and to delete either.
    """

    class Outcome(models.TextChoices):
        SENT = "sent", _("sent")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="invitations", verbose_name=_("contract"))
    month = models.DateField(_("month"), help_text=_("Its first day."))
    claims_close_at = models.DateTimeField(_("claims close at"))
    proposed_at = models.DateTimeField(_("proposed at"))
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("closed by")
    )
    answer = models.TextField(_("reason of the refusal"), blank=True)
    notice = models.OneToOneField(
        Notice, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("notice")
    )

    class Meta:
        verbose_name = _("invitation to claim")
        verbose_name_plural = _("invitations to claim")
        ordering = ["id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["month", "contract"], condition=models.Q(outcome=""), name="invitations_to_confirm")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "month"],
                condition=models.Q(outcome__in=["", "sent"]),
                name="a_contract_is_invited_once_for_a_month",
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="", closed_at__isnull=True, closed_by__isnull=True)
                | models.Q(
                    outcome__in=["sent", "declined", "withdrawn"], closed_at__isnull=False, closed_by__isnull=False
                ),
                name="a_closed_invitation_has_its_time_and_person",
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="sent", notice__isnull=False)
                | models.Q(~models.Q(outcome="sent"), notice__isnull=True),
                name="an_invitation_is_sent_with_its_notice",
            ),
            models.CheckConstraint(
                condition=~models.Q(outcome="sent") | ~models.Q(closed_by=models.F("proposed_by")),
                name="an_invitation_is_confirmed_by_another_person",
            ),
            models.CheckConstraint(
                condition=~models.Q(outcome="sent") | models.Q(closed_at__lt=models.F("claims_close_at")),
                name="nobody_is_invited_after_the_claim_period",
            ),
            models.CheckConstraint(
                condition=~models.Q(outcome="declined") | ~models.Q(answer=""),
                name="a_declined_invitation_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.month:%Y-%m}"

    @property
    def service_month(self) -> ServiceMonth:
        return ServiceMonth.of(self.month)
