from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class OperatorConfig(AppConfig):
    name = "sla_portal.operator"
    verbose_name = _("Operator")

    def ready(self) -> None:
        from .checks import check_site_role
        from .starting import check_basis

        checks.register(check_site_role, checks.Tags.database, deploy=True)
        checks.register(check_basis, checks.Tags.database)
