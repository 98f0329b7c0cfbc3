from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "sla_portal.audit"
    verbose_name = _("Audit log")

    def ready(self) -> None:
        from .checks import check_role, check_seal_key

        checks.register(check_role, checks.Tags.database, deploy=True)
        checks.register(check_seal_key, checks.Tags.security, deploy=True)
