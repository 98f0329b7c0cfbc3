from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "sla_portal.reports"
