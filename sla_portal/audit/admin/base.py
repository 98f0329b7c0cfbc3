"""Admin classes of the portal: every write is recorded in the audit log with its reason; lists stay fast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import widgets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.forms.models import _get_foreign_key
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.clocks import DASH, ClockField, ClockWidget, DayInput, clock
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth

from ..forms import MergingForm
from ..models import Entry
from ..operations import Period, difference, record, require, snapshot
from ..versions import acting

WHY = "why"


class AuditedForm(MergingForm):
    """A form that requires a reason for changing an existing record."""

    why = forms.CharField(
        label=gettext_lazy("Reason for the change"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text=gettext_lazy("Recorded in the audit log together with the change."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.asks_why:
            del self.fields[WHY]

    @property
    def asks_why(self) -> bool:
        return not self.instance._state.adding


class CappedPaginator(Paginator):
    """A paginator that counts at most 10,000 rows."""

    most = 10_000

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[: self.most].count()


class ChosenFilter(admin.SimpleListFilter):
    """A filter that accepts only the values it offers."""

    def value(self):
        value = super().value()
        if value is not None and value not in {str(choice) for choice, _name in self.lookup_choices}:
            raise IncorrectLookupParameters(value)
        return value


class MonthFilter(ChosenFilter):
    """A filter by service month: offers two years, accepts any month in the URL."""

    title = gettext_lazy("month")
    parameter_name = "month"
    months = 24

    def lookups(self, request, model_admin):
        present = ServiceMonth.of(timezone.localdate(timezone=settings.SLA_ZONE))
        offered = [str(present + -n) for n in range(self.months)]
        asked = self.used_parameters.get(self.parameter_name)
        try:
            offered += [str(ServiceMonth.parse(asked))] if asked and asked not in offered else []
        except ValueError as error:
            raise IncorrectLookupParameters from error
        return [(month, month) for month in offered]

    def queryset(self, request, queryset):
        return self.of_month(queryset, ServiceMonth.parse(self.value())) if self.value() else queryset

    def of_month(self, queryset: models.QuerySet, month: ServiceMonth) -> models.QuerySet:
        """The rows of `month`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Link:
    """A link from a record or list to a related page."""

    name: str
    url: str
    primary: bool = False


def clock_column(name: str, heading: Any) -> Callable[[models.Model], str]:
    """Return a list column that shows an instant on both clocks."""

    @admin.display(description=heading, ordering=name)
    def column(row: models.Model) -> str:
        return clock(getattr(row, name))

    return column


def day_column(name: str, heading: Any) -> Callable[[models.Model], str]:
    """Return a list column that shows a day as YYYY-MM-DD."""

    @admin.display(description=heading, ordering=name)
    def column(row: models.Model) -> str:
        day = getattr(row, name)
        return DASH if day is None else day.isoformat()

    return column


def is_number(text: Any) -> bool:
    """Whether a text can be the number of a row in any database."""
    return str(text).isascii() and str(text).isdigit() and len(str(text)) < 19


class RowField(forms.ModelChoiceField):
    """A choice of one row by its number."""

    def to_python(self, value):
        if value not in self.empty_values and not isinstance(value, models.Model) and not is_number(value):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params={"value": value})
        return super().to_python(value)


class RowSelect(widgets.AutocompleteSelect):
    """Search for a row; what is no number of a row chooses none."""

    def optgroups(self, name, value, attr=None):
        return super().optgroups(name, [one for one in value if one == "" or is_number(one)], attr)


class DeskAdmin:
    """Shared by admin forms and inlines: native browser inputs, no related-object pop-ups."""

    formfield_overrides = {
        models.DateTimeField: {"form_class": ClockField, "widget": ClockWidget},
        models.DateField: {"widget": DayInput},
    }

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, widgets.RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", RowSelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **{"form_class": RowField, **kwargs})


class AuditedModelAdmin(DeskAdmin, admin.ModelAdmin):
    """Record every write in the audit log with actor, time, changes and reason, in the same transaction."""

    form = AuditedForm
    actions = None
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    nothing_yet: Any = ""
    log_at_foot = True
    list_per_page = 50
    sortable_by: Iterable[str] = ()

    def record_links(self, request: HttpRequest, row: models.Model) -> Iterable[Link]:
        """Return links from a record to related pages."""
        return ()

    renews = False
    """Whether the list renews itself while it is open."""
    export_page = ""
    """The page that exports the list, by its name; empty: none."""

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        # Django leads to its index, and what was typed for the record would be lost.
        if request.method == "POST":
            raise Http404
        return super()._get_obj_does_not_exist_redirect(request, opts, object_id)

    def list_links(self, request: HttpRequest) -> Iterable[Link]:
        """Return links from the list to related pages."""
        return ()

    def export_links(self, request: HttpRequest) -> Iterable[Link]:
        """Return links that export the list, filtered as it is."""
        if not self.export_page:
            return
        wanted = request.GET.copy()
        for name in (PAGE_VAR, ERROR_FLAG):
            wanted.pop(name, None)
        for form, name in (("csv", _("Export CSV")), ("xlsx", _("Export XLSX"))):
            yield Link(name, f"{reverse(f'admin:{self.export_page}', args=[form])}?{wanted.urlencode()}")

    # Forms

    def get_fieldsets(self, request, obj=None):
        fieldsets = [
            (name, {**options, "fields": [field for field in options["fields"] if field != WHY]})
            for name, options in super().get_fieldsets(request, obj)
        ]
        if not self.asks_why(request, obj):
            return fieldsets
        return [*fieldsets, (None, {"fields": [WHY], "classes": [WHY]})]

    def asks_why(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether the form of a record asks for the reason of the change."""
        return obj is not None and self.has_change_permission(request, obj)

    def get_object(self, request, object_id, from_field=None):
        """Lock the row before a write, so that the audit log records its real values.

        `FOR NO KEY UPDATE`: whoever holds the lock of the audit log may be adding rows that reference this one.
        """
        row = super().get_object(request, object_id, from_field or None)
        if row is not None and request.method == "POST":
            return self.get_queryset(request).select_for_update(of=("self",), no_key=True).filter(pk=row.pk).first()
        return row

    # Audit log

    def save_model(self, request, obj, form, change):
        verb = "change" if change else "add"
        require(acting(request), f"{self.opts.app_label}.{verb}_{self.opts.model_name}")
        super().save_model(request, obj, form, change)

    def construct_change_message(self, request, form, formsets, add=False):
        """Return what is recorded: the changes by field, the reason and, where it may be a closed month's, the time touched."""
        changes = _changes(form, new=add)
        for formset in formsets or ():
            changes |= _changes_of_rows(formset)
        return changes, form.cleaned_data.get(WHY, "")

    def log_addition(self, request, obj, message):
        self._record(request, obj, "added", *message)

    def log_change(self, request, obj, message):
        if message[0]:
            self._record(request, obj, "changed", *message)

    def log_deletions(self, request, queryset):
        for obj in queryset:
            deleted = {name: [value, None] for name, value in snapshot(obj).items() if value not in (None, "")}
            self._record(request, obj, "deleted", deleted, request.POST[WHY])

    def _record(
        self,
        request: HttpRequest,
        obj: models.Model,
        action: str,
        changes: dict,
        reason: str,
        touching: Sequence[Period] = (),
    ) -> Entry:
        return record(
            actor=acting(request),
            action=action,
            subject=obj,
            now=timezone.now(),
            changes=changes,
            reason=reason,
            touching=touching,
        )

    # Views

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect(request.get_full_path())

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context |= {
            "record_links": list(self.record_links(request, obj)) if change else [],
            "log_at_foot": self.log_at_foot,
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
        }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def delete_view(self, request, object_id, extra_context=None):
        if request.method == "POST":
            try:
                AuditedForm.base_fields[WHY].clean(request.POST.get(WHY, ""))
            except ValidationError as error:
                required = any(one.code == "required" for one in error.error_list)
                sentence = _("Enter a reason for deleting the record.") if required else " ".join(error.messages)
                messages.error(request, sentence)
                return redirect(request.get_full_path())
        return super().delete_view(request, object_id, extra_context)

    def history_view(self, request, object_id, extra_context=None):
        return redirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id]) + "#audit-log"
        )

    def changelist_view(self, request, extra_context=None):
        if ERROR_FLAG in request.GET:
            messages.warning(request, _("This page or filter does not exist. The list is shown from its beginning."))
        context = {
            "title": capfirst(self.opts.verbose_name_plural),
            "list_links": [*self.list_links(request), *self.export_links(request)],
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def lookup_allowed(self, lookup, value, request):
        """Allow the lookups of the list's filters only; Django would accept any field lookup in the URL."""
        return lookup in {chosen.parameter_name for chosen in self.get_list_filter(request)}

    def to_field_allowed(self, request, to_field):
        return to_field == self.opts.pk.name

    def get_search_results(self, request, queryset, search_term):
        # PostgreSQL refuses NUL in text, so no row contains it.
        if "\0" in search_term:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)


class ReadOnlyModelAdmin(AuditedModelAdmin):
    """Rows that nobody edits: judged, published, sent or recorded."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class Rows(DeskAdmin, admin.StackedInline):
    """Inline rows of a record's form."""

    form = MergingForm
    extra = 0
    most_new = 100
    """As many as a person can fill in one form."""

    def get_formset(self, request, obj=None, **kwargs):
        of_record = self.of_record.name
        known = 0 if obj is None else self.model._default_manager.filter(**{of_record: obj}).count()
        most = known + self.most_new
        return super().get_formset(request, obj, **{"max_num": most, "absolute_max": most, **kwargs})

    def get_extra(self, request, obj=None, **kwargs):
        """As many rows as were typed and are shown again, by the name of the formset."""
        typed = getattr(request, "typed_rows", {})
        return min(typed.get(self.of_record.remote_field.get_accessor_name(self.model), self.extra), self.most_new)

    @property
    def of_record(self):
        return _get_foreign_key(self.parent_model, self.model, fk_name=self.fk_name)


class ReadOnlyRows(Rows):
    """Read-only inline rows that only operations write."""

    template = "admin/edit_inline/read_only.html"
    nothing_yet: Any = ""
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@translation.override("en")  # what is recorded is the same whoever wrote it
def _changes(form: forms.BaseForm, *, new: bool = False, gone: bool = False) -> dict[str, list[Any]]:
    """Return `[before, after]` of each changed field of a form."""
    names = [name for name, field in form.fields.items() if name not in (WHY, "DELETE") and not field.widget.is_hidden]
    if not new and not gone:
        names = [name for name in names if name in form.changed_data]
    before = (
        {}
        if new
        else {name: _readable(form, name, form.get_initial_for_field(form.fields[name], name)) for name in names}
    )
    after = {} if gone else {name: _readable(form, name, form.cleaned_data.get(name)) for name in names}
    return difference(before, after)


@translation.override("en")
def _changes_of_rows(formset: forms.BaseModelFormSet) -> dict[str, list[Any]]:
    """Return the inline rows that were added, changed or deleted, each with its fields."""
    changes = {}
    for form in formset.forms:
        new = form in formset.extra_forms
        gone = formset.can_delete and form in formset.deleted_forms
        # After saving, `has_changed()` is false for rows that can only be added.
        if form.instance.pk is not None if new else gone or form.has_changed():
            changed = _changes(form, new=new, gone=gone)
            before, after = ({name: pair[side] for name, pair in changed.items()} for side in (0, 1))
            changes[f"{form.instance._meta.verbose_name} {form.instance}"] = [
                None if new else before,
                None if gone else after,
            ]
    return changes


def _readable(form: forms.BaseForm, name: str, value: Any) -> Any:
    field = form.fields[name]
    if value is None or value in ("", []):
        return None
    if isinstance(field.widget, forms.PasswordInput):
        return _("new value set")
    if isinstance(field, forms.MultipleChoiceField):
        return sorted(str(dict(field.choices)[chosen]) for chosen in value)
    if isinstance(field, forms.ModelMultipleChoiceField):
        return sorted(str(row) for row in value)
    if isinstance(field, forms.ModelChoiceField):
        row = (
            value if isinstance(value, models.Model) else field.queryset.model._default_manager.filter(pk=value).first()
        )
        return str(row)
    return value
