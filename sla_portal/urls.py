"""The portal's addresses."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from sla_portal.health import healthz

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", healthz, name="healthz"),
]
