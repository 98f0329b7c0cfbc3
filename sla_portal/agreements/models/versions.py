"""What was promised: the versions of the agreement, with their terms and clauses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext_lazy as _

from sla_portal.customers.models import code_validator
from sla_portal.notices.models import Notice
from sla_portal.notices.rules import digest

from ..changes import Changes
from ..markers import printed_texts
from ..rules import DraftedClause, MeasurementPeriod, Reading, Stage, Terms

READINGS = [
    (Reading.ALL.value, _("All functions on all clients")),
    (Reading.FUNCTION.value, _("Any function on all clients")),
    (Reading.ANY.value, _("Any function on any client")),
]
PERIODS = [
    (MeasurementPeriod.MONTH.value, _("service month")),
    (MeasurementPeriod.CONTRACT_PERIOD.value, _("contract period to date")),
]
TERM_FIELDS = (
    "availability_target",
    "unavailability_reading",
    "maintenance_notice_hours",
    "recommended_notice_hours",
    "measurement_period",
    "claim_opens_after_working_day",
    "claim_closes_after_months",
    "credit_without_claim",
    "compensated_minutes_per_minute",
    "compensation_cap_percent",
    "voucher_valid_months",
    "smallest_voucher",
    "amendment_notice_days",
)
"""The terms of a version: what an amendment can change besides the text.

The hash covers them: a term that is added later has to stay out of `content` for versions that were announced before.
"""
LATER_TERMS = ("credit_without_claim", "smallest_voucher")
"""Those that the first build did not have: empty in its versions, which means no or 0, and left out of `content` there."""
PREAMBLE_FIELDS = ("title", "title_zh", "text", "text_zh")
CLAUSE_FIELDS = ("number", "heading", "heading_zh", "summary", "summary_zh", "wording", "wording_zh")


class Versions(models.QuerySet["AgreementVersion"]):
    """Versions by how far they are."""

    def published(self) -> Versions:
        """Those that govern from their day on: published, and not withdrawn."""
        return self.filter(published_at__isnull=False, withdrawn_at__isnull=True)

    def drafts(self) -> Versions:
        """Those that still can be changed, or returned to be."""
        return self.filter(published_at__isnull=True)


class AgreementVersion(models.Model):
    """One version of the agreement with its terms. Once customers were told of it, it is never edited (5.2).

    Every term that decides something is a column here and not a setting, so that an amendment is not a deployment. From
    its `notice` on, triggers refuse to change or delete the version and its clauses; the withdrawal alone is added, once.
    """

    version = models.CharField(_("version"), max_length=20, unique=True, validators=[code_validator])
    effective_on = models.DateField(
        _("effective on"), null=True, blank=True, help_text=_("In force from 00:00 of this day in the SLA time zone.")
    )
    published_at = models.DateTimeField(
        _("published at"), null=True, blank=True, help_text=_("Empty for a draft, which is never in force.")
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
        _("counting rule"),
        max_length=10,
        choices=READINGS,
        default=Reading.ALL.value,
        help_text=_("Clause 1.4: when the service counts as unavailable."),
    )
    maintenance_notice_hours = models.PositiveSmallIntegerField(
        _("minimum maintenance notice (h)"),
        default=0,
        validators=[MaxValueValidator(8784)],
        help_text=_("Clause 4.1: minimum lead time. 0: any time before the start."),
    )
    recommended_notice_hours = models.PositiveSmallIntegerField(
        _("recommended maintenance notice (h)"),
        default=72,
        validators=[MaxValueValidator(8784)],
        help_text=_("A shorter lead time only shows a warning."),
    )
    measurement_period = models.CharField(
        _("measurement period"),
        max_length=20,
        choices=PERIODS,
        default=MeasurementPeriod.MONTH.value,
        help_text=_("Clauses 1.6, 1.7 and 2.1: the period over which availability is measured."),
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
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        help_text=_("Clause 3.3.1: counted from the end of the service month."),
    )
    credit_without_claim = models.BooleanField(
        _("credit without a claim"),
        null=True,
        blank=True,
        help_text=_("Clause 3: two people may credit a breached month that nobody claimed."),
    )
    compensated_minutes_per_minute = models.PositiveSmallIntegerField(
        _("minutes compensated per unavailable minute"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("Clause 3.2: minutes of service granted for each unavailable minute."),
    )
    compensation_cap_percent = models.PositiveSmallIntegerField(
        _("liability cap (%)"),
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("Clause 5.1: of the fees paid for the contract period."),
    )
    voucher_valid_months = models.PositiveSmallIntegerField(
        _("voucher validity (months)"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        help_text=_("Clause 3.2: from the day of the grant."),
    )
    smallest_voucher = models.DecimalField(
        _("smallest voucher"),
        max_digits=10,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_(
            "Clause 3.2: a voucher of less becomes service extension. In the currency of the contract. 0: any amount."
        ),
    )
    amendment_notice_days = models.PositiveSmallIntegerField(
        _("amendment notice period (days)"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
        help_text=_("Clause 5.2: full days between announcement and effective date."),
    )
    summary_of_changes = models.TextField(
        _("what changes"), blank=True, max_length=5000, help_text=_("In plain words, for the announcement.")
    )
    summary_of_changes_zh = models.TextField(_("what changes (Chinese)"), blank=True, max_length=5000)
    based_on = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, verbose_name=_("based on version"), related_name="amendments"
    )
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("drafted by")
    )
    drafted_at = models.DateTimeField(_("drafted at"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed at"), null=True, blank=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("submitted for approval by"),
    )
    submitted_at = models.DateTimeField(
        _("submitted for approval at"), null=True, blank=True, help_text=_("The text is locked from then on.")
    )
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("published by"),
    )
    notice = models.ForeignKey(
        Notice, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("announcement")
    )
    sha256 = models.CharField(_("SHA-256 of text and terms"), max_length=64, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("withdrawn by"),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawal_reason = models.TextField(_("reason for the withdrawal"), blank=True)
    withdrawal_notice = models.ForeignKey(
        Notice, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("withdrawal notice")
    )

    objects = Versions.as_manager()

    class Meta:
        verbose_name = _("agreement version")
        verbose_name_plural = _("agreement versions")
        ordering = [models.F("effective_on").desc(nulls_first=True), "-id"]
        permissions = [
            ("draft_version", gettext_noop("Can draft an amendment and ask for its publication")),
            ("publish_version", gettext_noop("Can publish an amendment that another person drafted, and withdraw one")),
            ("set_first_version", gettext_noop("Can set the first version until a month is closed by it")),
        ]
        constraints = [
            models.UniqueConstraint(
                "effective_on",
                condition=models.Q(published_at__isnull=False, withdrawn_at__isnull=True),
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
            models.CheckConstraint(
                condition=models.Q(submitted_at__isnull=True, published_at__isnull=True)
                | models.Q(effective_on__isnull=False),
                name="a_version_is_submitted_and_published_with_its_day",
            ),
            models.CheckConstraint(
                condition=models.Q(submitted_by__isnull=True)
                | models.Q(published_by__isnull=True)
                | ~models.Q(published_by=models.F("submitted_by")),
                name="a_version_is_published_by_another_person",
            ),
            models.CheckConstraint(
                condition=models.Q(notice__isnull=True)
                | (models.Q(published_at__isnull=False, submitted_at__isnull=False) & ~models.Q(sha256="")),
                name="an_announced_version_was_submitted_and_is_hashed",
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at__isnull=True, withdrawal_notice__isnull=True)
                | (
                    models.Q(withdrawn_at__isnull=False, withdrawal_notice__isnull=False, notice__isnull=False)
                    & ~models.Q(withdrawal_reason="")
                ),
                name="a_withdrawal_has_a_reason_and_is_told",
            ),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def stage(self) -> Stage:
        """How far it is, by what people decided; whether it is in force is a question of dates."""
        if self.withdrawn_at:
            return Stage.WITHDRAWN
        if self.published_at:
            return Stage.PUBLISHED
        return Stage.SUBMITTED if self.submitted_at else Stage.DRAFT

    @property
    def terms(self) -> Terms:
        """The terms as the rules take them."""
        target = self.availability_target.normalize()
        return Terms(
            version=self.version,
            # A draft without a day takes effect on none.
            effective_on=self.effective_on or date.max,
            availability_target=Fraction(target) / 100,
            target_text=f"{target:f}",
            unavailability_reading=Reading(self.unavailability_reading),
            maintenance_notice_hours=self.maintenance_notice_hours,
            recommended_notice_hours=self.recommended_notice_hours,
            measurement_period=MeasurementPeriod(self.measurement_period),
            claim_opens_after_working_day=self.claim_opens_after_working_day,
            claim_closes_after_months=self.claim_closes_after_months,
            credit_without_claim=bool(self.credit_without_claim),
            compensated_minutes_per_minute=self.compensated_minutes_per_minute,
            compensation_cap_percent=self.compensation_cap_percent,
            voucher_valid_months=self.voucher_valid_months,
            smallest_voucher=self.smallest_voucher or Decimal(0),
            amendment_notice_days=self.amendment_notice_days,
        )

    @property
    def takes_effect_on(self) -> date:
        """The effective date, of a version that has one: from the day on which its publication was asked for."""
        if self.effective_on is None:
            raise ValueError(f"Version {self.version} is a draft without an effective date.")
        return self.effective_on

    @property
    def address(self) -> str:
        """Where a published version stands for good."""
        return f"{settings.SITE_URL}/agreement/{self.version}/"

    def changes_told(self, language: str | None = None) -> str:
        """What changes, in plain words, in `language`, by default the reader's."""
        chinese = (language or get_language() or "").startswith("zh")
        return (self.summary_of_changes_zh if chinese else "") or self.summary_of_changes

    def printed_clauses(self) -> list[DraftedClause]:
        """The clauses in their order, as they are read: with the terms in place of their markers."""
        terms = self.terms
        return [clause.as_printed(terms) for clause in self.clauses.all()]

    def content(self) -> dict[str, Any]:
        """Text and terms in the form that is hashed; title and preamble where it has them."""
        terms = {name: getattr(self, name) for name in TERM_FIELDS if name not in LATER_TERMS}
        if self.smallest_voucher:
            terms["smallest_voucher"] = f"{self.smallest_voucher.normalize():f}"
        if self.credit_without_claim:
            terms["credit_without_claim"] = True
        preamble = Preamble.objects.filter(agreement_version=self).first()
        return {
            **({"preamble": {name: getattr(preamble, name) for name in PREAMBLE_FIELDS}} if preamble else {}),
            "version": self.version,
            "effective_on": self.effective_on and self.effective_on.isoformat(),
            "terms": {**terms, "availability_target": self.terms.target_text},
            "clauses": [
                {name: getattr(clause, name) for name in CLAUSE_FIELDS}
                | ({"printed": clause.printed} if clause.printed else {})
                for clause in self.clauses.all()
            ],
        }

    def expected_sha256(self) -> str:
        """What the hash must be if nothing was changed since publication."""
        return digest(self.content())


class PublishedChanges(models.Model):
    """What an announced version changes, in one language, as it was shown at its announcement. Triggers refuse UPDATE and DELETE.

    It does not follow from the version's basis, whose wording may still be loaded. `frozen_at` is later than the
    announcement where an earlier build announced the version.
    """

    version = models.ForeignKey(
        AgreementVersion, models.PROTECT, verbose_name=_("version"), related_name="published_changes"
    )
    before = models.ForeignKey(AgreementVersion, models.PROTECT, verbose_name=_("based on version"), related_name="+")
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    content = models.JSONField(_("changes"))
    frozen_at = models.DateTimeField(_("frozen at"))

    class Meta:
        verbose_name = _("published changes")
        verbose_name_plural = _("published changes")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "language"], name="the_changes_of_a_version_are_frozen_once_in_a_language"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.before} – {self.version} · {self.language}"

    @property
    def changes(self) -> Changes:
        return Changes.read(self.content)


class MailedPdf(models.Model):
    """A PDF of a submitted version, made while it waits for its approval, and attached to the announcement.

    It is of the text and terms whose SHA-256 is `of_sha256`; once the version is published, the notice keeps it.
    """

    class Kind(models.TextChoices):
        TEXT = "text", _("full text")
        REDLINE = "redline", _("redline")

    version = models.ForeignKey(AgreementVersion, models.CASCADE, verbose_name=_("version"), related_name="mailed_pdfs")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    of_sha256 = models.CharField(_("SHA-256 of text and terms"), max_length=64)
    content = models.BinaryField(_("content"))
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("PDF for the e-mail")
        verbose_name_plural = _("PDFs for the e-mail")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "kind", "language"], name="a_pdf_for_the_mail_is_made_once_in_a_language"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        what = "agreement" if self.kind == self.Kind.TEXT else f"changes-{self.version.based_on}"
        return f"{what}-{self.version}.{self.language}.pdf"


class Preamble(models.Model):
    """Title of a version, and what stands before its first clause, in Markdown. Triggers keep it as they keep the clauses."""

    agreement_version = models.OneToOneField(
        AgreementVersion, models.CASCADE, verbose_name=_("version"), related_name="preamble"
    )
    title = models.CharField(_("title"), max_length=300, blank=True)
    title_zh = models.CharField(_("title (Chinese)"), max_length=300, blank=True)
    text = models.TextField(_("preamble"), max_length=20_000, blank=True)
    text_zh = models.TextField(_("preamble (Chinese)"), max_length=20_000, blank=True)

    class Meta:
        verbose_name = _("preamble")
        verbose_name_plural = _("preambles")
        default_permissions = ()

    def __str__(self) -> str:
        return self.title


class Clause(models.Model):
    """A numbered clause of a version: our plain summary and, where there is one, the wording, in Markdown."""

    agreement_version = models.ForeignKey(
        AgreementVersion, models.CASCADE, verbose_name=_("version"), related_name="clauses"
    )
    number = models.CharField(_("number"), max_length=10, validators=[RegexValidator(r"^\d+(\.\d+)*\Z")])
    heading = models.CharField(_("heading"), max_length=200, blank=True)
    heading_zh = models.CharField(_("heading (Chinese)"), max_length=200, blank=True)
    summary = models.TextField(_("summary"), max_length=20_000, blank=True)
    summary_zh = models.TextField(_("summary (Chinese)"), max_length=20_000, blank=True)
    wording = models.TextField(
        _("wording"), max_length=20_000, blank=True, help_text=_("The operator's own text of the clause.")
    )
    wording_zh = models.TextField(_("wording (Chinese)"), max_length=20_000, blank=True)
    printed = models.JSONField(
        _("printed texts"),
        null=True,
        blank=True,
        help_text=_("The texts as they were announced, their terms in place."),
    )
    frozen = models.BooleanField(
        _("frozen"), default=False, help_text=_("Customers were notified of it: database triggers refuse changes.")
    )

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

    @property
    def drafted(self) -> DraftedClause:
        """The clause as it stands, with its markers."""
        return DraftedClause(**{name: getattr(self, name) for name in CLAUSE_FIELDS})

    def as_printed(self, terms: Terms) -> DraftedClause:
        """The clause as it is read: its texts as they were announced or, before that, with `terms` in place of their markers."""
        texts = printed_texts(self, terms) if self.printed is None else self.printed
        return replace(self.drafted, **texts)
