"""The operator's own calendar of working days."""

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sla_portal.audit.admin import AuditedModelAdmin, Link, day_column
from sla_portal.badges import badge

from .models import CalendarYear, OwnDay


@admin.register(OwnDay)
class OwnDayAdmin(AuditedModelAdmin):
    """List the days that differ from the official calendar; a change moves the claim periods that depend on it (3.3.1)."""

    list_display = (day_column("day", _("day")), "kind", "note")
    add_words = _("Add a day")
    nothing_yet = _(
        "Working days follow the official calendar. Add a day here if the calendar is wrong about it or does not list it yet."
    )

    def list_links(self, request):
        yield Link(_("Checked calendar years"), reverse("admin:claims_calendaryear_changelist"))

    @admin.display(description=_("kind"))
    def kind(self, own):
        return badge("up", _("working day")) if own.working else badge("plain", _("day off"))


@admin.register(CalendarYear)
class CalendarYearAdmin(AuditedModelAdmin):
    """List the years whose official calendar is checked: claim dates in them are no longer provisional (3.3.1)."""

    list_display = ("year", "source")
    add_words = _("Add a checked year")
    nothing_yet = _(
        "Until the make-up working days of a year are published, claim dates in it are provisional. Once you have compared "
        "its official calendar with the days here, add the year."
    )

    def list_links(self, request):
        yield Link(_("Days of the operator's calendar"), reverse("admin:claims_ownday_changelist"))
