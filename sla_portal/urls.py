"""The portal's addresses."""

from django.contrib import admin
from django.urls import include, path

from sla_portal.health import healthz

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(("sla_portal.api.urls", "api"))),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", healthz, name="healthz"),
    path("", include("sla_portal.website.urls")),
]
handler404 = "sla_portal.website.views.not_found"
