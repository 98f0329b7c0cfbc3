"""manage.py checkaudit [--tail] [--against NUMBER:HASH …]"""

import re
from argparse import ArgumentTypeError

from django.core.management.base import BaseCommand
from django.utils import timezone

from sla_portal.audit.operations import check_log, check_tail
from sla_portal.audit.rules import Mark
from sla_portal.audit.words import sentence
from sla_portal.notices.operations import notify_of_findings


def mark(text):
    found = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", text)
    if not found:
        raise ArgumentTypeError(f"{text!r} is not NUMBER:HASH, the number of an entry and its SHA-256 in hexadecimal.")
    return Mark(int(found[1]), found[2])


class Command(BaseCommand):
    help = (
        "Verify the audit log: every hash, the numbers, the head, and all checkpoints. Prints a sentence for each fault, "
        "notifies administrators and auditors of what is new, and exits with 1 if there is any."
    )

    def add_arguments(self, parser):
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--tail", action="store_true", help="only what follows the newest checkpoint")
        which.add_argument(
            "--against",
            nargs="+",
            type=mark,
            default=[],
            metavar="NUMBER:HASH",
            help="checkpoints kept outside the portal: the number of the newest entry, and its hash",
        )

    def handle(self, *_args, tail, against, **_options):
        now = timezone.now()
        check = check_tail(now=now) if tail else check_log(now=now, outside=against)
        for finding in check.findings:
            self.stdout.write(sentence(finding))
        notify_of_findings(check=check, now=now)
        if check.findings:
            raise SystemExit(1)
        self.stdout.write(f"The audit log is intact: {check.entries} entries verified.")
