"""The operator's own calendar of working days."""

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import AuditedModelAdmin, Link, day_column
from sla_portal.badges import badge

from .models import CalendarYear, OwnDay


@admin.register(OwnDay)
class OwnDayAdmin(AuditedModelAdmin):
    """A day corrected here moves every opening of claims that hangs on it (3.3.1)."""

    list_display = (day_column("day", _("day")), "kind", "note")
    add_words = _("Add a day")
    nothing_yet = _(
        "Working days follow the official calendar. A day on which it is wrong, or which it does not know yet, is added here."
    )

    def list_links(self, request):
        yield Link(_("Checked calendar years"), reverse("admin:claims_calendaryear_changelist"))

    @admin.display(description=_("kind"))
    def kind(self, own):
        return badge("up", _("working day")) if own.working else badge("plain", _("day off"))


@admin.register(CalendarYear)
class CalendarYearAdmin(AuditedModelAdmin):
    """Once a year is checked, no date that hangs on it is provisional any more."""

    list_display = ("year", "source")
    add_words = _("Add a checked year")
    nothing_yet = _(
        "A year whose make-up working days are not published yet makes dates provisional. Once you have compared its "
        "official calendar with the days here, add the year."
    )

    def list_links(self, request):
        yield Link(_("Days of the operator's calendar"), reverse("admin:claims_ownday_changelist"))
