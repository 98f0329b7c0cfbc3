"""The desk's forms: what a person taps and types, made into what the operations take."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Self, cast
from uuid import uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from incidents.models import Incident, Source
from incidents.operations import OutageFacts
from maintenance.models import MaintenanceWindow
from sla_portal.availability.queries import Grid
from sla_portal.clocks import ClockField
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.intervals import epoch, instant

from .costs import ClauseInWords
from .grid import down_in_words, rectangles

NOW, TYPED = "now", "typed"
MINUTES_AGO = (5, 15)
EVERYTHING, SOME = "everything", "some"
ASKED_WITHIN = 3600
"""Seconds for which a question asked back may be left open."""


class TimedForm(forms.Form):
    """A form that reads what was tapped against the present moment."""

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now.replace(microsecond=0)

    def typed(self, name: str) -> datetime | None:
        """The instant typed into a field, or None with an error on it."""
        at = self.cleaned_data.get(name)
        if at is None and name not in self.errors:
            self.add_error(name, _("Type the day and the time."))
        return at


class KeyedForm(forms.Form):
    """A form that is saved once, however often it is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class OutageForm(TimedForm, KeyedForm):
    """Where, since when, until when and what was down."""

    # Not a model's field: that one hands any number to the database, which may not hold it.
    regions = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Where"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one region.")},
    )
    what = forms.ChoiceField(
        label=gettext_lazy("What is down"),
        widget=forms.RadioSelect,
        initial=EVERYTHING,
        choices=[(EVERYTHING, gettext_lazy("Everything down")), (SOME, gettext_lazy("Only some functions"))],
    )
    cells = forms.MultipleChoiceField(label=gettext_lazy("Functions on clients"), required=False)
    since = forms.ChoiceField(label=gettext_lazy("Since when"), widget=forms.RadioSelect, initial=NOW)
    since_at = ClockField(label=gettext_lazy("Down since"), required=False)
    over = forms.ChoiceField(
        label=gettext_lazy("Is it over?"),
        widget=forms.RadioSelect,
        initial="no",
        choices=[("no", gettext_lazy("Still going on")), ("yes", gettext_lazy("Already over"))],
    )
    ended_at = ClockField(label=gettext_lazy("Up again at"), required=False)
    asked_at = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.grid = Grid.current()
        fields: dict[str, Any] = self.fields
        regions, since, cells = (fields[name] for name in ("regions", "since", "cells"))
        known = {str(region.pk): region for region in Region.objects.all()}
        regions.choices = [(pk, region.name) for pk, region in known.items()]
        regions.coerce = known.get
        if len(known) == 1:
            regions.initial = list(known)
        since.choices = [
            (NOW, _("Now")),
            *(
                (str(minutes), ngettext("%(count)s minute ago", "%(count)s minutes ago", minutes) % {"count": minutes})
                for minutes in MINUTES_AGO
            ),
            (TYPED, _("At another time")),
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
        elif since:
            self.cleaned_data["started"] = self.moment(0 if since == NOW else int(since))
        self.cleaned_data["ended"] = self.typed("ended_at") if self.cleaned_data.get("over") == "yes" else None
        if self.cleaned_data.get("what") == SOME and not self.cleaned_data.get("cells"):
            self.add_error("cells", _("Tick at least one function on one client, or choose “Everything down”."))
        return self.cleaned_data

    @property
    def rows(self) -> list[tuple[CoreFunction, list[tuple[Client, str, bool]]]]:
        """The grid as it is drawn: for each function its clients, with the value and whether it is ticked."""
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
        """What is down, as few outages as it takes; None stands for all."""
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
        """So many minutes before the form was first sent: asking back does not move “now”."""
        asked_at = getattr(self, "cleaned_data", {}).get("asked_at")
        if asked_at is None or not 0 <= epoch(self.now) - asked_at <= ASKED_WITHIN:
            asked_at = epoch(self.now)
        return instant(asked_at) - timedelta(minutes=minutes_ago)

    def asked_back(self) -> Self:
        """The same form, to be sent again with an answer."""
        data = cast("QueryDict", self.data).copy()
        data["asked_at"] = str(epoch(self.moment(0)))
        return type(self)(data, now=self.now)


class LogOutageForm(OutageForm):
    """A new incident with its outages."""

    source = forms.ChoiceField(
        label=gettext_lazy("How noticed"), widget=forms.RadioSelect, choices=Source.choices, initial=Source.MONITORING
    )
    ticket_number = forms.CharField(label=gettext_lazy("Ticket number"), max_length=60, required=False)
    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Left empty, it is made from what was chosen."),
    )
    like = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    @property
    def title_or_made(self) -> str:
        made = down_in_words(self.scopes, self.cleaned_data["regions"])
        return self.cleaned_data["title"] or (made if len(made) <= 200 else made[:199] + "…")

    def joined(self, found: list[Incident]) -> Incident | None:
        """The one of the incidents found alike that the person chose to join."""
        return next((incident for incident in found if str(incident.pk) == self.cleaned_data["like"]), None)


class ResolveForm(TimedForm):
    """When an incident ended."""

    end = forms.ChoiceField(
        label=gettext_lazy("Up again"),
        widget=forms.RadioSelect,
        initial=NOW,
        choices=[(NOW, gettext_lazy("Now")), (TYPED, gettext_lazy("At another time"))],
    )
    end_at = ClockField(label=gettext_lazy("Up again at"), required=False)

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["at"] = self.typed("end_at") if self.cleaned_data.get("end") == TYPED else self.now
        return self.cleaned_data


class UpdateForm(KeyedForm):
    """What is said about an incident; to the public only as it was previewed."""

    text = forms.CharField(label=gettext_lazy("Update"), widget=forms.Textarea(attrs={"rows": 3}), max_length=5000)
    audience = forms.ChoiceField(
        label=gettext_lazy("For whom"),
        widget=forms.RadioSelect,
        initial="internal",
        choices=[("internal", gettext_lazy("Among ourselves")), ("public", gettext_lazy("For the public"))],
    )
    previewed = forms.CharField(required=False, widget=forms.HiddenInput, strip=True)

    @property
    def public(self) -> bool:
        return self.cleaned_data["audience"] == "public"

    @property
    def may_go_out(self) -> bool:
        return not self.public or self.cleaned_data["previewed"] == self.cleaned_data["text"]

    def for_preview(self) -> UpdateForm:
        """The same form, which from now on goes out as it stands."""
        data = cast("QueryDict", self.data).copy()
        data["previewed"] = self.cleaned_data["text"]
        return type(self)(data, auto_id=self.auto_id)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        error_messages={"required": gettext_lazy("Say why.")},
    )


class DecisionForm(forms.Form):
    """Why an exclusion is confirmed, rejected or revoked; a confirmation may go without."""

    reason = forms.CharField(
        label=gettext_lazy("Reason of the decision"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        required=False,
    )


class ProposalForm(KeyedForm):
    """An exclusion to be proposed (section 4)."""

    clause = forms.ChoiceField(label=gettext_lazy("Clause"))
    maintenance = forms.ModelChoiceField(
        MaintenanceWindow.objects.none(),
        required=False,
        label=gettext_lazy("Maintenance window"),
        empty_label=gettext_lazy("choose the window that was announced"),
    )
    third_party = forms.CharField(label=gettext_lazy("Third party"), max_length=200, required=False)
    third_party_incident = forms.CharField(
        label=gettext_lazy("Its own incident"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Its number or its address on the third party's status page."),
    )
    stretch = forms.ChoiceField(
        label=gettext_lazy("How much of it"),
        widget=forms.RadioSelect,
        initial="whole",
        choices=[("whole", gettext_lazy("The whole incident")), ("part", gettext_lazy("A part of it"))],
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

    def __init__(
        self, *args: Any, clauses: Iterable[ClauseInWords], windows: Iterable[MaintenanceWindow], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        clause, maintenance = fields["clause"], fields["maintenance"]
        clause.choices = [("", _("choose a clause")), *((one.number, f"{one.number} {one.heading}") for one in clauses)]
        maintenance.queryset = MaintenanceWindow.objects.filter(pk__in=[window.pk for window in windows])

    @property
    def stretch_named(self) -> dict[str, datetime | None]:
        """The part to exclude; an edge left empty is the incident's."""
        part = self.cleaned_data["stretch"] == "part"
        return {name: self.cleaned_data[name] if part else None for name in ("starts_at", "ends_at")}


MINUTES_LONGER = (15, 30, 60)


def _whole_seconds(form: forms.Form, name: str) -> datetime | None:
    at = form.cleaned_data.get(name)
    if at and at.microsecond:
        form.add_error(name, _("Give whole seconds."))
        return None
    return at


class WhyForm(forms.Form):
    """A sentence of our own for those who are told."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        required=False,
        help_text=gettext_lazy("Goes out as it is written, in every language. May stay empty."),
    )


class AnnouncementForm(WhyForm):
    """The start and end that a notice announces."""

    starts_at = ClockField(label=gettext_lazy("From"))
    ends_at = ClockField(label=gettext_lazy("Until"))
    field_order = ("starts_at", "ends_at", "reason")

    def clean(self) -> dict[str, Any]:
        starts_at, ends_at = (_whole_seconds(self, name) for name in ("starts_at", "ends_at"))
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", _("The window ends before it starts. Give an end after the start."))
        return self.cleaned_data

    @property
    def stretch(self) -> tuple[datetime, datetime]:
        return self.cleaned_data["starts_at"], self.cleaned_data["ends_at"]


class LengtheningForm(TimedForm, WhyForm):
    """How much longer a window is to be, than it was announced last."""

    by = forms.ChoiceField(label=gettext_lazy("How much longer"), widget=forms.RadioSelect)
    ends_at = ClockField(label=gettext_lazy("Until"), required=False)
    field_order = ("by", "ends_at", "reason")

    def __init__(self, *args: Any, announced: tuple[datetime, datetime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.announced = announced
        by: Any = self.fields["by"]
        by.choices = [
            *((str(count), _("%(count)s min longer") % {"count": count}) for count in MINUTES_LONGER),
            (TYPED, _("Until another time")),
        ]

    def clean(self) -> dict[str, Any]:
        ends_at = self.announced[1]
        by = self.cleaned_data.get("by")
        if by == TYPED:
            until = self.typed("ends_at") and _whole_seconds(self, "ends_at")
            if until and until <= ends_at:
                self.add_error("ends_at", _("It was announced to end then or later. Give a later end, or move it."))
        elif by:
            until = ends_at + timedelta(minutes=int(by))
        else:
            until = None
        self.cleaned_data["until"] = until
        return self.cleaned_data

    @property
    def stretch(self) -> tuple[datetime, datetime]:
        return self.announced[0], self.cleaned_data["until"]


class CancellationForm(forms.Form):
    """Why an announced window will not be."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text=gettext_lazy("Goes out as it is written, in every language."),
    )

    @property
    def stretch(self) -> tuple[None, None]:
        return None, None


LATEST = epoch(datetime(9999, 1, 1, tzinfo=UTC))


class SendCancellationForm(KeyedForm):
    """A cancellation just as it was shown, and the notice before it on which all that was shown builds."""

    after = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=2000, widget=forms.HiddenInput)

    @property
    def stretch(self) -> tuple[datetime, datetime] | None:
        """What is announced; None: that there will be nothing."""
        return None


class SendForm(SendCancellationForm):
    """A notice of a window just as it was shown; its times in seconds since the epoch."""

    reason = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)
    starts = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput)
    ends = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput)

    @property
    def stretch(self) -> tuple[datetime, datetime] | None:
        return instant(self.cleaned_data["starts"]), instant(self.cleaned_data["ends"])
