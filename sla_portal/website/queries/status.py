"""The current status, with what else the front page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from incidents.rules import Severity
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.months import day_span

from ..rules import (
    Phase,
    PublicIncident,
    PublicNotice,
    PublicVersion,
    PublicWindow,
    RegionState,
    present_severity,
    present_state,
)
from .announcements import latest_notices
from .incidents import open_incidents, recent_incidents
from .months import Years, years_of
from .shared import Grid
from .versions import announced_versions, public_versions
from .windows import planned_windows


@dataclass(frozen=True)
class Present:
    """Current status, scheduled maintenance and recent incidents."""

    grid: Grid
    since: datetime
    """When the first version of the agreement took effect; without one, the epoch."""
    state: tuple[RegionState, ...]
    severity: Severity | None
    """Of what is ongoing."""
    open: tuple[PublicIncident, ...]
    lately: tuple[PublicIncident, ...]
    planned: tuple[PublicWindow, ...]
    years: Years
    notices: tuple[PublicNotice, ...]
    amendments: tuple[PublicVersion, ...]
    """Versions of the agreement that will take effect, the next first."""


def present(now: datetime) -> Present:
    """Return the facts of the front page, and of the API and the feeds."""
    grid = Grid.current(now)
    ongoing = open_incidents(grid, now)
    planned = planned_windows(grid, now)
    versions = [version for version in public_versions() if not version.withdrawn_at]
    return Present(
        grid=grid,
        since=instant(day_span(versions[-1].effective_on, settings.SLA_ZONE)[0] if versions else 0),
        state=present_state(
            grid.regions,
            grid.functions,
            grid.clients,
            [outage for incident in ongoing for outage in incident.outages if outage.is_ongoing(now)],
            [window for window in planned if window.phase in {Phase.IN_PROGRESS, Phase.OVERRUNNING}],
        ),
        severity=present_severity(ongoing, grid.functions, grid.clients, now),
        open=ongoing,
        lately=recent_incidents(grid, now),
        planned=planned,
        years=years_of(grid),
        notices=latest_notices(now),
        amendments=announced_versions(versions, now),
    )
