from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StaffConfig(AppConfig):
    name = "sla_portal.staff"


class PortalAdminConfig(AdminConfig):
    default_site = "sla_portal.staff.sites.PortalAdminSite"
