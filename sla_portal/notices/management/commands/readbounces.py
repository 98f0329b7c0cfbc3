"""manage.py readbounces [PATH …]"""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from sla_portal.notices.mail.mailbox import Unreadable
from sla_portal.notices.operations import read_files, read_mailbox


class Command(BaseCommand):
    help = (
        "Read bounce and delay reports and record them with their deliveries, from each PATH or, without one, from the mailbox "
        "BOUNCES_URL. A report is applied once, however often it is read. Messages that report no e-mail of this portal are "
        "ignored; reports that name no e-mail of it, or cannot be read, are listed for people."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "paths",
            nargs="*",
            type=Path,
            metavar="PATH",
            help="a maildir, an mbox file, a message, or a folder of .eml files",
        )

    def handle(self, *_args, paths, **_options):
        now = timezone.now()
        if not paths and not settings.BOUNCES_URL:
            raise CommandError("Give a PATH, or set BOUNCES_URL to a mailbox.")
        try:
            for path in paths:
                self.report(read_files(path=path, now=now), str(path))
            if not paths:
                self.report(read_mailbox(url=settings.BOUNCES_URL, now=now), "the mailbox")
        except Unreadable as error:
            raise CommandError(str(error)) from error

    def report(self, read, where):
        self.stdout.write(
            f"{where}: {read.messages} messages, {read.reports} reports, {read.noted} new"
            + (f", {read.unmatched} unmatched" if read.unmatched else "")
        )
