"""manage.py acceptzone --by NAME --reason TEXT"""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused

from ...operations import change_basis
from ...queries import closed_month_count


class Command(BaseCommand):
    help = (
        "Accept the SLA_TIME_ZONE and SLA_WORKDAY_COUNTRY of the settings in the place of those by which months were closed. "
        "Closed months keep their figures; those that would now have others are listed for Legal."
    )

    def add_arguments(self, parser):
        parser.add_argument("--reason", required=True, help="why; for the audit log")
        parser.add_argument("--by", required=True, help="who decided it; for the audit log")

    def handle(self, *_args, reason, by, **_options):
        try:
            basis = change_basis(actor=Actor.system(by), reason=reason, now=timezone.now())
        except Refused as refused:
            raise CommandError(str(refused)) from None
        count = closed_month_count()
        kept = f"{count} closed months keep their figures" if count != 1 else "1 closed month keeps its figures"
        self.stdout.write(
            f"From now on months are counted by {basis.time_zone}, with the working days of {basis.workday_country}. {kept}. "
            "Legal's home lists those that would now have others within five minutes."
        )
