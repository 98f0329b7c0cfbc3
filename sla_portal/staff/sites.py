"""The admin site with the staff pages of the portal."""

from functools import wraps
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.admin import AdminSite
from django.db import transaction
from django.http import HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record_password
from sla_portal.audit.versions import versioned
from sla_portal.clocks import DASH
from sla_portal.customers.models import Region

from .middleware import SESSION_KEY
from .operations import count_failed_sign_in, record_sign_in
from .sending import forget_others, keep_typed, saved_once, sign_in_again


class PortalAdminSite(AdminSite):
    site_title = site_header = _("SLA portal")
    site_url = None
    empty_value_display = DASH
    enable_nav_sidebar = False

    def admin_view(self, view, cacheable=False):
        """Save each form once, from the version it was made from; keep what a signed-out person sends."""
        guarded = super().admin_view(saved_once(versioned(view)), cacheable)

        @wraps(guarded)
        def inner(request, *args, **kwargs):
            signed_out = request.method == "POST" and not self.has_permission(request)
            if signed_out and request.path != reverse("admin:logout"):
                return sign_in_again(request)
            return guarded(request, *args, **kwargs)

        return inner

    @method_decorator(never_cache)
    def login(self, request, extra_context=None):
        from .forms import SignInForm

        self.login_form = SignInForm
        response = super().login(request, extra_context)
        if request.method == "POST":
            self._note(request, response)
        if request.method == "POST" and request.user.is_authenticated:
            forget_others(request)
        return response

    def _note(self, request, response):
        """Record a sign-in, or count a failed one."""
        now = timezone.now()
        if isinstance(response, HttpResponseRedirect):
            record_sign_in(user=request.user, now=now)
        else:
            name = response.context_data["form"].cleaned_data.get("username", "")
            count_failed_sign_in(name=name, locked_out=getattr(request, "axes_locked_out", False), now=now)

    @method_decorator(transaction.atomic)
    def password_change(self, request, extra_context=None):
        response = super().password_change(request, extra_context)
        if request.method == "POST" and isinstance(response, HttpResponseRedirect):
            record_password(actor=Actor.staff(request.user), user=request.user, now=timezone.now())
        return response

    def get_urls(self):
        from . import deadlines, home, rehearsal, search
        from .amendments.urls import urls as amendments
        from .claims.urls import urls as claims
        from .contracts.urls import urls as contracts
        from .customers.urls import urls as customers
        from .incidents.urls import urls as incidents
        from .maintenance.urls import urls as maintenance
        from .months.urls import urls as months
        from .operator.urls import urls as operator
        from .setup.password import set_first_password
        from .setup.urls import urls as setup
        from .shift.urls import urls as shift

        pages = [
            path("", self.admin_view(home.index), name="index"),
            path("calendar/", self.admin_view(deadlines.calendar), name="legal_calendar"),
            path("search/", self.admin_view(search.search), name="search"),
            path("clock/", self.admin_view(self.clock), name="clock"),
            path("rehearsal/", self.admin_view(rehearsal.rehearsal), name="rehearsal"),
            path("password/<str:token>/", set_first_password, name="set_first_password"),
            path("typed/", self.admin_view(keep_typed), name="keep_typed"),
        ]
        for urls in (incidents, maintenance, claims, contracts, customers, months, amendments, shift, operator, setup):
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
