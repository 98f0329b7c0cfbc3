"""The portal's addresses."""

from django.contrib import admin
from django.urls import include, path

from sla_portal.health import healthz
from sla_portal.reports.views import report_file

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(("sla_portal.api.urls", "api"))),
    path("reports/<int:pk>/file", report_file, name="report_file"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("anymail/", include("sla_portal.notices.urls")),
    path("healthz", healthz, name="healthz"),
    path("", include("sla_portal.website.urls")),
]
handler404 = "sla_portal.website.views.not_found"
