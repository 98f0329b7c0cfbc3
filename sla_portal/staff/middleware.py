"""The reader's clock, chosen in the header and kept in the session."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

SESSION_KEY = "time_zone"


class ReaderClock:
    """Show and read times on the clock that the reader chose; without a choice, on the SLA clock."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        # Without its cookie there is no session, and to look would make every answer depend on cookies.
        chosen = request.session.get(SESSION_KEY) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        with timezone.override(ZoneInfo(chosen) if chosen else settings.SLA_ZONE):
            return self.get_response(request)
