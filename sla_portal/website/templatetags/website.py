"""Template tags for public facts: names, sentences, badges and pictures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html, linebreaks
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext

from incidents.models import SEVERITY_BADGES, severity_name
from sla_portal import badges, clocks, minutes
from sla_portal.agreements import changes
from sla_portal.agreements.changes import Term
from sla_portal.agreements.markdown import to_html
from sla_portal.kernel.intervals import MINUTE, epoch
from sla_portal.kernel.languages import text_language
from sla_portal.kernel.months import ServiceMonth, local_date

from .. import pictures, words
from ..queries import RegionYear, Years
from ..rules import (
    FunctionState,
    Named,
    PublicIncident,
    PublicNotice,
    PublicOutage,
    PublicVersion,
    PublicWindow,
    RegionState,
    Said,
    State,
)

register = template.Library()

register.filter("name", words.name)
register.filter("month_name", clocks.month_name)
register.filter("day_name", words.day_name)
register.filter("what_was_down", words.what_was_down)
register.filter("what_is_touched", words.what_is_touched)
register.filter("maintenance_kind", words.maintenance_kind)
register.filter("notice_kind", words.notice_kind)
register.filter("document_kind", words.document_kind)
register.filter("headline", words.headline)
register.filter("heading", words.heading)
register.filter("summary", words.summary)
register.filter("wording", words.wording)
register.filter("preamble", words.preamble)
register.filter("changes_told", words.changes_told)
register.filter("year_in_words", words.year_in_words)
register.filter("span_of", words.span_of)
register.filter("day_map", pictures.day_map)
register.filter("place", clocks.zone_name)


register.simple_tag(badges.badge, name="badge")


@register.filter
def clock(at: datetime) -> SafeString:
    """Show an instant on the reader's clock and, where it differs, in the SLA time zone."""
    return clocks.clock(at)


@register.filter
def minute_of(at: datetime, month: ServiceMonth) -> str:
    """Name the minute that has an instant, or the first of a month if it lies before, as pages of minutes are asked for it."""
    return minutes.clock_minute(max(epoch(at) // MINUTE * MINUTE, month.span(settings.SLA_ZONE)[0]))


@register.filter
def minutes_address(outage: PublicOutage) -> str:
    """Return the address of the minutes of an outage's region, from its start on."""
    month = ServiceMonth.of(local_date(epoch(outage.started_at), settings.SLA_ZONE))
    address = reverse("minutes", args=[outage.region.code, month])
    return f"{address}?{urlencode({'at': minute_of(outage.started_at, month)})}#minute"


@register.filter
def lasting(start: datetime, end: datetime) -> str:
    """Format the duration from `start` to `end`."""
    return clocks.format_length((end - start).total_seconds())


@register.filter
def function_mark(one: FunctionState) -> SafeString:
    """The badge of a function; *operational* is shown by the mark alone and read by screen readers."""
    state, _word = words.STATES[one.state]
    return format_html(
        '<span class="mark {}"><span aria-hidden="true">{}</span> <span>{}<span{}>: {}</span></span></span>',
        state,
        badges.BADGE_MARKS[state],
        words.name(one.function),
        SafeString(' class="unseen"') if one.state is State.OPERATIONAL else "",
        words.inside(words.state_words(one)),
    )


@register.filter
def severity_mark(incident: PublicIncident) -> SafeString:
    """The badge of an incident's severity; nothing without one."""
    if incident.severity is None:
        return SafeString("")
    label = gettext("Severity: %(severity)s") % {"severity": severity_name(incident.severity)}
    return badges.badge(SEVERITY_BADGES[incident.severity], label)


@register.filter
def said(record: object, field: str = "text") -> SafeString:
    """Show a text in the reader's language, marked with the language it is in."""
    text = words.in_reader_language(record, field)
    return format_html('<div lang="{}">{}</div>', text_language(text), SafeString(linebreaks(text, autoescape=True)))


@register.filter
def said_as_markdown(record: object, field: str) -> SafeString:
    """Show a Markdown text as `said` does."""
    text = words.in_reader_language(record, field)
    return format_html('<div lang="{}">{}</div>', text_language(text), to_html(text))


@register.filter
def said_in_short(record: object, field: str = "text") -> SafeString:
    """Show a text on one line as `said` does."""
    text = words.in_reader_language(record, field)
    return format_html('<span lang="{}">{}</span>', text_language(text), Truncator(text).chars(280))


@register.filter
def look(state: tuple[RegionState, ...]) -> str:
    """The colour of the front page's sentence: the worst current status."""
    found = {one.worst for one in state}
    return (
        "down"
        if found & {State.MAJOR_OUTAGE, State.PARTIAL_OUTAGE}
        else "touched"
        if State.MAINTENANCE in found
        else ""
    )


@register.filter
def stage_mark(incident: PublicIncident) -> SafeString:
    return badges.badge(*words.STAGES[incident.stage])


@register.filter
def why_it_does_not_count(incident: PublicIncident) -> str:
    return words.why_it_does_not_count(incident)


@register.filter
def phase_mark(window: PublicWindow) -> SafeString:
    return badges.badge(*words.PHASES[window.phase])


@register.filter
def version_status(version: PublicVersion, today: date) -> SafeString:
    return badges.badge(*words.VERSION_STATUSES[version.status(today)])


@register.filter
def verdict_mark(met: bool | None) -> SafeString:
    return badges.badge(*words.verdict(met))


@register.filter
def year_bars(year: RegionYear) -> list[pictures.Shape]:
    return pictures.year_bars(year.months)


@register.simple_tag
def terms_in_words(version: PublicVersion) -> tuple[Term, ...]:
    """The terms of a version: clause, name, value, and what it means."""
    return changes.terms_in_words(version.terms)


@register.filter
def year_of(years: Years, region: Named) -> RegionYear:
    return next(year for year in years.regions if year.region == region)


@register.filter
def said_in(notice: PublicNotice, language: str) -> Said:
    return notice.in_language(language)


@register.filter
def outage_words(outage: PublicOutage) -> str:
    return words.down(outage.scope, words.name(outage.region))


@register.filter
def cell(year: RegionYear, month: ServiceMonth) -> Any:
    """The figures of a region in a month; None before it was in service."""
    return next((one for one in year.months if one and one.month == month), None)
