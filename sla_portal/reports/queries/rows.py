"""Single facts of the record, as a statement gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from claims.models import Entry
from claims.queries import window_of
from incidents.models import Incident
from incidents.queries import times_of
from incidents.rules import Unmeasured, time_to_acknowledge, time_to_restore
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.models import Suspension
from sla_portal.agreements.queries import version_in_force
from sla_portal.agreements.rules import Terms
from sla_portal.availability.models import JudgedMonth
from sla_portal.availability.rules import Judgement, MonthFigures, Shade, availability, cut, picture
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import Span, epoch, instant
from sla_portal.kernel.money import smallest_unit
from sla_portal.kernel.months import ServiceDays, ServiceMonth, days_span, local_date

from ..rules import (
    Claims,
    Common,
    LedgerEntry,
    MonthMap,
    PastMonth,
    Recovery,
    Stretch,
    Suspended,
    Turns,
    Version,
    Window,
)

MONTHS_SHOWN = 12
HOUR = 3600


def stated_suspension(one: Suspension, minutes: Counter[object]) -> Suspended:
    return {
        "first_day": one.first_on.isoformat(),
        "last_day": one.last_on.isoformat(),
        "minutes": minutes[days_span(one.first_on, one.last_on, settings.SLA_ZONE)[0]],
    }


def stated_map(judgement: Judgement, days: ServiceDays, span: Span) -> MonthMap:
    runs: dict[Shade, list[Stretch]] = {shade: [] for shade in Shade}
    for start, end, shade in picture(judgement, days, span):
        runs[shade].append([instant_text(instant(start)), instant_text(instant(end))])
    return {
        "counted": runs[Shade.COUNTED],
        "excluded": runs[Shade.EXCLUDED],
        "not_in_service": runs[Shade.NOT_IN_SERVICE],
        "unknown": runs[Shade.UNKNOWN],
    }


def stated_version(terms: Terms) -> Version:
    return {
        "version": terms.version,
        "effective_on": terms.effective_on.isoformat(),
        "target": terms.target_text,
        "reading": terms.unavailability_reading.value,
        "notice_hours": terms.maintenance_notice_hours,
        "recommended_notice_hours": terms.recommended_notice_hours,
        "measurement_period": terms.measurement_period.value,
    }


def stated_turns(judged: MonthFigures) -> Turns:
    """Return the versions in force in turn; nothing where one version gives the figures alone."""
    if judged.rule is not None and len(judged.in_turn) < 2:
        return {}
    return {
        "rule": judged.rule and judged.rule.value,
        "in_turn": [
            {
                "version": one.terms.version,
                "reading": one.terms.unavailability_reading.value,
                "first_day": local_date(one.span[0], settings.SLA_ZONE).isoformat(),
                "last_day": local_date(one.span[1] - 1, settings.SLA_ZONE).isoformat(),
                "unavailable_minutes": one.unavailable_minutes,
                "excluded_minutes": one.excluded_minutes,
            }
            for one in judged.in_turn
        ],
    }


def stated_window(window: MaintenanceWindow) -> Window:
    return {
        "reference": window.reference,
        "title": window.title,
        "kind": window.kind,
        "notices": [
            {
                "sent_at": instant_text(notice.sent_at),
                "starts_at": instant_text(notice.starts_at) if notice.starts_at else None,
                "ends_at": instant_text(notice.ends_at) if notice.ends_at else None,
                "lead_hours": (epoch(notice.starts_at) - epoch(notice.sent_at)) // HOUR if notice.starts_at else None,
            }
            for notice in window.notices.all()
        ],
        "cancelled_at": instant_text(window.cancelled_at) if window.cancelled_at else None,
        "completed_at": instant_text(window.completed_at) if window.completed_at else None,
        "not_carried_out_at": instant_text(window.not_carried_out_at) if window.not_carried_out_at else None,
    }


def what_was_unavailable(incident: Incident, region: Region, language: str) -> str:
    """Name the functions and clients of an incident's outages in a region; none named in an outage means all of them."""
    outages = [outage for outage in incident.outages.all() if outage.region_id == region.pk]
    with translation.override(language):
        return _("%(functions)s on %(clients)s") % {
            "functions": _names([outage.functions.all() for outage in outages], language) or _("All functions"),
            "clients": _names([outage.clients.all() for outage in outages], language) or _("all clients"),
        }


def _names(scopes: Collection[Iterable[CoreFunction | Client]], language: str) -> str:
    """Join the names of what all scopes together hold; empty where one of them holds everything."""
    named = [list(scope) for scope in scopes]
    if not all(named):
        return ""
    distinct = {one.pk: one for scope in named for one in scope}
    # Translators: stands between the names of a list.
    comma = pgettext("list", ", ")
    return comma.join(one.name_in(language) for _pk, one in sorted(distinct.items()))


def stated_recovery(incident: Incident, title: str) -> Recovery:
    times = times_of(incident)
    to_acknowledge, to_restore = time_to_acknowledge(times), time_to_restore(times)
    stated: Recovery = {
        "reference": incident.reference,
        "title": title,
        "source": incident.source,
        "detected_at": instant_text(incident.detected_at),
        "acknowledged_at": instant_text(incident.acknowledged_at) if incident.acknowledged_at else None,
        "resolved_at": instant_text(incident.resolved_at) if incident.resolved_at else None,
        "seconds_to_acknowledge": None if isinstance(to_acknowledge, Unmeasured) else to_acknowledge,
        "seconds_to_restore": None if isinstance(to_restore, Unmeasured) else to_restore,
        "attributable": incident.attributable,
    }
    if to_acknowledge is Unmeasured.LOGGED_AFTER_RESTORATION:
        stated["acknowledgement"] = "logged_after_restoration"
    if to_acknowledge is Unmeasured.NOT_STATED:
        stated["acknowledgement"] = "not_stated"
    if to_restore is Unmeasured.NOT_STATED:
        stated["restoration"] = "not_stated"
    return stated


def stated_entry(entry: Entry) -> LedgerEntry:
    return {
        "claim": entry.compensation.claim.number,
        "month": str(entry.compensation.claim.service_month),
        "contract": entry.contract.reference,
        "step": entry.step,
        "minutes": entry.minutes,
        "value": f"{entry.value.quantize(smallest_unit(entry.currency)):f}",
        "currency": entry.currency,
    }


def stated_claims(month: ServiceMonth) -> Claims:
    window = window_of(month)
    return {
        "working_day": version_in_force(month.first_day).terms.claim_opens_after_working_day,
        "opens_at": instant_text(window.opens_at),
        "closes_at": instant_text(window.closes_at),
        "provisional": window.provisional,
    }


def months_before(month: ServiceMonth) -> list[date]:
    return [(month + -n).first_day for n in range(1, MONTHS_SHOWN)]


def last_months(month: ServiceMonth, rows: Iterable[JudgedMonth], common: Common) -> list[PastMonth]:
    """Return the last twelve months: earlier ones as stored, this one as stated."""
    judged = {ServiceMonth.of(row.month): row for row in rows}
    before: list[PastMonth] = []
    for n in reversed(range(1, MONTHS_SHOWN)):
        row = judged.get(month + -n)
        ratio = availability(row.unavailable_minutes, row.total_minutes) if row else None
        before.append(
            {
                "month": str(month + -n),
                "availability": None if ratio is None else cut(ratio),
                "met": row.met if row else None,
                "unavailable_minutes": row.unavailable_minutes if row else None,
            }
        )
    return [
        *before,
        {
            "month": str(month),
            "availability": common["availability"],
            "met": common["met"],
            "unavailable_minutes": common["unavailable_minutes"],
        },
    ]


def name_of(user: User | None) -> str:
    return user.get_full_name() or user.get_username() if user else ""
