"""Applications for compensation (3.3), claims and their proof materials."""

from __future__ import annotations

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from sla_portal.agreements.models import Contract
from sla_portal.customers.models import Client, Contact, CoreFunction, Region
from sla_portal.kernel.months import ServiceMonth


class Source(models.TextChoices):
    """How a claim was received."""

    FORM = "form", _("web form")
    PHONE = "phone", _("phone")
    TICKET = "ticket", _("ticket")
    CREDIT = "credit", _("credit without a claim")
    """Nobody applied: two people credit a breached month, where the agreement says so (3)."""


class Status(models.TextChoices):
    """Status of a claim. All changes are made by people, except held to submitted, made by the calendar."""

    HELD = "held", _("not open yet")
    SUBMITTED = "submitted", _("under review")
    WAITING = "waiting", _("waiting on customer")
    RECOMMENDED = "recommended", _("pending approval")
    GRANTED = "granted", _("granted")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


OPEN = (Status.HELD, Status.SUBMITTED, Status.WAITING, Status.RECOMMENDED)


class Asked(models.TextChoices):
    """What is requested with an application; it is done only for a contract and an address on record."""

    CODE = "code"
    LINKS = "links"
    LATE = "late"
    """To record an attempt after the claim period."""


class Application(models.Model):
    """A claim form in progress; entries are saved until it is submitted or expires."""

    key_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key in the form's address.")
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    answers = models.JSONField(_("answers"), default=dict)
    asked = models.CharField(max_length=10, choices=Asked.choices, blank=True, help_text="What a task is still to do.")
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, blank=True, related_name="+")
    contract = models.ForeignKey(Contract, models.SET_NULL, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField(_("started at"))
    expires_at = models.DateTimeField(_("expires at"))
    code_hash = models.CharField(max_length=64, blank=True)
    code_sent_at = models.DateTimeField(null=True, blank=True)
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="When the code was typed.")
    claim = models.ForeignKey("Claim", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("unsent application")
        verbose_name_plural = _("unsent applications")
        default_permissions = ()
        indexes = [
            models.Index(fields=["expires_at"], name="applications_by_expiry"),
            models.Index(fields=["id"], condition=~models.Q(asked=""), name="applications_to_be_mailed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(asked__in=["", *Asked.values]), name="an_application_asks_for_something_known"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Try(models.Model):
    """A recent attempt, counted for rate limits; action and actor are only in the hash."""

    whose = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["whose", "at"], name="tries_of_late"),
            models.Index(fields=["at"], name="tries_by_age"),
        ]

    def __str__(self) -> str:
        return self.whose


class RefusedApplication(models.Model):
    """A refused late application (3.3.1), kept as a record."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+", verbose_name=_("contract"))
    month = models.DateField(_("month"), help_text=_("Its first day."))
    email = models.EmailField(_("e-mail"))
    at = models.DateTimeField(_("at"))
    closed_at = models.DateTimeField(_("claims closed at"))
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    confirmed = models.BooleanField(
        _("address confirmed"),
        null=True,
        help_text=_("No: the form refused the month before it sent a code. Empty: by an earlier build, confirmed."),
    )

    class Meta:
        verbose_name = _("late application")
        verbose_name_plural = _("late applications")
        ordering = ["-at"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(at__gte=models.F("closed_at")), name="an_application_is_late_after_the_closing"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.month:%Y-%m}"


class Claims(models.QuerySet["Claim"]):
    """Claims by what the customer may know of them."""

    def told(self) -> Claims:
        """Leave out credits without a claim that are not granted, or were not before they were reversed."""
        return self.exclude(source=Source.CREDIT, compensations__isnull=True)


class Claim(models.Model):
    """A claim for one contract and one service month, or a credit of one without a claim."""

    number = models.CharField(_("number"), max_length=20, unique=True)
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="claims", verbose_name=_("contract"))
    month = models.DateField(_("month"), help_text=_("Its first day."))
    region = models.ForeignKey(
        Region,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("region"),
        help_text=_("Of the customer when the claim was received; lists are filtered by it."),
    )
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="claims", verbose_name=_("contact")
    )
    email = models.EmailField(_("e-mail"), help_text=_("The e-mail address on record from which the claim was made."))
    time_zone = models.CharField(
        _("time zone"), max_length=60, help_text=_("The time zone in which the claimant gave the times.")
    )
    functions = models.ManyToManyField(CoreFunction, blank=True, related_name="+", verbose_name=_("functions"))
    clients = models.ManyToManyField(Client, blank=True, related_name="+", verbose_name=_("clients"))
    description = models.TextField(_("description"), blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    ticket_number = models.CharField(_("ticket number"), max_length=60, blank=True)
    received_at = models.DateTimeField(_("received at"))
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("entered by")
    )
    status = models.CharField(_("status"), max_length=12, choices=Status.choices)
    told_opens_at = models.DateTimeField(
        _("announced opening"),
        null=True,
        blank=True,
        help_text=_("For a claim that is not open yet: the submission time announced to the customer."),
    )
    asked = models.TextField(_("question to the customer"), blank=True)
    asked_at = models.DateTimeField(_("asked at"), null=True, blank=True)
    appealed_at = models.DateTimeField(_("appealed at"), null=True, blank=True)
    appeal = models.TextField(_("appeal"), blank=True)
    answer_due_on = models.DateField(
        _("first answer by"), null=True, blank=True, help_text=_("As told to the customer; in the SLA time zone.")
    )
    decision_due_on = models.DateField(
        _("decision by"), null=True, blank=True, help_text=_("As told to the customer; in the SLA time zone.")
    )
    first_answered_at = models.DateTimeField(
        _("first answered at"),
        null=True,
        blank=True,
        help_text=_("The first question to the customer, or the decision."),
    )
    due_on = models.DateField(
        _("due on"), null=True, blank=True, help_text=_("The next of the two dates. Empty: nothing is due any more.")
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("assigned to"),
    )
    recommended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("recommended by"),
        help_text=_("Of the recommendation that is pending approval."),
    )

    objects = Claims.as_manager()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        ordering = ["month", "received_at", "id"]
        default_permissions = ("view",)
        permissions = [
            ("enter_claim", gettext_noop("Can enter a claim for a customer")),
            ("review_claim", gettext_noop("Can review a claim and recommend what becomes of it")),
            ("note_claim", gettext_noop("Can leave an internal note on a claim")),
            ("decide_claim", gettext_noop("Can decide what another person recommended")),
        ]
        indexes = [
            models.Index(fields=["status", "month", "received_at", "id"], name="claims_by_closing_and_age"),
            models.Index(fields=["status", "due_on", "received_at", "id"], name="claims_by_due_date"),
            models.Index(
                fields=["status", "month", "due_on", "received_at", "id"], name="claims_of_a_month_by_due_date"
            ),
            models.Index(
                fields=["region", "status", "due_on", "received_at", "id"], name="claims_of_a_region_by_due_date"
            ),
            models.Index(fields=["region", "-received_at", "id"], name="claims_of_a_region_newest"),
            models.Index(fields=["month", "-received_at", "id"], name="claims_of_a_month_newest_first"),
            models.Index(
                fields=["recommended_by", "due_on", "received_at", "id"],
                condition=models.Q(recommended_by__isnull=False),
                name="claims_by_recommender",
            ),
            models.Index(
                fields=["assigned_to", "due_on", "received_at", "id"],
                condition=models.Q(assigned_to__isnull=False),
                name="claims_by_assignee",
            ),
            models.Index(fields=["-received_at", "id"], name="claims_newest_first"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "month"],
                condition=models.Q(status__in=[*OPEN, Status.GRANTED]),
                name="one_open_or_granted_claim_for_a_contract_and_month",
            ),
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="a_claim_has_a_known_status"),
            models.CheckConstraint(
                condition=models.Q(source__in=Source.values), name="a_claim_comes_in_by_a_known_way"
            ),
            models.CheckConstraint(
                condition=~models.Q(source=Source.TICKET) | ~models.Q(ticket_number=""),
                name="a_claim_by_ticket_has_the_tickets_number",
            ),
            models.CheckConstraint(
                condition=models.Q(source=Source.FORM) | models.Q(entered_by__isnull=False),
                name="a_claim_not_by_form_was_entered_by_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=OPEN) | models.Q(due_on__isnull=False),
                name="an_open_claim_has_its_date",
            ),
            models.CheckConstraint(
                condition=models.Q(due_on__isnull=True)
                | models.Q(first_answered_at__isnull=True, due_on=models.F("answer_due_on"))
                | models.Q(first_answered_at__isnull=False, due_on=models.F("decision_due_on")),
                name="the_first_answer_is_due_then_the_decision",
            ),
            models.CheckConstraint(
                condition=models.Q(status=Status.RECOMMENDED, recommended_by__isnull=False)
                | (~models.Q(status=Status.RECOMMENDED) & models.Q(recommended_by__isnull=True)),
                name="a_claim_pending_approval_names_who_recommended_it",
            ),
            models.CheckConstraint(
                condition=~models.Q(source=Source.CREDIT)
                | models.Q(
                    status__in=[Status.SUBMITTED, Status.RECOMMENDED, Status.GRANTED, Status.WITHDRAWN],
                    appealed_at__isnull=True,
                ),
                name="a_credit_is_proposed_granted_or_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def service_month(self) -> ServiceMonth:
        return ServiceMonth.of(self.month)

    @property
    def is_credit(self) -> bool:
        """Whether it is a credit without a claim: the customer hears of it once it is granted."""
        return self.source == Source.CREDIT

    @property
    def may_be_appealed(self) -> bool:
        """Whether it is refused, and not after an appeal."""
        return self.status == Status.REFUSED and self.appealed_at is None


class ClaimedTime(models.Model):
    """An outage as reported by the claimant."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="times", verbose_name=_("claim"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("claimed outage")
        verbose_name_plural = _("claimed outages")
        ordering = ["starts_at"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="a_claimed_time_ends_after_it_starts"
            )
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M:%S} – {self.ends_at:%Y-%m-%d %H:%M:%S}"


class Scan(models.TextChoices):
    CLEAN = "clean", _("scanned, no virus found")
    NOT_SCANNED = "not scanned", _("not scanned for viruses")


def sealed() -> Storage:
    """Return the storage of proof materials, outside every public path."""
    return storages["proofs"]


class Proof(models.Model):
    """A proof material of a claim (3.3.2), stored under a random name, with a preview that is safe to show."""

    application = models.ForeignKey(Application, models.PROTECT, null=True, blank=True, related_name="proofs")
    claim = models.ForeignKey(
        Claim, models.PROTECT, null=True, blank=True, related_name="proofs", verbose_name=_("claim")
    )
    name = models.CharField(_("name"), max_length=200, help_text=_("As it was called where it came from."))
    kind = models.CharField(_("kind"), max_length=10)
    size = models.PositiveIntegerField(_("size"))
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    file = models.FileField(_("file"), storage=sealed, max_length=200)
    preview = models.FileField(_("preview"), storage=sealed, max_length=200, blank=True)
    preview_kind = models.CharField(_("preview type"), max_length=40, blank=True)
    pages = models.PositiveSmallIntegerField(_("pages"), null=True, blank=True)
    remarks = models.JSONField(
        _("remarks"),
        null=True,
        help_text=_("What its inspection found worth telling the agent. Empty: nothing, or by an earlier build."),
    )
    scan = models.CharField(_("virus scan"), max_length=12, choices=Scan.choices)
    added_at = models.DateTimeField(_("added at"))
    added_by_name = models.CharField(_("added by"), max_length=200)

    class Meta:
        verbose_name = _("proof material")
        verbose_name_plural = _("proof materials")
        ordering = ["id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["claim", "sha256"], name="a_file_proves_a_claim_once"),
            models.CheckConstraint(
                condition=models.Q(application__isnull=True, claim__isnull=False)
                | models.Q(application__isnull=False, claim__isnull=True),
                name="a_proof_belongs_to_an_application_or_to_a_claim",
            ),
            models.CheckConstraint(condition=models.Q(scan__in=Scan.values), name="a_scan_found_nothing_or_was_not"),
        ]

    def __str__(self) -> str:
        return self.name


class ClaimLink(models.Model):
    """A personal link to the page of a claim; only the hash of its token is stored."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="links", verbose_name=_("claim"))
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("personal link")
        verbose_name_plural = _("personal links")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="a_link_expires_after_it_is_made"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
