"""The time zone of the reader, stored in the session; a language that the operator offers."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from sla_portal.operator.queries import operator_in_force

SESSION_KEY = "time_zone"


class ReaderTimeZone:
    """Activate the time zone that the reader chose; by default the SLA time zone."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        # Without the cookie there is no session, and reading it would add "Vary: Cookie" to every response.
        chosen = request.session.get(SESSION_KEY) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        with timezone.override(ZoneInfo(chosen) if chosen else settings.SLA_ZONE):
            return self.get_response(request)


class OfferedLanguage:
    """Show staff pages in a language that the operator offers, whatever cookie and browser ask for."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path.startswith(reverse("admin:index")):
            request.operator = operator_in_force()
            request.LANGUAGE_CODE = request.operator.language_for(translation.get_language())
            translation.activate(request.LANGUAGE_CODE)
        return self.get_response(request)
