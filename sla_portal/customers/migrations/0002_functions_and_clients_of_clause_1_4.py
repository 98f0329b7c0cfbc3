"""Put the core functions and clients that clause 1.4 names on record."""

from django.db import migrations

FUNCTIONS = [("login", "Login"), ("calls", "Audio and video calls"), ("preview", "Video preview"), ("door", "Door opening")]
CLIENTS = [("app", "App"), ("device", "Device"), ("web", "Web")]


def add(apps, schema_editor):
    for name, rows in (("CoreFunction", FUNCTIONS), ("Client", CLIENTS)):
        model = apps.get_model("customers", name)
        model.objects.bulk_create(
            model(code=code, name=title, position=position) for position, (code, title) in enumerate(rows, 1)
        )


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
