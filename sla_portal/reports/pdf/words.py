"""The sentences of a report that depend on its figures, in the active language."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from claims.models import Step
from sla_portal.availability.rules import FigureStatus, MonthStatus, Pending
from sla_portal.availability.words import pending_sentence, status_badge
from sla_portal.operator.words import mark_name
from sla_portal.reports.rules import (
    Change,
    Closing,
    Figures,
    Issue,
    LedgerEntry,
    Recovery,
    ReferenceAndTitle,
    Turn,
    Version,
)

from ..templatetags.pdf import DASH, clock, grouped, lasting, long_month

REASON_ON_FIRST_PAGE = 120
"""Characters of the reason of a correction that the head of the first page has room for."""


def attachment() -> str:
    return _("Figures of this report")


def counting_rule(value: str) -> str:
    """Return the full name of a counting rule of 1.4 (`unavailability_reading`)."""
    return {
        "all": _("All functions on all clients"),
        "function": _("Any function on all clients"),
        "any": _("Any function on any client"),
    }[value]


def counting_rule_sentence(value: str) -> str:
    return {
        "all": _(
            "A minute counts as unavailable if every core function was unavailable on every client for the whole minute."
        ),
        "function": _(
            "A minute counts as unavailable if, at every moment of it, at least one core function was unavailable on every client."
        ),
        "any": _(
            "A minute counts as unavailable if, at any moment of it, any core function was unavailable on any client."
        ),
    }[value]


def rules_in_turn(figures: Figures) -> list[dict[str, Any]]:
    """Return the counting rule of each version in force on the days measured, with its days where there are several."""
    turns = figures.get("in_turn")
    if not turns:
        value = figures["agreements"][0]["reading"]
        return [{"reading": value, "name": counting_rule(value), "sentence": counting_rule_sentence(value)}]
    return [
        {**turn, "name": counting_rule(turn["reading"]), "sentence": counting_rule_sentence(turn["reading"])}
        for turn in turns
    ]


def compared(figures: Figures) -> list[dict[str, Any]]:
    """Return the rows that compare the counting rules; first the rules in force in turn, where no single one gives the figures."""
    in_force = figures.get("rule", figures["agreements"][0]["reading"])
    rows = [
        {**row, "name": counting_rule(row["reading"]), "in_force": row["reading"] == in_force}
        for row in figures["readings"]
    ]
    if in_force is not None:
        return rows
    return [
        {
            "reading": "",
            "name": _("Each rule in its time"),
            "in_force": True,
            "unavailable_minutes": figures["unavailable_minutes"],
            "availability": figures["availability"],
            "met": figures["met"],
        },
        *rows,
    ]


def recommended_hours(versions: Sequence[Version]) -> str:
    """Return the recommended lead time of the versions in force, with the version where they differ."""
    if len({version["recommended_notice_hours"] for version in versions}) == 1:
        return str(versions[0]["recommended_notice_hours"])
    return pgettext("list", ", ").join(
        _("%(hours)d (version %(version)s)")
        % {"hours": version["recommended_notice_hours"], "version": version["version"]}
        for version in versions
    )


def notice(hours: int) -> str:
    if not hours:
        return _("maintenance announced at any time beforehand is excluded (4.1)")
    return ngettext(
        "maintenance announced at least %(hours)d hour beforehand is excluded (4.1)",
        "maintenance announced at least %(hours)d hours beforehand is excluded (4.1)",
        hours,
    ) % {"hours": hours}


def maintenance(kind: str) -> str:
    return {
        "cutover": _("cutover"),
        "repair": _("repair"),
        "upgrade": _("upgrade"),
        "drill": _("simulated drill"),
        "other": _("other maintenance"),
    }[kind]


def source(value: str) -> str:
    return {"monitoring": _("monitoring"), "ticket": _("ticket"), "phone": _("phone")}[value]


def status(figures: Figures, issue: Issue) -> tuple[str, str, bool]:
    """Return the word for the status of the figures and the sentences that say why; empty where a statement has none.

    The third tells whether a long reason of a correction was cut; it stands in full with the parties.
    """
    if "status" not in figures:
        return "", "", False
    found = MonthStatus(FigureStatus(figures["status"]), tuple(Pending(value) for value in figures["pending"]))
    closing = issue.get("closing")
    sentences = [pending_sentence(found), *_if_confirmed(figures), *_closed(figures, closing)]
    reason = closing.get("reason", "") if closing else ""
    short = Truncator(reason).chars(REASON_ON_FIRST_PAGE)
    if reason:
        sentences.append(_("Reason: %(reason)s") % {"reason": short})
    return status_badge(found.status)[1], " ".join(filter(None, sentences)), short != reason


def facts(figures: Figures, issue: Issue) -> Iterator[tuple[str, str]]:
    """Return the parties, and who closed and issued, as rows of a label and a text."""
    parties = issue.get("parties")
    if parties:
        operator = [parties["operator_name"], parties["operator_address"]]
        yield _("Operator"), ", ".join(filter(None, operator)) or _("not stated in the settings of the portal")
    if figures["scope"] == "customer":
        yield _("Customer"), f"{figures['name']} ({figures['code']})"
    else:
        yield _("Region"), figures["region"]["name"]
    for contract in parties["contracts"] if parties else ():
        yield (
            _("Contract"),
            _("%(reference)s, %(first)s to %(last)s")
            % {"reference": contract["reference"], "first": contract["first_day"], "last": contract["last_day"]},
        )
    yield (
        _("Agreement"),
        pgettext("list", ", ").join(
            _("version %(version)s, in force from %(day)s")
            % {"version": version["version"], "day": version["effective_on"]}
            for version in figures["agreements"]
        ),
    )
    closing = issue.get("closing")
    if closing:
        yield _("Closing"), " ".join(_closed(figures, closing))
        if reason := closing.get("reason"):
            yield _("Reason"), reason
    at = {"at": clock(issue["issued_at"], figures["sla_zone"]), "zone": figures["sla_zone"]}
    issued = _("%(at)s (%(zone)s) by %(name)s") if issue.get("issued_by") else _("%(at)s (%(zone)s)")
    yield _("Issued"), issued % {**at, "name": issue.get("issued_by")}


def seal(issue: Issue) -> str:
    """Return whether the PDF carries a signature; empty in those of an earlier build."""
    if "seal" not in issue:
        return ""
    return {
        "": _("unsealed"),
        "operator": _("sealed by the signature within; unsealed without it"),
        "demonstration": _("sealed with a demonstration key, which proves nothing"),
    }[issue["seal"]]


def mark(of: str) -> str:
    """Return what stands on each page of a PDF that is not real; empty on all others."""
    return _("%(mark)s: proves nothing") % {"mark": mark_name(of)} if of else ""


def _if_confirmed(figures: Figures) -> Iterator[str]:
    would = figures["if_confirmed"]
    if would and would["availability"] is not None:
        yield ngettext(
            "If every undecided exclusion were confirmed: %(availability)s %%, %(minutes)d unavailable minute, %(sla)s.",
            "If every undecided exclusion were confirmed: %(availability)s %%, %(minutes)d unavailable minutes, %(sla)s.",
            would["unavailable_minutes"],
        ) % {
            "availability": would["availability"],
            "minutes": would["unavailable_minutes"],
            "sla": _value("met", would["met"]),
        }


def _closed(figures: Figures, closing: Closing | None) -> Iterator[str]:
    if closing is None:
        return
    yield _("Closed at %(at)s (%(zone)s) by %(name)s, revision %(revision)d.") % {
        "at": clock(closing["closed_at"], figures["sla_zone"]),
        "zone": figures["sla_zone"],
        "name": closing["closed_by"],
        "revision": closing["revision"],
    }
    if closing["requested_by"]:
        yield _("Requested by %(name)s.") % {"name": closing["requested_by"]}
    if closing["one_person"]:
        yield _("Closed by one person; the second was switched off in the settings.")


def time_to_acknowledge(incident: Recovery) -> str:
    return _length(incident["seconds_to_acknowledge"], incident.get("acknowledgement")) or DASH


def time_to_restore(incident: Recovery) -> str:
    return _length(incident["seconds_to_restore"], incident.get("restoration")) or _("ongoing")


def _length(seconds: int | None, reason: str | None) -> str:
    """Return a length of 2.2, or why it is not stated; figures of an earlier build may have a negative one."""
    if seconds is not None and seconds >= 0:
        return lasting(seconds)
    if reason == "logged_after_restoration":
        return _("logged after restoration")
    return _("not stated") if reason or seconds is not None else ""


def flags(figures: Figures) -> list[str]:
    """Return the reservations that a reader must know before relying on the figure."""
    sentences = []
    if figures["provisional"]:
        sentences.append(
            _("Provisional: an outage is ongoing (%(incidents)s). The figures run to the time of issue and can change.")
            % {"incidents": _references(figures["ongoing"])}
        )
    if figures["unclassified"]:
        sentences.append(
            _(
                "Provisional: these incidents are pending classification: %(incidents)s. Until they are classified, they count as downtime."
            )
            % {"incidents": _references(figures["unclassified"])}
        )
    sentences += _changes_of_terms(figures.get("in_turn", ()))
    if figures["reading_sensitive"]:
        sentences.append(
            _(
                "The outcome depends on the counting rule: under another counting rule of clause 1.4 it would be different. "
                "The rule in force decides; the section “Calculation” compares all three."
            )
        )
    return sentences


def _changes_of_terms(turns: Sequence[Turn]) -> Iterator[str]:
    for before, turn in pairwise(turns):
        shown = {"version": turn["version"], "day": turn["first_day"], "rule": counting_rule(turn["reading"])}
        if before["reading"] == turn["reading"]:
            yield _("Version %(version)s of the agreement is in force from %(day)s.") % shown
        else:
            yield (
                _("Version %(version)s of the agreement is in force from %(day)s, with the counting rule “%(rule)s”.")
                % shown
            )


def _references(incidents: Sequence[ReferenceAndTitle]) -> str:
    named = ", ".join(incident["reference"] for incident in incidents[:5])
    return (
        named
        if len(incidents) <= 5
        else _("%(named)s and %(more)d more") % {"named": named, "more": len(incidents) - 5}
    )


def picture(figures: Figures) -> str:
    """Return the text alternative of the chart of the month."""
    return _("Chart of %(month)s by day and hour: %(counted)d unavailable minutes, %(excluded)d excluded minutes.") % {
        "month": long_month(figures["month"]),
        "counted": figures["unavailable_minutes"],
        "excluded": figures["excluded_minutes"],
    }


def bars(figures: Figures) -> str:
    """Return the text alternative of the chart of the last twelve months."""
    return "; ".join(
        _("%(month)s: %(availability)s %%, %(minutes)d minutes")
        % {
            "month": long_month(past["month"]),
            "availability": past["availability"],
            "minutes": past["unavailable_minutes"],
        }
        if past["availability"]
        else _("%(month)s: none") % {"month": long_month(past["month"])}
        for past in figures["months"]
    )


def changes(found: Sequence[Change]) -> list[dict[str, str]]:
    """Return the rows of the table of a revision's changes."""
    return [{"what": _changed(change["what"]), **_values(change)} for change in found]


def _values(change: Mapping[str, Any]) -> dict[str, str]:
    if "added" in change:
        return {
            "before": str(change["before"]),
            "after": _("%(count)d (added: %(added)d, removed: %(removed)d, changed: %(changed)d)")
            % {"count": change["after"], **{key: change[key] for key in ("added", "removed", "changed")}},
        }
    if change["before"] is None and change["after"] is None:
        return {"before": "", "after": _("changed")}
    return {side: _value(change["what"], change[side]) for side in ("before", "after")}


def _value(what: str, value: Any) -> str:
    if what == "status":
        return status_badge(FigureStatus(value))[1] if value else DASH
    if what == "met":
        return {True: _("SLA met"), False: _("SLA breached"), None: _("Not in service")}[value]
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if what == "availability":
        return f"{value} %" if value else DASH
    return grouped(value) if isinstance(value, int) else str(value)


def ledger_entries(entries: Iterable[LedgerEntry]) -> list[dict[str, Any]]:
    """Return ledger entries with the label of their step."""
    return [{**entry, "step": Step(entry["step"]).label} for entry in entries]


def _changed(key: str) -> str:
    return {
        "name": _("Name"),
        "availability": _("Availability"),
        "met": _("SLA"),
        "service_days": _("Service days"),
        "unavailable_minutes": _("Unavailable minutes"),
        "excluded_minutes": _("Excluded minutes"),
        "budget_minutes": _("Downtime allowance (error budget), minutes"),
        "provisional": _("An outage is ongoing"),
        "status": _("Status"),
        "pending": _("Reasons for the status"),
        "in_turn": _("Agreement versions in turn"),
        "if_confirmed": _("Figures if every undecided exclusion were confirmed"),
        "reading_sensitive": _("Outcome depends on the counting rule"),
        "agreements": _("Agreement versions"),
        "events": _("Failure events"),
        "exclusions": _("Exclusions"),
        "proposed": _("Undecided exclusions"),
        "suspensions": _("Suspensions"),
        "windows": _("Maintenance windows"),
        "recovery": _("Incidents"),
        "language": _("Language"),
        "region": _("Region"),
        "claims": _("Claim period"),
        "contract_period": _("Contract period to date"),
        "months": _("Last twelve months"),
        "compensation": _("Compensation"),
    }[key]
