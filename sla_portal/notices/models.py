"""Notices, frozen when issued, and the delivery of their e-mails to each address."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce, Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.rules import canonical
from sla_portal.customers.models import Contact, Customer
from sla_portal.operator.models import Identity

from .rules import digest


class Kind(models.TextChoices):
    MAINTENANCE = "maintenance", _("maintenance")
    ANNOUNCEMENT = "announcement", _("announcement")
    AMENDMENT = "amendment", _("amendment")
    RESPONSE = "response", _("response to an amendment")
    REPORT = "report", _("report")
    CLAIM = "claim", _("claim")
    CODE = "code", _("code")
    INVITATION = "invitation", _("invitation to claim")
    AUDIT = "audit", _("audit log")


class Notice(models.Model):
    """A notice as issued. Triggers refuse UPDATE and DELETE, here and on its wordings and attachments."""

    number = models.CharField(_("number"), max_length=40, unique=True, help_text=_("Part of the permanent address."))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    about = models.CharField(_("about"), max_length=60, blank=True, help_text=_("Reference of the subject."))
    public = models.BooleanField(_("on the public website"), default=False)
    given_at = models.DateTimeField(_("issued at"))
    given_by = models.CharField(_("issued by"), max_length=200)
    identity = models.ForeignKey(
        Identity,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("operator's identity"),
        help_text=_("From whom its e-mails come. Empty: as the settings say."),
    )
    sha256 = models.CharField(_("SHA-256 of the whole content"), max_length=64)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-given_at", "-id"]
        default_permissions = ("view",)
        permissions = [
            ("give_notice", gettext_noop("Can issue notices to customers and the public")),
            ("read_inbox", gettext_noop("Can open the inbox of a portal that sends no e-mail")),
        ]
        indexes = [
            models.Index(fields=["-given_at", "-id"], name="notices_newest_first"),
            models.Index(fields=["-given_at"], condition=models.Q(public=True), name="public_notices"),
            models.Index(fields=["about", "given_at"], name="notices_about_something"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="a_notice_is_of_a_known_kind")
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def address(self) -> str:
        """The permanent URL of a public notice."""
        return f"{settings.SITE_URL}/notices/{self.number}/"

    def wording(self, language: str | None = None) -> Wording:
        """Return the wording in `language`, by default the reader's."""
        language = language or get_language() or settings.LANGUAGE_CODE
        worded = {wording.language: wording for wording in self.wordings.all()}
        return worded.get(language) or worded[settings.LANGUAGE_CODE]

    def digest_with(self, wordings: Iterable[Wording], attachments: Iterable[Attachment]) -> str:
        """Return the hash of the notice with these wordings and attachments."""
        return digest(self.content_with(wordings, attachments))

    def content_with(self, wordings: Iterable[Wording], attachments: Iterable[Attachment]) -> dict[str, Any]:
        """Return what the hash covers; its canonical JSON is hashed."""
        return {
            "number": self.number,
            "kind": self.kind,
            "about": self.about,
            "public": self.public,
            "given_at": self.given_at.isoformat(),
            "given_by": self.given_by,
            "wordings": sorted([w.language, w.subject, w.text, w.html] for w in wordings),
            "attachments": sorted([a.name, a.content_type, hashlib.sha256(a.content).hexdigest()] for a in attachments),
        }

    def published(self) -> bytes:
        """Return what was published, as the file that is sealed: all but who in the office issued it."""
        content = self.content_with(self.wordings.all(), self.attachments.all())
        del content["given_by"]
        return canonical(content).encode()

    def expected_sha256(self) -> str:
        """Return the hash that the notice must have if nothing was changed."""
        return self.digest_with(self.wordings.all(), self.attachments.all())


class Wording(models.Model):
    """The text of a notice in one language."""

    notice = models.ForeignKey(Notice, models.PROTECT, related_name="wordings", verbose_name=_("notice"))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    subject = models.CharField(_("subject"), max_length=300)
    text = models.TextField(_("text"))
    html = models.TextField(_("HTML"), help_text=_("A fragment: paragraphs, lists and tables, without a frame."))

    class Meta:
        verbose_name = _("wording")
        verbose_name_plural = _("wordings")
        ordering = ["language"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["notice", "language"], name="a_notice_is_worded_once_in_a_language")
        ]

    def __str__(self) -> str:
        return self.subject


class Attachment(models.Model):
    """A file attached to every e-mail of a notice."""

    notice = models.ForeignKey(Notice, models.PROTECT, related_name="attachments", verbose_name=_("notice"))
    name = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(
        _("type"), max_length=100, help_text=_("With its parameters: text/calendar; method=REQUEST.")
    )
    content = models.BinaryField(_("content"))

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["name"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["notice", "name"], name="a_notice_has_an_attachment_of_a_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class PageCopy(models.Model):
    """A public page of a notice as this portal answered with it. Triggers refuse UPDATE and DELETE."""

    notice = models.ForeignKey(Notice, models.PROTECT, related_name="page_copies", verbose_name=_("notice"))
    url = models.URLField(_("address"), max_length=500)
    fetched_at = models.DateTimeField(_("fetched at"))
    content_type = models.CharField(_("type"), max_length=100)
    body = models.BinaryField(_("content"))
    sha256 = models.CharField(_("SHA-256 of the content"), max_length=64)

    class Meta:
        verbose_name = _("copy of a public page")
        verbose_name_plural = _("copies of public pages")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["notice", "url"], name="a_page_of_a_notice_is_kept_once"),
        ]

    def __str__(self) -> str:
        return self.url


class Status(models.TextChoices):
    PENDING = "pending", _("queued")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    BOUNCED = "bounced", _("bounced")
    UNKNOWN = "unknown", _("unknown")
    LETTER = "letter", _("notified by letter")
    CORRECTED = "corrected", _("address corrected")


OPEN = (Status.FAILED, Status.BOUNCED, Status.UNKNOWN)
"""Undelivered mail, to be resolved by a person."""
REACHED = (Status.SENT, Status.LETTER)


class FailureReason(models.TextChoices):
    """Why the last attempt failed."""

    UNREACHABLE = "unreachable", _("The mail server could not be reached.")
    POSTPONED = "postponed", _("The receiving server asked to retry later.")
    NO_SUCH_ADDRESS = "no such address", _("The address does not exist.")
    FULL = "full", _("The mailbox is full.")
    REFUSED = "refused", _("The receiving server rejected the e-mail.")
    UNWRITABLE = "unwritable", _("The address is not valid in an SMTP envelope.")
    CUT_OFF = "cut off", _("The connection broke before the e-mail was handed over.")
    UNANSWERED = "unanswered", _("The connection broke after the e-mail was handed over. It may have been delivered.")
    INTERRUPTED = "interrupted", _("The worker was stopped while handing over the e-mail. It may have been delivered.")
    SENDER = "sender", _("The receiving server rejected the sender's address, which is ours.")
    BLOCKED = "blocked", _("The receiving server blocked the e-mail by its own policy.")
    RETURNED = "returned", _("The e-mail was accepted and bounced later.")
    PROBABLY = "probably", _("A report in plain words says that the e-mail was not delivered. It probably failed.")
    HELD = "held", _("Held: customers get no e-mail from a staging copy.")


class Delivery(models.Model):
    """The delivery of a notice's e-mail to one address. The row is the queue; see `operations.delivering`.

    `handed_over_at` is committed just before the final dot of the message: while it is empty, the message was not delivered.
    """

    # The index `deliveries_of_a_notice` covers it.
    notice = models.ForeignKey(
        Notice, models.PROTECT, related_name="deliveries", verbose_name=_("notice"), db_index=False
    )
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="deliveries", verbose_name=_("contact")
    )
    site = models.ForeignKey(
        Customer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("site"),
        help_text=_("Where an installer gets an e-mail for each site: the one that this e-mail is for."),
        db_index=False,
    )
    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=200, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    urgency = models.PositiveSmallIntegerField(_("urgency"), default=3, help_text=_("0 is sent before all others."))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    lease = models.UUIDField(null=True, blank=True, help_text=_("Lease of the worker that is sending it."))
    leased_until = models.DateTimeField(null=True, blank=True)
    handed_over_at = models.DateTimeField(_("handed over"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    mail_sha256 = models.CharField(
        _("SHA-256 of the e-mail"),
        max_length=64,
        null=True,
        blank=True,
        help_text=_("As handed over. Empty: by an earlier build, or built by a mail provider."),
    )
    trouble = models.CharField(_("failure reason"), max_length=20, choices=FailureReason.choices, blank=True)
    last_error = models.TextField(_("reply of the mail server"), blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.CharField(_("resolved by"), max_length=200, blank=True)
    replacement = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaces",
        verbose_name=_("replaced by"),
        db_index=False,
    )
    letter_on = models.DateField(_("date of the letter"), null=True, blank=True)
    letter_reference = models.CharField(_("reference of the letter"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["id"]
        default_permissions = ("view",)
        permissions = [("resolve_delivery", gettext_noop("Can resolve undelivered mail"))]
        indexes = [
            models.Index(
                fields=["urgency", "next_attempt_at", "notice"],
                condition=models.Q(status=Status.PENDING),
                name="deliveries_due",
            ),
            models.Index(fields=["leased_until"], condition=models.Q(status=Status.SENDING), name="deliveries_in_hand"),
            models.Index(fields=["lease"], condition=models.Q(lease__isnull=False), name="deliveries_of_a_lease"),
            models.Index(fields=["notice", "status", "id"], name="deliveries_of_a_notice"),
            models.Index(
                fields=["notice", "sent_at"], condition=models.Q(status=Status.SENT), name="deliveries_sent_lately"
            ),
            models.Index(fields=["-id"], condition=models.Q(status__in=OPEN), name="deliveries_to_work_through"),
            models.Index(
                fields=["replacement"], condition=models.Q(replacement__isnull=False), name="deliveries_replaced"
            ),
        ]
        constraints = [
            models.UniqueConstraint("notice", Lower("email"), Coalesce("site", 0), name="an_address_is_told_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=Status.values), name="a_delivery_is_in_a_known_status"
            ),
            models.CheckConstraint(
                condition=~models.Q(status=Status.SENT) | models.Q(sent_at__isnull=False),
                name="what_is_sent_has_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=Status.SENDING) | models.Q(lease__isnull=False, leased_until__isnull=False),
                name="what_is_being_sent_is_in_somebodys_hand",
            ),
            models.CheckConstraint(
                condition=models.Q(status=Status.CORRECTED, replacement__isnull=False)
                | models.Q(~models.Q(status=Status.CORRECTED), replacement__isnull=True),
                name="a_corrected_address_has_its_replacement",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(status=Status.LETTER, letter_on__isnull=False), ~models.Q(letter_reference="")
                )
                | models.Q(~models.Q(status=Status.LETTER), letter_on__isnull=True, letter_reference=""),
                name="a_letter_has_a_date_and_a_reference",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def mark(self) -> str:
        """An HMAC of delivery and content: stable for this e-mail, different for every other.

        It needs SECRET_KEY, so only the recipient's side can report the e-mail as bounced.
        """
        return self.marks()[0]

    def marks(self) -> list[str]:
        """The mark, and its values under SECRET_KEY_FALLBACKS."""
        said = f"{self.notice.sha256}:{self.pk}:{self.email}"
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        return [salted_hmac(f"{__name__}.mark", said, secret=key, algorithm="sha256").hexdigest()[:32] for key in keys]

    @property
    def named_mark(self) -> str:
        """The mark with the delivery's key, by which bounce reports are matched."""
        return f"{self.mark}.{self.pk}"

    @property
    def message_id(self) -> str:
        return f"<{self.named_mark}@{urlsplit(settings.SITE_URL).hostname}>"


class DeliveryCustomer(models.Model):
    """A customer that an e-mail is for, as it was named then. Triggers refuse UPDATE and DELETE.

    A delivery without any is for the customer of its contact alone. Several have it where an address is on record for
    several customers: above all that of an installer, for its sites.
    """

    delivery = models.ForeignKey(
        Delivery, models.PROTECT, related_name="customers", verbose_name=_("delivery"), db_index=False
    )
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="deliveries", verbose_name=_("customer"))
    named = models.CharField(_("name"), max_length=250)

    class Meta:
        verbose_name = _("customer of a delivery")
        verbose_name_plural = _("customers of a delivery")
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["delivery", "customer"], name="a_delivery_is_for_a_customer_once"),
        ]

    def __str__(self) -> str:
        return self.named


class Brake(models.Model):
    """The throttle of a notice: its pause and rate limit; without a notice, the state of the portal's rate limit."""

    notice = models.ForeignKey(
        Notice, models.PROTECT, null=True, blank=True, related_name="throttles", verbose_name=_("notice")
    )
    per_minute = models.PositiveIntegerField(_("e-mails per minute"), null=True, blank=True)
    free_at = models.DateTimeField(_("next e-mail"), help_text=_("The limit is used up until this time."))
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    paused_by = models.CharField(_("paused by"), max_length=200, blank=True)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = _("throttle")
        verbose_name_plural = _("throttles")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(Coalesce("notice", 0), name="a_notice_has_one_brake"),
            models.CheckConstraint(
                condition=models.Q(per_minute__isnull=True) | models.Q(per_minute__gt=0),
                name="a_limit_lets_something_through",
            ),
            models.CheckConstraint(
                condition=models.Q(paused_at__isnull=True) | ~models.Q(paused_by="") & ~models.Q(reason=""),
                name="a_pause_has_its_person_and_reason",
            ),
        ]

    def __str__(self) -> str:
        return str(self.notice)


class Told(models.TextChoices):
    """How a report says what became of an e-mail."""

    IN_FIELDS = "fields", _("report of a mail server")
    IN_WORDS = "words", _("report in plain words")
    COMPLAINT = "complaint", _("complaint")


class Bounce(models.Model):
    """A report that an e-mail bounced, was delayed beyond our mail server, or was complained of. Append-only."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="bounces", verbose_name=_("delivery"))
    key = models.CharField(_("SHA-256 of the report"), max_length=64, help_text=_("A report is applied once."))
    noted_at = models.DateTimeField(_("recorded at"))
    permanent = models.BooleanField(_("permanent"))
    said = models.TextField(_("text of the report"), blank=True)
    told = models.CharField(
        _("kind of report"),
        max_length=10,
        choices=Told.choices,
        null=True,  # by an earlier build, which knew the first kind alone
    )
    recipient = models.CharField(
        _("recipient in the report"),
        max_length=254,
        null=True,  # by an earlier build
        help_text=_("Differs from the address where the e-mail was forwarded."),
    )

    class Meta:
        verbose_name = _("bounce")
        verbose_name_plural = _("bounces")
        ordering = ["id"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["delivery", "key"], name="a_report_is_applied_once")]

    def __str__(self) -> str:
        return self.said


class UnmatchedReport(models.Model):
    """A report that names no e-mail of ours or cannot be read, kept until a person has looked at it."""

    class Why(models.TextChoices):
        NAMES_NO_MAIL = "names no mail", _("It names no e-mail of the portal.")
        UNREADABLE = "unreadable", _("It cannot be read.")
        TOO_LARGE = "too large", _("It is too large to read.")

    key = models.CharField(_("SHA-256 of the report"), max_length=64, unique=True)
    noted_at = models.DateTimeField(_("recorded at"))
    why = models.CharField(_("why it was not matched"), max_length=20, choices=Why.choices)
    sender = models.CharField(_("sender"), max_length=200, blank=True)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    said = models.TextField(_("text of the report"), blank=True)
    recipient = models.CharField(_("recipient in the report"), max_length=254, blank=True)
    content = models.BinaryField(help_text=_("The message as it came; of one too large its head."))
    looked_at = models.DateTimeField(_("looked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("unmatched report")
        verbose_name_plural = _("unmatched reports")
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(looked_at__isnull=True) | models.Q(looked_at__gte=models.F("noted_at")),
                name="a_report_is_looked_at_after_it_came",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or self.sender or self.key[:12]
