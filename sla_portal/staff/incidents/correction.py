"""The form that corrects an incident, with what it would change in closed months."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incidents.admin import IncidentAdmin
from incidents.models import Incident
from sla_portal.availability.models import Exclusion, Status
from sla_portal.availability.operations import preview_change
from sla_portal.badges import badge

from .closed_months import format_changes

admin.site.unregister(Incident)


@admin.register(Incident)
class CorrectionAdmin(IncidentAdmin):
    def get_queryset(self, request):
        confirmed = Exclusion.objects.filter(incident=OuterRef("pk"), status=Status.CONFIRMED)
        return super().get_queryset(request).annotate(confirmed=Exists(confirmed))

    @admin.display(description=gettext_lazy("classification"))
    def classification(self, incident):
        if incident.attributable is False and not incident.voided_at and not incident.confirmed:
            return badge("waiting", _("exclusion proposed"))
        return super().classification(incident)

    def preview(self, _record, months, write):
        return format_changes(preview_change(write=write, months=months, now=timezone.now()))
