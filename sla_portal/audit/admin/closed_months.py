"""Forms of records of which closed months are made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from sla_portal.kernel.months import ServiceMonth

from ..operations import closed_months_touched
from .base import AuditedForm, AuditedModelAdmin


class ClosedMonthsUnnamed(Exception):
    """The correction changes closed months that were not named to the person who saves, and what it changes in them."""

    def __init__(self, months: Sequence[ServiceMonth], changes: Any) -> None:
        super().__init__(months)
        self.months, self.changes = [str(month) for month in months], changes


NAMED = "closed_months"
"""The hidden field with the closed months that a form named."""


class ClosedMonthsForm(AuditedForm):
    """A form that names closed months before it is saved, and asks for a reason where a new record touches one."""

    closed_months_unnamed: ClosedMonthsUnnamed | None = None

    @property
    def asks_why(self) -> bool:
        return super().asks_why or self.closed_months_unnamed is not None or NAMED in self.data

    def clean(self):
        facts = super().clean()
        check_closed_months_named(self)
        return facts


def check_closed_months_named(form_or_record: Any) -> None:
    """Refuse a form where `ClosedMonthsAdmin` found that it, or its record, changes closed months that were not named yet."""
    if unnamed := getattr(form_or_record, "closed_months_unnamed", None):
        raise ValidationError(
            _(
                "Nothing is saved yet: this changes the record of closed months (%(months)s). Save again to change it; "
                "the closed figures stay until Legal corrects the month, and the reason below is listed there."
            ),
            params={"months": ", ".join(unnamed.months)},
        )


class ClosedMonthsAdmin(AuditedModelAdmin):
    """Name the closed months that a change touches, with what is changed in them, before anything is saved."""

    def periods_changed(self, form, formsets):
        """Return the time whose record is changed."""
        raise NotImplementedError

    def preview(self, record, months, write):
        """Return what `write` would change in closed `months`, to be shown; the staff pages know their figures."""
        raise NotImplementedError

    def construct_change_message(self, request, form, formsets, add=False):
        touching = self.periods_changed(form, formsets or ())
        return *super().construct_change_message(request, form, formsets, add), touching

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        request.closed_months_unnamed = None
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ClosedMonthsUnnamed as unnamed:
            request.closed_months_unnamed = unnamed
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_object(self, request, object_id, from_field=None):
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row.closed_months_unnamed = getattr(request, "closed_months_unnamed", None)
        return row

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.closed_months_unnamed = getattr(request, "closed_months_unnamed", None)
        return form

    def asks_why(self, request, obj=None):
        named = NAMED in request.POST or getattr(request, "closed_months_unnamed", None) is not None
        return super().asks_why(request, obj) or named

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context["closed_months"] = request.closed_months_unnamed
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_related(self, request, form, formsets, change):
        write = partial(self.save_rows, request, form, formsets, change)
        closed = closed_months_touched(self.periods_changed(form, formsets))
        if closed and request.POST.get(NAMED, "") != " ".join(map(str, closed)):
            raise ClosedMonthsUnnamed(closed, self.preview(form.instance, closed, write))
        write()

    def save_rows(self, request, form, formsets, change):
        """Save what belongs to the record."""
        super().save_related(request, form, formsets, change)
