"""The form that corrects an incident, with what it would change in closed months."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone

from incidents.admin import IncidentAdmin
from incidents.models import Incident
from sla_portal.availability.operations import preview_change

from .closed_months import format_changes

admin.site.unregister(Incident)


@admin.register(Incident)
class CorrectionAdmin(IncidentAdmin):
    def preview(self, months, write):
        return format_changes(preview_change(write=write, months=months, now=timezone.now()))
