"""When a month can be claimed (3.3.1)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sla_portal.agreements.rules import Terms
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.months import ServiceMonth, day_span
from sla_portal.kernel.working_days import WorkingDays


@dataclass(frozen=True)
class ClaimWindow:
    """The time in which claims for one service month are taken: `[opens_at, closes_at)`, UTC."""

    last_day_to_wait: date
    """The fifth working day of the following month, after which the window opens."""
    opens_at: datetime
    closes_at: datetime
    provisional: bool
    """The official calendar of that year is not known yet: the opening may move."""


def claim_window(month: ServiceMonth, terms: Terms, working_days: WorkingDays, zone: ZoneInfo) -> ClaimWindow:
    """Find when claims for `month` open and close on the SLA clock of `zone` (3.3.1)."""
    following = month.next
    last_day_to_wait = working_days.nth(terms.claim_opens_after_working_day, following)
    first_day_too_late = (following + terms.claim_closes_after_months).first_day
    return ClaimWindow(
        last_day_to_wait=last_day_to_wait,
        opens_at=instant(day_span(last_day_to_wait + timedelta(days=1), zone)[0]),
        closes_at=instant(day_span(first_day_too_late, zone)[0]),
        provisional=not working_days.is_known(following.year),
    )
