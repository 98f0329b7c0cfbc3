"""History files for tests: the smallest, the example of the format, and generated ones."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from hypothesis import strategies as st

EXAMPLE: dict[str, Any] = {
    "format": "sla-portal-history/1",
    "functions": [
        {"code": "login", "name": "Login"},
        {"code": "calls", "name": "Calls"},
        {"code": "preview", "name": "Preview"},
        {"code": "door", "name": "Door"},
    ],
    "clients": [{"code": "app", "name": "App"}, {"code": "device", "name": "Device"}, {"code": "web", "name": "Web"}],
    "regions": [{"code": "eu", "name": "Europe"}],
    "agreements": [
        {
            "version": "1.0",
            "effective_on": "2024-01-01",
            "availability_target": "99.99",
            "unavailability_reading": "all",
            "maintenance_notice_hours": 0,
        }
    ],
    "customers": [
        {
            "code": "C-001",
            "name": "Hafen Residences",
            "region": "eu",
            "contacts": ["ops@example.com"],
            "contracts": [
                {
                    "reference": "K-001",
                    "starts_on": "2026-01-01",
                    "ends_on": "2026-12-31",
                    "monthly_charge": "49.00",
                    "currency": "EUR",
                    "trial_days": 31,
                    "terminated_on": None,
                    "suspensions": [{"starts_on": "2026-03-01", "ends_on": "2026-03-05"}],
                    "payments": [{"reference": "P-1", "paid_on": "2026-02-01", "amount": "49.00"}],
                }
            ],
        }
    ],
    "maintenance": [
        {
            "reference": "MW-1",
            "title": "Database upgrade",
            "kind": "upgrade",
            "regions": ["eu"],
            "functions": ["login"],
            "clients": ["app", "web"],
            "starts_at": "2026-09-06T18:00:00Z",
            "ends_at": "2026-09-06T19:00:00Z",
            "cancelled_at": None,
            "completed_at": None,
            "not_carried_out_at": None,
            "notices": [
                {
                    "sent_at": "2026-09-01T08:00:00Z",
                    "starts_at": "2026-09-06T18:00:00Z",
                    "ends_at": "2026-09-06T19:00:00Z",
                }
            ],
        }
    ],
    "incidents": [
        {
            "reference": "INC-1",
            "title": "Gateway lost",
            "source": "monitoring",
            "detected_at": "2026-09-10T01:02:03Z",
            "acknowledged_at": None,
            "resolved_at": "2026-09-10T01:40:00Z",
            "attributable": True,
            "outages": [
                {
                    "region": "eu",
                    "functions": ["login", "calls", "preview", "door"],
                    "clients": ["app", "device", "web"],
                    "started_at": "2026-09-10T01:02:03Z",
                    "ended_at": "2026-09-10T01:40:00Z",
                }
            ],
            "exclusions": [
                {
                    "clause": "4.11",
                    "starts_at": None,
                    "ends_at": None,
                    "third_party": "Example Cloud",
                    "maintenance": None,
                    "reason": "Their power loss",
                    "status": "rejected",
                }
            ],
        }
    ],
}


def example() -> dict[str, Any]:
    """The example of the format, to change at will."""
    return copy.deepcopy(EXAMPLE)


def changed(path: str, value: object) -> dict[str, Any]:
    """The example with another value at a path such as `incidents[0].outages[0].ended_at`."""
    document = example()
    *way, key = path.replace("[", ".").replace("]", "").split(".")
    place: Any = document
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is ...:
        del place[key]
    else:
        place[int(key) if key.isdigit() else key] = value
    return document


def smallest(**lists: Any) -> dict[str, Any]:
    return {"format": "sla-portal-history/1", "customers": [], "maintenance": [], "incidents": [], **lists}


def outage(started_at: str, ended_at: str | None, **scope: Any) -> dict[str, Any]:
    return {"region": "eu", "started_at": started_at, "ended_at": ended_at, **scope}


def incident(reference: str, *outages: dict[str, Any], exclusions: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """An incident detected with its first outage, and resolved with the end of the last."""
    ends = [outage["ended_at"] for outage in outages]
    return {
        "reference": reference,
        "title": f"Trouble {reference}",
        "source": "monitoring",
        "detected_at": min(outage["started_at"] for outage in outages),
        "acknowledged_at": None,
        "resolved_at": None if None in ends else max(ends),
        "attributable": not exclusions,
        "outages": list(outages),
        "exclusions": list(exclusions),
    }


def exclusion(clause: str, **said: Any) -> dict[str, Any]:
    return {
        "clause": clause,
        "starts_at": None,
        "ends_at": None,
        "third_party": "Example Cloud" if clause == "4.11" else None,
        "maintenance": "MW-1" if clause == "4.1" else None,
        "reason": "So it was",
        "status": "confirmed",
        **said,
    }


def loaded(folder: Path, document: Any, *options: str) -> str:
    """Load a document, or bytes, by the command; returns what it printed."""
    file = folder / "history.json"
    file.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    output = StringIO()
    call_command("loadhistory", *options, str(file), stdout=output)
    return output.getvalue()


def dumped() -> str:
    output = StringIO()
    call_command("dumphistory", stdout=output)
    return output.getvalue()


# What may be wrong

KEYS = [
    path + key
    for path, row in [
        ("", example()),
        ("functions[0].", example()["functions"][0]),
        ("regions[0].", example()["regions"][0]),
        ("agreements[0].", example()["agreements"][0]),
        ("customers[0].", example()["customers"][0]),
        ("customers[0].contracts[0].", example()["customers"][0]["contracts"][0]),
        ("customers[0].contracts[0].suspensions[0].", example()["customers"][0]["contracts"][0]["suspensions"][0]),
        ("customers[0].contracts[0].payments[0].", example()["customers"][0]["contracts"][0]["payments"][0]),
        ("maintenance[0].", example()["maintenance"][0]),
        ("maintenance[0].notices[0].", example()["maintenance"][0]["notices"][0]),
        ("incidents[0].", example()["incidents"][0]),
        ("incidents[0].outages[0].", example()["incidents"][0]["outages"][0]),
        ("incidents[0].exclusions[0].", example()["incidents"][0]["exclusions"][0]),
    ]
    for key in row
]
"""The path of every key of the example."""
HOSTILE = [
    3.5, True, [], {}, "", "\x00", "\ud800", "x" * 5000, "1e3", 10**30, -1, float("nan"), float("inf"), "2026-02-30",
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "२०२६-०१-०१", [[]], {"\ud800\x00": 1}, [None], [1], "\u202e",
]  # fmt: skip

# Generated histories

instants = st.integers(-2208900000, 253339100000).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
offsets = st.sampled_from(["Z", "+00:00", "+08:00", "-03:30", ".000Z"])
days = st.dates(date(1900, 1, 1), date(9998, 12, 31)).map(str)
lines = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(str.strip)


@st.composite
def instant_texts(draw: Any) -> str:
    return draw(texts_of(draw(instants)))


@st.composite
def texts_of(draw: Any, at: datetime) -> str:
    """An instant, written with some offset."""
    zone = draw(offsets)
    shift = datetime.fromisoformat(f"2026-01-01T00:00:00{zone}").utcoffset()
    return f"{at + shift:%Y-%m-%dT%H:%M:%S}{zone}"


@st.composite
def times_in_order(draw: Any, outages: list[dict[str, Any]]) -> dict[str, str | None]:
    """When an incident with these outages was detected, acknowledged and resolved (2.2)."""
    detected, acknowledged, resolved = sorted(draw(st.tuples(instants, instants, instants)))
    ends = [outage["ended_at"] for outage in outages]
    over = None not in ends and draw(st.booleans())
    resolved = max([resolved, *(datetime.fromisoformat(end) for end in ends if end)])
    return {
        "detected_at": draw(texts_of(detected)),
        "acknowledged_at": draw(st.none() | texts_of(acknowledged)),
        "resolved_at": draw(texts_of(resolved)) if over else None,
    }


@st.composite
def spans(draw: Any, start: str, end: str) -> dict[str, str]:
    first = draw(instants)
    last = first + timedelta(seconds=draw(st.integers(1, 86400)))
    return {start: f"{first:%Y-%m-%dT%H:%M:%S}Z", end: f"{last:%Y-%m-%dT%H:%M:%S}Z"}


@st.composite
def day_spans(draw: Any) -> dict[str, str]:
    first, last = sorted([draw(days), draw(days)])
    return {"starts_on": first, "ends_on": last}


def some(codes: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(codes), unique=True) if codes else st.just([])


def coded(least: int) -> st.SearchStrategy[list[dict[str, str]]]:
    return st.dictionaries(
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True), lines, min_size=least, max_size=3
    ).map(lambda found: [{"code": code, "name": name} for code, name in found.items()])


def money(places: int) -> st.SearchStrategy[str]:
    """An amount with at most `places` decimals that are not zero."""
    amounts = st.decimals(Decimal(0), Decimal(999999999), places=places).map(lambda amount: f"{amount:f}")
    return st.builds(str.__add__, amounts, st.sampled_from(["", "00"]) if places else st.just(""))


def charges(places: int) -> st.SearchStrategy[list[dict[str, str]]]:
    months = st.sampled_from([f"{year}-{month:02}" for year in (2025, 2026, 2027) for month in (1, 6, 12)])
    return st.dictionaries(months, money(places), max_size=3).map(
        lambda found: [{"from": month, "monthly_charge": charge} for month, charge in sorted(found.items())]
    )


@st.composite
def contracts(draw: Any, reference: str) -> dict[str, Any]:
    span = draw(day_spans())
    currency, places = draw(st.sampled_from([("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)]))
    return {
        "reference": reference,
        **span,
        "monthly_charge": draw(money(places)),
        **draw(st.fixed_dictionaries({}, optional={"charges": charges(places)})),
        "currency": currency,
        "trial_days": draw(st.integers(0, 60)),
        "terminated_on": draw(st.sampled_from([None, span["starts_on"], span["ends_on"]])),
        "suspensions": draw(st.lists(day_spans(), max_size=2)),
        "payments": [
            {
                "reference": payment,
                "paid_on": draw(days),
                "amount": draw(st.sampled_from(["", "-"])) + draw(money(places)),
            }
            for payment in draw(st.lists(lines, max_size=2, unique=True))
        ],
    }


@st.composite
def histories(draw: Any) -> dict[str, Any]:
    """Anything that the format allows."""
    functions, clients, regions = draw(coded(1)), draw(coded(1)), draw(coded(1))
    for region in regions:
        first, last = sorted([draw(days), draw(days)])
        either = {"first_service_day": st.sampled_from([first, None]), "last_service_day": st.just(last)}
        region.update(draw(st.fixed_dictionaries({}, optional=either)))
    here = [region["code"] for region in regions]
    scope = {
        "functions": some([function["code"] for function in functions]),
        "clients": some([client["code"] for client in clients]),
    }
    references = draw(st.lists(lines, unique=True, max_size=3))
    customers = [
        {
            "code": code,
            "name": draw(lines),
            "region": draw(st.sampled_from(here)),
            "contacts": draw(
                st.lists(st.sampled_from(["Ops@example.com", "a@example.org", "z@例子.测试"]), unique=True)
            ),
            "contracts": [draw(contracts(f"{code}/{number}")) for number in range(draw(st.integers(0, 2)))],
        }
        for code in draw(st.lists(st.sampled_from(["C-1", "c-1", "B", "Z.9"]), unique=True))
    ]
    maintenance = [
        {
            "reference": reference,
            "title": draw(lines),
            "kind": draw(st.sampled_from(["cutover", "repair", "upgrade", "drill", "other"])),
            **draw(st.fixed_dictionaries({}, optional={"regions": some(here), **scope})),
            **draw(spans("starts_at", "ends_at")),
            "cancelled_at": draw(st.none() | instant_texts()),
            **draw(
                st.fixed_dictionaries({}, optional={"completed_at": st.none() | instant_texts()})
                | st.fixed_dictionaries({"not_carried_out_at": st.none() | instant_texts()})
            ),
            "notices": [
                {
                    "sent_at": f"2026-01-0{1 + number // 2}T00:00:00Z",
                    **draw(spans("starts_at", "ends_at") | st.just({"starts_at": None, "ends_at": None})),
                }
                for number in draw(st.permutations(range(1, draw(st.integers(1, 4)))))
            ],
        }
        for reference in references
    ]

    def one_exclusion() -> dict[str, Any]:
        clauses = [f"4.{number}" for number in range(1 if references else 2, 12)]
        clause = draw(st.sampled_from(clauses))
        span = draw(spans("starts_at", "ends_at"))
        return {
            "clause": clause,
            "starts_at": draw(st.sampled_from([None, span["starts_at"]])),
            "ends_at": draw(st.sampled_from([None, span["ends_at"]])),
            "third_party": draw(lines) if clause == "4.11" else None,
            "maintenance": draw(st.sampled_from(references)) if clause == "4.1" else None,
            "reason": draw(st.just("") | lines),
            "status": draw(st.sampled_from(["proposed", "confirmed", "rejected", "revoked"])),
        }

    incidents = []
    for reference in draw(st.lists(lines, unique=True, max_size=3)):
        exclusions = [one_exclusion() for _ in range(draw(st.integers(0, 3)))]
        outages = [
            {
                "region": draw(st.sampled_from(here)),
                **draw(st.fixed_dictionaries({}, optional=scope)),
                **draw(
                    spans("started_at", "ended_at")
                    | spans("started_at", "ended_at").map(lambda s: s | {"ended_at": None})
                ),
            }
            for _ in range(draw(st.integers(0, 3)))
        ]
        incidents.append(
            {
                "reference": reference,
                "title": draw(lines),
                "source": draw(st.sampled_from(["monitoring", "ticket", "phone"])),
                **draw(times_in_order(outages)),
                "attributable": draw(st.sampled_from([True, None, *([False] if exclusions else [])])),
                "outages": outages,
                "exclusions": exclusions,
            }
        )
    own = {
        "functions": functions,
        "clients": clients,
        "regions": regions,
        "agreements": [
            {
                "version": version,
                "effective_on": effective_on,
                "availability_target": draw(st.sampled_from(["99.99", "99.9", "100", "99.98765", "0"])),
                "unavailability_reading": draw(st.sampled_from(["all", "function", "any"])),
                "maintenance_notice_hours": draw(st.integers(0, 200)),
            }
            for version, effective_on in zip(
                ["1.0", "2.0", "3"], draw(st.lists(days, unique=True, min_size=1, max_size=3)), strict=False
            )
        ],
    }
    return smallest(**own, customers=customers, maintenance=maintenance, incidents=incidents)
