"""Rehearsals: what is recorded before the portal is opened, to try it out."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _


class Rehearsal(models.Model):
    """A time in which everything that is recorded is for trying out; `manage.py emptyrehearsal` ends it.

    Triggers refuse a rehearsal of a portal that is open, and any change of one that has ended.
    """

    begun_at = models.DateTimeField(_("begun at"))
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("begun by")
    )
    begun_by_name = models.CharField(_("begun by"), max_length=200)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by_name = models.CharField(_("ended by"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("rehearsal")
        verbose_name_plural = _("rehearsals")
        ordering = ["-id"]
        default_permissions = ()
        permissions = [("begin_rehearsal", gettext_noop("Can begin a rehearsal before the portal is opened"))]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, ended_by_name="")
                | (models.Q(ended_at__gte=models.F("begun_at")) & ~models.Q(ended_by_name="")),
                name="a_rehearsal_is_ended_by_someone_after_it_began",
            ),
            models.UniqueConstraint(
                # Empty in each that runs, so that there is one.
                fields=["ended_by_name"],
                condition=models.Q(ended_at__isnull=True),
                name="one_rehearsal_runs_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return gettext("Rehearsal %(number)s") % {"number": self.pk}
