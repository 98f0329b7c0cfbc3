"""The addresses of the public website."""

from django.urls import include, path

from . import answers, calendars, feeds, minutes, views

urlpatterns = [
    path("", views.home, name="home"),
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/<path:reference>/", views.incident, name="incident"),
    path("maintenance/", views.maintenance, name="maintenance"),
    path("maintenance/<str:code>.ics", calendars.region_calendar, name="region_calendar"),
    path("maintenance/<path:reference>/", views.window, name="window"),
    path("availability/", views.availability, name="availability"),
    path("availability/<str:code>/", views.region, name="region"),
    path("availability/<str:code>/<str:month>/", views.month, name="month"),
    path("availability/<str:code>/<str:month>/minutes/", minutes.of_region, name="minutes"),
    path("reports/minutes/", minutes.of_report, name="report_minutes"),
    path("notices/", views.notices, name="notices"),
    path("notices/<path:number>/", views.notice, name="notice"),
    path("agreement/", views.agreement, name="agreement"),
    path("agreement/answer/<str:token>/", answers.answer, name="agreement_answer"),
    path("agreement/compare/", views.compare, name="agreement_compare"),
    path("agreement/<str:version>/text.json", views.hashed, name="agreement_hashed"),
    path("agreement/<str:before>/<str:after>/", views.redline, name="agreement_redline"),
    path("agreement/<path:version>/", views.agreement, name="agreement_version"),
    path("checkpoints/", views.checkpoints, name="checkpoints"),
    path("data/", views.data, name="data"),
    path("feeds/incidents.atom", feeds.incidents, name="feed_incidents"),
    path("feeds/maintenance.atom", feeds.maintenance, name="feed_maintenance"),
    path("feeds/announcements.atom", feeds.announcements, name="feed_notices"),
    path("feeds/checkpoints.atom", feeds.checkpoints, name="feed_checkpoints"),
    path("", include("sla_portal.website.claims.urls")),
    path("clock/", views.clock, name="clock"),
    path("choose/", views.choose, name="choose"),
    path("favicon.ico", views.favicon),
    path("robots.txt", views.robots),
]
