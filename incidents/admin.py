"""The list of incidents and the form that corrects one. The staff pages log and handle incidents."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from sla_portal.audit.admin import (
    AuditedForm,
    AuditedModelAdmin,
    ChosenFilter,
    ClosedMonthsAdmin,
    Link,
    MonthFilter,
    Rows,
    check_closed_months_named,
    clock_column,
)
from sla_portal.audit.forms import MergingForm
from sla_portal.audit.operations import check_unchanged
from sla_portal.audit.versions import acting
from sla_portal.badges import badge
from sla_portal.clocks import DASH, format_length
from sla_portal.customers.admin import RegionFilter
from sla_portal.customers.forms import ScopedForm, ScopeField, offered
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.months import ServiceMonth
from sla_portal.plausible import ask_whether_meant

from .models import SEVERITY_BADGES, Incident, IncidentTemplate, Outage, UpdateTemplate, severity_name
from .operations import why_not_changed
from .queries import periods_of, severities, times_of, unacknowledged
from .rules import TimeObjection, Unmeasured, check_end, check_order, check_scope, check_times, time_to_restore


class IncidentForm(AuditedForm):
    """Correct the record of an incident."""

    def clean(self):
        facts = super().clean()
        for name in ("detected_at", "acknowledged_at", "resolved_at"):
            at = facts.get(name)
            if at and at.microsecond:
                self.add_error(name, _("Give whole seconds."))
            if at and at > timezone.now():
                self.add_error(name, _("This time is in the future. Enter a past time, or leave it empty."))
        objections = check_order(*map(facts.get, ("detected_at", "acknowledged_at", "resolved_at")))
        if self.initial.get("resolved_at") and facts.get("resolved_at", "") is None:
            objections += (TimeObjection.REOPENED,)
        for objection in objections:
            self.add_error(objection.field, _(objection.sentence))
        for name in ("detected_at", "acknowledged_at", "resolved_at"):
            ask_whether_meant(self, name, timezone.now())
        return facts


class OutageForm(ScopedForm, MergingForm):
    """Correct an outage; the checks are those of a new one."""

    functions = ScopeField(label=gettext_lazy("Core functions"))
    clients = ScopeField(label=gettext_lazy("Clients"))

    class Meta:
        fields = ("region", "started_at", "ended_at", "functions", "clients")

    def clean(self):
        facts = super().clean()
        objections = check_scope([1], facts.get("functions", ()), facts.get("clients", ()))
        if facts.get("started_at") and "ended_at" in facts:
            objections += check_times(facts["started_at"], facts["ended_at"], timezone.now())
        for objection in objections:
            self.add_error(objection.field, _(objection.sentence))
        for name in ("started_at", "ended_at"):
            ask_whether_meant(self, name, timezone.now(), filter(None, [facts.get("region")]))
        return facts


class OutageFormSet(forms.BaseInlineFormSet):
    """The outages of an incident; none is ongoing, or ends later, once the incident is resolved (2.2)."""

    @cached_property
    def offered(self):
        return offered()

    def get_form_kwargs(self, index):
        return {**super().get_form_kwargs(index), "offered": self.offered}

    def periods_changed(self):
        """Return the time that each outage added, changed or deleted lasted, before and after."""
        now = timezone.now()
        sides = [
            facts
            for form in self.forms
            if form.has_changed() or form in self.deleted_forms
            for facts in (form.initial, {} if form in self.deleted_forms else form.cleaned_data)
        ]
        return [(facts["started_at"], facts.get("ended_at") or now) for facts in sides if facts.get("started_at")]

    def clean(self):
        super().clean()
        check_closed_months_named(self.instance)
        remaining = [form for form in self.forms if form not in self.deleted_forms and form.cleaned_data]
        for form in remaining:
            if "ended_at" in form.cleaned_data:
                for objection in check_end(form.cleaned_data["ended_at"], self.instance.resolved_at):
                    form.add_error(objection.field, _(objection.sentence))


class OutageRows(Rows):
    model = Outage
    form = OutageForm
    formset = OutageFormSet

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("region").prefetch_related("functions", "clients")


class StateFilter(ChosenFilter):
    title = gettext_lazy("status")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return (("open", _("ongoing")), ("resolved", _("resolved")), ("voided", _("voided or merged")))

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        if self.value() == "voided":
            return queryset.filter(voided_at__isnull=False)
        return queryset.valid().filter(resolved_at__isnull=self.value() == "open")


class ClassificationFilter(ChosenFilter):
    title = gettext_lazy("classification")
    parameter_name = "classified"
    answers = {"not": None, "ours": True, "excluded": False}

    def lookups(self, request, model_admin):
        return (
            ("not", _("pending classification")),
            ("ours", _("attributable")),
            ("excluded", _("excluded under section 4")),
        )

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        answer = self.answers[self.value()]
        return queryset.unclassified() if answer is None else queryset.valid().filter(attributable=answer)


class OrderFilter(ChosenFilter):
    """Incidents on record whose times break the order of 2.2."""

    title = gettext_lazy("times")
    parameter_name = "times"

    def lookups(self, request, model_admin):
        return (("out-of-order", _("out of order: to correct")),)

    def queryset(self, request, queryset):
        return queryset if self.value() is None else queryset.out_of_order()


class IncidentMonthFilter(MonthFilter):
    """Incidents with an outage in a month; one without outages by its detection."""

    def of_month(self, queryset, month):
        start, end = map(instant, month.span(settings.SLA_ZONE))
        down = Outage.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=start), started_at__lt=end)
        return queryset.filter(
            Q(pk__in=down.values("incident")) | Q(outages__isnull=True, detected_at__gte=start, detected_at__lt=end)
        )


class IncidentRegionFilter(RegionFilter):
    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        return queryset.filter(pk__in=Outage.objects.filter(region__code=self.value()).values("incident"))


class IncidentList(ChangeList):
    """A page of the list, each incident with its severity as `shown`."""

    def get_results(self, request):
        super().get_results(request)
        self.result_list = list(self.result_list)
        severity_of = severities(self.result_list)
        for incident in self.result_list:
            incident.shown = severity_of[incident.pk].severity
        self.unacknowledged = unacknowledged()


@admin.register(Incident)
class IncidentAdmin(ClosedMonthsAdmin):
    form = IncidentForm
    list_display = (
        "incident",
        "status",
        "severity_badge",
        "classification",
        "owner_name",
        "regions",
        "service_months",
        clock_column("detected_at", gettext_lazy("detected at")),
        "duration",
        "detection_source",
    )
    list_display_links = None
    list_filter = (StateFilter, ClassificationFilter, OrderFilter, IncidentMonthFilter, IncidentRegionFilter)
    search_fields = ("reference", "title", "ticket_number")
    search_help_text = gettext_lazy("Reference, title or ticket number")
    fields = (
        "title",
        "source",
        "ticket_number",
        "ticket_url",
        "chat_url",
        "detected_at",
        "acknowledged_at",
        "resolved_at",
    )
    inlines = (OutageRows,)
    add_words = gettext_lazy("Log an outage")
    export_page = "export_incidents"
    renews = True
    nothing_yet = gettext_lazy("No incidents yet. Log an outage to create the first one.")

    def get_queryset(self, request):
        outages = Outage.objects.select_related("region").order_by("started_at")
        return super().get_queryset(request).select_related("owner").prefetch_related(Prefetch("outages", outages))

    def get_changelist(self, request, **kwargs):
        return IncidentList

    @admin.display(description=gettext_lazy("incident"), ordering="reference")
    def incident(self, incident):
        page = reverse("admin:incident_page", args=[incident.pk])
        return format_html('<a href="{}">{}</a> {}', page, incident.reference, incident.title)

    @admin.display(description=gettext_lazy("status"))
    def status(self, incident):
        if incident.voided_at:
            return badge("outside", _("merged") if incident.merged_into_id else _("voided"))
        if incident.resolved_at:
            return badge("up", _("resolved"))
        found = [badge("open", _("ongoing"))]
        if not incident.acknowledged_at:
            found.append(badge("waiting", _("unacknowledged")))
        return format_html_join(" ", "{}", ((one,) for one in found))

    @admin.display(description=gettext_lazy("severity"))
    def severity_badge(self, incident):
        return badge(SEVERITY_BADGES[incident.shown], severity_name(incident.shown)) if incident.shown else DASH

    @admin.display(description=pgettext_lazy("incident", "owner"))
    def owner_name(self, incident):
        return (incident.owner.get_full_name() or incident.owner.username) if incident.owner else DASH

    @admin.display(description=gettext_lazy("classification"))
    def classification(self, incident):
        if incident.voided_at:
            return DASH
        if incident.attributable is None:
            return badge("waiting", _("pending classification"))
        return badge("counted", _("attributable")) if incident.attributable else badge("excluded", _("excluded"))

    @admin.display(description=gettext_lazy("regions"))
    def regions(self, incident):
        return get_text_list(list(dict.fromkeys(str(outage.region) for outage in incident.outages.all())), _("and"))

    @admin.display(description=gettext_lazy("service months"))
    def service_months(self, incident):
        now = timezone.now()
        months = {
            month
            for start, end in periods_of(incident, now)
            for month in ServiceMonth.touched(start, end, settings.SLA_ZONE)
        }
        return ", ".join(map(str, sorted(months))) or "–"

    @admin.display(description=gettext_lazy("duration"))
    def duration(self, incident):
        outages = incident.outages.all()
        if not outages:
            return "–"
        length = time_to_restore(times_of(incident))
        if length is Unmeasured.NOT_STATED:
            return _("not stated")
        if not isinstance(length, Unmeasured):
            return format_length(length)
        if incident.voided_at:
            return DASH
        seconds = (timezone.now() - outages[0].started_at).total_seconds()
        return _("%(length)s, ongoing") % {"length": format_length(seconds)}

    @admin.display(description=gettext_lazy("detection source"))
    def detection_source(self, incident):
        return f"{incident.get_source_display()} {incident.ticket_number}".strip()

    def record_links(self, request, incident):
        yield Link(_("View incident"), reverse("admin:incident_page", args=[incident.pk]), primary=True)

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        return redirect("admin:log_outage")

    def periods_changed(self, form, formsets):
        return [period for formset in formsets for period in formset.periods_changed()]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        # Django's own lookup, which takes no lock.
        incident = super(AuditedModelAdmin, self).get_object(request, unquote(object_id)) if object_id else None
        if incident and incident.voided_at and self.has_view_permission(request, incident):
            if request.method != "POST":
                return redirect("admin:incident_page", incident.pk)
            check_unchanged(acting(request), incident, refusal=why_not_changed(incident))
        context = {"title": _("Correct"), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def has_change_permission(self, request, obj=None):
        """A voided or merged incident stays as it was."""
        return super().has_change_permission(request, obj) and (obj is None or obj.voided_at is None)

    # While incident and outages are saved one after the other, they may contradict each other.

    def save_model(self, request, obj, form, change):
        obj.recorded_as_is = True
        super().save_model(request, obj, form, change)

    def save_rows(self, request, form, formsets, change):
        super().save_rows(request, form, formsets, change)
        form.instance.recorded_as_is = False
        form.instance.save(update_fields=["recorded_as_is"])

    def response_post_save_change(self, request, obj):
        return redirect("admin:incident_page", obj.pk)

    def has_delete_permission(self, request, obj=None):
        return False


class IncidentTemplateForm(ScopedForm, AuditedForm):
    """A template of an incident."""

    functions = ScopeField(label=gettext_lazy("Core functions"))
    clients = ScopeField(label=gettext_lazy("Clients"))

    class Meta:
        fields = ("title", "title_zh", "source", "functions", "clients", "severity", "position")

    def clean(self):
        facts = super().clean()
        for name in self.scopes:
            if not facts.get(name):
                self.add_error(name, _("Select “all”, or the affected ones."))
        return facts


@admin.register(IncidentTemplate)
class IncidentTemplateAdmin(AuditedModelAdmin):
    form = IncidentTemplateForm
    list_display = ("template", "source", "severity")
    list_display_links = ("template",)
    add_words = gettext_lazy("Add incident template")
    nothing_yet = gettext_lazy("No incident templates yet. Each one is a button on the form where outages are logged.")

    @admin.display(description=gettext_lazy("title"))
    def template(self, template):
        return str(template)


@admin.register(UpdateTemplate)
class UpdateTemplateAdmin(AuditedModelAdmin):
    list_display = ("template", "visibility")
    list_display_links = ("template",)
    fields = ("name", "name_zh", "text", "text_zh", "public", "position")
    add_words = gettext_lazy("Add update template")
    nothing_yet = gettext_lazy("No update templates yet. Each one is a button above the update of an incident.")

    @admin.display(description=gettext_lazy("name"))
    def template(self, template):
        return str(template)

    @admin.display(description=gettext_lazy("Visibility"))
    def visibility(self, template):
        return _("Public update") if template.public else _("Internal note")
