from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NoticesConfig(AppConfig):
    name = "sla_portal.notices"
    verbose_name = _("Notices")

    def ready(self):
        # django-anymail reports provider events by this signal only.
        from anymail.signals import tracking

        from .webhooks import note_event

        tracking.connect(note_event, dispatch_uid=__name__)
