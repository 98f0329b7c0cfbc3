"""URLs of the pages on maintenance windows."""

from django.urls import URLPattern, path

from . import calendar, confirmation, export, window


def urls(view) -> list[URLPattern]:
    """Return the URL patterns; `view` adds the permission check of the admin site."""
    one = "maintenance/maintenancewindow/<int:pk>/"
    return [
        path("maintenance/maintenancewindow/calendar/", view(calendar.calendar), name="maintenance_calendar"),
        path("maintenance/export/<str:form>/", view(export.windows), name="export_windows"),
        path(one, view(window.window), name="maintenance_window"),
        path(one + "announce/", view(window.announce), name="announce_window"),
        path(one + "lengthen/", view(window.extend), name="extend_window"),
        path(one + "cancel/", view(window.cancel), name="cancel_window"),
        path(one + "start/", view(window.start), name="start_work"),
        path(one + "finish/", view(window.finish), name="finish_work"),
        path(one + "work/", view(window.work), name="record_work"),
        path(one + "discard/", view(window.discard), name="discard_window"),
        path(one + "requests/<int:number>/", view(confirmation.confirm), name="confirm_announcement"),
        path(one + "requests/<int:number>/return/", view(confirmation.send_back), name="return_announcement"),
        path(one + "requests/<int:number>/withdraw/", view(confirmation.withdraw), name="withdraw_announcement"),
        path(one + "not-carried-out/", view(window.not_carried_out), name="not_carried_out"),
    ]
