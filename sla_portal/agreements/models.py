"""What was promised (agreement versions, clauses), to whom and since when (contracts, suspensions, payments)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from sla_portal.customers.models import Customer

from .rules import MeasurementPeriod, Reading, Terms

READINGS = [
    (Reading.ALL.value, _("every core function is down on every client")),
    (Reading.FUNCTION.value, _("some core function is down on every client")),
    (Reading.ANY.value, _("any core function is down on any client")),
]
PERIODS = [
    (MeasurementPeriod.MONTH.value, _("service month")),
    (MeasurementPeriod.CONTRACT_PERIOD.value, _("contract period so far")),
]


class AgreementVersion(models.Model):
    """One version of the agreement with its terms. Once published it is never edited (5.2).

    Every term that decides something is a column here and not a setting, so that an amendment is not a deployment.
    """

    version = models.CharField(_("version"), max_length=20, unique=True)
    effective_on = models.DateField(_("effective on"), help_text=_("In force from 00:00 of this day on the SLA clock."))
    published_at = models.DateTimeField(
        _("published at"), null=True, blank=True, help_text=_("Empty: a draft, never in force.")
    )
    availability_target = models.DecimalField(
        _("availability target (%)"),
        max_digits=8,
        decimal_places=5,
        default=Decimal("99.99"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
        help_text=_("Clause 2."),
    )
    unavailability_reading = models.CharField(
        _("reading of unavailability"),
        max_length=10,
        choices=READINGS,
        default=Reading.ALL.value,
        help_text=_("Clause 1.4: when the service is down."),
    )
    maintenance_notice_hours = models.PositiveSmallIntegerField(
        _("maintenance notice (h)"), default=0, help_text=_("Clause 4.1: the least notice. 0: any prior moment.")
    )
    recommended_notice_hours = models.PositiveSmallIntegerField(
        _("recommended notice (h)"), default=72, help_text=_("Less only warns.")
    )
    measurement_period = models.CharField(
        _("measurement period"),
        max_length=20,
        choices=PERIODS,
        default=MeasurementPeriod.MONTH.value,
        help_text=_("Clauses 1.6, 1.7 and 2.1: over what availability is measured."),
    )
    claim_opens_after_working_day = models.PositiveSmallIntegerField(
        _("claims open after working day"),
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(15)],
        help_text=_("Clause 3.3.1: of the following month."),
    )
    claim_closes_after_months = models.PositiveSmallIntegerField(
        _("claims close after (months)"),
        default=2,
        validators=[MinValueValidator(1)],
        help_text=_("Clause 3.3.1: counted from the end of the service month."),
    )
    compensated_minutes_per_minute = models.PositiveSmallIntegerField(
        _("minutes compensated for a minute"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("Clause 3.2: minutes of service given for each counted minute."),
    )
    compensation_cap_percent = models.PositiveSmallIntegerField(
        _("cap of compensation (%)"),
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("Clause 5.1: of the fees paid for the contract period."),
    )
    voucher_valid_months = models.PositiveSmallIntegerField(
        _("vouchers are valid for (months)"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        help_text=_("Clause 3.2: from the day of the grant."),
    )
    amendment_notice_days = models.PositiveSmallIntegerField(
        _("notice of amendments (days)"), default=30, help_text=_("Clause 5.2: full days between notice and effect.")
    )

    class Meta:
        verbose_name = _("agreement version")
        verbose_name_plural = _("agreement versions")
        ordering = ["-effective_on"]
        constraints = [
            models.UniqueConstraint(
                "effective_on",
                condition=models.Q(published_at__isnull=False),
                name="one_version_takes_effect_on_a_day",
            ),
            models.CheckConstraint(
                condition=models.Q(availability_target__gte=0, availability_target__lte=100),
                name="a_target_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=models.Q(unavailability_reading__in=[value for value, _label in READINGS]),
                name="a_reading_is_one_of_three",
            ),
            models.CheckConstraint(
                condition=models.Q(measurement_period__in=[value for value, _label in PERIODS]),
                name="a_measurement_period_is_month_or_contract_period",
            ),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def terms(self) -> Terms:
        """The terms as the rules take them."""
        target = self.availability_target.normalize()
        return Terms(
            version=self.version,
            effective_on=self.effective_on,
            availability_target=Fraction(target) / 100,
            target_text=f"{target:f}",
            unavailability_reading=Reading(self.unavailability_reading),
            maintenance_notice_hours=self.maintenance_notice_hours,
            recommended_notice_hours=self.recommended_notice_hours,
            measurement_period=MeasurementPeriod(self.measurement_period),
            claim_opens_after_working_day=self.claim_opens_after_working_day,
            claim_closes_after_months=self.claim_closes_after_months,
            compensated_minutes_per_minute=self.compensated_minutes_per_minute,
            compensation_cap_percent=self.compensation_cap_percent,
            voucher_valid_months=self.voucher_valid_months,
        )


class Clause(models.Model):
    """A numbered clause of a version: our plain summary and, where the operator has loaded it, the wording."""

    agreement_version = models.ForeignKey(
        AgreementVersion, models.CASCADE, verbose_name=_("version"), related_name="clauses"
    )
    number = models.CharField(_("number"), max_length=10, validators=[RegexValidator(r"^\d+(\.\d+)*\Z")])
    heading = models.CharField(_("heading"), max_length=200, blank=True)
    heading_zh = models.CharField(_("heading (Chinese)"), max_length=200, blank=True)
    summary = models.TextField(_("summary"), blank=True)
    summary_zh = models.TextField(_("summary (Chinese)"), blank=True)
    wording = models.TextField(_("wording"), blank=True, help_text=_("The operator's own text of the clause."))

    class Meta:
        verbose_name = _("clause")
        verbose_name_plural = _("clauses")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["agreement_version", "number"], name="a_clause_number_stands_once_in_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.heading}".strip()


class Contract(models.Model):
    """A contract period (1.2): first and last service day, both included, with its monthly charge (1.3)."""

    customer = models.ForeignKey(Customer, models.PROTECT, verbose_name=_("customer"), related_name="contracts")
    reference = models.CharField(_("reference"), max_length=40, unique=True)
    starts_on = models.DateField(_("first service day"))
    ends_on = models.DateField(_("last service day"), help_text=_("As agreed; included."))
    monthly_charge = models.DecimalField(_("monthly charge"), max_digits=12, decimal_places=3)
    currency = models.CharField(_("currency"), max_length=3, help_text=_("ISO 4217, such as EUR."))
    trial_days = models.PositiveSmallIntegerField(
        _("free trial (days)"),
        default=0,
        help_text=_("Counted from the first service day; they carry no charge (1.3)."),
    )
    terminated_on = models.DateField(
        _("terminated on"), null=True, blank=True, help_text=_("The last service day of a contract that ended early.")
    )
    extended_minutes = models.PositiveIntegerField(
        _("extended by (minutes)"), default=0, help_text=_("Service extensions (3.2), as compensations granted them.")
    )
    extended_to = models.DateField(
        _("extended to"), null=True, blank=True, help_text=_("The last service day with the extensions.")
    )

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = ["reference"]
        permissions = [("extend_contract", "Can move a contract's end as compensation")]
        indexes = [models.Index(fields=["starts_on", "ends_on"], name="contract_days")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="a_contract_does_not_end_before_it_starts"
            ),
            models.CheckConstraint(
                condition=models.Q(terminated_on__isnull=True)
                | models.Q(terminated_on__gte=models.F("starts_on"), terminated_on__lte=models.F("ends_on")),
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
    def trial_ends_on(self) -> date | None:
        """The last day of the free trial (1.3); None without one."""
        return self.starts_on + timedelta(days=self.trial_days - 1) if self.trial_days else None


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
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=3)

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["paid_on", "reference"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "reference"], name="a_payment_stands_once_on_a_contract")
        ]

    def __str__(self) -> str:
        return self.reference
