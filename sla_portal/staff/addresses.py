"""Addresses of the pages of minutes: from an instant on, and as they would be after a decision that is previewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from incidents.models import Incident, Outage
from sla_portal.agreements.rules import Reading, Terms
from sla_portal.availability.queries import Decisions
from sla_portal.customers.models import Region
from sla_portal.kernel.instants import instant_text, parse_instant
from sla_portal.kernel.intervals import MINUTE
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.minutes import clock_minute

MOST = 100
"""Outages of a preview; addresses have an end."""


def minutes_of_region(region: Region, start: int) -> str:
    """Return the address of the minutes of a region from an instant (seconds since the epoch) on."""
    month = ServiceMonth.of(local_date(start, settings.SLA_ZONE))
    query = urlencode({"at": clock_minute(start // MINUTE * MINUTE)})
    return f"{reverse('admin:minutes', args=[month, 'region', region.code])}?{query}#minute"


def query_of(decisions: Decisions) -> str:
    """Return the query that asks the pages of minutes for the figures after `decisions`; empty where it would be too long."""
    exclusions = [*decisions.get("as_if_confirmed", ()), *decisions.get("as_if_revoked", ())]
    outages = decisions.get("as_if_outages", {})
    if exclusions:
        return urlencode({"if": exclusions[0].pk})
    if not outages or len(outages) > MOST:
        return ""
    return urlencode({"outages": ",".join(_stated(pk, changed) for pk, changed in outages.items())})


def _stated(pk: int, changed: Outage | None) -> str:
    if changed is None:
        return str(pk)
    ended_at = instant_text(changed.ended_at.replace(microsecond=0)) if changed.ended_at else ""
    return f"{pk}~{changed.incident.pk}~{ended_at}"


def outages_of(text: str) -> Mapping[int, Outage | None]:
    """Read the outages of a preview as `Decisions` has them. Raises ValueError."""
    stated = [part.split("~") for part in text.split(",")]
    known = Outage.objects.in_bulk([_key(part[0]) for part in stated[:MOST]])
    incidents = Incident.objects.in_bulk([_key(part[1]) for part in stated[:MOST] if len(part) == 3])
    found: dict[int, Outage | None] = {}
    for pk, *changed in stated[:MOST]:
        outage = known.get(int(pk))
        if outage is None:
            raise ValueError(f"There is no outage {pk}.")
        if changed:
            incident, ended_at = changed
            if int(incident) not in incidents:
                raise ValueError(f"There is no incident {incident}.")
            outage.incident, outage.ended_at = incidents[int(incident)], parse_instant(ended_at) if ended_at else None
        found[outage.pk] = outage if changed else None
    return found


def _key(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise ValueError(f"{text!r} is no key of a record.")
    return int(text)


def terms_query(terms: Terms) -> str:
    """Return the query that asks for the minutes of a month as if `terms` had always been in force."""
    reading, hours = terms.unavailability_reading.value, terms.maintenance_notice_hours
    return urlencode({"terms": f"{terms.target_text}~{reading}~{hours}"})


def terms_of(text: str, others: Terms) -> Terms:
    """Read the terms of a preview, which decide about minutes and outcome; `others`: all other terms. Raises ValueError."""
    target, reading, hours = text.split("~")
    try:
        percent = Decimal(target)
    except InvalidOperation:
        raise ValueError(f"{target!r} is no percentage.") from None
    if not 0 <= percent <= 100:
        raise ValueError(f"{target!r} is no percentage.")
    return replace(
        others,
        version="",
        availability_target=Fraction(percent) / 100,
        target_text=target,
        unavailability_reading=Reading(reading),
        maintenance_notice_hours=_key(hours),
    )
