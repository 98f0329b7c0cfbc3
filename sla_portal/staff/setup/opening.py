"""Open the portal to the public, and name the day before."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from sla_portal.audit.versions import acting
from sla_portal.operator.operations import open_portal, set_reported_from
from sla_portal.operator.queries import opening

from ..common import page, refusals_on, require_right
from .checklist import RIGHT, steps


class DayForm(forms.Form):
    """The day that the website names until the opening."""

    reported_from = forms.DateField(
        label=gettext_lazy("Reported from"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("The website names this day until the portal is opened."),
        error_messages={"invalid": gettext_lazy("Enter the date in the form 2026-12-31.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def open_to_public(request: HttpRequest) -> HttpResponse:
    """Show what is left to do; POST names the day, or opens the portal."""
    require_right(request, RIGHT)
    now = timezone.now()
    row = opening()
    named = "reported_from" in request.POST
    form: Any = DayForm(request.POST if named else None, initial={"reported_from": row.reported_from})
    if request.method == "POST" and not named:
        form = forms.Form({})
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            if named:
                set_reported_from(actor=acting(request), day=form.cleaned_data["reported_from"], now=now)
                messages.success(request, _("The website now names this day."))
            else:
                open_portal(actor=acting(request), now=now)
                messages.success(request, _("The portal is open to the public."))
            return redirect(request.path)
    context = {
        "title": _("Opening to the public"),
        "form": form,
        "day": form if named else DayForm(initial={"reported_from": row.reported_from}),
        "opening": row,
        "left": [] if row.opened_at else [step for step in steps(now)[:-1] if not step.done],
    }
    return page(request, "staff/setup/opening.html", context, status=422 if form.errors else 200)
