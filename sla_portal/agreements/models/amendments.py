"""Follow-up notices of amendments, customer responses, withdrawals, and contracts reinstated after one."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from sla_portal.customers.models import Customer
from sla_portal.notices.models import Delivery, Notice

from ..rules import AnswerKind
from .contracts import Contract
from .versions import AgreementVersion

ANSWERS = [
    (AnswerKind.ACCEPTANCE.value, _("acceptance")),
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
    """A customer response to an amendment: an acceptance, an objection, or a termination of contracts (5.2).

    An objection is a case: it has an owner, a deadline, and a reply in the languages of those who read it.
    """

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
    email = models.EmailField(
        _("address"),
        blank=True,
        help_text=_("From which it was given. Empty: outside the portal, or by an earlier build."),
    )
    text = models.TextField(_("text"), blank=True, max_length=5000)
    ended = models.ManyToManyField(
        Contract, blank=True, related_name="ended_by", verbose_name=_("contracts terminated by it")
    )
    last_day = models.DateField(_("last service day"), null=True, blank=True)
    before = models.JSONField(
        _("contracts before"),
        default=dict,
        blank=True,
        help_text=_("What a termination changed, by contract: its earlier end, and the renewals that were withdrawn."),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawal_reason = models.TextField(_("reason for the withdrawal"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    due_on = models.DateField(_("reply due on"), null=True, blank=True)
    reply = models.TextField(_("reply"), blank=True, max_length=5000)
    reply_zh = models.TextField(_("reply (Chinese)"), blank=True, max_length=5000)
    replied_at = models.DateTimeField(_("replied at"), null=True, blank=True)
    replied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("replied by")
    )

    class Meta:
        verbose_name = _("customer response")
        verbose_name_plural = _("customer responses")
        ordering = ["-received_at", "-id"]
        default_permissions = ("view",)
        permissions = [("register_answer", gettext_noop("Can register customer responses to an amendment"))]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "customer", "kind"],
                condition=models.Q(withdrawn_at__isnull=True) & ~models.Q(kind="acceptance"),
                name="a_customer_gives_an_answer_once",
            ),
            # Each person's own: who accepted, which version, when, from which address.
            models.UniqueConstraint(
                "version",
                "customer",
                Lower("email"),
                Lower("by_name"),
                condition=models.Q(withdrawn_at__isnull=True, kind="acceptance"),
                name="a_person_accepts_a_version_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind for kind, _label in ANSWERS]),
                name="an_answer_accepts_objects_or_terminates",
            ),
            models.CheckConstraint(
                condition=models.Q(replied_at__isnull=True, reply="", reply_zh="")
                | models.Q(models.Q(replied_at__isnull=False, kind="objection"), ~models.Q(reply="", reply_zh="")),
                name="only_an_objection_is_replied_to_in_words",
            ),
            models.CheckConstraint(
                condition=models.Q(via="link", delivery__isnull=False) | models.Q(via="staff", delivery__isnull=True),
                name="an_answer_by_link_names_the_mail",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="termination", last_day__isnull=False)
                | models.Q(~models.Q(kind="termination"), last_day__isnull=True),
                name="a_termination_has_a_last_service_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} · {self.get_kind_display()}"

    @property
    def stands(self) -> bool:
        return self.withdrawn_at is None

    @property
    def reply_told(self) -> str:
        """The reply in the reader's language, or else that it is there in another: a text is not passed off as a translation."""
        chinese = (get_language() or "").startswith("zh")
        return (self.reply_zh if chinese else self.reply) or gettext(
            "The reply was written in another language. Please answer this e-mail to get it in yours."
        )


class WithdrawalStatus(models.TextChoices):
    PENDING = "pending", _("pending approval")
    CONFIRMED = "confirmed", _("confirmed")
    RETURNED = "returned", _("sent back")
    CANCELLED = "cancelled", _("cancelled")


class Withdrawal(models.Model):
    """A request to withdraw an announced version, which another person decides; what the e-mail says, in each language (5.2)."""

    version = models.ForeignKey(AgreementVersion, models.PROTECT, verbose_name=_("version"), related_name="withdrawals")
    reason = models.TextField(_("reason, in English"), max_length=2000)
    reason_zh = models.TextField(_("reason, in Chinese"), max_length=2000)
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("requested by")
    )
    requested_by_name = models.CharField(_("requested by"), max_length=200)
    one_person = models.BooleanField(
        _("by one person"), default=False, help_text=_("The second person was switched off.")
    )
    status = models.CharField(
        _("status"), max_length=10, choices=WithdrawalStatus.choices, default=WithdrawalStatus.PENDING
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decision_reason = models.TextField(_("reason for the decision"), blank=True)

    class Meta:
        verbose_name = _("request to withdraw a version")
        verbose_name_plural = _("requests to withdraw a version")
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=models.Q(status__in=["pending", "confirmed"]),
                name="a_version_has_one_withdrawal_that_stands",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=WithdrawalStatus.values), name="a_withdrawal_has_a_known_status"
            ),
            models.CheckConstraint(
                condition=~models.Q(reason="") & ~models.Q(reason_zh=""),
                name="a_withdrawal_is_worded_in_every_language",
            ),
            models.CheckConstraint(
                condition=models.Q(status="pending", decided_at__isnull=True)
                | (~models.Q(status="pending") & models.Q(decided_at__isnull=False)),
                name="a_withdrawal_is_pending_or_decided",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="returned") | ~models.Q(decision_reason=""),
                name="a_withdrawal_is_sent_back_with_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(status="cancelled")
                | models.Q(one_person=True)
                | models.Q(requested_by__isnull=True)
                | models.Q(decided_by__isnull=True)
                | ~models.Q(decided_by=models.F("requested_by")),
                name="a_withdrawal_is_decided_by_another_person",
            ),
        ]

    def __str__(self) -> str:
        return self.version.version

    @property
    def reason_told(self) -> str:
        """The reason in the reader's language."""
        return self.reason_zh if (get_language() or "").startswith("zh") else self.reason


class Reinstatement(models.Model):
    """What became of a contract that a response had ended because of a version that was withdrawn (5.2)."""

    class Outcome(models.TextChoices):
        REINSTATED = "reinstated", _("reinstated")
        LEFT = "left", _("stays terminated")

    answer = models.ForeignKey(Answer, models.PROTECT, verbose_name=_("response"), related_name="reinstatements")
    contract = models.ForeignKey(Contract, models.PROTECT, verbose_name=_("contract"), related_name="reinstatements")
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    consent_by = models.CharField(
        _("consent given by"), max_length=200, blank=True, help_text=_("Who agreed on behalf of the customer.")
    )
    consent = models.TextField(_("consent"), blank=True, max_length=2000, help_text=_("When and how it was given."))
    delivery = models.ForeignKey(
        Delivery, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("e-mail whose link was used")
    )
    reason = models.TextField(_("reason"), blank=True, max_length=2000)
    decided_at = models.DateTimeField(_("decided at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )

    class Meta:
        verbose_name = _("reinstatement")
        verbose_name_plural = _("reinstatements")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["answer", "contract"], name="an_ended_contract_is_decided_on_once"),
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(outcome="reinstated"),
                    ~models.Q(consent_by=""),
                    ~models.Q(consent="") | models.Q(delivery__isnull=False),
                )
                | models.Q(models.Q(outcome="left"), ~models.Q(reason="")),
                name="a_contract_is_reinstated_with_consent_or_left_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} · {self.get_outcome_display()}"
