"""The e-mails about reports in each language."""

from __future__ import annotations

from datetime import timedelta

from django.utils.functional import lazy

from sla_portal.clocks import month_name
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.private import private_link
from sla_portal.notices.wording import Words, worded

LINK_VALID = timedelta(days=180)
named = lazy(month_name, str)
"""`month_name` in the language of the e-mail, when it is rendered."""


def issued(month: ServiceMonth) -> list[Words]:
    """Return the notice that the reports of a closed month are issued, with the recipient's link to them."""
    context = {"month": named(month), "link": private_link("/reports/mailed/"), "days": LINK_VALID.days}
    return worded("reports/emails/issued", context)
