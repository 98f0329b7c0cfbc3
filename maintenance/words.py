"""What staff are told of a window: its state, and what makes a notice worth a second thought."""

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


def stage_mark(stage: Stage) -> tuple[str, str]:
    """The mark and the word of a state."""
    return {
        Stage.DRAFT: ("waiting", _("draft")),
        Stage.ANNOUNCED: ("up", _("announced")),
        Stage.DUE: ("waiting", _("time has come, not started")),
        Stage.RUNNING: ("excluded", _("running")),
        Stage.OVERRUN: ("counted", _("overrun")),
        Stage.FINISHED: ("plain", _("finished")),
        Stage.OVER: ("plain", _("over")),
        Stage.CANCELLED: ("outside", _("cancelled")),
    }[stage]


def hours(seconds: int) -> str:
    """A lead time in whole hours: `96 h`; less than one in minutes."""
    if seconds <= 0:
        return _("none: sent after the start")
    if seconds < HOUR:
        return _("%(count)s min") % {"count": seconds // 60}
    return _("%(count)s h") % {"count": seconds // HOUR}


def regions(window: MaintenanceWindow) -> str:
    return get_text_list([str(region) for region in window.regions.all()], _("and")) or _("all regions")


def is_short(lead: int, terms: Terms) -> bool:
    """Whether a lead in seconds is less than what the version in force recommends."""
    return lead < terms.recommended_notice_hours * HOUR


def short_notice(lead: int, sent: int, terms: Terms) -> list[str]:
    """Say that a notice sent at `sent` comes late, and what it means under the terms; empty: it comes in time.

    `lead` and `sent` in seconds. Nothing here refuses: the agreement gives no length (4.1).
    """
    if not is_short(lead, terms):
        return []
    needed = terms.maintenance_notice_hours
    said = [
        _("Less than the recommended %(hours)s h of notice. The agreement allows it.")
        % {"hours": terms.recommended_notice_hours}
    ]
    if needed:
        first = format_instant(instant(sent + needed * HOUR), settings.SLA_ZONE)
        said.append(
            ngettext(
                "Version %(version)s takes off only what was announced at least %(count)s hour before: "
                "by this notice nothing before %(first)s is covered (4.1).",
                "Version %(version)s takes off only what was announced at least %(count)s hours before: "
                "by this notice nothing before %(first)s is covered (4.1).",
                needed,
            )
            % {"version": terms.version, "count": needed, "first": first}
        )
    else:
        said.append(
            _(
                "Version %(version)s asks for no length of notice: what lies after its sending is covered, "
                "and nothing before it (4.1)."
            )
            % {"version": terms.version}
        )
    return said


def overlap(others: Iterable[MaintenanceWindow]) -> list[str]:
    """Say which windows lie at the same time where this one does."""
    return [
        _("At the same time in the same place: %(window)s, %(start)s to %(end)s.")
        % {
            "window": other,
            "start": format_instant(other.starts_at, settings.SLA_ZONE),
            "end": format_instant(other.ends_at, settings.SLA_ZONE),
        }
        for other in others
    ]


def when_planned(
    window: MaintenanceWindow, others: Iterable[MaintenanceWindow], terms: Terms, now: datetime
) -> list[str]:
    """What planning a window warns of: others at the same time, and less notice than is recommended even if sent now."""
    sent = epoch(now)
    return [*overlap(others), *short_notice(epoch(window.starts_at) - sent, sent, terms)]
