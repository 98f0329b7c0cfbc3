"""manage.py historyschema"""

import json

from django.core.management.base import BaseCommand

from ...format import json_schema


class Command(BaseCommand):
    help = "Print the JSON Schema of the history file (docs/history.md)."
    requires_system_checks = []

    def handle(self, *_args, **_options):
        self.stdout.write(json.dumps(json_schema(), indent=2))
