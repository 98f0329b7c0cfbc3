"""The history file: what it may say, and its one canonical form.

A document is read into plain dictionaries whose keys stand in the order of the format, whose instants are UTC text
(`2026-09-10T01:02:03Z`, so that text order is time order), whose money has two decimals or, where needed, three, and
whose lists without an order of their own are sorted. Two documents that say the same are then equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from sla_portal.kernel.instants import check_year, instant_text, parse_instant

FORMAT = "sla-portal-history/1"

SMALL = 32767
"""What a small column holds."""

Row = dict[str, Any]


class NotAHistory(Exception):
    """The document cannot be loaded; `errors` are its wrong paths, each with a sentence."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass
class History:
    """What a file says. A list that may be left out is None where it is missing or empty: the portal's own stands."""

    functions: list[Row] | None
    clients: list[Row] | None
    regions: list[Row] | None
    agreements: list[Row] | None
    customers: list[Row]
    maintenance: list[Row]
    incidents: list[Row]
    mentions: dict[str, dict[str, str]]
    """Codes and references that are used but not defined in the file: kind → code → the path that uses it first."""
    paths: dict[str, dict[str, str]]
    """Where the file defines what: kind → code or reference → path."""


@dataclass
class _Findings:
    """What the reading finds beside the values."""

    errors: list[str] = field(default_factory=list)
    defined: dict[str, dict[str, str]] = field(default_factory=dict)
    mentioned: dict[str, dict[str, str]] = field(default_factory=dict)

    def wrong(self, path: str, sentence: str) -> None:
        self.errors.append(f"{path}: {sentence}" if path else sentence)


class _Wrong(Exception):
    """A value cannot be; the text says why."""


Check = Callable[[Any, str, _Findings], Any]
"""Takes a value, its path and the findings; returns the canonical value, or raises `_Wrong`, or finds and returns None."""
Leaf = Callable[[Any], Any]


def shown(value: object) -> str:
    """Name a value for a sentence, in printable characters, not at length."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:57]}…"


# Single values


def leaf(check: Leaf) -> Check:
    return lambda value, _path, _found: check(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"Text is wanted here, not {shown(value)}.")
    return value


# NUL, which PostgreSQL cannot hold; halves of characters, which no file can; and what no one can see.
INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
INVISIBLE_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def text(longest: int) -> Check:
    """A line that says something."""

    def check(value: Any) -> str:
        line = _string(value)
        if INVISIBLE.search(line):
            raise _Wrong(f"{shown(line)} holds a character that cannot be printed.")
        if not line.strip():
            raise _Wrong("This must not be empty.")
        if len(line) > longest:
            raise _Wrong(f"At most {longest} characters fit here, not {len(line)}.")
        return line

    return leaf(check)


@leaf
def lines(value: Any) -> str:
    """Text of any length, which may be empty."""
    if INVISIBLE_IN_LINES.search(_string(value)):
        raise _Wrong(f"{shown(value)} holds a character that cannot be printed.")
    return value


@leaf
def code(value: Any) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", _string(value)):
        raise _Wrong(f"A code has 1 to 40 letters, digits, dots, hyphens and underscores; {shown(value)} is none.")
    return value


@leaf
def email(value: Any) -> str:
    try:
        validate_email(_string(value))
    except ValidationError:
        raise _Wrong(f"{shown(value)} is not an e-mail address.") from None
    if len(value) > 254:
        raise _Wrong(f"At most 254 characters fit here, not {len(value)}.")
    return value


def one_of(*choices: str) -> Check:
    def check(value: Any) -> str:
        if _string(value) not in choices:
            raise _Wrong(f"One of {', '.join(choices)} is wanted here, not {shown(value)}.")
        return value

    return leaf(check)


@leaf
def currency(value: Any) -> str:
    if not re.fullmatch(r"[A-Z]{3}", _string(value)):
        raise _Wrong(f"A currency is three capital letters such as EUR, not {shown(value)}.")
    return value


@leaf
def small_number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= SMALL:
        raise _Wrong(f"A whole number from 0 to {SMALL} is wanted here, not {shown(value)}.")
    return value


@leaf
def yes_no_or_unknown(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise _Wrong(f"true, false or null is wanted here, not {shown(value)}.")
    return value


def canonical_money(amount: Decimal) -> str:
    """Write an amount of at most three decimals with two, or with three where the third is not zero."""
    return re.sub(r"(\.\d\d)0$", r"\1", f"{amount:.3f}")


def money(*, negative: bool) -> Check:
    """A decimal in a string: up to nine digits and three decimals."""

    def check(value: Any) -> str:
        if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,3})?", _string(value)):
            raise _Wrong(
                f"A decimal such as 49.00 is wanted here, of at most nine digits and three decimals, not {shown(value)}."
            )
        amount = Decimal(value)
        if amount < 0 and not negative:
            raise _Wrong(f"This must not be negative; it is {value}.")
        return canonical_money(amount + 0)  # no -0.00

    return leaf(check)


def canonical_percentage(percentage: Decimal) -> str:
    """Write a percentage without the zeros that say nothing."""
    return f"{percentage.normalize():f}"


@leaf
def percentage(value: Any) -> str:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,5})?", _string(value)) or Decimal(value) > 100:
        raise _Wrong(
            f"A percentage such as 99.99 is wanted here, from 0 to 100 with at most five decimals, not {shown(value)}."
        )
    return canonical_percentage(Decimal(value))


@leaf
def day(value: Any) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", _string(value)):
        raise _Wrong(f"A date such as 2026-09-10 is wanted here, not {shown(value)}.")
    try:
        check_year(value)
    except ValueError as error:
        raise _Wrong(str(error)) from None
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise _Wrong(f"There is no day {value}.") from None


@leaf
def instant(value: Any) -> str:
    try:
        return instant_text(parse_instant(_string(value)))
    except ValueError as error:
        raise _Wrong(str(error)) from None


def or_null(check: Check) -> Check:
    return lambda value, path, found: None if value is None else check(value, path, found)


# References


def defines(kind: str, check: Check) -> Check:
    """A code or reference that stands for one row in the whole file."""

    def define(value: Any, path: str, found: _Findings) -> str:
        name: str = check(value, path, found)
        first = found.defined.setdefault(kind, {}).setdefault(name, path)
        if first != path:
            raise _Wrong(f"{shown(name)} stands at {first} already.")
        return name

    return define


def mentions(kind: str, check: Check) -> Check:
    """A code or reference of a row that the file or the portal must have."""

    def mention(value: Any, path: str, found: _Findings) -> str:
        name: str = check(value, path, found)
        found.mentioned.setdefault(kind, {}).setdefault(name, path)
        return name

    return mention


# Objects and lists


class Twice(dict[str, Any]):
    """An object in which keys stand twice."""

    keys_twice: list[str]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    twice = Twice(plain)
    names = [name for name, _value in pairs]
    twice.keys_twice = sorted({name for name in names if names.count(name) > 1})
    return twice


def _key(path: str, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,59}", name):
        return f"{path}[{shown(name)}]"
    return f"{path}.{name}" if path else name


Also = Callable[[Row], Iterable[tuple[str, str]]]
"""What keys of one object must keep among each other: yields the key that is wrong, and the sentence."""


def shape(checks: Mapping[str, Check], *also: Also, optional: Mapping[str, Any] | None = None) -> Check:
    """An object with exactly these keys. `optional` ones may be missing and then have that value."""

    def check(value: Any, path: str, found: _Findings) -> Row | None:
        if not isinstance(value, dict):
            raise _Wrong(f"An object is wanted here, not {shown(value)}.")
        before = len(found.errors)
        _check_keys(value, checks.keys(), path, found)
        row = dict(optional or {})
        prefix = path and f"{path}."
        for name, check_value in checks.items():
            if name in value:
                row[name] = _checked(check_value, value[name], prefix + name, found)
            elif name not in row:
                found.wrong(prefix + name, "This key is missing.")
        if len(found.errors) > before:
            return None
        for rule in also:
            for name, sentence in rule(row):
                found.wrong(prefix + name, sentence)
        return {name: row[name] for name in checks}

    return check


def _check_keys(value: dict[str, Any], known: Collection[str], path: str, found: _Findings) -> None:
    if isinstance(value, Twice):
        for name in value.keys_twice:
            found.wrong(_key(path, name), "This key stands here twice.")
    for name in value:
        if name not in known:
            found.wrong(_key(path, name), "This key is not known here.")


def _checked(check: Check, value: Any, path: str, found: _Findings) -> Any:
    try:
        return check(value, path, found)
    except _Wrong as wrong:
        found.wrong(path, str(wrong))


def rows(check: Check, *, by: tuple[str, ...] = (), unique: str = "") -> Check:
    """A list of rows, sorted where `by` names keys; the value of `unique` stands in it once."""

    def check_rows(value: Any, path: str, found: _Findings) -> list[Any]:
        if not isinstance(value, list):
            raise _Wrong(f"A list is wanted here, not {shown(value)}.")
        checked = [_checked(check, one, f"{path}[{i}]", found) for i, one in enumerate(value)]
        if unique:
            _find_twins((row and row[unique] for row in checked), path, f".{unique}", found)
        return in_order(checked, by) if by and None not in checked else checked

    return check_rows


def in_order(listed: list[Row], by: tuple[str, ...]) -> list[Row]:
    """Sort rows by the keys `by`; those that are equal in them stay as they stand."""
    return sorted(listed, key=lambda row: [str(row[key] or "") for key in by]) if len(listed) > 1 else listed


def names(check: Check, *, alike: Callable[[str], str] = str) -> Check:
    """A list of codes or addresses, sorted; none stands in it twice, nor two that are `alike`."""

    def check_names(value: Any, path: str, found: _Findings) -> list[str]:
        listed = rows(check)(value, path, found)
        _find_twins((name and alike(name) for name in listed), path, "", found)
        return sorted(name for name in listed if name is not None)

    return check_names


def _find_twins(values: Iterable[str | None], path: str, key: str, found: _Findings) -> None:
    first: dict[str, int] = {}
    for i, value in enumerate(values):
        if value is not None and first.setdefault(value, i) != i:
            found.wrong(f"{path}[{i}]{key}", f"{shown(value)} stands at {path}[{first[value]}]{key} already.")


# What the rows of the format are


def _ends_after(start: str, end: str) -> Also:
    def rule(row: Row) -> Iterable[tuple[str, str]]:
        if row[start] is not None and row[end] is not None and row[end] <= row[start]:
            yield end, f"It must lie after {start} ({row[start]}), but is {row[end]}."

    return rule


def _not_before(start: str, end: str) -> Also:
    def rule(row: Row) -> Iterable[tuple[str, str]]:
        if row[end] < row[start]:
            yield end, f"It must not lie before {start} ({row[start]}), but is {row[end]}."

    return rule


def _terminated_within(row: Row) -> Iterable[tuple[str, str]]:
    if row["terminated_on"] is not None and not row["starts_on"] <= row["terminated_on"] <= row["ends_on"]:
        yield (
            "terminated_on",
            f"A contract ends early within its days, {row['starts_on']} to {row['ends_on']}, not on {row['terminated_on']}.",
        )


def _window_or_cancellation(row: Row) -> Iterable[tuple[str, str]]:
    if (row["starts_at"] is None) != (row["ends_at"] is None):
        missing = "starts_at" if row["starts_at"] is None else "ends_at"
        yield missing, "A notice announces a start and an end or, to cancel, neither."


def _names_what_its_clause_needs(row: Row) -> Iterable[tuple[str, str]]:
    for key, clause in (("maintenance", "4.1"), ("third_party", "4.11")):
        if row["clause"] == clause and row[key] is None:
            yield key, f"Clause {clause} needs it."
        if row["clause"] != clause and row[key] is not None:
            yield key, f"It belongs with clause {clause} alone, not with {row['clause']}."


def _excluded_if_not_ours(row: Row) -> Iterable[tuple[str, str]]:
    if row["attributable"] is False and not row["exclusions"]:
        yield "exclusions", "An incident that is not attributable to us has at least one exclusion."


REFERENCE = text(40)


def coded(kind: str) -> Check:
    return shape({"code": defines(kind, code), "name": text(200)})


AGREEMENT = shape(
    {
        "version": defines("agreements", text(20)),
        "effective_on": day,
        "availability_target": percentage,
        "unavailability_reading": one_of("all", "function", "any"),
        "maintenance_notice_hours": small_number,
    }
)

SUSPENSIONS_BY = ("starts_on", "ends_on")
PAYMENTS_BY = ("paid_on", "reference")
CONTRACTS_BY = ("starts_on", "reference")
NOTICES_BY = ("sent_at",)
"""Of two sent in the same second the later in the file is the newer."""
OUTAGES_BY = ("started_at", "region", "ended_at", "functions", "clients")
EXCLUSIONS_BY = ("clause", "starts_at", "ends_at", "maintenance", "third_party", "status", "reason")

_SUSPENSIONS = rows(shape({"starts_on": day, "ends_on": day}, _not_before("starts_on", "ends_on")), by=SUSPENSIONS_BY)


def suspensions(value: Any, path: str, found: _Findings) -> list[Row]:
    """Suspensions in order; of those that start on one day the longest, which says what the others say."""
    longest = {row["starts_on"]: row for row in _SUSPENSIONS(value, path, found) if row}
    return list(longest.values())


CONTRACT = shape(
    {
        "reference": defines("contracts", REFERENCE),
        "starts_on": day,
        "ends_on": day,
        "monthly_charge": money(negative=False),
        "currency": currency,
        "trial_days": small_number,
        "terminated_on": or_null(day),
        "suspensions": suspensions,
        "payments": rows(
            shape({"reference": text(60), "paid_on": day, "amount": money(negative=True)}),
            by=PAYMENTS_BY,
            unique="reference",
        ),
    },
    _not_before("starts_on", "ends_on"),
    _terminated_within,
)

CUSTOMER = shape(
    {
        "code": defines("customers", code),
        "name": text(200),
        "region": mentions("regions", code),
        "contacts": names(email, alike=str.casefold),
        "contracts": rows(CONTRACT, by=CONTRACTS_BY),
    }
)

FUNCTIONS = names(mentions("functions", code))
CLIENTS = names(mentions("clients", code))

WINDOW = shape(
    {
        "reference": defines("maintenance", REFERENCE),
        "title": text(200),
        "kind": one_of("cutover", "repair", "upgrade", "drill", "other"),
        "regions": names(mentions("regions", code)),
        "functions": FUNCTIONS,
        "clients": CLIENTS,
        "starts_at": instant,
        "ends_at": instant,
        "cancelled_at": or_null(instant),
        "notices": rows(
            shape(
                {"sent_at": instant, "starts_at": or_null(instant), "ends_at": or_null(instant)},
                _window_or_cancellation,
                _ends_after("starts_at", "ends_at"),
            ),
            by=NOTICES_BY,
        ),
    },
    _ends_after("starts_at", "ends_at"),
    optional={"regions": [], "functions": [], "clients": []},
)

INCIDENT = shape(
    {
        "reference": defines("incidents", REFERENCE),
        "title": text(200),
        "source": one_of("monitoring", "ticket", "phone"),
        "detected_at": instant,
        "acknowledged_at": or_null(instant),
        "resolved_at": or_null(instant),
        "attributable": yes_no_or_unknown,
        "outages": rows(
            shape(
                {
                    "region": mentions("regions", code),
                    "functions": FUNCTIONS,
                    "clients": CLIENTS,
                    "started_at": instant,
                    "ended_at": or_null(instant),
                },
                _ends_after("started_at", "ended_at"),
                optional={"functions": [], "clients": []},
            ),
            by=OUTAGES_BY,
        ),
        "exclusions": rows(
            shape(
                {
                    "clause": one_of("4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11"),
                    "starts_at": or_null(instant),
                    "ends_at": or_null(instant),
                    "third_party": or_null(text(200)),
                    "maintenance": or_null(mentions("maintenance", REFERENCE)),
                    "reason": lines,
                    "status": one_of("proposed", "confirmed", "rejected", "revoked"),
                },
                _ends_after("starts_at", "ends_at"),
                _names_what_its_clause_needs,
            ),
            by=EXCLUSIONS_BY,
        ),
    },
    _excluded_if_not_ours,
)

HISTORY = shape(
    {
        "format": one_of(FORMAT),
        "functions": rows(coded("functions")),
        "clients": rows(coded("clients")),
        "regions": rows(coded("regions")),
        "agreements": rows(AGREEMENT, unique="effective_on"),
        "customers": rows(CUSTOMER),
        "maintenance": rows(WINDOW),
        "incidents": rows(INCIDENT),
    },
    optional={"functions": [], "clients": [], "regions": [], "agreements": []},
)


def read(content: bytes) -> History:
    """Read a history file; raises `NotAHistory` with every path that is wrong."""
    found = _Findings()
    said = _checked(HISTORY, _parsed(content), "", found)
    if found.errors:
        raise NotAHistory(found.errors)
    return History(
        functions=said["functions"] or None,
        clients=said["clients"] or None,
        regions=said["regions"] or None,
        agreements=said["agreements"] or None,
        customers=said["customers"],
        maintenance=said["maintenance"],
        incidents=said["incidents"],
        mentions={
            kind: {name: path for name, path in mentioned.items() if name not in found.defined.get(kind, {})}
            for kind, mentioned in found.mentioned.items()
        },
        paths=found.defined,
    )


def _parsed(content: bytes) -> Any:
    if not content.strip():
        raise NotAHistory(["The file is empty."])
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object,
            # No number with a fraction or of such a size has a place in the format: the check of its value says where.
            parse_int=lambda digits: int(digits) if len(digits) < 20 else float(digits),
            parse_constant=float,
        )
    except UnicodeDecodeError as error:
        raise NotAHistory([f"The file is not UTF-8: byte {error.start + 1} cannot be read."]) from None
    except json.JSONDecodeError as error:
        raise NotAHistory([f"The file is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."]) from None
    except RecursionError:
        raise NotAHistory(["The file is nested too deeply to be a history."]) from None
