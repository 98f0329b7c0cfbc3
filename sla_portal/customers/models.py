"""Customers and contacts; regions, core functions and clients."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sla_portal.kernel.months import ServiceMonth

code_validator = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", _("Use letters, digits, dots, hyphens and underscores only.")
)


def validate_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError(
            _("“%(name)s” is not a time zone. Enter a name such as Europe/Berlin."), params={"name": name}
        ) from None


class Coded(models.Model):
    """A row identified by its code for people and files."""

    code = models.CharField(_("code"), max_length=40, unique=True, validators=[code_validator])
    name = models.CharField(_("name"), max_length=200)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Translated(Coded):
    """A row with a name field per language; files and the audit log carry `name`."""

    name_zh = models.CharField(
        _("name in Chinese"),
        max_length=200,
        blank=True,
        help_text=_("Shown to Chinese readers. Empty: the name above is shown."),
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name_in(get_language())

    def name_in(self, language: str | None) -> str:
        """Return the name in `language` (`en`, `zh-hans`), or `name` if it is missing."""
        return (self.name_zh if (language or "").startswith("zh") else "") or self.name


class Region(Translated):
    """A part of the platform that is available or unavailable as a whole."""

    time_zone = models.CharField(
        _("time zone"),
        max_length=60,
        blank=True,
        validators=[validate_time_zone],
        help_text=_("Time zone of the people in this region. Empty: the SLA time zone. Only the SLA time zone counts."),
    )
    first_service_day = models.DateField(
        _("first service day"),
        null=True,
        blank=True,
        help_text=_(
            "In the SLA time zone. Earlier days of this region are not in service. Months before the first service day "
            "of every region are neither closed nor reported."
        ),
    )
    last_service_day = models.DateField(
        _("last service day"),
        null=True,
        blank=True,
        help_text=_("In the SLA time zone. Later days are not in service. Empty: the region is not discontinued."),
    )

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(first_service_day__isnull=True)
                | models.Q(last_service_day__isnull=True)
                | models.Q(last_service_day__gte=models.F("first_service_day")),
                name="a_region_is_not_discontinued_before_its_first_service_day",
            ),
        ]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone) if self.time_zone else settings.SLA_ZONE

    def service_days(self, month: ServiceMonth) -> list[date]:
        """Return the dates of the month from the first service day to the last (1.6)."""
        return month.days_between(self.first_service_day, self.last_service_day)


class Positioned(Translated):
    position = models.PositiveSmallIntegerField(_("position"), default=0, help_text=_("Smaller numbers come first."))

    class Meta:
        abstract = True
        ordering = ["position", "code"]


class CoreFunction(Positioned):
    """A core function (1.4): login, calls, preview, door, and those added by the operator."""

    class Meta(Positioned.Meta):
        verbose_name = _("core function")
        verbose_name_plural = _("core functions")


class Client(Positioned):
    """A client (1.4): app, device, web, and those added by the operator."""

    class Meta(Positioned.Meta):
        verbose_name = _("client")
        verbose_name_plural = _("clients")


class Customer(Coded):
    """A party to the agreement, served from one region."""

    region = models.ForeignKey(Region, models.PROTECT, verbose_name=_("region"), related_name="customers")
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    installer = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("installer"),
        related_name="sites",
        help_text=_(
            "This customer is a site of the installer: the installer's contacts act for it and are notified too."
        ),
    )
    bundled = models.BooleanField(
        _("sites bundled"),
        default=True,
        help_text=_(
            "For an installer: its contacts get one e-mail for all sites, with their list. Otherwise one for each site."
        ),
    )
    reports_by_mail = models.BooleanField(
        _("reports by e-mail"),
        default=False,
        help_text=_(
            "Its contacts get an e-mail when the reports of a closed month are issued; for an installer: those of its sites."
        ),
    )

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["code"]
        constraints = [
            # Triggers of `triggers.py` add: an installer has no installer.
            models.CheckConstraint(
                condition=~models.Q(installer=models.F("id")), name="a_customer_is_not_its_own_installer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Right(models.TextChoices):
    """What a contact may do for a customer; the value is the field of `Contact` that marks it."""

    LEGAL_NOTICES = "legal_notices", _("legal notices")
    TERMINATE = "may_terminate", _("may terminate")
    CLAIM = "may_claim", _("may claim")


class Contact(models.Model):
    """A person at a customer who receives notices. A right that no contact of the customer is marked for, all of them have."""

    customer = models.ForeignKey(Customer, models.CASCADE, verbose_name=_("customer"), related_name="contacts")
    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=200, blank=True)
    legal_notices = models.BooleanField(
        _("legal notices"),
        default=False,
        help_text=_("Gets notices of amendments (5.2). If no contact of a customer is marked, all of them do."),
    )
    may_terminate = models.BooleanField(
        _("may terminate"),
        default=False,
        help_text=_("May terminate contracts (5.2). If no contact of a customer is marked, all of them may."),
    )
    may_claim = models.BooleanField(
        _("may claim"),
        default=False,
        help_text=_("May claim compensation (3.3). If no contact of a customer is marked, all of them may."),
    )

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint("customer", Lower("email"), name="a_customer_has_an_address_once"),
        ]

    def __str__(self) -> str:
        return self.email


class SignInCode(models.Model):
    """A request to sign in to the customer account: the code and link that were mailed, if the address is on record."""

    key_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key in the address of its page.")
    email = models.EmailField(_("e-mail"), help_text="As typed, on record or not.")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    looked_up_at = models.DateTimeField(null=True, help_text="When a task looked for the address, and mailed the code.")
    contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="+")
    code_hash = models.CharField(max_length=64, blank=True)
    link_hash = models.CharField(max_length=64, blank=True, db_index=True)
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("code for the customer account")
        verbose_name_plural = _("codes for the customer account")
        default_permissions = ()
        indexes = [
            models.Index(fields=["id"], condition=models.Q(looked_up_at__isnull=True), name="sign_ins_to_be_mailed"),
            models.Index(fields=["expires_at"], name="sign_ins_by_expiry"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("asked_at")),
                name="a_sign_in_code_expires_after_it_is_asked_for",
            ),
            models.CheckConstraint(
                condition=models.Q(used_at__isnull=True)
                | models.Q(contact__isnull=False, used_at__lt=models.F("expires_at")) & ~models.Q(code_hash=""),
                name="a_sign_in_code_is_used_while_it_is_valid",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class AccountSession(models.Model):
    """A contact signed in to the customer account. It is no session of Django, and ends with the contact."""

    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the cookie.")
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="account_sessions")
    email = models.EmailField(_("e-mail"), help_text="The address then: another on record ends the session.")
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("session in the customer account")
        verbose_name_plural = _("sessions in the customer account")
        default_permissions = ()
        indexes = [models.Index(fields=["expires_at"], name="account_sessions_by_expiry")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("started_at")), name="a_session_ends_after_it_starts"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
