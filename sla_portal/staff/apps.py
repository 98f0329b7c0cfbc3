from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from sla_portal.typed import prepare_text_fields


class StaffConfig(AppConfig):
    name = "sla_portal.staff"
    verbose_name = _("Staff pages")

    def ready(self) -> None:
        from .roles import sync_roles

        # Of the apps with tables this one is the last, so that the permissions of all are there.
        post_migrate.connect(sync_roles, sender=self, dispatch_uid="sync_roles")


class PortalAdminConfig(AdminConfig):
    default_site = "sla_portal.staff.sites.PortalAdminSite"

    def ready(self) -> None:
        # Before the forms are made, which the admin site imports.
        prepare_text_fields()
        super().ready()
