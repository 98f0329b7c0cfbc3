"""Tables of the staff pages."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _


class Submission(models.Model):
    """A saved form by its idempotency key."""

    key = models.UUIDField(unique=True)
    at = models.DateTimeField()
    location = models.CharField(max_length=2000, help_text="Where whoever sent it was led; empty while it is saved.")
    digest = models.CharField(max_length=64, default="", help_text="Identifies what was sent.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.key)


class FailedSignIns(models.Model):
    """How many attempts to sign in failed in an hour with an account's name, or with names of no account."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("account"), db_index=False
    )
    hour = models.DateTimeField(_("hour"), help_text=_("Its beginning."))
    failures = models.PositiveIntegerField(_("failed attempts"))
    locked_out = models.PositiveIntegerField(_("attempts refused by the lock-out"), default=0)
    recorded = models.BooleanField(_("recorded in the audit log"), default=False)

    class Meta:
        verbose_name = _("failed sign-ins")
        verbose_name_plural = _("failed sign-ins")
        ordering = ["-hour", "-failures"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint("hour", Coalesce("user", 0), name="failed_sign_ins_of_an_hour_are_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}"


class PrivateCalendar(models.Model):
    """The private address of a person's calendar; its token follows from the row and the secret key (`deadlines.token`)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="private_calendar", verbose_name=_("account")
    )
    nonce = models.CharField(
        max_length=32, help_text="Another with each address: an earlier one does not work any more."
    )
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("private calendar")
        verbose_name_plural = _("private calendars")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user)
