"""manage.py createsuperuser: Django's, recorded in the audit log."""

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record


class Command(createsuperuser.Command):
    def handle(self, *args, **options):
        newest = User.objects.order_by("pk").last()
        said = super().handle(*args, **options)
        # Afterwards, so that no lock is held while a person types.
        with transaction.atomic():
            for user in User.objects.filter(is_superuser=True, pk__gt=newest.pk if newest else 0):
                record(
                    actor=Actor.system("createsuperuser"),
                    action="hired",
                    subject=user,
                    now=timezone.now(),
                    changes={"role": [None, "superuser"]},
                )
        return said
