"""manage.py changepassword: Django's, recorded in the audit log."""

import getpass

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record_password


class Command(changepassword.Command):
    def handle(self, *args, **options):
        said = super().handle(*args, **options)
        user = User.objects.get(username=options["username"] or getpass.getuser())
        # Afterwards, so that no lock is held while a person types.
        with transaction.atomic():
            record_password(actor=Actor.system("changepassword"), user=user, now=timezone.now())
        return said
