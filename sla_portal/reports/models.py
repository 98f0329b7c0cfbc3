"""The monthly availability reports as issued, the requests for them, and evidence bundles."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from claims.models import Claim
from sla_portal.agreements.models import AgreementVersion
from sla_portal.customers.models import Customer, Region
from sla_portal.notices.models import Notice


class ReportRun(models.Model):
    """A request for the reports of a month. Without a region or customer it is for all of them.

    The rows are a queue: a worker leases one without `made_at` and queues a report for each subject whose figures changed.
    """

    month = models.DateField(_("month"), help_text=_("First day of the month."))
    regions = models.ManyToManyField(Region, blank=True, related_name="+", verbose_name=_("regions"))
    customers = models.ManyToManyField(Customer, blank=True, related_name="+", verbose_name=_("customers"))
    missing_only = models.BooleanField(
        _("missing reports only"),
        default=False,
        help_text=_("Existing reports are not reissued, even if they are outdated."),
    )
    reason = models.TextField(_("reason"), blank=True, help_text=_("Why the closed month was corrected."))
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("requested by")
    )
    requested_by_name = models.CharField(_("requested by"), max_length=200)
    leased_until = models.DateTimeField(_("leased until"), null=True)
    made_at = models.DateTimeField(_("reports queued at"), null=True)
    unchanged = models.PositiveIntegerField(
        _("unchanged"), default=0, help_text=_("Reports whose figures have not changed since their last revision.")
    )
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("report request")
        verbose_name_plural = _("report requests")
        ordering = ["-requested_at", "-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["requested_at"], condition=models.Q(made_at__isnull=True), name="requests_that_wait")
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} · {self.requested_by_name}"


class Status(models.TextChoices):
    """The status of a file: queued → rendering → ready or failed."""

    QUEUED = "queued", _("queued")
    RENDERING = "rendering", _("rendering")
    READY = "ready", _("ready")
    FAILED = "failed", _("failed")


def stored_as(report: Report, _name: str) -> str:
    """Return the storage path of a report: never user input, and the same however often it is rendered."""
    return f"reports/{report.month:%Y-%m}/{report.pk}.pdf"


class Report(models.Model):
    """A revision of the report of a region's or a customer's month: its content and its PDF.

    The content is fixed when the row is created; a trigger rejects any change once the file is ready. A correction is a
    new revision, which supersedes this one.
    """

    run = models.ForeignKey(ReportRun, models.PROTECT, related_name="reports", verbose_name=_("request"))
    month = models.DateField(_("month"), help_text=_("First day of the month."))
    region = models.ForeignKey(
        Region, models.PROTECT, null=True, blank=True, related_name="reports", verbose_name=_("region")
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="reports", verbose_name=_("customer")
    )
    number = models.CharField(_("number"), max_length=120)
    revision = models.PositiveIntegerField(_("revision"))
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="superseded_by", verbose_name=_("supersedes")
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    issued_at = models.DateTimeField(_("issued at"))
    statement = models.JSONField(_("statement"))
    figures_sha256 = models.CharField(
        _("SHA-256 of the figures"), max_length=64, help_text=_("As printed on the last line of the PDF.")
    )
    shared_sha256 = models.CharField(max_length=64, help_text=_("Reports with the same value share pages."))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), blank=True)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(_("leased until"), null=True)
    file = models.FileField(_("file"), upload_to=stored_as, max_length=200, blank=True)
    file_sha256 = models.CharField(_("SHA-256 of the file"), max_length=64, blank=True)
    size = models.PositiveIntegerField(_("size"), default=0)
    rendered_at = models.DateTimeField(_("rendered at"), null=True)

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-month", "number", "-revision"]
        default_permissions = ("view",)
        permissions = [("issue_report", gettext_noop("Can issue the reports of a month"))]
        indexes = [
            models.Index(
                fields=["shared_sha256", "id"],
                condition=models.Q(status=Status.QUEUED),
                name="reports_that_wait",
            ),
            models.Index(fields=["leased_until"], condition=models.Q(status=Status.RENDERING), name="reports_in_hand"),
            models.Index(fields=["run", "status"], name="reports_of_a_request"),
            models.Index(fields=["customer", "-month", "-revision"], name="reports_of_a_customer"),
            models.Index(fields=["number"], name="reports_by_number"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(region__isnull=True, customer__isnull=False)
                | models.Q(region__isnull=False, customer__isnull=True),
                name="a_report_is_of_one_region_or_one_customer",
            ),
            models.UniqueConstraint(
                fields=["region", "month", "revision"], name="a_regions_month_has_each_revision_once"
            ),
            models.UniqueConstraint(
                fields=["customer", "month", "revision"], name="a_customers_month_has_each_revision_once"
            ),
            models.CheckConstraint(
                condition=models.Q(revision=1, supersedes__isnull=True)
                | models.Q(revision__gt=1, supersedes__isnull=False),
                name="a_further_revision_supersedes_one",
            ),
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="a_report_has_a_known_status"),
            models.CheckConstraint(
                condition=~models.Q(status=Status.READY)
                | (models.Q(rendered_at__isnull=False, size__gt=0) & ~models.Q(file="") & ~models.Q(file_sha256="")),
                name="a_ready_report_has_a_file_with_a_hash",
            ),
            models.CheckConstraint(
                condition=models.Q(status=Status.RENDERING, lease__isnull=False, leased_until__isnull=False)
                | (~models.Q(status=Status.RENDERING) & models.Q(lease__isnull=True, leased_until__isnull=True)),
                name="a_report_is_leased_while_it_is_printed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} · {self.revision}"

    @property
    def about(self) -> str:
        """The subject and month by which the register knows its revisions."""
        subject = f"region {self.region_id}" if self.region_id else f"customer {self.customer_id}"
        return f"{self.month:%Y-%m} {subject}"

    @property
    def file_name(self) -> str:
        """The file name of the download."""
        return f"{self.number}-r{self.revision}.pdf"


class MailedReport(models.Model):
    """A report whose customer's contacts were told that it is issued. Triggers reject UPDATE and DELETE."""

    report = models.OneToOneField(Report, models.PROTECT, related_name="mailed", verbose_name=_("report"))
    notice = models.ForeignKey(Notice, models.PROTECT, related_name="mailed_reports", verbose_name=_("notice"))

    class Meta:
        verbose_name = _("report told of by e-mail")
        verbose_name_plural = _("reports told of by e-mail")
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.report)


class VersionPdf(models.Model):
    """An announced version, or what it changes, as a PDF: printed once. Triggers reject UPDATE and DELETE."""

    class Kind(models.TextChoices):
        TEXT = "text", _("text and terms")
        REDLINE = "redline", _("changes")

    version = models.ForeignKey(
        AgreementVersion, models.PROTECT, related_name="pdfs", verbose_name=_("agreement version")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    content = models.BinaryField(_("content"))
    sha256 = models.CharField(_("SHA-256 of the content"), max_length=64)
    printed_at = models.DateTimeField(_("printed at"))

    class Meta:
        verbose_name = _("PDF of an agreement version")
        verbose_name_plural = _("PDFs of agreement versions")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version", "kind", "language"], name="a_version_is_printed_once_in_a_language"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["text", "redline"]), name="a_version_is_printed_as_text_or_as_redline"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} · {self.get_kind_display()} · {self.language}"


def bundled_as(bundle: Bundle, _name: str) -> str:
    """Return the storage path of a bundle: the same however often it is created."""
    return f"bundles/{bundle.pk}.zip"


class Bundle(models.Model):
    """The evidence of an amendment (5.2), of a claim or of a month as a ZIP.

    The rows are a queue; a trigger rejects any change once it is ready.
    """

    version = models.ForeignKey(
        AgreementVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="bundles",
        verbose_name=_("agreement version"),
    )
    claim = models.ForeignKey(
        Claim, models.PROTECT, null=True, blank=True, related_name="bundles", verbose_name=_("claim")
    )
    month = models.DateField(_("month"), null=True, blank=True, help_text=_("First day of the month."))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    email = models.EmailField(
        _("e-mail"), blank=True, help_text=_("Recipient whose e-mails are included as they were sent.")
    )
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("requested by")
    )
    requested_by_name = models.CharField(_("requested by"), max_length=200)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), blank=True)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(_("leased until"), null=True)
    file = models.FileField(_("file"), upload_to=bundled_as, max_length=200, blank=True)
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64, blank=True)
    size = models.PositiveBigIntegerField(_("size"), default=0)
    made_at = models.DateTimeField(_("created at"), null=True)

    class Meta:
        verbose_name = _("evidence bundle")
        verbose_name_plural = _("evidence bundles")
        ordering = ["-id"]
        default_permissions = ("view",)
        permissions = [("request_bundle", gettext_noop("Can request an evidence bundle"))]
        indexes = [
            models.Index(
                fields=["status"],
                condition=models.Q(status__in=[Status.QUEUED, Status.RENDERING]),
                name="bundles_that_wait",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(version__isnull=False, claim__isnull=True, month__isnull=True)
                | models.Q(version__isnull=True, claim__isnull=False, month__isnull=True)
                | models.Q(version__isnull=True, claim__isnull=True, month__isnull=False),
                name="a_bundle_is_of_a_version_a_claim_or_a_month",
            ),
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="a_bundle_has_a_known_status"),
            models.CheckConstraint(
                condition=~models.Q(status=Status.READY)
                | (models.Q(made_at__isnull=False, size__gt=0) & ~models.Q(file="") & ~models.Q(sha256="")),
                name="a_ready_bundle_has_a_file_with_a_hash",
            ),
            models.CheckConstraint(
                condition=models.Q(status=Status.RENDERING, lease__isnull=False, leased_until__isnull=False)
                | (~models.Q(status=Status.RENDERING) & models.Q(lease__isnull=True, leased_until__isnull=True)),
                name="a_bundle_is_leased_while_it_is_put_together",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} · {self.pk}"

    @property
    def subject(self) -> str:
        """What the evidence is of: a version, the number of a claim, or a month."""
        return f"{self.month:%Y-%m}" if self.month else str(self.claim or self.version)

    @property
    def about(self) -> str:
        """Its number in the register."""
        return self.file_name.removesuffix(".zip")

    @property
    def file_name(self) -> str:
        """The file name of the download."""
        kind = "amendment" if self.version_id else "claim" if self.claim_id else "month"
        return f"{kind}-{self.subject}-evidence-{self.pk}.zip"
