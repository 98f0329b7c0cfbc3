"""Statements of invented months, for tests and benches of the paper."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta

from sla_portal.reports.rules import FORMAT, Figures, Statement, digest

SEPTEMBER = datetime(2026, 8, 31, 16, tzinfo=UTC)  # 1 September 2026, 00:00 in Shanghai


def at(days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> str:
    """Say an instant so long after the month began."""
    moment = SEPTEMBER + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def quiet_month(**instead) -> Figures:
    """A region's September 2026 in which nothing happened."""
    past = [f"2025-{month:02}" for month in range(10, 13)] + [f"2026-{month:02}" for month in range(1, 10)]
    figures = {
        "format": FORMAT,
        "scope": "region",
        "code": "eu",
        "name": "Europe",
        "language": "en",
        "month": "2026-09",
        "sla_zone": "Asia/Shanghai",
        "reader_zone": "Europe/Berlin",
        "region": {"code": "eu", "name": "Europe"},
        "agreements": [
            {
                "version": "1.0",
                "effective_on": "2024-01-01",
                "target": "99.99",
                "reading": "all",
                "notice_hours": 0,
                "recommended_notice_hours": 72,
                "measurement_period": "month",
            }
        ],
        "first_day": "2026-09-01",
        "last_day": "2026-09-30",
        "service_days": 30,
        "total_minutes": 43200,
        "unavailable_minutes": 0,
        "excluded_minutes": 0,
        "availability": "100.00000",
        "met": True,
        "budget_minutes": 4,
        "provisional": False,
        "ongoing": [],
        "unclassified": [],
        "reading_sensitive": False,
        "readings": [
            {"reading": reading, "unavailable_minutes": 0, "availability": "100.00000", "met": True}
            for reading in ("all", "function", "any")
        ],
        "contract_period": None,
        "map": {"counted": [], "excluded": [], "not_in_service": [], "unknown": []},
        "months": [
            {"month": month, "availability": "100.00000", "met": True, "unavailable_minutes": 0} for month in past
        ],
        "events": [],
        "exclusions": [],
        "suspensions": [],
        "windows": [],
        "recovery": [],
        "claims": {
            "working_day": 5,
            "opens_at": "2026-10-13T16:00:00Z",
            "closes_at": "2026-11-30T16:00:00Z",
            "provisional": False,
        },
    }
    return deepcopy({**figures, **instead})


def eventful_month(events: int = 12, **instead) -> Figures:
    """A region's September 2026 with so many failure events, some excluded, and maintenance."""
    titles = [
        "Signalling gateway lost both uplinks",
        "Certificate of the login service expired",
        "Database failover took longer than planned",
        "Alibaba Cloud: power loss in one availability zone",
        "Müller & Söhne: Zählerraum überflutet",
        "数据库升级后登录失败",
    ]
    stretches = [(n * 29.5 / events + 0.03 * (n % 7), 11 + 5 * (n % 5)) for n in range(events)]
    excluded = [n for n in range(events) if n % 3 == 2]
    counted = sum(length for n, (_, length) in enumerate(stretches) if n not in excluded)
    taken_off = sum(stretches[n][1] for n in excluded)
    runs = [
        [at(days=round(day * 1440) / 1440), at(days=round(day * 1440 + length) / 1440)] for day, length in stretches
    ]
    incidents = [{"reference": f"INC-{n + 1:03}", "title": titles[n % len(titles)]} for n in range(events)]
    lost = f"{10**7 * (43200 - counted) // 43200:07}"
    availability = f"{lost[:-5]}.{lost[-5:]}"
    past = quiet_month()["months"]
    for month, minutes, figure in (
        ("2026-01", 3, "99.99327"),
        ("2026-04", 26, "99.93981"),
        ("2026-09", counted, availability),
    ):
        row = next(row for row in past if row["month"] == month)
        row |= {"unavailable_minutes": minutes, "availability": figure, "met": minutes <= 4}
    past[0] |= {"unavailable_minutes": None, "availability": None, "met": None}
    figures = quiet_month(
        unavailable_minutes=counted,
        excluded_minutes=taken_off,
        availability=availability,
        met=False,
        readings=[
            {"reading": "all", "unavailable_minutes": counted, "availability": availability, "met": False},
            {"reading": "function", "unavailable_minutes": counted + 61, "availability": "99.35416", "met": False},
            {"reading": "any", "unavailable_minutes": counted + 87, "availability": "99.29398", "met": False},
        ],
        map={
            "counted": [run for n, run in enumerate(runs) if n not in excluded],
            "excluded": [runs[n] for n in excluded],
            "not_in_service": [],
            "unknown": [],
        },
        months=past,
        events=[
            {
                "started_at": start,
                "ended_at": end,
                "seconds": 60 * stretches[n][1],
                "minutes": 0 if n in excluded else stretches[n][1],
                "excluded_minutes": stretches[n][1] if n in excluded else 0,
                "incidents": [incidents[n]],
            }
            for n, (start, end) in enumerate(runs)
        ],
        exclusions=[
            {
                "incident": incidents[n],
                "customer_only": False,
                "clause": ("4.1", "4.11", "4.2")[n % 9 // 3],
                "heading": (
                    "Maintenance with prior notice",
                    "Force majeure and third-party providers",
                    "Outside the cloud host",
                )[n % 9 // 3],
                "starts_at": runs[n][0] if n % 2 else None,
                "ends_at": runs[n][1] if n % 2 else None,
                "reason": "Their status page names the outage from 03:02 to 03:31 UTC; our probes agree to the minute.",
                "third_party": "Alibaba Cloud, event 2026-0917-B" if n % 9 // 3 == 1 else "",
                "maintenance": "MW-2026-014" if n % 9 // 3 == 0 else None,
                "proposed_by": "Nadia Kovač",
                "confirmed_by": "李伟",
                "confirmed_at": at(days=30, hours=9, minutes=12, seconds=5),
                "minutes": stretches[n][1],
            }
            for n in excluded
        ],
        windows=[
            {
                "reference": "MW-2026-014",
                "title": "Move of the login database to new hosts",
                "kind": "cutover",
                "cancelled_at": None,
                "notices": [
                    {
                        "sent_at": at(days=1, hours=8),
                        "starts_at": at(days=5.75),
                        "ends_at": at(days=5.85),
                        "lead_hours": 106,
                    },
                    {
                        "sent_at": at(days=5.8),
                        "starts_at": at(days=5.75),
                        "ends_at": at(days=5.9),
                        "lead_hours": -2,
                    },
                ],
            },
            {
                "reference": "MW-2026-015",
                "title": "Simulated drill: loss of one data centre",
                "kind": "drill",
                "cancelled_at": at(days=15),
                "notices": [
                    {"sent_at": at(days=10), "starts_at": at(days=20), "ends_at": at(days=20.1), "lead_hours": 240},
                    {"sent_at": at(days=15), "starts_at": None, "ends_at": None, "lead_hours": None},
                ],
            },
        ],
        recovery=[
            {
                **incidents[n],
                "source": ("monitoring", "ticket", "phone")[n % 3],
                "detected_at": start,
                "acknowledged_at": start,
                "resolved_at": end,
                "seconds_to_acknowledge": 97 + n,
                "seconds_to_restore": 60 * stretches[n][1],
                "attributable": n not in excluded,
            }
            for n, (start, end) in enumerate(runs)
        ],
    )
    return {**figures, **instead}


def customer(figures: Figures, code: str = "C-001", name: str = "Hafen Residences", **instead) -> Figures:
    """The same month as the report of a customer of the region tells it."""
    period = {
        "reference": f"K-{code}",
        "first_day": "2026-01-01",
        "last_day": "2026-09-30",
        "service_days": 273,
        "total_minutes": 393120,
        "unavailable_minutes": figures["unavailable_minutes"] + 29,
        "availability": "99.93716",
    }
    return {**figures, "scope": "customer", "code": code, "name": name, "contract_period": period, **instead}


def issued(figures: Figures, revision: int = 1, changes=()) -> Statement:
    """The figures as they were put on paper on 14 October 2026."""
    number = f"SLA-2026-09-EU-{figures['code']}" if figures["scope"] == "customer" else "SLA-2026-09-EU"
    return {
        "figures": figures,
        "issue": {
            "number": number,
            "revision": revision,
            "issued_at": "2026-10-14T01:00:05Z",
            "address": "https://sla.example.com",
            "changes": list(changes),
            "reason": "An end was mistyped" if changes else "",
        },
    }


PARTIES = {
    "operator_name": "Example Intercom Cloud GmbH",
    "operator_address": "Hafenstraße 12, 20457 Hamburg",
    "contracts": [{"reference": "K-7", "first_day": "2026-01-01", "last_day": "2026-12-31"}],
}
CLOSING = {
    "revision": 2, "closed_at": "2026-10-10T02:00:00Z", "closed_by": "Lena Legal", "requested_by": "Paul Prüfer",
    "one_person": False, "reason": "An end was mistyped by an hour",
}  # fmt: skip
FINAL = {"status": "final", "pending": [], "if_confirmed": None}
OPEN = {
    "status": "provisional",
    "pending": ["ongoing_outage", "unclassified_incident", "undecided_exclusion", "not_closed"],
    "if_confirmed": {"unavailable_minutes": 4, "availability": "99.99074", "met": True},
}


def with_status(figures: Figures, closing=None, **issue) -> Statement:
    """The figures on paper, with the parties, who issued and closed them, and how to verify it."""
    statement = issued(figures)
    statement["issue"] |= {"closing": closing, "issued_by": "Lena Legal", "parties": PARTIES}
    statement["issue"] |= {"check_code": "7KQ2-M9XD-4TRW", "seal": "operator", **issue}
    return statement


def not_in_service(**instead) -> Figures:
    """A September 2026 without a service day."""
    nothing = {"availability": None, "met": None}
    return quiet_month(
        **nothing, service_days=0, total_minutes=0, budget_minutes=0,
        readings=[{"reading": reading, "unavailable_minutes": 0, **nothing} for reading in ("all", "function", "any")],
        map={"counted": [], "excluded": [], "not_in_service": [[at(), at(days=30)]], "unknown": []}, **instead,
    )  # fmt: skip


def changed_terms(**instead) -> Figures:
    """A September 2026 with a second version, and another counting rule, from the 16th on."""
    figures = eventful_month(events=3, **instead)
    first = figures["agreements"][0]
    second = {**first, "version": "2.0", "effective_on": "2026-09-16", "reading": "function", "target": "99.95"}
    turns = [("1.0", "all", "2026-09-01", "2026-09-15", 27, 0), ("2.0", "function", "2026-09-16", "2026-09-30", 0, 21)]
    keys = ("version", "reading", "first_day", "last_day", "unavailable_minutes", "excluded_minutes")
    in_turn = [dict(zip(keys, turn, strict=True)) for turn in turns]
    return {**figures, "agreements": [first, second], "rule": None, "in_turn": in_turn, "reading_sensitive": True}


def twelve_days(**instead) -> Figures:
    """The September 2026 of a contract that runs from the 8th to the 19th."""
    out = [[at(), at(days=7)], [at(days=19), at(days=30)]]
    return quiet_month(
        service_days=12, total_minutes=17280, budget_minutes=1, first_day="2026-09-08", last_day="2026-09-19",
        map={"counted": [], "excluded": [], "not_in_service": out, "unknown": []}, **instead,
    )  # fmt: skip


def papers() -> dict[str, Statement]:
    """A report of every kind."""
    unknown = {"counted": [], "excluded": [], "not_in_service": [], "unknown": [[at(days=13.4), at(days=30)]]}
    begun = quiet_month(status="in_progress", pending=["month_not_over", "not_closed"], if_confirmed=None, map=unknown)
    changes = [
        {"what": "unavailable_minutes", "before": 37, "after": 11},
        {"what": "events", "before": 2, "after": 1, "added": 0, "removed": 1, "changed": 0},
    ]
    revised = with_status(customer(eventful_month(1, **FINAL)), CLOSING, revision=2, changes=changes, reason="Mistyped")
    chinese = {"name": "上海港湾公寓", "language": "zh-hans"}
    return {
        "calm": with_status(customer(quiet_month(**FINAL)), CLOSING),
        "of a region": with_status(quiet_month(**FINAL), CLOSING),
        "eventful": with_status(customer(eventful_month(**FINAL)), CLOSING),
        "version change": with_status(customer(changed_terms(**FINAL)), CLOSING),
        "revision": revised,
        "twelve days": with_status(customer(twelve_days(**FINAL)), CLOSING),
        "not in service": with_status(customer(not_in_service(**FINAL)), CLOSING),
        "in progress": with_status(customer(begun)),
        "provisional": with_status(customer(eventful_month(4, **OPEN))),
        "Chinese": with_status(customer(eventful_month(3, **FINAL), **chinese), CLOSING),
        "calm in Chinese": with_status(customer(quiet_month(**FINAL), **chinese), CLOSING),
    }


__all__ = [
    "at",
    "changed_terms",
    "customer",
    "digest",
    "eventful_month",
    "issued",
    "not_in_service",
    "papers",
    "quiet_month",
    "twelve_days",
    "with_status",
]
