from django.contrib.admin import AdminSite


class PortalAdminSite(AdminSite):
    site_header = "SLA portal"
