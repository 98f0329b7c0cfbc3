"""The append-only ledger of compensation (3.2, 5.1); triggers refuse UPDATE and DELETE."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from sla_portal.agreements.models import Contract

from .applying import Claim
from .review import Decision


class Compensation(models.Model):
    """The compensation granted for a claim."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="compensations", verbose_name=_("claim"))
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="compensation", verbose_name=_("decision"))
    contract = models.ForeignKey(
        Contract,
        models.PROTECT,
        related_name="compensations",
        verbose_name=_("contract"),
        help_text=_("The contract whose liability cap applies."),
    )
    counted_minutes = models.PositiveIntegerField(_("unavailable minutes"))
    total_minutes = models.PositiveIntegerField(
        _("minutes of the month"), help_text=_("By which the charge is divided; in earlier grants those in service.")
    )
    voucher_minutes = models.PositiveIntegerField(_("voucher minutes"))
    extension_minutes = models.PositiveIntegerField(_("extension minutes"))
    cut_minutes = models.PositiveIntegerField(
        _("minutes cut"),
        help_text=_("Extension minutes that the liability cap or the end of the contract did not allow."),
    )
    cut_value = models.DecimalField(_("amount cut"), max_digits=14, decimal_places=4)
    currency = models.CharField(_("currency"), max_length=3)
    granted_at = models.DateTimeField(_("granted at"))
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("granted by")
    )

    class Meta:
        verbose_name = _("compensation")
        verbose_name_plural = _("compensations")
        ordering = ["id"]
        default_permissions = ("view",)
        permissions = [
            ("redeem_voucher", gettext_noop("Can note that a voucher was redeemed")),
            ("reverse_compensation", gettext_noop("Can reverse an entry of the ledger")),
            ("export_for_billing", gettext_noop("Can mark how far the ledger was exported for billing")),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(cut_value__gte=0), name="what_is_cut_is_not_negative"),
        ]

    def __str__(self) -> str:
        return str(self.claim)


class Voucher(models.Model):
    """A voucher with its unguessable code; the ledger has its history."""

    compensation = models.OneToOneField(
        Compensation, models.PROTECT, related_name="voucher", verbose_name=_("compensation")
    )
    code = models.CharField(_("code"), max_length=40, unique=True)
    value = models.DecimalField(_("amount"), max_digits=14, decimal_places=4)
    currency = models.CharField(_("currency"), max_length=3)
    expires_on = models.DateField(_("valid until"), help_text=_("Inclusive, in the SLA time zone."))

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        ordering = ["id"]
        default_permissions = ("view",)
        constraints = [models.CheckConstraint(condition=models.Q(value__gt=0), name="a_voucher_is_worth_something")]

    def __str__(self) -> str:
        return self.code


class Step(models.TextChoices):
    """Type of a ledger entry."""

    ISSUED = "issued", _("voucher issued")
    REDEEMED = "redeemed", _("voucher redeemed")
    RETURNED = "returned", _("redemption reversed")
    VOIDED = "voided", _("voucher voided")
    EXTENDED = "extended", _("contract extended")
    SHORTENED = "shortened", _("extension reversed")


FIRST_STEPS = (Step.ISSUED, Step.EXTENDED)
REVERSALS = (Step.RETURNED, Step.VOIDED, Step.SHORTENED)
OF_VOUCHERS = (Step.ISSUED, Step.REDEEMED, Step.RETURNED, Step.VOIDED)


class Entry(models.Model):
    """An entry of the ledger. `value` counts against the cap of `contract` (5.1); it is negative for a reversal.

    The entries of one voucher or extension form a chain; the last one gives its status, and of a voucher its balance, which
    a trigger checks. The entries of one contract are numbered and carry the total, so that two concurrent entries cannot
    exceed the cap.
    """

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="ledger", verbose_name=_("contract"))
    number = models.PositiveIntegerField(_("number"), help_text=_("Counted within the contract, from 1."))
    compensation = models.ForeignKey(
        Compensation, models.PROTECT, related_name="entries", verbose_name=_("compensation")
    )
    step = models.CharField(_("type"), max_length=10, choices=Step.choices)
    voucher = models.ForeignKey(
        Voucher, models.PROTECT, null=True, blank=True, related_name="entries", verbose_name=_("voucher")
    )
    extended = models.ForeignKey(
        Contract, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("contract extended")
    )
    follows = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by", verbose_name=_("previous entry")
    )
    minutes = models.IntegerField(_("minutes"))
    value = models.DecimalField(_("amount"), max_digits=14, decimal_places=4)
    redeemed = models.DecimalField(
        _("redeemed"),
        max_digits=14,
        decimal_places=4,
        null=True,
        help_text=_("Part of the voucher; negative where it is given back. Empty in earlier entries: all of it."),
    )
    balance = models.DecimalField(
        _("voucher balance"),
        max_digits=14,
        decimal_places=4,
        null=True,
        help_text=_("What can still be redeemed of the voucher after the entry."),
    )
    currency = models.CharField(_("currency"), max_length=3)
    total = models.DecimalField(_("contract total"), max_digits=14, decimal_places=4)
    cap = models.DecimalField(_("liability cap"), max_digits=14, decimal_places=4)
    undoing = models.ForeignKey(
        "Undoing",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reversals",
        verbose_name=_("proposal of the reversal"),
        help_text=_("Empty: not a reversal, or posted by an earlier build."),
    )
    reason = models.TextField(_("reason"), blank=True)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["at", "id"], name="ledger_by_time"),
            models.Index(fields=["step", "at", "id"], name="ledger_by_step"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["contract", "number"], name="a_contracts_entries_are_numbered"),
            models.CheckConstraint(
                condition=models.Q(value__lte=0) | models.Q(total__lte=models.F("cap")),
                name="compensation_never_exceeds_the_fees_paid",
            ),
            models.CheckConstraint(condition=models.Q(step__in=Step.values), name="an_entry_is_a_known_step"),
            models.CheckConstraint(
                condition=models.Q(step__in=OF_VOUCHERS, voucher__isnull=False, extended__isnull=True)
                | models.Q(step__in=[Step.EXTENDED, Step.SHORTENED], voucher__isnull=True, extended__isnull=False),
                name="an_entry_is_of_a_voucher_or_of_an_extension",
            ),
            models.CheckConstraint(
                condition=models.Q(step__in=FIRST_STEPS, follows__isnull=True)
                | (~models.Q(step__in=FIRST_STEPS) & models.Q(follows__isnull=False)),
                name="every_entry_but_the_first_follows_one",
            ),
            models.UniqueConstraint(
                fields=["compensation", "step"],
                condition=models.Q(step__in=FIRST_STEPS),
                name="a_compensation_gives_each_part_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(step__in=REVERSALS) | ~models.Q(reason=""), name="a_reversal_states_its_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} · {self.number}"

    @property
    def left(self) -> Decimal:
        """What can still be redeemed of the voucher after the entry; earlier builds redeemed the whole of one."""
        if self.balance is not None or self.voucher is None:
            return self.balance or Decimal(0)
        return self.voucher.value if self.step in (Step.ISSUED, Step.RETURNED) else Decimal(0)

    @property
    def taken(self) -> Decimal:
        """What a redemption took of the voucher; negative for one that gives back."""
        if self.redeemed is not None or self.voucher is None:
            return self.redeemed or Decimal(0)
        return {Step.REDEEMED: 1, Step.RETURNED: -1}.get(Step(self.step), 0) * self.voucher.value


class Undoing(models.Model):
    """A proposal to reverse the last entries of what a grant gave, with its letter; another person confirms it.

    Triggers refuse to change what was proposed, to change a closed proposal, and to delete either.
    """

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", _("confirmed")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")

    compensation = models.ForeignKey(
        Compensation, models.PROTECT, related_name="undoings", verbose_name=_("compensation")
    )
    entries = models.ManyToManyField(Entry, related_name="undoings", verbose_name=_("entries to reverse"))
    reason = models.TextField(_("reason"), help_text=_("For the record; it is not sent to the customer."))
    reopens = models.BooleanField(
        _("claim under review again"), help_text=_("Nothing of the grant remains, so the claim is decided again.")
    )
    letter_subject = models.CharField(_("e-mail subject"), max_length=300, blank=True)
    letter_text = models.TextField(_("e-mail text"), blank=True)
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

    class Meta:
        verbose_name = _("proposal of a reversal")
        verbose_name_plural = _("proposals of reversals")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["compensation"], condition=models.Q(outcome=""), name="a_grant_has_one_open_undoing"
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="", closed_at__isnull=True, closed_by__isnull=True)
                | models.Q(
                    outcome__in=["confirmed", "declined", "withdrawn"], closed_at__isnull=False, closed_by__isnull=False
                ),
                name="a_closed_undoing_has_its_time_and_person",
            ),
            models.CheckConstraint(
                condition=~models.Q(outcome="confirmed") | ~models.Q(closed_by=models.F("proposed_by")),
                name="an_undoing_is_confirmed_by_another_person",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="an_undoing_states_its_reason"),
        ]

    def __str__(self) -> str:
        return str(self.compensation)
