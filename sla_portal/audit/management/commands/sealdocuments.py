"""`manage.py sealdocuments`: seal what waits, now, and say what cannot be sealed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ...queries import failed_seals
from ...seals import seal_due, waiting_seals


class Command(BaseCommand):
    help = "Seals all documents that wait for it, whatever pause a failure left them. Exits with 1 where some cannot be sealed."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not settings.SEAL_KEY:
            raise CommandError("SEAL_KEY is not set, so documents are issued unsealed.")
        now = timezone.now()
        waiting_seals().filter(next_attempt_at__gt=now).update(next_attempt_at=now)
        sealed = 0
        while done := seal_due(clock=timezone.now):
            sealed += done
        self.stdout.write(f"Sealed: {sealed}. Still unsealed: {waiting_seals().count()}.")
        failed = failed_seals().select_related("document").defer("content").first()
        if failed:
            raise CommandError(f"{failed.document}: {failed.error}")
