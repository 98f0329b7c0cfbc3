from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "sla_portal.history"
