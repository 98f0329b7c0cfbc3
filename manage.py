#!/usr/bin/env python
"""Run one of the portal's commands: `manage.py help` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sla_portal.settings")
    try:
        from django.core.management import execute_from_command_line
        from django.db import OperationalError, connection
    except ImportError:
        sys.exit("Django is not installed here: run `make setup`, then .venv/bin/python manage.py.")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if connection.connection is not None:
            raise
        sys.exit(f"The database of DATABASE_URL cannot be reached: {str(error).strip()}")


if __name__ == "__main__":
    main()
