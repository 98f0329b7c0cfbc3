"""The chart of a claim: claimed, unavailable, unclaimed and excluded time on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from claims.queries import Minutes
from sla_portal.clocks import format_instant, format_minutes, zone_name
from sla_portal.kernel.intervals import MINUTE, Span, difference, instant, intersection, seconds

from ..pictures import Tick, TimelineRow, range_of, ticks, timeline_row

MOST_LISTED = 12
"""Periods listed per row."""


@dataclass(frozen=True)
class Axis:
    """Time axis in one time zone."""

    place: str
    ticks: list[Tick]


@dataclass(frozen=True)
class ClaimPicture:
    axes: list[Axis]
    rows: list[tuple[TimelineRow, str, str]]
    """Each bar with its periods as text, and which minutes of the month it is of (`sla_portal.minutes.GROUPS`), if any."""
    sentences: list[str]
    """Sentences about the overlap in minutes."""
    legend: list[tuple[str, str]]


def claim_picture(of: Minutes) -> ClaimPicture | None:
    """Draw a claim; None without claimed or recorded time."""
    every = [*of.claimed, *of.counted, *of.excluded]
    if not every:
        return None
    span = range_of(every, None)
    rows = [
        (_("Claimed"), of.claimed, "window", ""),
        (pgettext("minutes", "Unavailable"), of.counted, "counted", "counted"),
        (_("Unavailable and claimed"), of.overlap, "both", "counted"),
        (_("Unavailable, not claimed"), of.unclaimed, "counted", "counted"),
        (pgettext("minutes", "Excluded"), of.excluded, "excluded", "excluded"),
    ]
    clocks = {zone: zone_name(zone) for zone in (timezone.get_current_timezone(), settings.SLA_ZONE)}
    return ClaimPicture(
        axes=[Axis(name, ticks(span, zone)) for zone, name in clocks.items()],
        rows=[
            (timeline_row(name, spans, kind, span, _how_many), _stretches(spans), only)
            for name, spans, kind, only in rows
        ],
        sentences=_sentences(of),
        legend=[
            ("window", _("claimed")),
            ("counted", _("unavailable")),
            ("both", _("unavailable and claimed")),
            ("excluded", _("excluded")),
        ],
    )


def _sentences(of: Minutes) -> list[str]:
    excluded = intersection(of.excluded, of.claimed)
    up = difference(difference(of.claimed, of.counted), of.excluded)
    sentences = [
        _(
            "Claimed: %(claimed)s. Of these, unavailable: %(overlap)s; excluded: %(excluded)s; no outage on record: %(up)s."
        )
        % {
            "claimed": _how_many(of.claimed),
            "overlap": _how_many(of.overlap),
            "excluded": _how_many(excluded),
            "up": _how_many(up),
        }
    ]
    if of.unclaimed:
        sentences.append(
            _(
                "Unavailable but not claimed: %(unclaimed)s. They are compensated too: the recorded unavailability decides (3.1)."
            )
            % {"unclaimed": _how_many(of.unclaimed)}
        )
    return sentences


def _how_many(spans: Sequence[Span]) -> str:
    return format_minutes(seconds(spans) // MINUTE)


def _stretches(spans: Sequence[Span]) -> str:
    zone = timezone.get_current_timezone()
    sentences = [
        _("%(start)s to %(end)s (%(length)s)")
        % {
            "start": format_instant(instant(start), zone),
            "end": format_instant(instant(end), zone),
            "length": _how_many([(start, end)]),
        }
        for start, end in spans[:MOST_LISTED]
    ]
    return "; ".join(sentences + (["…"] if len(spans) > MOST_LISTED else []))
