from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AgreementsConfig(AppConfig):
    name = "sla_portal.agreements"
    verbose_name = _("Agreement and contracts")
