"""The addresses of the read API, as documented for Atlassian Statuspage."""

from django.urls import path

from . import views

urlpatterns = [
    path("v2/summary.json", views.summary, name="summary"),
    path("v2/status.json", views.status, name="status"),
    path("v2/components.json", views.components, name="components"),
    path("v2/incidents.json", views.incidents, name="incidents"),
    path("v2/incidents/unresolved.json", views.unresolved_incidents, name="unresolved_incidents"),
    path("v2/incidents/<str:identity>.json", views.one_incident, name="one_incident"),
    path("v2/scheduled-maintenances.json", views.maintenances, name="maintenances"),
    path("v2/scheduled-maintenances/upcoming.json", views.upcoming_maintenances, name="upcoming_maintenances"),
    path("v2/scheduled-maintenances/active.json", views.active_maintenances, name="active_maintenances"),
    path("<path:anything>", views.nothing_here),
]
