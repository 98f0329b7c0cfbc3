"""The format of the history file, as pydantic models. `manage.py historyschema` prints its JSON Schema from them.

A document so read says everything in one way: keys in the order below, instants as UTC text (`2026-09-10T01:02:03Z`, so
that text order is time order), money with two decimals or, where needed, more, and lists without an order of their own
sorted. Two documents that say the same are then equal. Types are strict: no value is taken for one of another type.

Docstrings of the models and of their keys are the descriptions in the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, TypeVar

from django.core.exceptions import ValidationError as DjangoError
from django.core.validators import validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import custom_error_schema

from sla_portal.kernel.instants import check_year, instant_text, parse_instant
from sla_portal.kernel.money import MOST_DECIMALS, fits, is_currency, smallest_unit, withdrawn_on
from sla_portal.kernel.months import ServiceMonth

FORMAT = "sla-portal-history/1"

Row = dict[str, Any]
T = TypeVar("T")
Rows = list[Annotated[T, AfterValidator(vars)]]
"""Rows that are checked as models and then plain: a large file is not held as models too."""

SERVICE_DAYS = ("first_service_day", "last_service_day")
"""The keys of a region that a dump writes only where they say something, so that an earlier build reads it."""
SUSPENSIONS_BY = ("starts_on", "ends_on")
PAYMENTS_BY = ("paid_on", "reference")
CHARGES_BY = ("from",)
CONTRACTS_BY = ("starts_on", "reference")
NOTICES_BY = ("sent_at",)
"""Of two sent in the same second the later in the file is the newer."""
OUTAGES_BY = ("started_at", "region", "ended_at", "functions", "clients")
EXCLUSIONS_BY = ("clause", "starts_at", "ends_at", "maintenance", "third_party", "status", "reason")


def in_order(listed: list[Row], by: tuple[str, ...]) -> list[Row]:
    """Sort rows by the keys `by`; those that are equal in them stay as they stand."""
    return sorted(listed, key=lambda row: [str(row[key] or "") for key in by]) if len(listed) > 1 else listed


def _ordered(*by: str) -> AfterValidator:
    return AfterValidator(lambda rows: in_order(rows, by))


class Sentence:
    """What is said of a value that does not fit. `{value}` in it stands for the value."""

    TYPE = "sentence"
    """The type of such an error."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return custom_error_schema(handler(source), self.TYPE, custom_error_message=self.text)


# Single values. Patterns are read by pydantic (Rust) and by readers of the schema (ECMA 262): no \d, no look-ahead.

CONTROL = r"\u0000-\u001f\u007f-\u009f"
Line = Annotated[str, Field(pattern=rf"^[^{CONTROL}]*[^\s{CONTROL}][^{CONTROL}]*$")]
"""Text that says something, without what cannot be printed."""
Name = Annotated[Line, Field(max_length=200)]
Reference = Annotated[Line, Field(max_length=40)]
Lines = Annotated[str, Field(pattern=r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$")]
"""Text of any length, which may be empty."""
Code = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"),
    Sentence("A code has 1 to 40 letters, digits, dots, hyphens and underscores; {value} is none."),
]
Codes = Annotated[list[Code], AfterValidator(sorted), Field(json_schema_extra={"uniqueItems": True})]
Currency = Annotated[
    str, Field(pattern=r"^[A-Z]{3}$"), Sentence("A currency is three capital letters such as EUR, not {value}.")
]
SmallNumber = Annotated[
    int, Field(ge=0, le=32767), Sentence("A whole number from 0 to 32767 is wanted here, not {value}.")
]
"""What a small column holds."""


def _email(value: str) -> str:
    try:
        validate_email(value)
    except DjangoError:
        raise PydanticCustomError(Sentence.TYPE, "{value} is not an e-mail address.") from None
    return value


Email = Annotated[str, Field(max_length=254, json_schema_extra={"format": "idn-email"}), AfterValidator(_email)]


def canonical_money(amount: Decimal) -> str:
    """Write an amount with two decimals, or with three or four where they are not zero."""
    return re.sub(r"(\.\d\d\d??)0+$", r"\1", f"{amount:.{MOST_DECIMALS}f}")


def _not_negative(value: str) -> str:
    if Decimal(value) < 0:
        raise ValueError(f"This must not be negative; it is {value}.")
    return value


_Decimal = Annotated[
    str,
    Field(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,4}0*)?$"),
    Sentence("A decimal such as 49.00 is wanted here, of at most nine digits and four decimals, not {value}."),
]
_without_minus_zero = AfterValidator(lambda value: canonical_money(Decimal(value) + 0))
Amount = Annotated[_Decimal, _without_minus_zero]
Charge = Annotated[_Decimal, AfterValidator(_not_negative), _without_minus_zero]


def canonical_percentage(percentage: Decimal) -> str:
    """Write a percentage without the zeros that say nothing."""
    return f"{percentage.normalize():f}"


Percentage = Annotated[
    str,
    Field(pattern=r"^(0?[0-9]{1,2}(\.[0-9]{1,5})?|100(\.0{1,5})?)$"),
    Sentence("A percentage such as 99.99 is wanted here, from 0 to 100 with at most five decimals, not {value}."),
    AfterValidator(lambda value: canonical_percentage(Decimal(value))),
]


def _day(value: str) -> str:
    check_year(value)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError(f"There is no day {value}.") from None


Day = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    Sentence("A date such as 2026-09-10 is wanted here, not {value}."),
    AfterValidator(_day),
]
Month = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}$"),
    Sentence("A month such as 2026-09 is wanted here, not {value}."),
    AfterValidator(lambda value: str(ServiceMonth.parse(value))),
]
Instant = Annotated[
    str,
    AfterValidator(lambda value: instant_text(parse_instant(value))),
    Field(
        json_schema_extra={
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.0+)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
        }
    ),
]


# Objects


def _wrong(text: str, *steps: str | int) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("contradiction", "{text}", {"text": text}), loc=steps, input=None)


class Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """Name the keys that do not go with the others, each with a sentence."""
        return ()

    def oddities(self) -> Iterable[InitErrorDetails]:
        """Name what is refused unless it is to be taken as recorded."""
        return ()

    @model_validator(mode="after")
    def _is_consistent(self, info: ValidationInfo) -> Self:
        wrong = [_wrong(text, key) for key, text in self.contradictions()]
        if info.context != AS_RECORDED:
            wrong += self.oddities()
        if wrong:
            raise ValidationError.from_exception_data(type(self).__name__, wrong)
        return self


def _not_after(row: Any, start: str, end: str) -> Iterator[tuple[str, str]]:
    first, last = getattr(row, start), getattr(row, end)
    if first is not None and last is not None and last <= first:
        yield end, f"It must lie after {start} ({first}), but is {last}."


def _before(row: Any, start: str, end: str) -> Iterator[tuple[str, str]]:
    first, last = getattr(row, start), getattr(row, end)
    if last < first:
        yield end, f"It must not lie before {start} ({first}), but is {last}."


def _where(condition: Row, then: Row, otherwise: Row | None = None) -> Row:
    """A condition among the keys of an object, as JSON Schema says it."""
    rule = {"if": {"properties": condition}, "then": {"properties": then}}
    return rule | ({"else": {"properties": otherwise}} if otherwise else {})


TEXT: Row = {"type": "string"}
NULL: Row = {"type": "null"}


class Coded(Part):
    """What has a code and a name."""

    code: Code
    name: Name


class Region(Coded):
    """A region with the days on which it is in service, both included."""

    first_service_day: Day | None = None
    """Left out or null: no day is too early."""
    last_service_day: Day | None = None
    """Left out or null: no day is too late."""

    def contradictions(self) -> Iterable[tuple[str, str]]:
        if self.first_service_day is not None and self.last_service_day is not None:
            yield from _before(self, "first_service_day", "last_service_day")


class Agreement(Part):
    """A version of the agreement."""

    version: Annotated[Line, Field(max_length=20)]
    effective_on: Day
    availability_target: Percentage
    """Percent."""
    unavailability_reading: Literal["all", "function", "any"]
    """Whether a region is unavailable where all functions fail on all clients, one function on all clients, or any on any."""
    maintenance_notice_hours: SmallNumber


class Suspension(Part):
    """Days without service, both included."""

    starts_on: Day
    ends_on: Day

    def contradictions(self) -> Iterable[tuple[str, str]]:
        return _before(self, "starts_on", "ends_on")


class Payment(Part):
    reference: Annotated[Line, Field(max_length=60)]
    paid_on: Day
    amount: Amount
    """Negative where money was paid back."""


class MonthlyCharge(Part):
    """A monthly charge that holds from a service month on."""

    from_month: Annotated[Month, Field(alias="from")]
    monthly_charge: Charge

    def row(self) -> Row:
        return {"from": self.from_month, "monthly_charge": self.monthly_charge}


def _ascending(charges: list[Row]) -> list[Row]:
    """Refuse a charge from a month that does not lie after the one before."""
    wrong = [
        _wrong(f"It must lie after the month before it ({before['from']}), but is {charge['from']}.", place, "from")
        for place, (before, charge) in enumerate(pairwise(charges), 1)
        if charge["from"] <= before["from"]
    ]
    if wrong:
        raise ValidationError.from_exception_data("charges", wrong)
    return charges


def _longest(suspensions: list[Row]) -> list[Row]:
    """Of suspensions in order, of those that start on one day, the longest: it says what the others say."""
    return list({suspension["starts_on"]: suspension for suspension in suspensions}.values())


class Contract(Part):
    reference: Reference
    starts_on: Day
    ends_on: Day
    monthly_charge: Charge
    """The first."""
    charges: Annotated[
        list[Annotated[MonthlyCharge, AfterValidator(MonthlyCharge.row)]], AfterValidator(_ascending)
    ] = []
    """Those that hold from a service month on, in order. Without any the first holds always; a dump then leaves the key out."""
    currency: Currency
    trial_days: SmallNumber
    """Counted from the contract's first day."""
    terminated_on: Day | None
    suspensions: Annotated[Rows[Suspension], _ordered(*SUSPENSIONS_BY), AfterValidator(_longest)]
    payments: Annotated[Rows[Payment], _ordered(*PAYMENTS_BY)]

    def contradictions(self) -> Iterable[tuple[str, str]]:
        yield from _before(self, "starts_on", "ends_on")
        if self.terminated_on is not None and not self.starts_on <= self.terminated_on <= self.ends_on:
            yield (
                "terminated_on",
                f"A contract ends early within its days, {self.starts_on} to {self.ends_on}, not on {self.terminated_on}.",
            )

    def oddities(self) -> Iterable[InitErrorDetails]:
        gone = withdrawn_on(self.currency)
        if not is_currency(self.currency) and gone is None:
            yield _wrong(f"{self.currency} is no currency of ISO 4217.", "currency")
        elif gone and date.fromisoformat(self.starts_on) > gone:
            yield _wrong(f"{self.currency} was withdrawn on {gone}, before the contract began.", "currency")
        unit, row = smallest_unit(self.currency), vars(self)
        said: list[tuple[tuple[str | int, ...], str]] = [
            (("monthly_charge",), self.monthly_charge),
            *((("charges", n, "monthly_charge"), one["monthly_charge"]) for n, one in enumerate(row["charges"])),
            *((("payments", n, "amount"), one["amount"]) for n, one in enumerate(row["payments"])),
        ]
        for steps, amount in said:
            if not fits(Decimal(amount), self.currency):
                yield _wrong(f"{self.currency} has no smaller unit than {unit}, but this is {amount}.", *steps)


class Customer(Part):
    code: Code
    name: Name
    region: Code
    contacts: Annotated[list[Email], AfterValidator(sorted), Field(json_schema_extra={"uniqueItems": True})]
    contracts: Annotated[Rows[Contract], _ordered(*CONTRACTS_BY)]


class Notice(Part):
    """What customers were told of a maintenance window: its start and end or, where it is cancelled, neither."""

    model_config = ConfigDict(
        json_schema_extra={"allOf": [_where({"starts_at": NULL}, {"ends_at": NULL}, {"ends_at": TEXT})]}
    )
    sent_at: Instant
    starts_at: Instant | None
    ends_at: Instant | None

    def contradictions(self) -> Iterable[tuple[str, str]]:
        if (self.starts_at is None) != (self.ends_at is None):
            missing = "starts_at" if self.starts_at is None else "ends_at"
            yield missing, "A notice announces a start and an end or, to cancel, neither."
        yield from _not_after(self, "starts_at", "ends_at")


class Window(Part):
    """A maintenance window. A scope (`regions`, `functions`, `clients`) that is empty or left out means all of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "properties": {"completed_at": TEXT, "not_carried_out_at": TEXT},
                "required": ["completed_at", "not_carried_out_at"],
            }
        }
    )

    reference: Reference
    title: Name
    kind: Literal["cutover", "repair", "upgrade", "drill", "other"]
    regions: Codes = []
    functions: Codes = []
    clients: Codes = []
    starts_at: Instant
    ends_at: Instant
    cancelled_at: Instant | None
    completed_at: Instant | None = None
    """Its notices cover nothing from this instant on (4.1)."""
    not_carried_out_at: Instant | None = None
    """Its notices cover nothing (4.1)."""
    notices: Annotated[Rows[Notice], _ordered(*NOTICES_BY)]

    def contradictions(self) -> Iterable[tuple[str, str]]:
        yield from _not_after(self, "starts_at", "ends_at")
        if self.completed_at and self.not_carried_out_at:
            yield "not_carried_out_at", "Maintenance that was completed was carried out."


class Outage(Part):
    """A time without service. A scope (`functions`, `clients`) that is empty or left out means all of them."""

    region: Code
    functions: Codes = []
    clients: Codes = []
    started_at: Instant
    ended_at: Instant | None
    """Null: it is ongoing."""

    def contradictions(self) -> Iterable[tuple[str, str]]:
        return _not_after(self, "started_at", "ended_at")


class Exclusion(Part):
    """Why an incident, or a part of it, does not count. Without instants it covers the whole incident."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                _where({"clause": {"const": "4.1"}}, {"maintenance": TEXT}, {"maintenance": NULL}),
                _where({"clause": {"const": "4.11"}}, {"third_party": TEXT}, {"third_party": NULL}),
            ]
        }
    )
    clause: Literal["4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11"]
    starts_at: Instant | None
    ends_at: Instant | None
    third_party: Name | None
    maintenance: Reference | None
    """The reference of a maintenance window."""
    reason: Lines
    status: Literal["proposed", "confirmed", "rejected", "revoked"]

    def contradictions(self) -> Iterable[tuple[str, str]]:
        yield from _not_after(self, "starts_at", "ends_at")
        for key, clause in (("maintenance", "4.1"), ("third_party", "4.11")):
            given = getattr(self, key)
            if self.clause == clause and given is None:
                yield key, f"Clause {clause} needs it."
            if self.clause != clause and given is not None:
                yield key, f"It belongs with clause {clause} alone, not with {self.clause}."


AS_RECORDED = {"as_recorded": True}
"""The context of validation in which times out of order (2.2), and money that its currency does not have, are taken as they are."""


def _not_before(*keys: str) -> AfterValidator:
    """Refuse an instant before one of those at `keys`, which stand before it in the object."""

    def check(value: str | None, info: ValidationInfo) -> str | None:
        for key in keys:
            first = info.data.get(key)
            if value is not None and first is not None and value < first and info.context != AS_RECORDED:
                raise ValueError(f"It must not lie before {key} ({first}), but is {value}.")
        return value

    return AfterValidator(check)


def _ended_when_resolved(outages: list[Row], info: ValidationInfo) -> list[Row]:
    """Refuse outages that go on, or end later, when their incident is resolved."""
    resolved_at = info.data.get("resolved_at")
    if resolved_at is None or info.context == AS_RECORDED:
        return outages
    wrong = [
        _wrong(
            f"It must not lie after resolved_at ({resolved_at}), but is {outage['ended_at']}."
            if outage["ended_at"]
            else f"The incident is resolved ({resolved_at}): its outages have ended.",
            place,
            "ended_at",
        )
        for place, outage in enumerate(outages)
        if outage["ended_at"] is None or outage["ended_at"] > resolved_at
    ]
    if wrong:
        raise ValidationError.from_exception_data("outages", wrong)
    return outages


class Incident(Part):
    model_config = ConfigDict(
        json_schema_extra={"allOf": [_where({"attributable": {"const": False}}, {"exclusions": {"minItems": 1}})]}
    )
    reference: Reference
    title: Name
    source: Literal["monitoring", "ticket", "phone"]
    detected_at: Instant
    acknowledged_at: Annotated[Instant | None, _not_before("detected_at")]
    resolved_at: Annotated[Instant | None, _not_before("detected_at", "acknowledged_at")]
    attributable: Annotated[bool | None, Sentence("true, false or null is wanted here, not {value}.")]
    """Null: not classified yet. False: at least one exclusion says why."""
    outages: Annotated[Rows[Outage], AfterValidator(_ended_when_resolved), _ordered(*OUTAGES_BY)]
    exclusions: Annotated[Rows[Exclusion], _ordered(*EXCLUSIONS_BY)]

    def contradictions(self) -> Iterable[tuple[str, str]]:
        if self.attributable is False and not self.exclusions:
            yield "exclusions", "An incident that is not attributable to us has at least one exclusion."


class Document(Part):
    """A portal's operational record. `reference` and `code` are the keys by which a row is found again."""

    format: Literal["sla-portal-history/1"]
    functions: Rows[Coded] = []
    clients: Rows[Coded] = []
    regions: Rows[Region] = []
    agreements: Rows[Agreement] = []
    """Without these four, or where one is empty, the portal's own stand."""
    customers: Rows[Customer]
    maintenance: Rows[Window]
    incidents: Rows[Incident]


def json_schema() -> dict[str, Any]:
    """The format as JSON Schema. What it refuses is not loaded; which codes and references there are it cannot know."""
    return {"$schema": GenerateJsonSchema.schema_dialect, **Document.model_json_schema(), "title": FORMAT}
