"""Create the demo data."""

from __future__ import annotations

from datetime import datetime

from sla_portal.availability.operations import judge_due_months
from sla_portal.reports.operations import queue_reports, request_missing_reports

from .amendments import amendments
from .claims import claims
from .shifts import shifts
from .story import Story, customers_and_contracts, the_first_half_year, the_present_month, the_second_half_year


def build_demo(now: datetime) -> None:
    """Create the demo, dated back from `now`, and request the reports of last month, which a worker renders."""
    story = Story(now)
    customers_and_contracts(story)
    the_first_half_year(story)
    the_second_half_year(story)
    the_present_month(story)
    shifts(story)
    claims(story)
    amendments(story)
    for months_ago in range(13, 0, -1):
        story.closing(months_ago)
    story.play()
    judge_due_months(now=story.now)
    run = request_missing_reports(now=story.now)
    if run:
        queue_reports(run_id=run.pk, now=story.now)
