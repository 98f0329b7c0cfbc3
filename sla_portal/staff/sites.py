"""The admin site with the staff pages of the portal."""

from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from sla_portal.clocks import DASH
from sla_portal.customers.models import Region

from .middleware import SESSION_KEY


class PortalAdminSite(AdminSite):
    site_title = site_header = _("SLA portal")
    site_url = None
    empty_value_display = DASH
    enable_nav_sidebar = False

    def get_urls(self):
        from . import home, search
        from .amendments.urls import urls as amendments
        from .claims.urls import urls as claims
        from .incidents.urls import urls as incidents
        from .maintenance.urls import urls as maintenance
        from .months.urls import urls as months
        from .shift.urls import urls as shift

        pages = [
            path("", self.admin_view(home.index), name="index"),
            path("search/", self.admin_view(search.search), name="search"),
            path("clock/", self.admin_view(self.clock), name="clock"),
        ]
        for urls in (incidents, maintenance, claims, months, amendments, shift):
            pages += urls(self.admin_view)
        return pages + super().get_urls()

    def clock(self, request):
        """Choose the time zone of the reader."""
        if request.method == "POST":
            chosen = request.POST.get("zone", "")
            if chosen in available_timezones():
                request.session[SESSION_KEY] = chosen
            following = request.POST.get("next", "")
            if url_has_allowed_host_and_scheme(following, {request.get_host()}, request.is_secure()):
                return HttpResponseRedirect(following)
            return redirect("admin:index")
        regions = Region.objects.exclude(time_zone="").values_list("time_zone", flat=True)
        near = dict.fromkeys([settings.SLA_TIME_ZONE, "UTC", *regions])
        context = {
            **self.each_context(request),
            "title": _("Time zone"),
            "near": list(near),
            "zones": sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")),
            "next": request.GET.get("next", ""),
        }
        return TemplateResponse(request, "staff/clock.html", context)
