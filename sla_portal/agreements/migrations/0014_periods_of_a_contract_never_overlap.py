"""Refuse contract periods that begin before the one that they renew has ended; those on record stay, to be corrected."""

from django.db import migrations

from sla_portal.agreements.triggers import add, drop


class Migration(migrations.Migration):
    dependencies = [("agreements", "0013_charges_and_renewals")]
    operations = [migrations.RunPython(add, drop)]
