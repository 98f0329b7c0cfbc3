from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "sla_portal.demo"
