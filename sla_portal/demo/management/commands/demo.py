"""manage.py demo"""

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from sla_portal.customers.models import Region

from ...people import logins
from ...telling import build_demo


class Command(BaseCommand):
    help = (
        "Put a demo on record, unless the portal has a record of its own, and tell the address and the demo's logins."
    )

    def handle(self, *_args, **_options):
        if Region.objects.exists():
            self.stdout.write("The portal has a record; it is kept as it is.")
        else:
            build_demo(timezone.now())
            self.stdout.write("A demo of thirteen months is on record.")
        self.stdout.write(f"Address: {settings.SITE_URL}")
        for login in logins():
            self.stdout.write(f"{login.role + ':':<15} {login.name:<10} {login.password}")
