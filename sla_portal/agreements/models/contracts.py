"""To whom it was promised and since when: contracts, suspensions, payments."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from sla_portal.customers.models import Customer


class Contract(models.Model):
    """A contract period (1.2): first and last service day, both included, with its monthly charge (1.3).

    Triggers refuse one that begins before the one that it renews has ended.
    """

    customer = models.ForeignKey(Customer, models.PROTECT, verbose_name=_("customer"), related_name="contracts")
    reference = models.CharField(_("reference"), max_length=40, unique=True)
    starts_on = models.DateField(_("first service day"))
    ends_on = models.DateField(_("last service day"), help_text=_("As agreed; the day itself is included."))
    monthly_charge = models.DecimalField(
        _("monthly charge"),
        max_digits=13,
        decimal_places=4,
        help_text=_("The first; a later one holds from a service month on."),
    )
    currency = models.CharField(_("currency"), max_length=3, help_text=_("ISO 4217, such as EUR."))
    trial_days = models.PositiveSmallIntegerField(
        _("free trial (days)"),
        default=0,
        help_text=_("Counted from the first service day; these days carry no charge (1.3)."),
    )
    terminated_on = models.DateField(
        _("terminated on"), null=True, blank=True, help_text=_("The last service day of a contract that ended early.")
    )
    extended_minutes = models.PositiveIntegerField(
        _("extended by (minutes)"), default=0, help_text=_("Service extensions (3.2) granted as compensation.")
    )
    extended_to = models.DateField(
        _("extended to"), null=True, blank=True, help_text=_("The last service day including the extensions.")
    )
    renews = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="renewed_by",
        verbose_name=_("renews"),
        help_text=_("The contract period before this one."),
    )

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = ["reference"]
        permissions = [("extend_contract", gettext_noop("Can move a contract's end as compensation"))]
        indexes = [models.Index(fields=["starts_on", "ends_on"], name="contract_days")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="a_contract_does_not_end_before_it_starts"
            ),
            models.CheckConstraint(
                condition=models.Q(terminated_on__isnull=True)
                | models.Q(terminated_on__gte=models.F("starts_on"), terminated_on__lte=models.F("ends_on"))
                | models.Q(
                    extended_to__isnull=False,
                    terminated_on__gte=models.F("starts_on"),
                    terminated_on__lte=models.F("extended_to"),
                ),
                name="a_contract_is_terminated_within_its_days",
            ),
            models.CheckConstraint(
                condition=models.Q(extended_to__isnull=True, extended_minutes=0)
                | models.Q(extended_to__gt=models.F("ends_on"), extended_minutes__gt=0),
                name="an_extended_contract_ends_later_than_agreed",
            ),
            models.CheckConstraint(condition=models.Q(monthly_charge__gte=0), name="a_monthly_charge_is_not_negative"),
            models.CheckConstraint(
                condition=models.Q(currency__regex=r"^[A-Z]{3}$"), name="a_currency_is_three_capitals"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def last_day(self) -> date:
        """The last service day: the agreed one with what extends it or, ended early, the day of termination."""
        return self.terminated_on or self.extended_to or self.ends_on

    @property
    def next_day(self) -> date:
        """The day on which a renewal begins."""
        return self.last_day + timedelta(days=1)

    @property
    def trial_ends_on(self) -> date | None:
        """The last day of the free trial (1.3); None without one."""
        return self.starts_on + timedelta(days=self.trial_days - 1) if self.trial_days else None


class Charge(models.Model):
    """A monthly charge that holds from a service month on (1.3). Triggers refuse UPDATE and DELETE: a correction is a revision."""

    contract = models.ForeignKey(Contract, models.PROTECT, verbose_name=_("contract"), related_name="charges")
    from_month = models.DateField(_("from service month"), help_text=_("The first day of the month."))
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    monthly_charge = models.DecimalField(_("monthly charge"), max_digits=13, decimal_places=4)
    reason = models.TextField(_("reason"), blank=True)
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        ordering = ["from_month", "revision"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "from_month", "revision"], name="a_charge_has_each_revision_once"
            ),
            models.CheckConstraint(condition=models.Q(monthly_charge__gte=0), name="a_charge_is_not_negative"),
            models.CheckConstraint(
                condition=models.Q(revision=1) | ~models.Q(reason=""), name="a_corrected_charge_states_its_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_month:%Y-%m}"


class Suspension(models.Model):
    """Days, both included, on which the service was suspended for non-payment (4.7)."""

    contract = models.ForeignKey(Contract, models.PROTECT, verbose_name=_("contract"), related_name="suspensions")
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))

    class Meta:
        verbose_name = _("suspension")
        verbose_name_plural = _("suspensions")
        ordering = ["starts_on"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")),
                name="a_suspension_does_not_end_before_it_starts",
            ),
            models.UniqueConstraint(fields=["contract", "starts_on"], name="a_suspension_starts_once_on_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_on} – {self.ends_on}"

    @property
    def first_on(self) -> date:
        """The first suspended day of the contract's own."""
        return max(self.starts_on, self.contract.starts_on)

    @property
    def last_on(self) -> date:
        """The last suspended day of the contract's own; before the first where there is none."""
        return min(self.ends_on, self.contract.last_day)


class Payment(models.Model):
    """A payment on a contract; only ever added to: a repayment is a negative one."""

    contract = models.ForeignKey(Contract, models.PROTECT, verbose_name=_("contract"), related_name="payments")
    reference = models.CharField(_("reference"), max_length=60)
    paid_on = models.DateField(_("paid on"))
    amount = models.DecimalField(_("amount"), max_digits=13, decimal_places=4)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["paid_on", "reference"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "reference"], name="a_payment_stands_once_on_a_contract")
        ]

    def __str__(self) -> str:
        return self.reference
