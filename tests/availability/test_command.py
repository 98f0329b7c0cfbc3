"""`manage.py availability`: the worked examples, from a history file to the figures printed."""

import json
from datetime import datetime
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sla_portal.availability.models import Exclusion
from sla_portal.customers.models import Customer
from sla_portal.kernel.months import ServiceMonth
from tests.support.closing import closed_by_two
from tests.support.histories import example, exclusion, incident, loaded, outage, smallest

pytestmark = pytest.mark.django_db

REGIONS = [{"code": "eu", "name": "Europe"}]
ALL_BUT_DOOR = ["login", "calls", "preview"]


def day(*stretch: str) -> list[str]:
    """Clock times of 10 September 2026 (UTC) as instants."""
    return [f"2026-09-10T{time}Z" for time in stretch]


def agreement(reading: str = "all", **terms) -> dict:
    return example()["agreements"][0] | {"unavailability_reading": reading, **terms}


def window(*notices: list, reference: str = "MW-1") -> dict:
    """A window of 10 September for everything; a notice is when it was sent and what it announced."""
    return {
        "reference": reference,
        "title": "Database upgrade",
        "kind": "upgrade",
        "starts_at": "2026-09-10T00:00:00Z",
        "ends_at": "2026-09-10T00:00:01Z",
        "cancelled_at": None,
        "notices": [{"sent_at": sent, "starts_at": start, "ends_at": end} for sent, start, end in notices],
    }


def printed(*arguments: str) -> list[dict]:
    output = StringIO()
    call_command("availability", *arguments, "--json", stdout=output)
    return json.loads(output.getvalue())


def of_region(folder, *incidents, month="2026-09", reading="all", maintenance=(), as_of=(), **terms) -> dict:
    """The month of the one region of a history with these incidents."""
    document = smallest(
        regions=REGIONS,
        agreements=[agreement(reading, **terms)],
        incidents=list(incidents),
        maintenance=list(maintenance),
    )
    loaded(folder, document)
    (only,) = printed(month, *as_of)
    return only


def figures(month: dict) -> tuple:
    return month["unavailable_minutes"], month["excluded_minutes"]


def test_the_example_of_the_format(tmp_path):
    loaded(tmp_path, example())
    assert printed("2026-09", "--region", "eu") == [
        {
            "month": "2026-09", "scope": "region", "code": "eu", "service_days": 30, "total_minutes": 43200,
            "unavailable_minutes": 37, "excluded_minutes": 0, "availability": "99.91435", "target": "99.99", "met": False,
            "budget_minutes": 4, "provisional": False, "status": "provisional", "pending": ["not_closed"],
            "minutes_url": f"{settings.SITE_URL}/admin/availability/months/2026-09/region/eu/minutes/",
            "failure_events": [
                {"started_at": "2026-09-10T01:02:03Z", "ended_at": "2026-09-10T01:40:00Z",
                 "minutes": 37, "excluded_minutes": 0, "incidents": ["INC-1"]},
            ],
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("month", "minutes", "availability", "met"),
    [
        ("2026-09", 4, "99.99074", True),
        ("2026-09", 5, "99.98842", False),
        ("2026-02", 4, "99.99007", True),
        ("2026-02", 5, "99.98759", False),
        ("2026-10", 4, "99.99103", True),
        ("2026-10", 5, "99.98879", False),
    ],
)
def test_with_four_minutes_the_sla_is_met_and_with_five_breached(tmp_path, month, minutes, availability, met):
    found = of_region(
        tmp_path, incident("INC-1", outage(f"{month}-10T01:00:00Z", f"{month}-10T01:0{minutes}:00Z")), month=month
    )
    assert (found["unavailable_minutes"], found["availability"], found["met"]) == (minutes, availability, met)
    assert found["budget_minutes"] == 4


def test_no_outage_is_a_hundred_per_cent(tmp_path):
    assert of_region(tmp_path)["availability"] == "100.00000"


@pytest.mark.parametrize(
    ("start", "end", "reading", "events", "minutes"),
    [
        ("01:00:00", "01:01:00", "all", 0, 0),
        ("01:00:00", "01:01:01", "all", 1, 1),
        ("10:00:30", "10:02:10", "all", 1, 1),
        ("10:00:30", "10:02:10", "any", 1, 3),
        ("01:00:10", "01:01:50", "all", 1, 0),
    ],
)
def test_a_failure_event_lasts_more_than_a_minute(tmp_path, start, end, reading, events, minutes):
    found = of_region(tmp_path, incident("INC-1", outage(*day(start, end))), reading=reading)
    assert (len(found["failure_events"]), found["unavailable_minutes"]) == (events, minutes)


def test_incidents_that_meet_are_one_event(tmp_path):
    found = of_region(
        tmp_path,
        incident("INC-A", outage(*day("02:00:00", "02:10:00"))),
        incident("INC-B", outage(*day("02:10:00", "02:20:00"))),
    )
    (event,) = found["failure_events"]
    assert (event["minutes"], event["incidents"]) == (20, ["INC-A", "INC-B"])


@pytest.mark.parametrize(("reading", "minutes"), [("all", 10), ("function", 30), ("any", 30)])
def test_the_counting_rules_give_different_minutes(tmp_path, reading, minutes):
    found = of_region(
        tmp_path,
        incident(
            "INC-1",
            outage(*day("02:00:00", "02:30:00"), functions=ALL_BUT_DOOR),
            outage(*day("02:10:00", "02:20:00"), functions=["door"]),
        ),
        reading=reading,
    )
    assert found["unavailable_minutes"] == minutes


@pytest.mark.parametrize(("reading", "minutes"), [("all", 0), ("any", 1)])
def test_an_event_over_the_months_edge_is_found_before_the_cut(tmp_path, reading, minutes):
    edge = incident("INC-1", outage("2026-08-31T15:59:20Z", "2026-08-31T16:00:50Z"))
    august, september = (of_region(tmp_path, edge, month=month, reading=reading) for month in ("2026-08", "2026-09"))
    assert (august["unavailable_minutes"], september["unavailable_minutes"]) == (minutes, minutes)
    for month in (august, september):
        (event,) = month["failure_events"]
        assert (event["started_at"], event["ended_at"]) == ("2026-08-31T15:59:20Z", "2026-08-31T16:00:50Z")


NOTICED = "2026-09-01T00:00:00Z"


def test_overlapping_exclusions_exclude_a_minute_once(tmp_path):
    found = of_region(
        tmp_path,
        incident(
            "INC-1",
            outage(*day("02:00:00", "04:00:00")),
            exclusions=(
                exclusion("4.1"),
                exclusion("4.11", **dict(zip(("starts_at", "ends_at"), day("03:00:00", "03:45:00"), strict=True))),
            ),
        ),
        maintenance=[window([NOTICED, *day("02:30:00", "03:30:00")])],
    )
    assert figures(found) == (45, 75)
    assert found["failure_events"][0]["excluded_minutes"] == 75


@pytest.mark.parametrize(("lengthened_at", "counted"), [("02:50:00", 10), ("03:10:00", 20)])
def test_an_extension_covers_only_the_time_after_its_notice(tmp_path, lengthened_at, counted):
    found = of_region(
        tmp_path,
        incident("INC-1", outage(*day("02:00:00", "03:40:00")), exclusions=(exclusion("4.1"),)),
        maintenance=[
            window([NOTICED, *day("02:00:00", "03:00:00")], [*day(lengthened_at), *day("02:00:00", "03:30:00")])
        ],
    )
    assert figures(found) == (counted, 100 - counted)


def test_a_late_notice_does_not_cover_the_time_before_it(tmp_path):
    found = of_region(
        tmp_path,
        incident("INC-1", outage(*day("02:00:00", "03:00:00")), exclusions=(exclusion("4.1"),)),
        maintenance=[window(day("02:15:00", "02:00:00", "03:00:00"))],
    )
    assert figures(found) == (15, 45)


@pytest.mark.parametrize(
    "notices",
    [
        [],
        [[NOTICED, *day("02:00:00", "03:00:00")], [*day("01:00:00"), None, None]],
    ],
    ids=["a draft", "cancelled"],
)
def test_a_window_that_no_notice_announces_covers_nothing(tmp_path, notices):
    found = of_region(
        tmp_path,
        incident("INC-1", outage(*day("02:00:00", "03:00:00")), exclusions=(exclusion("4.1"),)),
        maintenance=[window(*notices)],
    )
    assert figures(found) == (60, 0)


def test_a_window_cancelled_without_a_notice_covers_nothing_more(tmp_path):
    cancelled = window([NOTICED, *day("02:00:00", "03:00:00")]) | {"cancelled_at": "2026-09-10T02:20:00Z"}
    found = of_region(
        tmp_path,
        incident("INC-1", outage(*day("02:00:00", "03:00:00")), exclusions=(exclusion("4.1"),)),
        maintenance=[cancelled],
    )
    assert figures(found) == (40, 20)


def test_the_rest_of_an_event_counts_even_if_it_is_one_minute(tmp_path):
    first, last = day("02:00:00", "02:30:00")
    found = of_region(
        tmp_path,
        incident(
            "INC-1",
            outage(*day("02:00:00", "02:31:00")),
            exclusions=(exclusion("4.11", starts_at=first, ends_at=last),),
        ),
    )
    assert figures(found) == (1, 30)


@pytest.mark.parametrize(("status", "counted"), [("proposed", 30), ("confirmed", 0), ("rejected", 30), ("revoked", 30)])
def test_only_a_confirmed_exclusion_excludes_time(tmp_path, status, counted):
    found = of_region(
        tmp_path,
        incident("INC-1", outage(*day("02:00:00", "02:30:00")), exclusions=(exclusion("4.11", status=status),)),
    )
    assert figures(found) == (counted, 30 - counted)


def test_an_incident_alone_counts_though_an_excluded_one_overlaps_it(tmp_path):
    found = of_region(
        tmp_path,
        incident("INC-A", outage(*day("02:00:00", "02:30:00"))),
        incident("INC-B", outage(*day("02:10:00", "02:40:00")), exclusions=(exclusion("4.11"),)),
    )
    assert figures(found) == (30, 10)


def test_but_for_an_excluded_half_the_service_was_up(tmp_path):
    found = of_region(
        tmp_path,
        incident("INC-A", outage(*day("02:00:00", "02:30:00"), functions=["login", "calls"])),
        incident(
            "INC-B",
            outage(*day("02:00:00", "02:30:00"), functions=["preview", "door"]),
            exclusions=(exclusion("4.11"),),
        ),
    )
    assert figures(found) == (0, 30)


def test_t_does_not_depend_on_daylight_saving(tmp_path, settings):
    from zoneinfo import ZoneInfo

    settings.SLA_ZONE = ZoneInfo("Europe/Berlin")
    assert of_region(tmp_path, month="2026-10")["total_minutes"] == 44640


# Ongoing outages


def test_an_ongoing_outage_runs_to_the_instant_asked_for(tmp_path):
    ongoing = incident("INC-1", outage("2026-09-10T02:00:00Z", None))
    found = of_region(tmp_path, ongoing, as_of=["--as-of", "2026-09-10T10:30:00+08:00"])
    assert (figures(found), found["provisional"]) == ((30, 0), True)
    (before,) = printed("2026-09", "--as-of", "2026-09-10T01:00:00Z")
    assert (figures(before), before["failure_events"]) == ((0, 0), [])


# The status of a figure


def status(month: dict) -> tuple[str, list[str]]:
    return month["status"], month["pending"]


def close(month: str, now: str = "2026-11-20T00:00:00Z") -> None:
    closed_by_two(ServiceMonth.parse(month), datetime.fromisoformat(now))


def test_status_and_pending_stand_after_provisional(tmp_path):
    keys = list(of_region(tmp_path))
    assert keys[keys.index("provisional") :] == ["provisional", "status", "pending", "minutes_url", "failure_events"]


def test_a_loaded_month_is_provisional_until_it_is_closed(tmp_path):
    assert status(of_region(tmp_path)) == ("provisional", ["not_closed"])
    close("2026-09")
    (month,) = printed("2026-09")
    assert status(month) == ("final", [])
    (next_month,) = printed("2026-10")
    assert status(next_month) == ("provisional", ["not_closed"])


def test_everything_that_is_open_is_listed_in_order(tmp_path):
    undecided = exclusion("4.11", status="proposed")
    found = of_region(
        tmp_path,
        incident("INC-1", outage("2026-09-10T02:00:00Z", None)),
        incident("INC-2", outage(*day("03:00:00", "03:05:00"))) | {"attributable": None},
        incident("INC-3", outage(*day("04:00:00", "04:05:00")), exclusions=(undecided,)),
        as_of=["--as-of", "2026-09-20T00:00:00Z"],
    )
    open_items = ["ongoing_outage", "unclassified_incident", "undecided_exclusion", "not_closed"]
    assert status(found) == ("in_progress", ["month_not_over", *open_items])
    (over,) = printed("2026-09", "--as-of", "2026-09-30T16:00:00Z")
    assert status(over) == ("provisional", open_items)


@pytest.mark.parametrize(
    ("as_of", "found"),
    [
        ("2026-09-30T15:59:59Z", ("in_progress", ["month_not_over", "not_closed"])),
        ("2026-09-30T16:00:00Z", ("provisional", ["not_closed"])),
    ],
)
def test_a_month_is_over_at_midnight_on_the_sla_clock(tmp_path, as_of, found):
    assert status(of_region(tmp_path, as_of=["--as-of", as_of])) == found


def test_what_is_open_counts_in_the_months_and_the_region_it_touches(tmp_path):
    regions = [*REGIONS, {"code": "us", "name": "Americas"}]
    down = incident("INC-1", outage("2026-09-10T02:00:00Z", "2026-10-05T02:00:00Z")) | {"attributable": None}
    loaded(tmp_path, smallest(regions=regions, agreements=[agreement()], incidents=[down]))
    for month, pending in [
        ("2026-08", ["not_closed"]),
        ("2026-09", ["unclassified_incident", "not_closed"]),
        ("2026-10", ["unclassified_incident", "not_closed"]),
        ("2026-11", ["not_closed"]),
    ]:
        eu, us = printed(month, "--as-of", "2026-12-01T00:00:00Z")
        assert (status(eu), status(us)) == (("provisional", pending), ("provisional", ["not_closed"]))


def test_an_outage_that_starts_after_the_instant_asked_for_is_not_pending(tmp_path):
    ongoing = incident("INC-1", outage("2026-10-10T02:00:00Z", None))
    before = of_region(tmp_path, ongoing, month="2026-10", as_of=["--as-of", "2026-10-10T01:00:00Z"])
    assert (status(before), before["provisional"]) == (("in_progress", ["month_not_over", "not_closed"]), False)
    (september,) = printed("2026-09", "--as-of", "2026-10-20T00:00:00Z")
    assert status(september) == ("provisional", ["not_closed"])
    (october,) = printed("2026-10", "--as-of", "2026-10-20T00:00:00Z")
    assert status(october) == ("in_progress", ["month_not_over", "ongoing_outage", "not_closed"])


def test_what_keeps_the_month_of_its_region_open_keeps_a_customers_open(tmp_path):
    ended, absent = (
        customer("A", contract("K-A", "2026-01-01", "2026-09-09")),
        customer("B"),
    )
    down = incident("INC-1", outage("2026-09-20T02:00:00Z", None))
    loaded(tmp_path, smallest(regions=REGIONS, agreements=[agreement()], incidents=[down], customers=[ended, absent]))
    for month in printed("2026-09", "--customer", "A", "--customer", "B", "--as-of", "2026-10-20T00:00:00Z"):
        # The outage lies outside the service days: no figure depends on it, but the month cannot be closed.
        assert (status(month), month["provisional"]) == (("provisional", ["ongoing_outage", "not_closed"]), False)


def test_time_that_one_customer_caused_is_pending_for_that_customer(tmp_path):
    in_service = [customer(code, contract(f"K-{code}", "2026-01-01", "2026-12-31")) for code in ("A", "B")]
    of_customers(tmp_path, *in_service)
    start, end = map(datetime.fromisoformat, day("02:00:00", "02:10:00"))
    Exclusion.objects.create(
        customer=Customer.objects.get(code="A"), clause="4.5", starts_at=start, ends_at=end, reason="Theirs"
    )
    a, b = printed("2026-09", "--customer", "A", "--customer", "B")
    assert (a["pending"], b["pending"]) == (["undecided_exclusion", "not_closed"], ["not_closed"])
    (region,) = printed("2026-09")
    assert region["pending"] == ["not_closed"]


def test_months_of_customers_are_final_with_their_region(tmp_path):
    of_customers(tmp_path, customer("A", contract("K-A", "2026-01-01", "2026-12-31")), customer("B"))
    close("2026-09")
    in_service, not_in_service = printed("2026-09", "--customer", "A", "--customer", "B")
    assert (status(in_service), not_in_service["met"]) == (("final", []), None)
    assert status(not_in_service) == ("final", [])


def test_figures_that_the_record_gives_after_a_closing_are_not_those_that_were_closed(tmp_path):
    of_region(tmp_path, incident("INC-1", outage(*day("02:00:00", "02:10:00"))))
    close("2026-09")
    late = of_region(
        tmp_path,
        incident("INC-1", outage(*day("02:00:00", "02:10:00"))),
        incident("INC-2", outage(*day("03:00:00", "03:10:00"))) | {"attributable": None},
    )
    assert (figures(late), status(late)) == ((20, 0), ("provisional", ["unclassified_incident", "not_closed"]))


# Customers


def customer(code: str, *contracts: dict) -> dict:
    return {"code": code, "name": code, "region": "eu", "contacts": [], "contracts": list(contracts)}


def contract(reference: str, starts_on: str, ends_on: str, **said) -> dict:
    return example()["customers"][0]["contracts"][0] | {
        "reference": reference,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "suspensions": [],
        "payments": [],
        **said,
    }


def of_customers(folder, *customers: dict) -> list[dict]:
    """September of customers; ten minutes down at 10:00 on the 10th in the SLA time zone."""
    down = incident("INC-1", outage(*day("02:00:00", "02:10:00")))
    loaded(folder, smallest(regions=REGIONS, agreements=[agreement()], incidents=[down], customers=list(customers)))
    codes = [option for one in customers for option in ("--customer", one["code"])]
    return printed("2026-09", *codes)


def test_a_customer_is_judged_on_its_service_days(tmp_path):
    all_month, ended, terminated, none = of_customers(
        tmp_path,
        customer("A", contract("K-A", "2026-01-01", "2026-12-31")),
        customer("B", contract("K-B", "2026-01-01", "2026-09-09")),
        customer("C", contract("K-C", "2026-01-01", "2026-12-31", terminated_on="2026-09-10")),
        customer("D"),
    )
    assert (all_month["scope"], all_month["code"], all_month["service_days"], figures(all_month)) == (
        "customer",
        "A",
        30,
        (10, 0),
    )
    assert (ended["service_days"], figures(ended), ended["met"]) == (9, (0, 0), True)
    assert (terminated["service_days"], figures(terminated)) == (10, (10, 0))
    assert (none["total_minutes"], none["availability"], none["met"], none["budget_minutes"]) == (0, None, None, 0)


def test_suspended_days_stay_in_t_and_have_no_unavailable_minute(tmp_path):
    suspended = [{"starts_on": "2026-09-10", "ends_on": "2026-09-10"}]
    (found,) = of_customers(tmp_path, customer("A", contract("K-A", "2026-01-01", "2026-12-31", suspensions=suspended)))
    assert (found["service_days"], figures(found)) == (30, (0, 10))


# The command


def test_without_a_code_every_region_is_printed_by_code(tmp_path):
    loaded(tmp_path, smallest(regions=[{"code": code, "name": code} for code in ("us", "EU", "apac")]))
    assert [month["code"] for month in printed("2026-09")] == ["EU", "apac", "us"]
    assert [month["code"] for month in printed("2026-09", "--region", "us", "--region", "apac")] == ["apac", "us"]


def test_without_json_a_table_is_printed(tmp_path):
    loaded(tmp_path, example())
    output = StringIO()
    call_command("availability", "2026-09", stdout=output)
    heading, row = output.getvalue().splitlines()
    assert row.split() == [
        "eu",
        "99.91435",
        "99.99",
        "SLA",
        "breached",
        "37",
        "4",
        "0",
        "43200",
        "provisional,",
        "not_closed",
    ]
    assert heading.split()[:2] == ["availability", "target"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["2026-13"], "There is no service month 2026-13."),
        (["September"], "“September” is not a month. Write the year and the month, for example 2026-09."),
        (["2026-09", "--region", "mars"], "There is no region with the code mars."),
        (["2026-09", "--customer", "mars"], "There is no customer with the code mars."),
        (
            ["2026-09", "--as-of", "yesterday"],
            "Write an instant with its offset, such as 2026-09-10T01:02:03Z or 2026-09-10T09:02:03+08:00.",
        ),
        (
            ["2023-12"],
            "No agreement version is in force on 2023-12-01. Choose a later day, or publish a version that takes effect by then.",
        ),
    ],
)
def test_errors_are_stated_in_a_sentence(tmp_path, arguments, sentence):
    loaded(tmp_path, example())
    with pytest.raises(CommandError) as error:
        call_command("availability", *arguments, "--json")
    assert str(error.value) == sentence


def test_queries_do_not_grow_with_the_incidents(tmp_path):
    def queries(number: int) -> int:
        down = [
            incident(f"INC-{i}", outage(*day(f"02:{i:02}:00", f"02:{i:02}:30")), exclusions=(exclusion("4.1"),))
            for i in range(number)
        ]
        document = smallest(
            regions=REGIONS, incidents=down, maintenance=[window([NOTICED, *day("02:00:00", "02:10:00")])]
        )
        loaded(tmp_path, document)
        with CaptureQueriesContext(connection) as captured:
            printed("2026-09")
        return len(captured)

    assert queries(2) == queries(50)
