"""The list of maintenance windows, with the service months that each touches."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy

from maintenance.admin import MaintenanceWindowAdmin
from maintenance.models import MaintenanceWindow
from sla_portal.kernel.intervals import Span, epoch

from .windows import format_months, months_of_each

admin.site.unregister(MaintenanceWindow)


@admin.register(MaintenanceWindow)
class WindowListAdmin(MaintenanceWindowAdmin):
    list_display = (*MaintenanceWindowAdmin.list_display, "months")

    def get_changelist_instance(self, request):
        """Give each window of the page its months; one query finds which of them are closed."""
        found = super().get_changelist_instance(request)
        for window, months in zip(found.result_list, months_of_each(map(_span, found.result_list)), strict=True):
            window.months_touched = months
        return found

    @admin.display(description=gettext_lazy("service months"))
    def months(self, window):
        return format_months(window.months_touched)


def _span(window: MaintenanceWindow) -> Span:
    return epoch(window.starts_at), epoch(window.ends_at)
