"""Forms for outages, incidents and proposed exclusions, converted to the arguments of the operations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self, cast

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from incidents.models import (
    SEVERITIES,
    Incident,
    IncidentTemplate,
    Review,
    Source,
    UpdateTemplate,
    WebAddressField,
)
from incidents.operations import Action, OutageFacts, ReviewText
from incidents.queries import may_own
from incidents.rules import Severity, check_times
from maintenance.models import MaintenanceWindow
from sla_portal.audit.forms import THEIRS, MergingForm
from sla_portal.availability.clauses import CUSTOMER_CLAUSES
from sla_portal.availability.models import Exclusion
from sla_portal.availability.queries import Grid
from sla_portal.clocks import ClockField
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.plausible import ask_whether_meant

from ..forms import NOW, TYPED, CorrectionForm, KeyedForm, ReasonForm, TimedForm
from ..grid import describe_outage, rectangles
from .impact import ClauseText

MINUTES_AGO = (1, 3, 5, 10, 15)
MINUTES = "minutes"
FIELDS = {"started_at": "since_at", "ended_at": "ended_at", "detected_at": "detected_at"}
"""Where a form shows what an operation objects to."""
EVERYTHING, SOME = "everything", "some"
OTHER = "other"
ASKED_WITHIN = 3600
"""Seconds for which the duplicate question keeps the time at which the form was first sent."""


class OutageForm(TimedForm, KeyedForm, CorrectionForm):
    """Regions, start, end and scope of an outage."""

    # Not a model field: it passes any number to the database, which may not be able to store it.
    regions = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Regions"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one region.")},
    )
    what = forms.ChoiceField(
        label=gettext_lazy("Impact"),
        widget=forms.RadioSelect,
        initial=EVERYTHING,
        choices=[
            (EVERYTHING, gettext_lazy("Major outage: all functions")),
            (SOME, gettext_lazy("Partial outage: some functions")),
        ],
    )
    cells = forms.MultipleChoiceField(label=gettext_lazy("Affected functions and clients"), required=False)
    since = forms.ChoiceField(label=gettext_lazy("Started"), widget=forms.RadioSelect, initial=NOW)
    since_minutes = forms.IntegerField(
        label=gettext_lazy("Minutes ago"),
        required=False,
        min_value=1,
        max_value=1440,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    since_at = ClockField(label=gettext_lazy("Start time"), required=False)
    over = forms.ChoiceField(
        label=gettext_lazy("Status"),
        widget=forms.RadioSelect,
        initial="no",
        choices=[("no", gettext_lazy("Ongoing")), ("yes", gettext_lazy("Restored"))],
    )
    ended_at = ClockField(label=gettext_lazy("Restored at"), required=False)
    asked_at = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.grid = Grid.current()
        fields: dict[str, Any] = self.fields
        regions, since, cells = (fields[name] for name in ("regions", "since", "cells"))
        known = {str(region.pk): region for region in Region.objects.all()}
        regions.choices = [(pk, str(region)) for pk, region in known.items()]
        regions.coerce = known.get
        if len(known) == 1:
            regions.initial = list(known)
        since.choices = [
            (NOW, _("Now")),
            *(
                (str(minutes), ngettext("%(count)s minute ago", "%(count)s minutes ago", minutes) % {"count": minutes})
                for minutes in MINUTES_AGO
            ),
            (MINUTES, _("Other minutes")),
            (TYPED, _("Specify time")),
        ]
        cells.choices = [
            (f"{function.pk}:{client.pk}", _("%(function)s on %(client)s") % {"function": function, "client": client})
            for function in self.grid.functions
            for client in self.grid.clients
        ]

    def clean(self) -> dict[str, Any]:
        since = self.cleaned_data.get("since")
        if since == TYPED:
            self.cleaned_data["started"] = self.typed("since_at")
        elif since == MINUTES:
            self.cleaned_data["started"] = self._minutes_ago()
        elif since:
            self.cleaned_data["started"] = self.moment(0 if since == NOW else int(since))
        self.cleaned_data["ended"] = self.typed("ended_at") if self.cleaned_data.get("over") == "yes" else None
        if self.cleaned_data.get("what") == SOME and not self.cleaned_data.get("cells"):
            self.add_error(
                "cells",
                _("No function is selected. Select at least one function on one client, or choose “Major outage”."),
            )
        if started := self.cleaned_data.get("started"):
            for objection in check_times(started, self.cleaned_data["ended"], self.now):
                self.add_error(FIELDS[objection.field], _(objection.sentence))
            ask_whether_meant(self, "since_at", self.now, self.cleaned_data.get("regions", ()))
        return self.cleaned_data

    def _minutes_ago(self) -> datetime | None:
        minutes = self.cleaned_data.get("since_minutes")
        if minutes is None and "since_minutes" not in self.errors:
            self.add_error("since_minutes", _("Enter how many minutes ago it started."))
        return None if minutes is None else self.moment(minutes)

    @property
    def rows(self) -> list[tuple[CoreFunction, list[tuple[Client, str, bool]]]]:
        """The grid: for each function its clients, with the value and whether it is selected."""
        ticked = set(self["cells"].value() or ())
        return [
            (
                function,
                [(client, value := f"{function.pk}:{client.pk}", value in ticked) for client in self.grid.clients],
            )
            for function in self.grid.functions
        ]

    @property
    def scopes(self) -> list[tuple[list[CoreFunction] | None, list[Client] | None]]:
        """The selected cells as the smallest number of outages; None means all."""
        if self.cleaned_data["what"] == EVERYTHING:
            return [(None, None)]
        ticked = {
            (int(function), int(client)) for function, client in (c.split(":") for c in self.cleaned_data["cells"])
        }
        found = []
        for in_functions, on_clients in rectangles(ticked):
            functions = [function for function in self.grid.functions if function.pk in in_functions]
            clients = [client for client in self.grid.clients if client.pk in on_clients]
            found.append(
                (
                    None if len(functions) == len(self.grid.functions) else functions,
                    None if len(clients) == len(self.grid.clients) else clients,
                )
            )
        return found

    @property
    def outages(self) -> list[OutageFacts]:
        return [
            OutageFacts(
                region=region,
                started_at=self.cleaned_data["started"],
                ended_at=self.cleaned_data["ended"],
                functions=functions,
                clients=clients,
            )
            for region in self.cleaned_data["regions"]
            for functions, clients in self.scopes
        ]

    def moment(self, minutes_ago: int) -> datetime:
        """Return the instant `minutes_ago` before the form was first sent, so that the duplicate question does not move it."""
        asked_at = getattr(self, "cleaned_data", {}).get("asked_at")
        if asked_at is None or not 0 <= epoch(self.now) - asked_at <= ASKED_WITHIN:
            asked_at = epoch(self.now)
        return instant(asked_at) - timedelta(minutes=minutes_ago)

    def asked_back(self) -> Self:
        """Return the same form, to be sent again with the answer to the duplicate question."""
        data = cast("QueryDict", self.data).copy()
        data["asked_at"] = str(epoch(self.moment(0)))
        return type(self)(data, now=self.now)


SEVERITY_CHOICES = [("", gettext_lazy("Derived from the scope")), *SEVERITIES]


def web_address(name: str) -> forms.Field:
    """Return an optional field for an http or https address, as the column of an incident has it."""
    return cast("WebAddressField", Incident._meta.get_field(name)).formfield()


class SeverityForm(forms.Form):
    """The severity of an incident with its reason; an empty one is derived from the scope."""

    severity = forms.ChoiceField(
        label=gettext_lazy("Severity"), widget=forms.RadioSelect, choices=SEVERITY_CHOICES, required=False
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("severity") and not self.cleaned_data.get("reason"):
            self.add_error("reason", _("Enter the reason for this severity."))
        return self.cleaned_data

    @property
    def severity_given(self) -> Severity | None:
        return Severity(self.cleaned_data["severity"]) if self.cleaned_data["severity"] else None


class HandOverForm(forms.Form):
    """Whom an incident is handed over to, with a note."""

    to = forms.ChoiceField(label=gettext_lazy("Hand over to"))
    note = forms.CharField(
        label=gettext_lazy("Note"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        required=False,
        help_text=gettext_lazy("Kept as an internal note of the incident."),
    )

    def __init__(self, *args: Any, owner: User | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        active = User.objects.filter(is_active=True, is_staff=True).prefetch_related("groups__permissions")
        self.people = {str(user.pk): user for user in active.order_by("first_name", "username") if may_own(user)}
        fields: dict[str, Any] = self.fields
        fields["to"].choices = [
            ("", _("choose a person")),
            *((pk, user.get_full_name() or user.username) for pk, user in self.people.items() if user != owner),
        ]

    @property
    def person(self) -> User:
        return self.people[self.cleaned_data["to"]]


class LinksForm(forms.Form):
    """The ticket number of an incident, and where its ticket and its chat are."""

    ticket_number = forms.CharField(label=gettext_lazy("Ticket number"), max_length=60, required=False)
    ticket_url = web_address("ticket_url")
    chat_url = web_address("chat_url")


class LogOutageForm(OutageForm):
    """A new incident with its outages."""

    source = forms.ChoiceField(
        label=gettext_lazy("Detection source"),
        widget=forms.RadioSelect,
        choices=Source.choices,
        initial=Source.MONITORING,
    )
    detected_at = ClockField(
        label=gettext_lazy("Detected at"),
        required=False,
        help_text=gettext_lazy(
            "Leave empty for now or, where the outage started in the past, for its start. "
            "The time to acknowledge counts from it."
        ),
    )
    ticket_number = forms.CharField(label=gettext_lazy("Ticket number"), max_length=60, required=False)
    ticket_url = web_address("ticket_url")
    chat_url = web_address("chat_url")
    severity = forms.ChoiceField(label=gettext_lazy("Severity"), choices=SEVERITY_CHOICES, required=False)
    severity_reason = forms.CharField(label=gettext_lazy("Reason for the severity"), max_length=500, required=False)
    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Leave empty to generate it from impact and regions."),
    )
    duplicate_of = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        super().clean()
        ask_whether_meant(self, "detected_at", self.now)
        if self.cleaned_data.get("severity") and not self.cleaned_data.get("severity_reason"):
            self.add_error("severity_reason", _("Enter the reason for this severity."))
        return self.cleaned_data

    def with_template(self, template: IncidentTemplate) -> Self:
        """Return the same form with the values of a template in place of those that it names."""
        functions, clients = (
            list(chosen.values_list("pk", flat=True)) for chosen in (template.functions, template.clients)
        )
        data = cast("QueryDict", self.data).copy()
        data["what"] = SOME if functions or clients else EVERYTHING
        data.setlist(
            "cells",
            [
                f"{function}:{client}"
                for function in functions or [row.pk for row in self.grid.functions]
                for client in clients or [row.pk for row in self.grid.clients]
            ]
            if functions or clients
            else [],
        )
        data["title"] = str(template)
        data["source"] = template.source
        data["severity"] = template.severity or ""
        data["severity_reason"] = _("As in the template “%(title)s”") % {"title": template} if template.severity else ""
        return type(self)(data, now=self.now)

    @property
    def severity_given(self) -> Severity | None:
        return Severity(self.cleaned_data["severity"]) if self.cleaned_data["severity"] else None

    @property
    def detected(self) -> datetime:
        """When the incident was detected: as typed, or at the start of the outage, which is now unless chosen."""
        return self.cleaned_data["detected_at"] or self.cleaned_data["started"]

    @property
    def title_or_default(self) -> str:
        default = describe_outage(self.scopes, self.cleaned_data["regions"])
        return self.cleaned_data["title"] or (default if len(default) <= 200 else default[:199] + "…")

    def chosen_duplicate(self, found: list[Incident]) -> Incident | None:
        """Return the one of the possible duplicates that the person chose."""
        return next((incident for incident in found if str(incident.pk) == self.cleaned_data["duplicate_of"]), None)


class ResolveForm(TimedForm, CorrectionForm):
    """When an incident was resolved."""

    end = forms.ChoiceField(
        label=gettext_lazy("Resolved at"),
        widget=forms.RadioSelect,
        initial=NOW,
        choices=[(NOW, gettext_lazy("Now")), (TYPED, gettext_lazy("Specify time"))],
    )
    end_at = ClockField(label=gettext_lazy("Resolved at"), required=False)
    restored_at = ClockField(
        label=gettext_lazy("Restored at"),
        required=False,
        help_text=gettext_lazy("Leave empty if the service was restored at the moment of resolving."),
    )
    previewed = forms.CharField(required=False, widget=forms.HiddenInput)
    """The typed times whose effect was shown, in seconds since the epoch."""

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["at"] = self.typed("end_at") if self.cleaned_data.get("end") == TYPED else self.now
        return self.cleaned_data

    @property
    def chosen(self) -> str:
        """What is previewed; empty: nothing but now, whose effect the page always shows."""
        given = self.cleaned_data
        ends = [given["at"] if given["end"] == TYPED else None, given["restored_at"]]
        return ",".join(str(epoch(at)) if at else "" for at in ends) if any(ends) else ""

    @property
    def may_be_saved(self) -> bool:
        return self.chosen in ("", self.cleaned_data["previewed"])

    def for_preview(self) -> ResolveForm:
        """Return the same form, accepted if the times are not changed after this preview."""
        data = cast("QueryDict", self.data).copy()
        data["previewed"] = self.chosen
        return type(self)(data, now=self.now, auto_id=self.auto_id)


class ReopenForm(ReasonForm):
    """Why an incident is reopened, and what the public reads."""

    text = forms.CharField(
        label=gettext_lazy("Public update"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        initial=gettext_lazy("This incident was reopened. We are investigating."),
    )


class MergeForm(ReasonForm):
    """The incident to merge into, and what that one takes over; accepted only as it was previewed."""

    into = forms.ChoiceField(label=gettext_lazy("Merge into"), widget=forms.RadioSelect)
    reference = forms.CharField(label=gettext_lazy("Reference of the other incident"), max_length=40, required=False)
    outages = forms.MultipleChoiceField(
        label=gettext_lazy("Outages to take over"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("Outages that are not selected are dropped: they stay on record here and do not count."),
    )
    exclusions = forms.MultipleChoiceField(
        label=gettext_lazy("Exclusions to propose again"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("For the same time, with the same reason and evidence. Another person decides them."),
    )
    previewed = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ("into", "reference", "outages", "exclusions", "reason")

    def __init__(
        self,
        *args: Any,
        incident: Incident,
        candidates: Iterable[Incident],
        outages: Iterable[tuple[str, str]],
        exclusions: Iterable[Exclusion],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.incident = incident
        fields: dict[str, Any] = self.fields
        fields["into"].choices = [*((one.reference, str(one)) for one in candidates), (OTHER, _("Another incident"))]
        fields["into"].initial = fields["into"].choices[0][0]
        fields["outages"].choices = list(outages)
        fields["outages"].initial = [value for value, _label in fields["outages"].choices]
        fields["exclusions"].choices = [
            (str(one.pk), f"{one.clause} ({one.get_status_display()}): {one.reason}") for one in exclusions
        ]
        if not fields["exclusions"].choices:
            del self.fields["exclusions"]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        typed = given.get("into") == OTHER
        reference = given.get("reference", "") if typed else given.get("into", "")
        target = Incident.objects.valid().filter(reference__iexact=reference).exclude(pk=self.incident.pk).first()
        if given.get("into") and target is None:
            field = "reference" if typed else "into"
            self.add_error(
                field, _("There is no such incident to merge into. Enter the reference of another incident.")
            )
        given["target"] = target
        return given

    @property
    def chosen(self) -> str:
        """What is previewed."""
        given = self.cleaned_data
        return ",".join([given["target"].reference, *given["outages"], "", *given.get("exclusions", ())])

    @property
    def may_be_saved(self) -> bool:
        return self.cleaned_data["previewed"] == self.chosen

    def with_preview(self) -> dict[str, Any]:
        """The data of the same form, accepted if nothing but the reason is changed after this preview."""
        data = cast("QueryDict", self.data).copy()
        data["previewed"] = self.chosen
        return data


class UpdateForm(KeyedForm):
    """An update; a public one is accepted only as it was previewed."""

    text = forms.CharField(
        label=gettext_lazy("Update"),
        widget=forms.Textarea(
            attrs={"rows": 3, "aria-keyshortcuts": "u", "data-key-name": gettext_lazy("Write an update")}
        ),
        max_length=5000,
    )
    text_zh = forms.CharField(
        label=gettext_lazy("The same in Chinese"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        required=False,
        help_text=gettext_lazy("Shown to Chinese readers of the website. Leave empty to show them the text above."),
    )
    audience = forms.ChoiceField(
        label=gettext_lazy("Visibility"),
        widget=forms.RadioSelect,
        initial="internal",
        choices=[("internal", gettext_lazy("Internal note")), ("public", gettext_lazy("Public update"))],
    )
    previewed = forms.CharField(required=False, widget=forms.HiddenInput, strip=True)

    @property
    def public(self) -> bool:
        return self.cleaned_data["audience"] == "public"

    @property
    def may_be_saved(self) -> bool:
        return not self.public or self.cleaned_data["previewed"] == self._to_preview

    @property
    def _to_preview(self) -> str:
        return json.dumps([self.cleaned_data["text"], self.cleaned_data["text_zh"]])

    def for_preview(self) -> UpdateForm:
        """Return the same form, accepted if the text is not changed after this preview."""
        data = cast("QueryDict", self.data).copy()
        data["previewed"] = self._to_preview
        return type(self)(data, auto_id=self.auto_id)

    def with_template(self, template: UpdateTemplate) -> UpdateForm:
        """Return the same form with the texts of a template after what is typed."""
        data = cast("QueryDict", self.data).copy()
        for name in ("text", "text_zh"):
            data[name] = "\n\n".join(filter(None, [data.get(name, "").strip(), getattr(template, name)]))
        data["audience"] = "public" if template.public else "internal"
        data["previewed"] = ""
        form = type(self)(data, auto_id=self.auto_id)
        form.fields["text"].widget.attrs["autofocus"] = True
        return form


class ReviewForm(MergingForm):
    """The review of an incident, as Markdown."""

    cause = forms.CharField(
        label=gettext_lazy("Cause"), widget=forms.Textarea(attrs={"rows": 5, "lang": "en"}), max_length=20000
    )
    cause_zh = forms.CharField(
        label=gettext_lazy("Cause in Chinese"),
        widget=forms.Textarea(attrs={"rows": 3, "lang": "zh-hans"}),
        max_length=20000,
        required=False,
    )
    timeline = forms.CharField(
        label=gettext_lazy("Timeline"),
        widget=forms.Textarea(attrs={"rows": 8, "lang": "en"}),
        max_length=20000,
        required=False,
    )
    timeline_zh = forms.CharField(
        label=gettext_lazy("Timeline in Chinese"),
        widget=forms.Textarea(attrs={"rows": 3, "lang": "zh-hans"}),
        max_length=20000,
        required=False,
    )

    class Meta:
        model = Review
        fields = ("cause", "cause_zh", "timeline", "timeline_zh")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            # Another person may write the review first; what was left empty here then stays as written.
            for field in self.fields.values():
                field.show_hidden_initial = True

    @property
    def written(self) -> ReviewText:
        return ReviewText(**{name: self.cleaned_data[name] for name in self.Meta.fields})


class ActionForm(forms.Form):
    """An action of a review; an empty row is none."""

    text = forms.CharField(
        label=gettext_lazy("Action"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"lang": "en"}),
    )
    text_zh = forms.CharField(label=gettext_lazy("Action in Chinese"), max_length=500, required=False)
    owner = forms.ModelChoiceField(
        User.objects.filter(is_active=True, is_staff=True).order_by("first_name", "username"),
        label=gettext_lazy("Owner"),
        required=False,
        empty_label="–",
    )
    due_on = forms.DateField(
        label=gettext_lazy("Due on"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    done_on = forms.DateField(
        label=gettext_lazy("Done on"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["owner"].label_from_instance = lambda user: user.get_full_name() or user.username
        for field in fields.values():
            field.show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        if any(self.cleaned_data.values()) and not self.cleaned_data.get("text"):
            self.add_error("text", _("Enter the action."))
        return self.cleaned_data


ACTIONS = "actions"
ActionFormSet = forms.formset_factory(ActionForm, extra=3, max_num=100, absolute_max=100)


def review_forms(review: Review | None, data: QueryDict | None = None) -> tuple[ReviewForm, forms.BaseFormSet]:
    """Return the form of a review and the rows of its actions, as sent or as on record."""
    initial = [vars(action) for action in recorded_actions(review)]
    return ReviewForm(data, instance=review), ActionFormSet(data, initial=initial, prefix=ACTIONS)


def recorded_actions(review: Review | None) -> list[Action]:
    return [Action.of(row) for row in review.actions.select_related("owner")] if review else []


def actions_typed(rows: forms.BaseFormSet, review: Review | None) -> list[Action]:
    """Return the actions as typed; those on record if nothing was typed, or if they are to be kept."""
    if ACTIONS in rows.data.getlist(THEIRS) or not rows.has_changed():
        return recorded_actions(review)
    return [Action(**row.cleaned_data) for row in rows.forms if row.cleaned_data.get("text")]


class ProposalForm(KeyedForm):
    """A proposed exclusion (section 4)."""

    clause = forms.ChoiceField(label=gettext_lazy("Clause"))
    maintenance = forms.ModelChoiceField(
        MaintenanceWindow.objects.none(),
        required=False,
        label=gettext_lazy("Maintenance window"),
        empty_label=gettext_lazy("choose an announced window"),
    )
    third_party = forms.CharField(label=gettext_lazy("Third party"), max_length=200, required=False)
    third_party_incident = forms.CharField(
        label=gettext_lazy("Incident of the third party"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Its number, or its address on the status page of the third party."),
    )
    stretch = forms.ChoiceField(
        label=gettext_lazy("Excluded period"),
        widget=forms.RadioSelect,
        initial="whole",
        choices=[("whole", gettext_lazy("Whole incident")), ("part", gettext_lazy("Part of the incident"))],
    )
    starts_at = ClockField(label=gettext_lazy("From"), required=False)
    ends_at = ClockField(label=gettext_lazy("Until"), required=False)
    reason = forms.CharField(
        label=gettext_lazy("Why the clause applies"), widget=forms.Textarea(attrs={"rows": 2}), max_length=5000
    )
    evidence = forms.CharField(
        label=gettext_lazy("Evidence"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        required=False,
        help_text=gettext_lazy("What proves it, and where it is found."),
    )
    every_customer = forms.BooleanField(
        label=gettext_lazy("The cause concerned every customer of the region"), required=False
    )

    def __init__(
        self, *args: Any, clauses: Iterable[ClauseText], windows: Iterable[MaintenanceWindow], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        clause, maintenance = fields["clause"], fields["maintenance"]
        clause.choices = [("", _("choose a clause")), *((one.number, f"{one.number} {one.heading}") for one in clauses)]
        maintenance.queryset = MaintenanceWindow.objects.filter(pk__in=[window.pk for window in windows])

    def clean(self) -> dict[str, Any]:
        if self.concerns_one_customer and not self.cleaned_data["every_customer"]:
            self.add_error(
                "every_customer",
                _(
                    "Clauses 4.2 to 4.9 mostly concern one customer, whose time is excluded in the claim of that customer. "
                    "Tick this box only if the cause concerned every customer of the region."
                ),
            )
        return self.cleaned_data

    @property
    def concerns_one_customer(self) -> bool:
        """Whether the chosen clause mostly lies with one customer (4.2 to 4.9), so that the form asks."""
        return self["clause"].value() in CUSTOMER_CLAUSES

    @property
    def excluded_period(self) -> dict[str, datetime | None]:
        """The period to exclude; None stands for the start or end of the incident."""
        part = self.cleaned_data["stretch"] == "part"
        return {name: self.cleaned_data[name] if part else None for name in ("starts_at", "ends_at")}
