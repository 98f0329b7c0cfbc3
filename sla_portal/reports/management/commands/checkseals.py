"""manage.py checkseals"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from sla_portal.audit.seals import waiting_seals
from sla_portal.audit.words import sentence
from sla_portal.notices.operations import notify_of_findings

from ...operations import check_documents


class Command(BaseCommand):
    help = (
        "Verify all that was issued: every file against the register, every seal against its file and certificate, and that "
        "nothing is left out. Prints a sentence for each fault, notifies administrators and auditors of what is new, and exits "
        "with 1 if there is any."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        now = timezone.now()
        check = check_documents(now=now)
        for finding in check.findings:
            self.stdout.write(sentence(finding))
        notify_of_findings(check=check, now=now)
        if check.findings:
            raise SystemExit(1)
        self.stdout.write(
            f"All that was issued is intact: {check.documents} documents verified. Waiting for a seal: {waiting_seals().count()}."
        )
