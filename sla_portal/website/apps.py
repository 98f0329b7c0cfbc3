from django.apps import AppConfig


class WebsiteConfig(AppConfig):
    name = "sla_portal.website"
