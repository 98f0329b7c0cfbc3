"""Template tags of the staff pages: navigation, times, durations, badges and bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.conf import settings
from django.contrib.admin.helpers import AdminReadonlyField
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from claims.inspection import Remark
from claims.words import remark_text
from incidents.models import SEVERITY_BADGES, severity_name
from incidents.rules import Severity
from sla_portal import badges, clocks
from sla_portal.kernel.languages import text_language

from ..roles import role_name

register = template.Library()


@register.filter
def proof_remark(value: str) -> str:
    """Say what the inspection of a proof file found."""
    return remark_text(Remark(value))


NAVIGATION = (
    (_("Home"), "index", None),
    (_("Log an outage"), "log_outage", "incidents.add_incident"),
    (_("Incidents"), "incidents_incident_changelist", "incidents.view_incident"),
    (_("Hand-over"), "hand_over", "incidents.view_shiftnote"),
    (_("Exclusions"), "availability_exclusion_changelist", "availability.view_exclusion"),
    (_("Maintenance"), "maintenance_maintenancewindow_changelist", "maintenance.view_maintenancewindow"),
    (_("Notices"), "notices_notice_changelist", "notices.view_notice"),
    (_("Months"), "months", "availability.view_regionmonth"),
    (_("Reports"), "reports_report_changelist", "reports.view_report"),
    (_("Claims"), "claims", "claims.view_claim"),
    (_("Ledger"), "ledger", "claims.view_entry"),
    (_("Customers"), "customers_customer_changelist", "customers.view_customer"),
    (_("Agreement"), "amendments", "agreements.view_agreementversion"),
    (_("Audit log"), "audit_entry_changelist", "audit.view_entry"),
)


KEYS = {
    "index": "h",
    "log_outage": "l",
    "incidents_incident_changelist": "i",
    "hand_over": "o",
    "maintenance_maintenancewindow_changelist": "m",
    "months": "n",
    "claims": "c",
}
"""Keyboard shortcuts of pages in the navigation."""


@dataclass(frozen=True)
class NavigationLink:
    """A link in the navigation."""

    name: str
    url: str
    key: str
    current: bool


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> list[NavigationLink]:
    """The pages that the user may open."""
    request = context.get("request")
    if request is None or not getattr(request, "user", None) or not request.user.is_staff:
        return []
    entries = [
        (str(name), reverse(f"admin:{page}"), KEYS.get(page, ""))
        for name, page, right in NAVIGATION
        if right is None or request.user.has_perm(right)
    ]
    within = max((url for _name, url, _key in entries if request.path.startswith(url)), key=len, default="")
    # The URL of the home page is a prefix of all others.
    home = entries[0][1]
    return [
        NavigationLink(name, url, key, url == within and (url != home or request.path == home))
        for name, url, key in entries
    ]


@register.simple_tag
def clocks_now() -> dict[str, Any]:
    """The current time in the time zone of the reader and in the SLA time zone."""
    now = timezone.now()
    reader = timezone.get_current_timezone()
    return {
        "now": now,
        "reader": reader,
        "reader_place": clocks.zone_name(reader),
        "reader_time": f"{now.astimezone(reader):%Y-%m-%d %H:%M}",
        "sla": settings.SLA_ZONE,
        "sla_place": clocks.zone_name(settings.SLA_ZONE),
        "sla_time": f"{now.astimezone(settings.SLA_ZONE):%Y-%m-%d %H:%M}",
        "differ": str(reader) != str(settings.SLA_ZONE),
    }


@register.filter
def roles(user: User) -> str:
    """Name the roles of a user in the reader's language."""
    return ", ".join(role_name(group) for group in user.groups.all())


@register.filter
def clock(at: datetime | None) -> SafeString:
    """Format an instant in the time zone of the reader and, where it differs, in the SLA time zone."""
    return clocks.clock(at)


@register.filter
def lasting(value: float | timedelta) -> str:
    """Format a duration given in seconds or as a timedelta."""
    return clocks.format_length(value.total_seconds() if isinstance(value, timedelta) else value)


@register.filter
def since(now: datetime, began: datetime) -> str:
    """Format the time elapsed since `began`."""
    return clocks.format_length((now - began).total_seconds())


@register.simple_tag
def readonly_value(field: AdminReadonlyField) -> str:
    """Format a read-only field: an instant in both time zones, a day in ISO format, a user by name."""
    name = field.field["field"]
    value = getattr(field.form.instance, name, None) if isinstance(name, str) else None
    if isinstance(value, datetime):
        return clocks.clock(value)
    if isinstance(value, User):
        # Only administrators may open the page of a user, so show no link.
        return value.get_full_name() or value.get_username()
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value.isoformat() if isinstance(value, date) else field.contents()


@register.simple_tag
def badge(state: str, word: str) -> SafeString:
    """A status badge; `sla_portal.badges` lists the states."""
    return badges.badge(state, word)


@register.simple_tag
def severity_badge(severity: Severity) -> SafeString:
    """The badge of the severity of an incident."""
    return badges.badge(SEVERITY_BADGES[severity], severity_name(severity))


@register.simple_tag
def administrators() -> list[str]:
    """The names of those who give roles; superusers where nobody has the role Administrator."""
    active = User.objects.filter(is_active=True, is_staff=True)
    found = active.filter(groups__name="Administrator") or active.filter(is_superuser=True)
    return sorted(person(user) for user in found)


@register.filter
def person(user: User) -> str:
    """The name of a user."""
    return user.get_full_name() or user.get_username()


@register.filter
def typed_text(text: str) -> SafeString:
    """Show a text that a person typed, marked with the language it is in."""
    return format_html('<div lang="{}">{}</div>', text_language(text), SafeString(linebreaks(text, autoescape=True)))


register.filter("typed_language", text_language)
register.filter("severity_name", severity_name)


@register.inclusion_tag("staff/_budget.html")
def budget(used: int, total: int, provisional: bool = False, url: str = "") -> dict[str, Any]:
    """Show the downtime allowance (error budget) as a bar and in words that link to `url`; minutes."""
    whole = max(used, total, 1)
    return {
        "left": total - used,
        "over": used - total,
        "used": used,
        "total": total,
        "provisional": provisional,
        "url": url,
        "within_width": round(200 * min(used, total) / whole, 1),
        "over_width": round(200 * max(used - total, 0) / whole, 1),
        "limit_at": round(200 * total / whole, 1),
    }


@register.filter
def with_headers(cells: list[str], headers: list[Any]) -> list[tuple[str, Any]]:
    """Pair the cells of a row with the headers of their columns."""
    return list(zip(cells, headers, strict=True))


@register.filter
def labelled(cell: str, label: str) -> SafeString:
    """Add the column name to a cell, for the card layout on phones."""
    name = f' data-label="{conditional_escape(capfirst(label))}"'
    # Django rendered the cell; its first tag is the td.
    return mark_safe(cell.replace("<td", f"<td{name}", 1))  # noqa: S308
