"""What makes a database a staging copy."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class StagingCopy(models.Model):
    """`manage.py stagecopy` was run: what lets this database be served as a staging copy, and never as the original.

    Triggers refuse UPDATE and DELETE.
    """

    made_at = models.DateTimeField(_("made at"))
    masked = models.BooleanField(_("names and addresses masked"))

    class Meta:
        verbose_name = _("staging copy")
        verbose_name_plural = _("staging copies")
        ordering = ["-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return gettext("Staging copy %(number)s") % {"number": self.pk}
