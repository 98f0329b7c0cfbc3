"""Incidents, their outages and their updates."""

from __future__ import annotations

from datetime import UTC

from django import forms
from django.conf import settings
from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import get_language, gettext_noop, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sla_portal.customers.models import Client, CoreFunction, Region

from .rules import Severity

SEVERITIES = [
    (Severity.MINOR.value, pgettext_lazy("severity", "minor")),
    (Severity.MAJOR.value, pgettext_lazy("severity", "major")),
    (Severity.CRITICAL.value, pgettext_lazy("severity", "critical")),
]
SEVERITY_BADGES = {Severity.MINOR: "waiting", Severity.MAJOR: "open", Severity.CRITICAL: "counted"}
WEB_SCHEMES = ("https://", "http://")
is_http = URLValidator(schemes=["http", "https"])


def severity_name(severity: Severity) -> str:
    return str(dict(SEVERITIES)[severity.value])


def in_language(text: str, text_zh: str) -> str:
    """Return the text in the reader's language, or in English if the Chinese one is missing."""
    return (text_zh if (get_language() or "").startswith("zh") else "") or text


class WebAddressFormField(forms.URLField):
    """An http or https address, which is said once where it is none."""

    def __init__(self, **kwargs) -> None:  # type: ignore[no-untyped-def]
        super().__init__(**kwargs)
        self.validators = [is_http, *(one for one in self.validators if not isinstance(one, URLValidator))]


class WebAddressField(models.URLField):
    """An optional http or https address."""

    default_validators = [is_http]

    def __init__(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        super().__init__(*args, **{"max_length": 500, "blank": True, **kwargs})

    def formfield(self, **kwargs):  # type: ignore[no-untyped-def]
        return super().formfield(**{"form_class": WebAddressFormField, "assume_scheme": "https", **kwargs})


def is_web_address(field: str) -> models.Q:
    """Empty, or an http or https address."""
    found = models.Q(**{field: ""})
    for scheme in WEB_SCHEMES:
        found |= models.Q(**{f"{field}__istartswith": scheme})
    return found


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
    ticket_url = WebAddressField(_("link to the ticket"))
    chat_url = WebAddressField(_("link to the chat"))
    severity = models.CharField(
        _("severity"),
        max_length=10,
        null=True,
        blank=True,
        choices=SEVERITIES,
        help_text=_("Set by a person. Empty: derived from the affected functions and clients."),
    )
    severity_reason = models.CharField(_("reason for the severity"), max_length=500, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=pgettext_lazy("incident", "owner"),
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
            ("write_review", gettext_noop("Can write the review of an incident")),
            ("publish_review", gettext_noop("Can publish the review of an incident")),
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
                condition=models.Q(severity__isnull=True) | models.Q(severity__in=[one.value for one in Severity]),
                name="an_incident_has_a_known_severity",
            ),
            models.CheckConstraint(
                condition=models.Q(severity__isnull=True, severity_reason="")
                | models.Q(severity__isnull=False) & ~models.Q(severity_reason=""),
                name="a_severity_that_a_person_set_has_a_reason",
            ),
            models.CheckConstraint(condition=is_web_address("ticket_url"), name="the_ticket_has_a_web_address"),
            models.CheckConstraint(condition=is_web_address("chat_url"), name="the_chat_has_a_web_address"),
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
    text_zh = models.TextField(_("text in Chinese"), blank=True)
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
        return self.text.partition("\n")[0]


class ShiftNote(models.Model):
    """A note for the next shift."""

    at = models.DateTimeField(_("at"), db_index=True)
    text = models.TextField(_("text"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("author")
    )
    author_name = models.CharField(_("author"), max_length=200)

    class Meta:
        verbose_name = _("note for the next shift")
        verbose_name_plural = _("notes for the next shift")
        ordering = ["-at", "-id"]
        default_permissions = ("add", "view")

    def __str__(self) -> str:
        return self.text[:80]


class IncidentTemplate(models.Model):
    """Values for the form on which an outage is logged. Without functions (or clients) it stands for all of them."""

    title = models.CharField(_("title"), max_length=200)
    title_zh = models.CharField(
        _("title in Chinese"), max_length=200, blank=True, help_text=_("Empty: the title above is used.")
    )
    source = models.CharField(_("detection source"), max_length=20, choices=Source.choices, default=Source.MONITORING)
    functions = models.ManyToManyField(CoreFunction, blank=True, verbose_name=_("functions"))
    clients = models.ManyToManyField(Client, blank=True, verbose_name=_("clients"))
    severity = models.CharField(
        _("severity"),
        max_length=10,
        null=True,
        blank=True,
        choices=SEVERITIES,
        help_text=_("Empty: derived from the affected functions and clients."),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("incident template")
        verbose_name_plural = _("incident templates")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(source__in=Source.values), name="a_template_has_a_known_detection_source"
            ),
            models.CheckConstraint(
                condition=models.Q(severity__isnull=True) | models.Q(severity__in=[one.value for one in Severity]),
                name="a_template_has_a_known_severity",
            ),
        ]

    def __str__(self) -> str:
        return in_language(self.title, self.title_zh)


class UpdateTemplate(models.Model):
    """Text for an update, in both languages."""

    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("name in Chinese"), max_length=80, blank=True)
    text = models.TextField(_("text"), max_length=5000)
    text_zh = models.TextField(_("text in Chinese"), max_length=5000, blank=True)
    public = models.BooleanField(_("public"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("update template")
        verbose_name_plural = _("update templates")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return in_language(self.name, self.name_zh)


class Review(models.Model):
    """The review after an incident: internal until it is published; a published one is not changed."""

    incident = models.OneToOneField(Incident, models.CASCADE, verbose_name=_("incident"), related_name="review")
    cause = models.TextField(_("cause"))
    cause_zh = models.TextField(_("cause in Chinese"), blank=True)
    timeline = models.TextField(_("timeline"), blank=True)
    timeline_zh = models.TextField(_("timeline in Chinese"), blank=True)
    written_at = models.DateTimeField(_("written at"))
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(condition=~models.Q(cause=""), name="a_review_names_the_cause"),
            models.CheckConstraint(
                condition=models.Q(published_at__isnull=True) | models.Q(published_at__gte=models.F("written_at")),
                name="a_review_is_published_after_it_is_written",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incident.reference}"


class ReviewAction(models.Model):
    """An action that follows from a review, with its owner and due date."""

    review = models.ForeignKey(Review, models.CASCADE, verbose_name=_("review"), related_name="actions")
    text = models.CharField(_("action"), max_length=500)
    text_zh = models.CharField(_("action in Chinese"), max_length=500, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=pgettext_lazy("action", "owner"),
    )
    due_on = models.DateField(_("due on"), null=True, blank=True)
    done_on = models.DateField(_("done on"), null=True, blank=True)

    class Meta:
        verbose_name = _("action")
        verbose_name_plural = _("actions")
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.text
