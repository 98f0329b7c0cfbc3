"""The opening of the portal to the public."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _


class Opening(models.Model):
    """From which day the service is reported, and since when the public sees it. Triggers refuse UPDATE and DELETE once opened.

    Without a row, or with one that is not opened, the public website reports nothing and takes no claims.
    """

    ONLY = 1
    """The primary key of the only row."""

    reported_from = models.DateField(
        _("reported from"), null=True, blank=True, help_text=_("The website names this day until the portal is opened.")
    )
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("opened by")
    )

    class Meta:
        verbose_name = _("opening to the public")
        verbose_name_plural = _("opening to the public")
        default_permissions = ()
        permissions = [("open_portal", gettext_noop("Can open the portal to the public"))]
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="a_portal_is_opened_once"),
            models.CheckConstraint(
                condition=models.Q(opened_at__isnull=False) | models.Q(opened_by__isnull=True),
                name="who_opened_a_portal_did_so_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return gettext("Public website")
