"""Labels and sentences for public facts, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from incidents.models import in_language
from maintenance.models import Kind as MaintenanceKind
from sla_portal.agreements.changes import CHINESE
from sla_portal.audit.models import Kind as DocumentKind
from sla_portal.clocks import month_name
from sla_portal.notices.models import Kind as NoticeKind

from .queries import Years
from .rules import (
    ClosedMonth,
    FunctionState,
    Named,
    Phase,
    PublicClause,
    PublicIncident,
    PublicVersion,
    PublicWindow,
    RegionState,
    Scope,
    Stage,
    State,
    VersionStatus,
)

STATES = {
    State.OPERATIONAL: ("up", _("Operational")),
    State.MAINTENANCE: ("excluded", _("Maintenance")),
    State.PARTIAL_OUTAGE: ("waiting", _("Partial outage")),
    State.MAJOR_OUTAGE: ("open", _("Major outage")),
}
STAGES = {
    Stage.ONGOING: ("open", _("Ongoing")),
    Stage.MONITORING: ("waiting", _("Monitoring")),
    Stage.RESOLVED: ("up", _("Resolved")),
    Stage.VOIDED: ("outside", _("Voided")),
    Stage.MERGED: ("outside", _("Merged")),
}
PHASES = {
    Phase.SCHEDULED: ("plain", _("Scheduled")),
    Phase.IN_PROGRESS: ("excluded", _("In progress")),
    Phase.OVERRUNNING: ("waiting", _("In progress, overrunning")),
    Phase.COMPLETED: ("up", _("Completed")),
    Phase.CANCELLED: ("outside", _("Cancelled")),
    Phase.NOT_CARRIED_OUT: ("outside", _("Not carried out")),
}
"""The badge and the label of each."""


# Names and days


def name(named: Named) -> str:
    """The name of a region, core function or client in the reader's language."""
    return named.name_in(get_language())


def inside(text: str) -> str:
    """Write a name as it stands inside a sentence: `App` as `app`, but `VoIP` and `SIP` as they are."""
    return text[:1].lower() + text[1:] if text[1:].islower() else text


def listed(names: Iterable[str]) -> str:
    """Join names as a sentence does: `app, device and web`."""
    *first, last = names
    if not first:
        return last
    # Translators: stands between the names of a list.
    comma = pgettext("list", ", ")
    # Translators: stands before the last name of a list.
    return comma.join(first) + pgettext("list", " and ") + last


def day_name(day: date) -> str:
    # Translators: a day, in Django's date format.
    return date_format(day, pgettext("date format", "j F Y"))


def in_chinese() -> bool:
    return (get_language() or "").startswith("zh")


# Current status


def headline(state: Sequence[RegionState]) -> str:
    """The current status in one or more sentences."""
    if not state:
        return gettext("No region is in service.")
    said = _major_outages(state) + _partial_outages(state) + _partial_outages_on_clients(state)
    if said:
        return " ".join(said)
    touched = [name(one.region) for one in state if one.worst is State.MAINTENANCE]
    if touched:
        return gettext("No outage known. Maintenance in progress: %(regions)s") % {"regions": listed(touched)}
    return gettext("All systems operational")


def _major_outages(state: Sequence[RegionState]) -> list[str]:
    down = [name(one.region) for one in state if one.worst is State.MAJOR_OUTAGE]
    if not down:
        return []
    if len(down) == len(state) > 1:
        return [gettext("Major outage: all regions")]
    return [gettext("Major outage: %(regions)s") % {"regions": listed(down)}]


def _partial_outages(state: Sequence[RegionState]) -> list[str]:
    """One sentence for all regions in which the same functions are unavailable."""
    shared: dict[tuple[Named, ...], list[str]] = {}
    for one in state:
        down = tuple(function.function for function in one.functions if function.state is State.MAJOR_OUTAGE)
        if down and one.worst is not State.MAJOR_OUTAGE:
            shared.setdefault(down, []).append(name(one.region))
    return [
        ngettext(
            "Partial outage: %(functions)s unavailable in %(regions)s",
            "Partial outage: %(functions)s unavailable in %(regions)s",
            len(down),
        )
        % {"functions": _functions(down), "regions": listed(regions)}
        for down, regions in shared.items()
    ]


def _partial_outages_on_clients(state: Sequence[RegionState]) -> list[str]:
    shared: dict[tuple[tuple[Named, ...], tuple[Named, ...]], list[str]] = {}
    for one in state:
        by_clients: dict[tuple[Named, ...], list[Named]] = {}
        for function in one.functions:
            if function.state is State.PARTIAL_OUTAGE:
                by_clients.setdefault(function.down_on, []).append(function.function)
        for clients, functions in by_clients.items():
            shared.setdefault((tuple(functions), clients), []).append(name(one.region))
    return [
        ngettext(
            "Partial outage: %(functions)s unavailable on %(clients)s in %(regions)s",
            "Partial outage: %(functions)s unavailable on %(clients)s in %(regions)s",
            len(functions),
        )
        % {"functions": _functions(functions), "clients": _clients(clients), "regions": listed(regions)}
        for (functions, clients), regions in shared.items()
    ]


def state_words(one: FunctionState) -> str:
    """The status of a function, with the affected clients in a partial outage."""
    if one.down_on:
        return gettext("Partial outage (%(clients)s)") % {"clients": _clients(one.down_on)}
    return str(STATES[one.state][1])


def _functions(functions: Sequence[Named]) -> str:
    first, *others = map(name, functions)
    return listed([first, *map(inside, others)])


def _clients(clients: Iterable[Named]) -> str:
    return listed(inside(name(client)) for client in clients)


# Incidents and maintenance


def in_reader_language(record: object, field: str) -> str:
    """Return a text of a record in the reader's language, or the English one for want of Chinese."""
    return in_language(getattr(record, field), getattr(record, f"{field}_zh"))


def what_was_down(incident: PublicIncident) -> str:
    """The public title of an incident: what was unavailable, and where."""
    scopes: dict[Named, list[Scope]] = {}
    for outage in incident.outages:
        here = scopes.setdefault(outage.region, [])
        if outage.scope not in here:
            here.append(outage.scope)
    if not scopes:
        return gettext("Incident without a recorded outage")
    shared: dict[tuple[Scope, ...], list[str]] = {}
    for region, several in scopes.items():
        shared.setdefault(_joined(several), []).append(name(region))
    # Translators: stands between two statements of one sentence.
    semicolon = pgettext("list", "; ")
    return semicolon.join(down(scope, listed(regions)) for several, regions in shared.items() for scope in several)


def why_it_does_not_count(incident: PublicIncident) -> str:
    """The sentence about an incident that was voided or merged; empty for any other."""
    if incident.merged_into:
        return gettext("This incident is a duplicate and was merged into %(reference)s. It does not count.") % {
            "reference": incident.merged_into
        }
    return gettext("This incident was logged by mistake. It does not count.") if incident.voided_at else ""


def _joined(scopes: list[Scope]) -> tuple[Scope, ...]:
    """Up to two scopes are named in full; of more, only the functions."""
    if len(scopes) <= 2:
        return tuple(scopes)
    if any(scope.functions is None for scope in scopes):
        return (Scope(clients=()),)
    return (Scope(tuple(dict.fromkeys(f for scope in scopes for f in scope.functions or ())), ()),)


def down(scope: Scope, regions: str) -> str:
    """Describe an outage in `regions`; a scope without clients stands for some clients."""
    functions = _functions(scope.functions) if scope.functions else ""
    clients = _clients(scope.clients) if scope.clients else ""
    on_all, some_functions = scope.clients is None, scope.functions is not None
    text = {
        (False, True): _("Major outage in %(regions)s"),
        (False, False): _("All functions unavailable on %(clients)s in %(regions)s"),
        (True, True): _("%(functions)s unavailable on all clients in %(regions)s"),
        (True, False): _("%(functions)s unavailable on %(clients)s in %(regions)s"),
    }[some_functions, on_all]
    if scope.clients == ():
        text = (
            _("%(functions)s unavailable on some clients in %(regions)s")
            if some_functions
            else _("Partial outage in %(regions)s")
        )
    return str(text) % {"functions": functions, "clients": clients, "regions": regions}


def what_is_touched(window: PublicWindow) -> str:
    """The affected functions, clients and regions of a window."""
    regions = gettext("all regions") if window.regions is None else listed(map(name, window.regions))
    functions = gettext("All functions") if window.scope.functions is None else _functions(window.scope.functions)
    if window.scope.clients is None:
        return gettext("%(functions)s in %(regions)s") % {"functions": functions, "regions": regions}
    return gettext("%(functions)s on %(clients)s in %(regions)s") % {
        "functions": functions,
        "clients": _clients(window.scope.clients),
        "regions": regions,
    }


def maintenance_kind(kind: str) -> str:
    word = str(MaintenanceKind(kind).label)
    return word[:1].upper() + word[1:]


def document_kind(kind: str) -> str:
    """The label of a kind of document, as a sentence begins."""
    return str(capfirst(DocumentKind(kind).label))


def notice_kind(kind: str) -> str:
    word = str(NoticeKind(kind).label)
    return word[:1].upper() + word[1:]


# Closed months


def verdict(met: bool | None) -> tuple[str, str]:
    """The badge and the label of a closed month."""
    if met is None:
        return "outside", gettext("Not in service")
    return ("up", gettext("SLA met")) if met else ("counted", gettext("SLA breached"))


def year_in_words(months: Sequence[ClosedMonth | None]) -> str:
    """The bars of a region in words."""
    in_service = [month for month in months if month and month.met is not None]
    if not in_service:
        return gettext("Not in service in any closed month")
    missed = [month for month in in_service if not month.met]
    if not missed:
        return ngettext(
            "SLA met in the one closed month", "SLA met in all %(count)s closed months", len(in_service)
        ) % {"count": len(in_service)}
    return gettext("SLA breached in %(missed)s of %(count)s closed months: %(names)s") % {
        "missed": len(missed),
        "count": len(in_service),
        "names": listed(month_name(month.month) for month in missed),
    }


def span_of(years: Years) -> str:
    """The first and last month of the bars."""
    return f"{years.months[-1]} – {years.months[0]}" if years.months else ""


# Agreement

VERSION_STATUSES = {
    VersionStatus.IN_FORCE: ("up", _("In force")),
    VersionStatus.ANNOUNCED: ("waiting", _("Announced")),
    VersionStatus.SUPERSEDED: ("outside", _("Superseded")),
    VersionStatus.WITHDRAWN: ("counted", _("Withdrawn")),
}


def heading(clause: PublicClause) -> str:
    return (in_chinese() and clause.heading_zh) or clause.heading


def summary(clause: PublicClause) -> str:
    """Return what is said in short; nothing where the wording is as short."""
    said = (in_chinese() and clause.summary_zh) or clause.summary
    return "" if said in (clause.wording, clause.wording_zh) else said


def wording(clause: PublicClause) -> tuple[str, str]:
    """The binding wording and its language: the reader's where there is one."""
    if in_chinese() and clause.wording_zh:
        return clause.wording_zh, CHINESE
    return clause.wording, "en"


def preamble(version: PublicVersion) -> dict[str, str]:
    """Title and preamble in the reader's language where both are there in it; `language` says which it is."""
    said = version.preamble
    if said is None:
        return {}
    if in_chinese() and said.title_zh:
        return {"title": said.title_zh, "text": said.text_zh, "language": CHINESE}
    return {"title": said.title, "text": said.text, "language": "en"}


def changes_told(version: PublicVersion) -> str:
    return (in_chinese() and version.summary_zh) or version.summary


def withdrawn_sentence() -> str:
    """What stands above the announcement of a version that was withdrawn."""
    return gettext("The version that this announces was withdrawn. It does not take effect.")
