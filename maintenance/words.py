"""Labels and warnings about maintenance windows for staff."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sla_portal.agreements.rules import Terms
from sla_portal.clocks import format_instant
from sla_portal.kernel.intervals import epoch, instant

from .models import MaintenanceWindow
from .rules import HOUR, Stage


def stage_badge(stage: Stage) -> tuple[str, str]:
    """The badge and the label of a stage."""
    return {
        Stage.DRAFT: ("waiting", _("draft")),
        Stage.DISCARDED: ("outside", _("discarded")),
        Stage.SCHEDULED: ("up", _("scheduled")),
        Stage.DUE: ("waiting", _("due, not started")),
        Stage.IN_PROGRESS: ("excluded", _("in progress")),
        Stage.OVERRUNNING: ("counted", _("in progress, overrunning")),
        Stage.ENDED: ("waiting", _("ended, not started")),
        Stage.COMPLETED: ("plain", _("completed")),
        Stage.NOT_CARRIED_OUT: ("plain", _("not carried out")),
        Stage.CANCELLED: ("outside", _("cancelled")),
    }[stage]


def format_lead_time(seconds: int) -> str:
    """Format a lead time given in seconds, in whole hours (`96 h`); below one hour in minutes."""
    if seconds <= 0:
        return _("none (sent after the start)")
    if seconds < HOUR:
        return _("%(count)s min") % {"count": seconds // 60}
    return _("%(count)s h") % {"count": seconds // HOUR}


def format_regions(window: MaintenanceWindow) -> str:
    return get_text_list([str(region) for region in window.regions.all()], _("and")) or _("all regions")


def below_recommended(lead: int, terms: Terms) -> bool:
    """Whether a lead time in seconds is below the recommendation of the agreement version."""
    return lead < terms.recommended_notice_hours * HOUR


def lead_time_warnings(lead: int, sent: int, terms: Terms) -> list[str]:
    """Warn about a lead time below the recommendation, with its effect under the terms; empty: sufficient.

    `lead` and `sent` in seconds. A warning never refuses, because the agreement requires no minimum (4.1).
    """
    if not below_recommended(lead, terms):
        return []
    needed = terms.maintenance_notice_hours
    warnings = [
        _("Lead time below the recommended %(hours)s h. The agreement allows this.")
        % {"hours": terms.recommended_notice_hours}
    ]
    if needed:
        first = format_instant(instant(sent + needed * HOUR), settings.SLA_ZONE)
        warnings.append(
            ngettext(
                "Version %(version)s requires a lead time of %(count)s hour: "
                "with this notice, downtime before %(first)s counts (4.1).",
                "Version %(version)s requires a lead time of %(count)s hours: "
                "with this notice, downtime before %(first)s counts (4.1).",
                needed,
            )
            % {"version": terms.version, "count": needed, "first": first}
        )
    else:
        warnings.append(
            _(
                "Version %(version)s requires no minimum lead time: "
                "downtime after the notice is sent can be excluded, downtime before it counts (4.1)."
            )
            % {"version": terms.version}
        )
    return warnings


def overlap_warnings(others: Iterable[MaintenanceWindow]) -> list[str]:
    """Warn about windows at the same time in the same region."""
    return [
        _("Overlaps another window in the same region: %(window)s, %(start)s to %(end)s.")
        % {
            "window": other,
            "start": format_instant(other.starts_at, settings.SLA_ZONE),
            "end": format_instant(other.ends_at, settings.SLA_ZONE),
        }
        for other in others
    ]


def planning_warnings(
    window: MaintenanceWindow, others: Iterable[MaintenanceWindow], terms: Terms, now: datetime
) -> list[str]:
    """Warn about overlapping windows, and about the lead time if the notice were sent now."""
    sent = epoch(now)
    return [*overlap_warnings(others), *lead_time_warnings(epoch(window.starts_at) - sent, sent, terms)]
