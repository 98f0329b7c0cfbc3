"""Follow-up notices of amendments, and customer responses."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from sla_portal.customers.models import Customer
from sla_portal.notices.models import Delivery, Notice

from ..rules import AnswerKind
from .contracts import Contract
from .versions import AgreementVersion

ANSWERS = [
    (AnswerKind.OBJECTION.value, _("objection")),
    (AnswerKind.TERMINATION.value, _("termination")),
]


class FurtherNotice(models.Model):
    """A notice of an amendment after its announcement: a reminder, at signing, or to customers missed before (5.2)."""

    version = models.ForeignKey(
        AgreementVersion, models.PROTECT, verbose_name=_("version"), related_name="further_notices"
    )
    days_before = models.PositiveSmallIntegerField(
        _("days before"), null=True, blank=True, help_text=_("For a reminder: days before the effective date.")
    )
    contract = models.ForeignKey(
        Contract, models.PROTECT, null=True, blank=True, verbose_name=_("signed contract"), related_name="+"
    )
    notice = models.OneToOneField(Notice, models.PROTECT, related_name="+", verbose_name=_("notice"))

    class Meta:
        verbose_name = _("follow-up notice")
        verbose_name_plural = _("follow-up notices")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["version", "days_before"], name="a_reminder_is_given_once"),
            models.UniqueConstraint(fields=["version", "contract"], name="a_contract_is_told_of_a_version_once"),
            models.CheckConstraint(
                condition=models.Q(days_before__isnull=True) | models.Q(contract__isnull=True),
                name="a_reminder_is_not_told_at_signing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} · {self.notice}"


class Answer(models.Model):
    """A customer response to an amendment: an objection or a termination of contracts (5.2)."""

    class Via(models.TextChoices):
        LINK = "link", _("personal link in the e-mail")
        STAFF = "staff", _("staff")

    version = models.ForeignKey(AgreementVersion, models.PROTECT, verbose_name=_("version"), related_name="answers")
    customer = models.ForeignKey(Customer, models.PROTECT, verbose_name=_("customer"), related_name="answers")
    contract = models.ForeignKey(
        Contract,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("contract"),
        related_name="answers",
        help_text=_("Empty: all contracts concerned by the version."),
    )
    kind = models.CharField(_("kind"), max_length=15, choices=ANSWERS)
    received_at = models.DateTimeField(_("received at"))
    registered_at = models.DateTimeField(_("registered at"))
    via = models.CharField(_("channel"), max_length=10, choices=Via.choices)
    by_name = models.CharField(
        _("responded by"), max_length=200, help_text=_("Who responded on behalf of the customer.")
    )
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("registered by"),
    )
    delivery = models.ForeignKey(
        Delivery, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("e-mail whose link was used")
    )
    text = models.TextField(_("text"), blank=True, max_length=5000)
    ended = models.ManyToManyField(
        Contract, blank=True, related_name="ended_by", verbose_name=_("contracts terminated by it")
    )
    last_day = models.DateField(_("last service day"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawal_reason = models.TextField(_("reason for the withdrawal"), blank=True)

    class Meta:
        verbose_name = _("customer response")
        verbose_name_plural = _("customer responses")
        ordering = ["-received_at", "-id"]
        default_permissions = ("view",)
        permissions = [("register_answer", gettext_noop("Can register customer responses to an amendment"))]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "customer", "kind"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="a_customer_gives_an_answer_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind for kind, _label in ANSWERS]),
                name="an_answer_is_an_objection_or_a_termination",
            ),
            models.CheckConstraint(
                condition=models.Q(via="link", delivery__isnull=False) | models.Q(via="staff", delivery__isnull=True),
                name="an_answer_by_link_names_the_mail",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="termination", last_day__isnull=False)
                | models.Q(kind="objection", last_day__isnull=True),
                name="a_termination_has_a_last_service_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} · {self.get_kind_display()}"

    @property
    def stands(self) -> bool:
        return self.withdrawn_at is None
