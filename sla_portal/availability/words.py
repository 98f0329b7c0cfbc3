"""Words for the status of a month's figure, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext as _

from .rules import FigureStatus, MonthStatus, Pending


def status_badge(status: FigureStatus) -> tuple[str, str]:
    """Return the badge and the text of a figure's status."""
    return {
        FigureStatus.IN_PROGRESS: ("unknown", _("In progress")),
        FigureStatus.PROVISIONAL: ("waiting", _("Provisional")),
        FigureStatus.FINAL: ("plain", _("Final")),
    }[status]


def pending_reason(reason: Pending) -> str:
    """Return what keeps a figure from being final, as a part of a sentence."""
    return {
        Pending.MONTH_NOT_OVER: _("the month is not over"),
        Pending.ONGOING_OUTAGE: _("an outage is ongoing"),
        Pending.UNCLASSIFIED_INCIDENT: _("an incident is pending classification"),
        Pending.UNDECIDED_EXCLUSION: _("an exclusion is undecided"),
        Pending.NOT_CLOSED: _("these figures are not closed"),
    }[reason]


def pending_sentence(status: MonthStatus) -> str:
    """Return every reason why a figure is not final, in one sentence; empty where it is final."""
    if not status.pending:
        return ""
    return _("Not final: %(reasons)s.") % {"reasons": _("; ").join(map(pending_reason, status.pending))}
