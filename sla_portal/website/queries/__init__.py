"""Reads what is public, and nothing else, from the record.

Each function here makes a fixed number of queries, however many rows there are.
"""

from .announcements import notice, notices
from .checkpoints import checkpoints
from .components import Change, component_changes
from .documents import (
    announced_content,
    certificates,
    checkpoint_content,
    seal_beside,
    verified_by_code,
    verified_by_hash,
)
from .incidents import incident, incident_references, incidents_in, incidents_of, latest_incidents
from .minutes import closing_revision, minutes_of_customer, minutes_of_report, region_minutes
from .months import RegionYear, Years, maps, years
from .opening import opened
from .shared import Grid, MonthOf, named, zones_of_regions
from .status import Present, present
from .versions import Comparison, agreement, comparison, hashed_content
from .windows import latest_windows, maintenance_of, window, window_references, windows_in

__all__ = [
    "Change",
    "Comparison",
    "Grid",
    "MonthOf",
    "Present",
    "RegionYear",
    "Years",
    "agreement",
    "announced_content",
    "certificates",
    "checkpoint_content",
    "checkpoints",
    "closing_revision",
    "comparison",
    "component_changes",
    "hashed_content",
    "incident",
    "incident_references",
    "incidents_in",
    "incidents_of",
    "latest_incidents",
    "latest_windows",
    "maintenance_of",
    "maps",
    "minutes_of_customer",
    "minutes_of_report",
    "named",
    "notice",
    "notices",
    "opened",
    "present",
    "region_minutes",
    "seal_beside",
    "verified_by_code",
    "verified_by_hash",
    "window",
    "window_references",
    "windows_in",
    "years",
    "zones_of_regions",
]
