"""Exclusions (section 4), the judged service months and their closings."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from incidents.models import Incident
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.models import READINGS, AgreementVersion
from sla_portal.audit.rules import canonical
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.months import ServiceMonth

from .clauses import CLAUSES, CUSTOMER_CLAUSES

CLAUSE_CHOICES = [(number, number) for number in CLAUSES]


class Status(models.TextChoices):
    """The status of an exclusion. Only a confirmed exclusion excludes time."""

    PROPOSED = "proposed", _("proposed")
    CONFIRMED = "confirmed", _("confirmed")
    REJECTED = "rejected", _("rejected")
    REVOKED = "revoked", _("revoked")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Exclusion(models.Model):
    """Time excluded under section 4: of an incident, for everyone, or caused by one customer, for that customer only.

    One person proposes, another decides. Rows are never deleted; the time of a revoked exclusion counts again.
    """

    incident = models.ForeignKey(
        Incident, models.PROTECT, null=True, blank=True, verbose_name=_("incident"), related_name="exclusions"
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, verbose_name=_("customer"), related_name="exclusions"
    )
    clause = models.CharField(_("clause"), max_length=10, choices=CLAUSE_CHOICES)
    starts_at = models.DateTimeField(
        _("from"), null=True, blank=True, help_text=_("Leave empty for the start of the incident.")
    )
    ends_at = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("Leave empty for the end of the incident.")
    )
    maintenance = models.ForeignKey(
        MaintenanceWindow,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("maintenance window"),
        related_name="exclusions",
        help_text=_("For clause 4.1 only."),
    )
    third_party = models.CharField(_("third party"), max_length=200, blank=True, help_text=_("For clause 4.11 only."))
    third_party_incident = models.CharField(
        _("third party's incident"), max_length=500, blank=True, help_text=_("For clause 4.11: number or URL.")
    )
    reason = models.TextField(_("reason"))
    evidence = models.TextField(_("evidence"), blank=True, help_text=_("What proves it, and where it can be found."))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("proposed by")
    )
    proposed_at = models.DateTimeField(_("proposed at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision_reason = models.TextField(_("reason for the decision"), blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("revoked by")
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revocation_reason = models.TextField(_("reason for the revocation"), blank=True)

    class Meta:
        verbose_name = _("exclusion")
        verbose_name_plural = _("exclusions")
        ordering = ["id"]
        default_permissions = ("view",)
        permissions = [
            ("propose_exclusion", gettext_noop("Can propose an exclusion and classify an incident")),
            ("decide_exclusion", gettext_noop("Can confirm, reject or revoke an exclusion")),
            ("propose_own_exclusion", gettext_noop("Can propose to exclude time caused by a customer")),
            (
                "decide_own_exclusion",
                gettext_noop("Can confirm, reject or revoke the exclusion of time caused by a customer"),
            ),
        ]
        indexes = [models.Index(fields=["status", "proposed_at"], name="exclusions_by_status")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(incident__isnull=False, customer__isnull=True)
                | models.Q(
                    incident__isnull=True,
                    customer__isnull=False,
                    starts_at__isnull=False,
                    ends_at__isnull=False,
                    clause__in=CUSTOMER_CLAUSES,
                ),
                name="an_exclusion_is_of_an_incident_or_of_a_customers_own_making",
            ),
            models.CheckConstraint(
                condition=models.Q(clause__in=CLAUSES), name="an_exclusion_names_a_clause_of_section_4"
            ),
            models.CheckConstraint(
                condition=models.Q(starts_at__isnull=True)
                | models.Q(ends_at__isnull=True)
                | models.Q(ends_at__gt=models.F("starts_at")),
                name="an_exclusion_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=models.Q(clause="4.1", maintenance__isnull=False)
                | (~models.Q(clause="4.1") & models.Q(maintenance__isnull=True)),
                name="clause_4_1_and_no_other_names_a_maintenance_window",
            ),
            models.CheckConstraint(
                condition=~models.Q(clause="4.11") | ~models.Q(third_party=""), name="clause_4_11_names_the_third_party"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=Status.values), name="an_exclusion_has_a_known_status"
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True)
                | models.Q(proposed_by__isnull=True)
                | ~models.Q(decided_by=models.F("proposed_by")),
                name="an_exclusion_is_decided_by_another_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clause} · {self.incident or self.customer}"


class Evidence(models.Model):
    """A file that proves an exclusion, stored under a generated name with its SHA-256."""

    exclusion = models.ForeignKey(Exclusion, models.PROTECT, related_name="files", verbose_name=_("exclusion"))
    name = models.CharField(_("name"), max_length=200, help_text=_("Original file name."))
    file = models.FileField(_("file"), upload_to="evidence/", max_length=200)
    size = models.PositiveIntegerField(_("size"))
    sha256 = models.CharField("SHA-256", max_length=64)
    added_at = models.DateTimeField(_("added at"))
    added_by_name = models.CharField(_("added by"), max_length=200)

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["exclusion", "sha256"], name="a_file_proves_an_exclusion_once"),
        ]

    def __str__(self) -> str:
        return self.name


class JudgedMonth(models.Model):
    """A service month as judged, in minutes, under the counting rule in force and under all three."""

    month = models.DateField(_("month"), help_text=_("First day of the month."))
    agreement_version = models.ForeignKey(
        AgreementVersion, models.PROTECT, related_name="+", verbose_name=_("agreement version")
    )
    service_days = models.PositiveIntegerField(_("service days"))
    total_minutes = models.PositiveIntegerField(_("minutes of service (T)"))
    unavailable_minutes = models.PositiveIntegerField(_("unavailable minutes (U)"))
    excluded_minutes = models.PositiveIntegerField(_("excluded minutes"))
    unavailable_all = models.PositiveIntegerField(_("U, all functions on all clients (all)"))
    unavailable_function = models.PositiveIntegerField(_("U, any function on all clients (function)"))
    unavailable_any = models.PositiveIntegerField(_("U, any function on any client (any)"))
    reading = models.CharField(_("counting rule in force"), max_length=10, choices=READINGS)
    met = models.BooleanField(_("SLA met"), null=True, help_text=_("Empty where the month is not in service."))
    reading_sensitive = models.BooleanField(_("depends on the counting rule"))
    provisional = models.BooleanField(_("provisional"))
    judged_at = models.DateTimeField(_("calculated at"), help_text=_("When the figures last changed."))

    class Meta:
        abstract = True
        default_permissions = ("view",)
        ordering = ["-month"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(total_minutes=models.F("service_days") * 1440),
                name="%(class)s_has_1440_minutes_for_each_service_day",
            ),
            models.CheckConstraint(
                condition=models.Q(met__isnull=False) | models.Q(total_minutes=0),
                name="%(class)s_in_service_is_met_or_missed",
            ),
        ]


class RegionMonth(JudgedMonth):
    """The service month of a region."""

    region = models.ForeignKey(Region, models.CASCADE, verbose_name=_("region"), related_name="months")
    digest = models.CharField(
        _("digest"),
        max_length=64,
        help_text=_("SHA-256 of the counted and excluded minutes that the months of its customers are derived from."),
    )
    first_service_day = models.DateField(
        _("first service day"), null=True, help_text=_("Of the region, where it lies in the month.")
    )
    last_service_day = models.DateField(
        _("last service day"), null=True, help_text=_("Of the region, where it lies in the month.")
    )

    class Meta(JudgedMonth.Meta):
        verbose_name = _("service month of a region")
        verbose_name_plural = _("service months of regions")
        constraints = [
            *JudgedMonth.Meta.constraints,
            models.UniqueConstraint(fields=["region", "month"], name="a_region_is_judged_once_a_month"),
        ]

    def __str__(self) -> str:
        return f"{self.region} {self.month:%Y-%m}"

    @property
    def days(self) -> list[date]:
        """The service days that the figures state."""
        return ServiceMonth.of(self.month).days_between(self.first_service_day, self.last_service_day)


class CustomerMonth(JudgedMonth):
    """The service month of a customer with a contract in it."""

    customer = models.ForeignKey(Customer, models.CASCADE, verbose_name=_("customer"), related_name="months")

    class Meta(JudgedMonth.Meta):
        verbose_name = _("service month of a customer")
        verbose_name_plural = _("service months of customers")
        constraints = [
            *JudgedMonth.Meta.constraints,
            models.UniqueConstraint(fields=["customer", "month"], name="a_customer_is_judged_once_a_month"),
        ]
        indexes = [models.Index(fields=["month", "met"], name="customers_by_verdict")]

    def __str__(self) -> str:
        return f"{self.customer} {self.month:%Y-%m}"


class MonthClosing(models.Model):
    """The closing of a service month (revision 1) or a later correction (2 and up). Rows are only added.

    Once a month is closed, its judged rows are frozen until a correction.
    """

    month = models.DateField(_("month"), help_text=_("First day of the month."))
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    closed_at = models.DateTimeField(_("closed at"))
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("closed by")
    )
    closed_by_name = models.CharField(_("closed by"), max_length=200)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("requested by")
    )
    requested_by_name = models.CharField(_("requested by"), max_length=200, blank=True)
    one_person = models.BooleanField(
        _("closed by one person"),
        null=True,
        help_text=_("The second person was switched off. Empty: closed before a second person was asked for."),
    )
    reason = models.TextField(_("reason"), blank=True, help_text=_("Why the closed month was corrected."))
    statement = models.TextField(null=True, help_text="The file that is sealed; absent in those of an earlier build.")

    class Meta:
        verbose_name = _("month closing")
        verbose_name_plural = _("month closings")
        ordering = ["-month", "-revision"]
        default_permissions = ("view",)
        permissions = [("close_month", gettext_noop("Can close a month and correct a closed one"))]
        constraints = [
            models.UniqueConstraint(fields=["month", "revision"], name="a_month_has_each_revision_once"),
            models.CheckConstraint(
                condition=models.Q(revision=1) | ~models.Q(reason=""), name="a_correction_states_its_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(one_person__isnull=True)
                | models.Q(one_person=True, requested_by_name="", requested_by__isnull=True)
                | (models.Q(one_person=False) & ~models.Q(requested_by_name="")),
                name="a_month_is_closed_by_two_persons_or_says_that_it_was_one",
            ),
            models.CheckConstraint(
                condition=models.Q(requested_by__isnull=True)
                | models.Q(closed_by__isnull=True)
                | ~models.Q(closed_by=models.F("requested_by")),
                name="a_month_is_closed_by_another_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} · {self.revision}"

    def content(self) -> bytes:
        """Return the closing as the file that is sealed; of an earlier build, by whom and when it was closed, without figures."""
        return (self.statement or canonical(stated_closing(self))).encode()


def stated_closing(closing: MonthClosing) -> dict[str, Any]:
    """Return what the file of a closing states of the closing itself."""
    return {
        "month": f"{closing.month:%Y-%m}",
        "revision": closing.revision,
        "closed_at": instant_text(closing.closed_at),
        "closed_by": closing.closed_by_name,
        "requested_by": closing.requested_by_name,
        "one_person": bool(closing.one_person),
        "reason": closing.reason,
    }


class RequestStatus(models.TextChoices):
    """The status of a request to close a month."""

    PENDING = "pending", _("pending approval")
    CONFIRMED = "confirmed", _("confirmed")
    RETURNED = "returned", _("sent back")
    WITHDRAWN = "withdrawn", _("withdrawn")


class ClosingRequest(models.Model):
    """A request of one person to close a month or to correct a closed one, which another person decides."""

    month = models.DateField(_("month"), help_text=_("First day of the month."))
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    reason = models.TextField(_("reason"), blank=True, help_text=_("Why the closed month is corrected."))
    digest = models.CharField(_("digest"), max_length=64, help_text=_("SHA-256 of the figures that were shown."))
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("requested by")
    )
    requested_by_name = models.CharField(_("requested by"), max_length=200)
    status = models.CharField(_("status"), max_length=10, choices=RequestStatus.choices, default=RequestStatus.PENDING)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decision_reason = models.TextField(_("reason for the decision"), blank=True)

    class Meta:
        verbose_name = _("closing request")
        verbose_name_plural = _("closing requests")
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["month"],
                condition=models.Q(status=RequestStatus.PENDING),
                name="a_month_has_one_pending_closing_request",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=RequestStatus.values), name="a_closing_request_has_a_known_status"
            ),
            models.CheckConstraint(
                condition=models.Q(status=RequestStatus.PENDING, decided_at__isnull=True)
                | (~models.Q(status=RequestStatus.PENDING) & models.Q(decided_at__isnull=False)),
                name="a_closing_request_is_pending_or_decided",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=RequestStatus.RETURNED) | ~models.Q(decision_reason=""),
                name="a_closing_request_is_sent_back_with_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(status=RequestStatus.WITHDRAWN)
                | models.Q(requested_by__isnull=True)
                | models.Q(decided_by__isnull=True)
                | ~models.Q(decided_by=models.F("requested_by")),
                name="a_closing_request_is_decided_by_another_person",
            ),
            models.CheckConstraint(
                condition=models.Q(revision=1) | ~models.Q(reason=""), name="a_requested_correction_states_its_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} · {self.revision}"

    @property
    def service_month(self) -> ServiceMonth:
        return ServiceMonth.of(self.month)


class Deviation(models.Model):
    """A closed month whose figures no longer agree with the record: it has to be corrected."""

    month = models.DateField(_("month"), unique=True)
    noticed_at = models.DateTimeField(_("detected at"))

    class Meta:
        ordering = ["month"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Sweep(models.Model):
    """The last audit log entry that the judged months take into account: one row."""

    last_entry = models.BigIntegerField(default=0)
