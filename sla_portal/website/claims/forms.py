"""The forms of the claim wizard: they turn entries into the arguments of the operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, zip_longest
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from claims.operations.receiving import MOST_TIMES
from sla_portal.availability.queries import Grid
from sla_portal.clocks import ClockField, format_instant, instants_to_choose, month_name
from sla_portal.kernel.intervals import epoch, instant, merged
from sla_portal.kernel.months import ServiceMonth

from ..reader import zones
from ..rules import Named
from ..words import day_name, name
from .queries import ClaimMonth, ListedIncident, PeriodStatus

TICKED = "incidents"
STALE = gettext_lazy(
    "An incident that you ticked is no longer listed for this month. Check the list, and enter its times if you saw the outage."
)
CONTRACT, TIMES, PROOF, CODE, CHECK = "contract", "times", "proof", "code", "check"
MOST_ROWS = 30
LONGEST_TEXT = 5000
NO_ADDRESS = gettext_lazy("Enter the e-mail address.")
TYPED = ("from_day", "from_time", "until_day", "until_time")
ENDS = (*TYPED, "from_at", "until_at")
"""Of each outage: what is typed, and the instants that are chosen where a local time is skipped or happens twice."""


def answers_in(data: QueryDict, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the entries of a step to save, valid or not; one character over the limit shows that a text is too long."""
    return {one: [text[: LONGEST_TEXT + 1] for text in data.getlist(one)[:MOST_ROWS]] for one in names}


def query_dict(answers: Mapping[str, Sequence[str]]) -> QueryDict:
    data = QueryDict(mutable=True)
    for field_name, texts in answers.items():
        data.setlist(field_name, list(texts))
    return data


class ContractForm(forms.Form):
    """Contract, e-mail address and month; does not check whether they are on record."""

    reference = forms.CharField(
        label=gettext_lazy("Contract reference"),
        max_length=40,
        error_messages={"required": gettext_lazy("Enter the contract reference.")},
        help_text=gettext_lazy("You find it on the contract and in our e-mails."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail address on record"),
        max_length=254,
        error_messages={"required": NO_ADDRESS},
        help_text=gettext_lazy(
            "The address at which you receive our e-mails about this contract. We send a code to it."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    month = forms.ChoiceField(
        label=gettext_lazy("Service month"),
        error_messages=dict.fromkeys(["required", "invalid_choice"], gettext_lazy("Choose a month from the list.")),
    )

    def __init__(self, *args: Any, months: Sequence[ClaimMonth], now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["month"].choices = [(str(one.month), _month_with_dates(one, now)) for one in months]


def closed_sentence(one: ClaimMonth) -> str:
    """Say when the claim period of a month ended, and what to do (3.3.1)."""
    return _(
        "The claim period for %(month)s closed on %(closed)s (clause 3.3.1). It can no longer be claimed. Choose another month."
    ) % {"month": month_name(one.month), "closed": format_instant(one.closes_at, settings.SLA_ZONE)}


def _month_with_dates(one: ClaimMonth, now: datetime) -> str:
    words = {
        PeriodStatus.EARLY: _("%(month)s (claims open on %(day)s)"),
        PeriodStatus.OPEN: _("%(month)s (open until %(day)s)"),
        PeriodStatus.CLOSED: _("%(month)s (closed since %(day)s)"),
    }
    period = one.period_status(now)
    day = {
        PeriodStatus.EARLY: one.opens_at,
        PeriodStatus.OPEN: one.closes_at - timedelta(seconds=1),
        PeriodStatus.CLOSED: one.closes_at,
    }[period]
    return words[period] % {
        "month": month_name(one.month),
        "day": day_name(day.astimezone(settings.SLA_ZONE).date()),
    }


@dataclass
class Row:
    """An outage as entered, with its errors; an end without a date is on the day of the start."""

    number: int
    texts: dict[str, str]
    zone: ZoneInfo
    errors: list[str] = field(default_factory=list)
    stretch: tuple[datetime, datetime] | None = None
    focused: str = ""
    """The input that is focused because of the errors, where this outage has the first of the form."""

    @property
    def is_blank(self) -> bool:
        return not any(self.texts[name].strip() for name in TYPED)

    @property
    def start(self) -> tuple[str, str, ZoneInfo, str]:
        return self.texts["from_day"], self.texts["from_time"], self.zone, self.texts["from_at"]

    @property
    def end(self) -> tuple[str, str, ZoneInfo, str]:
        day = self.texts["until_day"] or self.texts["from_day"]
        return day, self.texts["until_time"], self.zone, self.texts["until_at"]

    @property
    def start_instants(self) -> list[dict[str, Any]]:
        return instants_to_choose(*self.start)

    @property
    def end_instants(self) -> list[dict[str, Any]]:
        return instants_to_choose(*self.end)

    def focus(self) -> None:
        """Focus the first instant that is still to be chosen, or else the start."""
        to_choose = {"from_at": self.start_instants, "until_at": self.end_instants}
        self.focused = next(
            (name for name, instants in to_choose.items() if instants and not any(one["chosen"] for one in instants)),
            "from_day",
        )


class TimesForm(forms.Form):
    """Outages, ticked or typed in the claimant's time zone, with affected functions and clients."""

    most_rows = MOST_ROWS

    zone = forms.ChoiceField(
        label=gettext_lazy("Time zone of the outage times"),
        choices=[(zone, zone) for zone in zones()],
        error_messages=dict.fromkeys(["required", "invalid_choice"], gettext_lazy("Choose a time zone from the list.")),
    )
    functions = forms.MultipleChoiceField(label=gettext_lazy("Affected functions"), required=False)
    clients = forms.MultipleChoiceField(label=gettext_lazy("Affected clients"), required=False)
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy("Optional: symptoms, number of doors or devices affected, what you tried."),
    )

    def __init__(
        self,
        *args: Any,
        month: ServiceMonth | None,
        now: datetime,
        incidents: Sequence[ListedIncident] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.month, self.now, self.incidents = month, now, incidents
        self.grid = Grid.current()
        fields: dict[str, Any] = self.fields
        fields["functions"].choices = [(one.code, name(one)) for one in self.grid.functions]
        fields["clients"].choices = [(one.code, name(one)) for one in self.grid.clients]
        read: Callable[[str], list[str]] = (
            self.data.getlist if self.is_bound else lambda column: self.initial.get(column, [])
        )
        columns = [read(name)[: self.most_rows] for name in ENDS]
        texts = [dict(zip(ENDS, row, strict=True)) for row in zip_longest(*columns, fillvalue="")]
        self.keys = set(read(TICKED)[:MOST_ROWS])
        self.ticked = [one for one in incidents if one.key in self.keys]
        self.stale = len(self.keys) > len(self.ticked)
        """Whether an incident was ticked that is not listed any more, or not in this month."""
        chosen = (self.data if self.is_bound else self.initial).get("zone")
        zone = ZoneInfo(chosen) if chosen in zones() else settings.SLA_ZONE
        self.rows = [Row(number, row, zone) for number, row in enumerate(texts or [dict.fromkeys(ENDS, "")], start=1)]

    def clean(self) -> dict[str, Any]:
        if "zone" in self.cleaned_data:
            for row in self.rows:
                self._read(row)
        written = [row for row in self.rows if not row.is_blank]
        if not written and not self.ticked:
            sentence = _("Tick an incident, or enter at least one outage.") if self.incidents else ""
            self.rows[0].errors.append(sentence or _("Enter at least one outage."))
        self._refuse_overlaps(written)
        wrong = [row for row in self.rows if row.errors]
        if wrong:
            self.add_error(None, _("Check the outage times."))
            wrong[0].focus()
        if self.stale:
            self.add_error(None, STALE)
        if len(self.stretches) > MOST_TIMES:
            self.add_error(None, _("A claim can have at most %(most)d outages. Tick fewer.") % {"most": MOST_TIMES})
        return self.cleaned_data

    @cached_property
    def offers_instants(self) -> bool:
        """Whether a local time of some outage is to be chosen; then each outage sends what was chosen, or nothing."""
        return any(row.start_instants or row.end_instants for row in self.rows)

    @property
    def stretches(self) -> list[tuple[datetime, datetime]]:
        """The outages as claimed: what is ticked and what is typed, each moment once."""
        typed = [row.stretch for row in self.rows if row.stretch]
        if not self.ticked:
            return typed
        spans = [(epoch(start), epoch(end)) for start, end in (*typed, *(t for one in self.ticked for t in one.times))]
        return [(instant(start), instant(end)) for start, end in merged(spans)]

    @property
    def stale_sentence(self) -> str:
        return str(STALE)

    @property
    def regions(self) -> list[tuple[Named, list[ListedIncident], bool]]:
        """The incidents by region, and whether one of them is ticked."""
        by_region: dict[Named, list[ListedIncident]] = {}
        for one in self.incidents:
            by_region.setdefault(one.region, []).append(one)
        return [(region, some, any(one.key in self.keys for one in some)) for region, some in by_region.items()]

    @property
    def days(self) -> tuple[date, date] | None:
        """First and last day that can be in the month in some time zone."""
        return (self.month.first_day - timedelta(days=1), self.month.next.first_day) if self.month else None

    def _read(self, row: Row) -> None:
        if row.is_blank:
            return
        ends = []
        for end in (row.start, row.end):
            try:
                ends.append(_instant(*end))
            except ValidationError as error:
                row.errors += [sentence for sentence in error.messages if sentence not in row.errors]
        if row.errors:
            return
        try:
            self._check(*ends)
        except ValidationError as error:
            row.errors += error.messages
        else:
            row.stretch = ends[0], ends[1]

    def _check(self, start: datetime, end: datetime) -> None:
        if end <= start:
            raise ValidationError(_("An outage ends before it starts. Enter an end after the start."))
        if end > self.now:
            raise ValidationError(_("This outage ends in the future. Enter only time that has passed."))
        if not self.month:
            return
        first, last = (instant(edge) for edge in self.month.span(settings.SLA_ZONE))
        if start < first or end > last:
            raise ValidationError(
                _("This outage is not within %(month)s, which runs from %(first)s to %(last)s in the SLA time zone.")
                % {
                    "month": month_name(self.month),
                    "first": format_instant(first, settings.SLA_ZONE),
                    "last": format_instant(last, settings.SLA_ZONE),
                }
            )

    def _refuse_overlaps(self, rows: Sequence[Row]) -> None:
        in_order = sorted((row for row in rows if row.stretch), key=lambda row: row.stretch)
        for row, following in pairwise(in_order):
            if following.stretch[0] < row.stretch[1]:
                following.errors.append(_("Two outages overlap. Enter each period once."))


CLOCK = ClockField(
    input_date_formats=["%Y-%m-%d"],
    input_time_formats=["%H:%M:%S", "%H:%M"],
    error_messages={
        "required": gettext_lazy("Enter a date and time."),
        "invalid_date": gettext_lazy("Enter the date as 2026-09-30."),
        "invalid_time": gettext_lazy("Enter the time as 14:05 or 14:05:30."),
    },
)


def _instant(day: str, time: str, zone: ZoneInfo, chosen: str) -> datetime:
    """Parse an instant in the time zone `zone`; one that is skipped or happens twice needs to be `chosen`."""
    at: datetime = CLOCK.clean([day, time, str(zone), chosen])
    # In UTC: two datetimes of one zone compare as wall clocks, an hour wrong when the clocks go back.
    return at.astimezone(UTC)


class NewLinkForm(forms.Form):
    """Contract and address for which new links are requested."""

    reference = ContractForm.base_fields["reference"]
    email = forms.EmailField(
        label=gettext_lazy("E-mail address on record"),
        max_length=254,
        error_messages={"required": NO_ADDRESS},
        help_text=gettext_lazy("The address from which you made the claim."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class MessageForm(forms.Form):
    """A message to the reviewers: an answer or an appeal."""

    text = forms.CharField(
        max_length=LONGEST_TEXT, error_messages={"required": gettext_lazy("Enter a text before you send it.")}
    )
