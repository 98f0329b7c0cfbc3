"""The operator's own calendar, for days on which the official one is wrong or not published yet (3.3.1)."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class OwnDay(models.Model):
    """A working day or day off that overrides the official calendar."""

    day = models.DateField(_("day"), unique=True)
    working = models.BooleanField(_("working day"), help_text=_("Ticked: a working day. Not ticked: a day off."))
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("Why, and who published it."))

    class Meta:
        verbose_name = _("day of the operator's calendar")
        verbose_name_plural = _("days of the operator's calendar")
        ordering = ["-day"]

    def __str__(self) -> str:
        return self.day.isoformat()


class CalendarYear(models.Model):
    """A year whose official calendar the operator has checked; its dates are no longer provisional."""

    year = models.PositiveSmallIntegerField(
        _("year"), unique=True, validators=[MinValueValidator(2000), MaxValueValidator(2100)]
    )
    source = models.CharField(_("source"), max_length=300, help_text=_("Where the official calendar was published."))

    class Meta:
        verbose_name = _("checked calendar year")
        verbose_name_plural = _("checked calendar years")
        ordering = ["-year"]

    def __str__(self) -> str:
        return str(self.year)
