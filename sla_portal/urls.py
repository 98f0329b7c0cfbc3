"""The portal's addresses."""

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import include, path, reverse

from sla_portal.api.views import nothing_here
from sla_portal.health import healthz
from sla_portal.operator.queries import operator_in_force, present_mark
from sla_portal.operator.words import mark_name, mark_sentence, shown
from sla_portal.reports.views import report_file
from sla_portal.staff.deadlines import feed as private_calendar
from sla_portal.website.views import nothing

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(("sla_portal.api.urls", "api"))),
    path("reports/<int:pk>/file", report_file, name="report_file"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("anymail/", include("sla_portal.notices.urls")),
    path("healthz", healthz, name="healthz"),
    path("calendars/private/<str:token>.ics", private_calendar, name="private_calendar"),
    path("", include("sla_portal.website.urls")),
]
handler404 = "sla_portal.urls.not_found"
handler500 = "sla_portal.urls.failed"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django names it)
    """Answer 404: as JSON below /api/, as a staff page below /admin/, otherwise as a public page."""
    if request.path.startswith("/api/"):
        return nothing_here(request)
    if request.path.startswith(reverse("admin:index")):
        return HttpResponse(render_to_string("404.html", request=request), status=404)
    return nothing(request)


def failed(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 (Django gives it)
    """Answer 500, marked where nothing is real; a database that fails, too, cannot say who the operator is."""
    context: dict[str, Any] = {}
    with suppress(DatabaseError):
        mark = present_mark()
        context["mark"] = mark_name(mark), mark_sentence(mark)
        context |= shown(operator_in_force())
    return HttpResponse(render_to_string("500.html", context), status=500)
