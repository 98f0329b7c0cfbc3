"""manage.py demo"""

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from sla_portal.customers.models import Region

from ...build import build_demo
from ...people import logins


class Command(BaseCommand):
    help = "Create the demo data unless the portal already has data, and print the address and the logins of the demo."

    def handle(self, *_args, **_options):
        if Region.objects.exists():
            self.stdout.write("The portal already has data; no demo was created.")
        else:
            build_demo(timezone.now())
            self.stdout.write("A demo of thirteen months was created.")
        self.stdout.write(f"Address: {settings.SITE_URL}")
        for login in logins():
            self.stdout.write(f"{login.role + ':':<15} {login.name:<10} {login.password}")
