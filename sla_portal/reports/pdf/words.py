"""What a report says in words that depend on its figures, in the language in force."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from claims.models import Step
from sla_portal.reports.rules import Change, Figures, LedgerEntry, ReferenceAndTitle

from ..templatetags.pdf import DASH, grouped, long_month


def attachment() -> str:
    return _("The figures of this report")


def reading(value: str) -> str:
    """Continue "A minute counts while …"."""
    return {
        "all": _("every core function is down on every client, all through the minute"),
        "function": _("some core function is down on every client, all through the minute"),
        "any": _("any core function is down on any client, at any moment of the minute"),
    }[value]


def reading_sentence(value: str) -> str:
    return {
        "all": _("A minute counts when every core function was down on every client for the whole of it."),
        "function": _("A minute counts when, at every moment of it, some core function was down on every client."),
        "any": _("A minute counts when, at any moment of it, any core function was down on any client."),
    }[value]


def notice(hours: int) -> str:
    if not hours:
        return _("maintenance is excluded with notice at any moment before (4.1)")
    return ngettext(
        "maintenance is excluded with notice of at least %(hours)d hour (4.1)",
        "maintenance is excluded with notice of at least %(hours)d hours (4.1)",
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


def flags(figures: Figures) -> list[str]:
    """What a reader must know before he trusts the figure."""
    said = []
    if figures["provisional"]:
        said.append(
            _("Provisional: an outage is still going on (%(incidents)s). The figures run to the moment of issue.")
            % {"incidents": _references(figures["ongoing"])}
        )
    if figures["unclassified"]:
        said.append(
            _(
                "Not final: nobody has said yet whether these incidents are excluded: %(incidents)s. Until then they count."
            )
            % {"incidents": _references(figures["unclassified"])}
        )
    if figures["reading_sensitive"]:
        said.append(
            _(
                "Reading-sensitive: under another reading of clause 1.4 the outcome would be different. "
                "The reading in force decides; the three stand side by side under “How it was calculated”."
            )
        )
    return said


def _references(incidents: Sequence[ReferenceAndTitle]) -> str:
    named = ", ".join(incident["reference"] for incident in incidents[:5])
    return (
        named
        if len(incidents) <= 5
        else _("%(named)s and %(more)d more") % {"named": named, "more": len(incidents) - 5}
    )


def picture(figures: Figures) -> str:
    """Describe the picture of the month to those who do not see it."""
    return _(
        "Picture of %(month)s by day and hour: %(counted)d minutes counted as unavailable, %(excluded)d excluded."
    ) % {
        "month": long_month(figures["month"]),
        "counted": figures["unavailable_minutes"],
        "excluded": figures["excluded_minutes"],
    }


def bars(figures: Figures) -> str:
    """Describe the last twelve months to those who do not see them."""
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


def changes(told: Sequence[Change]) -> list[dict[str, str]]:
    """The rows of the table that says what a revision changed."""
    return [{"what": _changed(change["what"]), **_values(change)} for change in told]


def _values(change: Mapping[str, Any]) -> dict[str, str]:
    if "added" in change:
        return {
            "before": str(change["before"]),
            "after": _("%(count)d (new: %(added)d, gone: %(removed)d, changed: %(changed)d)")
            % {"count": change["after"], **{key: change[key] for key in ("added", "removed", "changed")}},
        }
    if change["before"] is None and change["after"] is None:
        return {"before": "", "after": _("changed")}
    return {side: _value(change["what"], change[side]) for side in ("before", "after")}


def _value(what: str, value: Any) -> str:
    if what == "met":
        return {True: _("kept"), False: _("missed"), None: _("not in service")}[value]
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if what == "availability":
        return f"{value} %" if value else DASH
    return grouped(value) if isinstance(value, int) else str(value)


def ledger_entries(entries: Iterable[LedgerEntry]) -> list[dict[str, Any]]:
    """Entries of the ledger, each with its step in words."""
    return [{**entry, "step": Step(entry["step"]).label} for entry in entries]


def _changed(key: str) -> str:
    return {
        "name": _("Name"),
        "availability": _("Availability"),
        "met": _("Target"),
        "service_days": _("Service days"),
        "unavailable_minutes": _("Minutes that count as unavailable"),
        "excluded_minutes": _("Minutes taken off by exclusions"),
        "budget_minutes": _("Minutes that the target allows"),
        "provisional": _("Provisional"),
        "reading_sensitive": _("Reading-sensitive"),
        "agreements": _("Agreement versions"),
        "events": _("Failure events"),
        "exclusions": _("Exclusions"),
        "suspensions": _("Suspensions"),
        "windows": _("Maintenance windows"),
        "recovery": _("Incidents"),
        "language": _("Language"),
        "region": _("Region"),
        "claims": _("Time for claims"),
        "contract_period": _("The contract period so far"),
        "months": _("The last twelve months"),
        "compensation": _("Compensation"),
    }[key]
