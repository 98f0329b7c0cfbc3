"""The hand-over between shifts: what changed since a shift began, and notes for the next one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from incidents.models import Incident, ShiftNote
from incidents.operations import add_shift_note
from incidents.queries import severities
from incidents.rules import Severity
from maintenance.models import MaintenanceWindow
from sla_portal.audit.models import Entry
from sla_portal.audit.versions import acting
from sla_portal.availability.models import Exclusion
from sla_portal.clocks import ClockField

from ..common import page, refusals_on, require_right
from ..forms import TYPED, KeyedForm, TimedForm
from ..operations import save_once

HOURS = (8, 12, 24)
MOST = 500
"""Entries that a page shows."""
KINDS: dict[str, tuple[type[Model], str]] = {
    "incidents.incident": (Incident, "incidents.view_incident"),
    "maintenance.maintenancewindow": (MaintenanceWindow, "maintenance.view_maintenancewindow"),
    "availability.exclusion": (Exclusion, "availability.view_exclusion"),
}
"""Records whose changes are shown, each with the permission to view it."""


class SinceForm(TimedForm):
    """When the shift began: `?since=8`, hours ago, or typed."""

    since = forms.ChoiceField(label=gettext_lazy("My shift began"), widget=forms.RadioSelect, initial=str(HOURS[0]))
    since_at = ClockField(label=gettext_lazy("Start of the shift"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["since"].choices = [
            *(
                (str(hours), ngettext("%(count)s hour ago", "%(count)s hours ago", hours) % {"count": hours})
                for hours in HOURS
            ),
            (TYPED, _("Specify time")),
        ]

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data.get("since")
        if chosen == TYPED:
            self.cleaned_data["began"] = self.typed("since_at")
        elif chosen:
            self.cleaned_data["began"] = self.now - timedelta(hours=int(chosen))
        return self.cleaned_data


class NoteForm(KeyedForm):
    """A note for the next shift."""

    text = forms.CharField(
        label=gettext_lazy("Note for the next shift"), widget=forms.Textarea(attrs={"rows": 3}), max_length=5000
    )


@dataclass(frozen=True)
class ChangedRecord:
    """A record that changed, with its entries of the audit log, oldest first."""

    record: Any
    url: str
    severity: Severity | None
    entries: list[Entry]


@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest) -> HttpResponse:
    """Show what changed since the shift began; POST leaves a note for the next shift."""
    require_right(request, "incidents.view_shiftnote")
    now = timezone.now()
    form = NoteForm(request.POST or None)
    if request.method == "POST":
        require_right(request, "incidents.add_shiftnote")
        if form.is_valid():
            with refusals_on(form):
                return redirect(
                    save_once(key=form.cleaned_data["key"], write=lambda: _write(request, form, now), now=now)
                )
    asked = SinceForm(request.GET if "since" in request.GET else {"since": str(HOURS[0])}, now=now)
    began = asked.cleaned_data.get("began") if asked.is_valid() else None
    changed, more = changes_since(request, began, now) if began else ([], False)
    ongoing = list(Incident.objects.open().select_related("owner").order_by("detected_at"))
    severity_of = severities(ongoing)
    context = {
        "title": _("Hand-over"),
        "asked": asked,
        "began": began,
        "now": now,
        "changed": changed,
        "more": MOST if more else 0,
        "ongoing": [(incident, severity_of[incident.pk].severity) for incident in ongoing],
        "notes": ShiftNote.objects.filter(at__gte=min(began or now, now - timedelta(hours=HOURS[-1])))[:MOST],
        "note": form,
        "may_write": request.user.has_perm("incidents.add_shiftnote"),
    }
    refused = asked.errors or form.errors
    return page(request, "staff/shift/hand_over.html", context, status=422 if refused else 200)


def _write(request: HttpRequest, form: NoteForm, now: datetime) -> str:
    add_shift_note(actor=acting(request), text=form.cleaned_data["text"], now=now)
    messages.success(request, _("Note saved."))
    return reverse("admin:hand_over")


def changes_since(request: HttpRequest, began: datetime, now: datetime) -> tuple[list[ChangedRecord], bool]:
    """Return the records that changed from `began` to `now`, the last changed first, and whether there are more."""
    kinds = [kind for kind, (_model, right) in KINDS.items() if request.user.has_perm(right)]
    newest = Entry.objects.filter(at__gte=began, at__lte=now, subject_type__in=kinds).order_by("-id")[: MOST + 1]
    by_record: dict[tuple[str, str], list[Entry]] = {}
    for entry in newest[:MOST]:
        by_record.setdefault((entry.subject_type, entry.subject_id), []).insert(0, entry)
    rows = {kind: _rows(kind, [key for of_kind, key in by_record if of_kind == kind]) for kind in kinds}
    severity_of = severities(rows.get("incidents.incident", {}).values())
    found = []
    for (kind, key), entries in by_record.items():
        row = rows[kind].get(key)
        severity = severity_of[row.pk].severity if isinstance(row, Incident) else None
        found.append(ChangedRecord(row or entries[-1].subject, _address(row), severity, entries))
    return found, len(newest) > MOST


def _rows(kind: str, keys: Iterable[str]) -> dict[str, Any]:
    model, _right = KINDS[kind]
    found = model._default_manager.filter(pk__in=list(keys))
    if model is Exclusion:
        found = found.select_related("incident", "customer")
    return {str(row.pk): row for row in found}


def _address(row: Any) -> str:
    if isinstance(row, Incident):
        return reverse("admin:incident_page", args=[row.pk])
    if isinstance(row, MaintenanceWindow):
        return reverse("admin:maintenance_window", args=[row.pk])
    if isinstance(row, Exclusion):
        return reverse("admin:availability_exclusion_change", args=[row.pk])
    return ""
