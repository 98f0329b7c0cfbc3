"""The time zone and country by which months are counted. Rows are only added."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Basis(models.Model):
    """The SLA time zone and the country of working days from an instant until the next row.

    The first row is written with the first closing. Triggers refuse UPDATE and DELETE.
    """

    since = models.DateTimeField(_("since"))
    time_zone = models.CharField(_("SLA time zone"), max_length=60)
    workday_country = models.CharField(_("country of working days"), max_length=20)
    saved_by_name = models.CharField(_("saved by"), max_length=200)
    reason = models.TextField(_("reason"), blank=True)

    class Meta:
        verbose_name = _("SLA time zone and working days")
        verbose_name_plural = _("SLA time zone and working days")
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.time_zone}, {self.workday_country}"
