from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperatorConfig(AppConfig):
    name = "sla_portal.operator"
    verbose_name = _("Operator")
