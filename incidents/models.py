"""Incidents, their outages and their updates."""

from __future__ import annotations

from datetime import UTC

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from sla_portal.customers.models import Client, CoreFunction, Region


class Source(models.TextChoices):
    """How an incident was detected (2.2)."""

    MONITORING = "monitoring", _("monitoring")
    TICKET = "ticket", _("ticket")
    PHONE = "phone", _("phone")


class IncidentQuerySet(models.QuerySet["Incident"]):
    def valid(self) -> IncidentQuerySet:
        """The incidents that count: neither voided nor merged into another."""
        return self.filter(voided_at__isnull=True)

    def open(self) -> IncidentQuerySet:
        return self.valid().filter(resolved_at__isnull=True)

    def unclassified(self) -> IncidentQuerySet:
        return self.valid().filter(attributable__isnull=True)

    def out_of_order(self) -> IncidentQuerySet:
        """The incidents to correct: their times break the order of 2.2. The database lets no other do so."""
        return self.valid().filter(recorded_as_is=True)


class Incident(models.Model):
    """One failure with its outages, in one region or several.

    Unless it is `recorded_as_is`, triggers refuse outages that have no end, or end later, once it is resolved (2.2).
    """

    reference = models.CharField(_("reference"), max_length=40, unique=True)
    title = models.CharField(_("title"), max_length=200)
    source = models.CharField(_("detection source"), max_length=20, choices=Source.choices, default=Source.MONITORING)
    ticket_number = models.CharField(_("ticket number"), max_length=60, blank=True)
    detected_at = models.DateTimeField(_("detected at"), db_index=True)
    logged_at = models.DateTimeField(
        _("logged at"), null=True, editable=False, help_text=_("Empty where the record does not say.")
    )
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    resolved_at = models.DateTimeField(
        _("resolved at"), null=True, blank=True, help_text=_("Leave empty while the incident is ongoing.")
    )
    attributable = models.BooleanField(
        _("attributable"),
        null=True,
        blank=True,
        help_text=_("Not set while the classification is pending. Yes: attributable. No: excluded under section 4."),
    )
    recorded_as_is = models.BooleanField(
        _("times out of order"),
        default=False,
        editable=False,
        help_text=_(
            "Its times were taken as recorded, though they break the order of 2.2: by an earlier version of the portal, "
            "or by “loadhistory --as-recorded”."
        ),
    )

    voided_at = models.DateTimeField(
        _("voided at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the incident was voided, or merged into another. From then on it counts for nothing."),
    )
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        verbose_name=_("merged into"),
        related_name="merged",
        help_text=_("The incident that this one is a duplicate of."),
    )

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["-detected_at", "-id"]
        permissions = [
            ("classify_incident", gettext_noop("Can say whether an incident was ours")),
            ("void_incident", gettext_noop("Can void an incident or merge it into another")),
        ]
        indexes = [
            models.Index(fields=["detected_at"], condition=models.Q(resolved_at__isnull=True), name="open_incidents"),
            models.Index(
                fields=["detected_at"], condition=models.Q(attributable__isnull=True), name="unclassified_incidents"
            ),
            models.Index(
                fields=["detected_at"], condition=models.Q(recorded_as_is=True), name="incidents_out_of_order"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(source__in=Source.values), name="an_incident_was_noticed_in_a_known_way"
            ),
            models.CheckConstraint(
                condition=models.Q(recorded_as_is=True)
                | models.Q(acknowledged_at__isnull=True)
                | models.Q(acknowledged_at__gte=models.F("detected_at")),
                name="an_incident_is_detected_before_it_is_acknowledged",
            ),
            models.CheckConstraint(
                condition=models.Q(recorded_as_is=True)
                | models.Q(resolved_at__isnull=True)
                | models.Q(resolved_at__gte=models.F("detected_at")),
                name="an_incident_is_detected_before_it_is_resolved",
            ),
            models.CheckConstraint(
                condition=models.Q(recorded_as_is=True)
                | models.Q(acknowledged_at__isnull=True)
                | models.Q(resolved_at__isnull=True)
                | models.Q(resolved_at__gte=models.F("acknowledged_at")),
                name="an_incident_is_acknowledged_before_it_is_resolved",
            ),
            # A trigger of migration 0004 adds: no incident is merged into one that is voided or merged itself.
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | models.Q(voided_at__isnull=False),
                name="a_merged_incident_counts_for_nothing",
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | ~models.Q(merged_into=models.F("id")),
                name="an_incident_is_merged_into_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"


class OutageQuerySet(models.QuerySet["Outage"]):
    def valid(self) -> OutageQuerySet:
        """The outages of incidents that count."""
        return self.filter(incident__voided_at__isnull=True)


class Outage(models.Model):
    """A period in which functions were down on clients in one region.

    An outage without functions (or clients) affects all of them, including those added later.
    """

    incident = models.ForeignKey(Incident, models.CASCADE, verbose_name=_("incident"), related_name="outages")
    region = models.ForeignKey(Region, models.PROTECT, verbose_name=_("region"), related_name="outages")
    functions = models.ManyToManyField(
        CoreFunction,
        through="OutageFunction",
        blank=True,
        verbose_name=_("functions"),
        help_text=_("Leave empty for all."),
    )
    clients = models.ManyToManyField(
        Client, through="OutageClient", blank=True, verbose_name=_("clients"), help_text=_("Leave empty for all.")
    )
    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("Leave empty while the outage is ongoing.")
    )

    objects = OutageQuerySet.as_manager()

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering = ["started_at", "id"]
        indexes = [models.Index(fields=["region", "started_at", "ended_at"], name="outages_of_a_region")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gt=models.F("started_at")),
                name="an_outage_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.region} {self.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


class OutageFunction(models.Model):
    """A function affected by an outage; protected, because an empty scope means all functions."""

    outage = models.ForeignKey(Outage, models.CASCADE)
    function = models.ForeignKey(CoreFunction, models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["outage", "function"], name="an_outage_names_a_function_once")]


class OutageClient(models.Model):
    """A client affected by an outage; protected, because an empty scope means all clients."""

    outage = models.ForeignKey(Outage, models.CASCADE)
    client = models.ForeignKey(Client, models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["outage", "client"], name="an_outage_names_a_client_once")]


class Update(models.Model):
    """A public update or an internal note on an incident."""

    incident = models.ForeignKey(Incident, models.CASCADE, verbose_name=_("incident"), related_name="updates")
    at = models.DateTimeField(_("at"))
    text = models.TextField(_("text"))
    public = models.BooleanField(_("public"), default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("author")
    )
    author_name = models.CharField(_("author"), max_length=200)

    class Meta:
        verbose_name = _("update")
        verbose_name_plural = _("updates")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.text[:80]
