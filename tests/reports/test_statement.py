"""The figures of a report: the same as those of the judgement, with the records behind them."""

import pytest
from django.contrib.auth.models import User

from sla_portal.agreements.models import Clause, Suspension
from sla_portal.agreements.queries import NoAgreementInForce
from sla_portal.availability.models import Evidence
from sla_portal.availability.operations import judge_month
from sla_portal.availability.queries import customer_month, region_month
from sla_portal.availability.rules import cut
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.queries import RegionRecord
from sla_portal.reports.rules import canonical
from tests.support.builders import (
    a_contract,
    a_customer,
    a_region,
    a_version,
    a_window,
    an_exclusion,
    an_incident,
    an_outage,
    at,
    on,
)
from tests.support.closing import closed_by_two

pytestmark = pytest.mark.django_db

SEPTEMBER = ServiceMonth(2026, 9)
NOW = at("2026-11-22 09:00")


def of_region(region, month=SEPTEMBER, now=NOW):
    return RegionRecord(region, month, now).of_region()


def of_customer(customer, month=SEPTEMBER, now=NOW):
    return RegionRecord(customer.region, month, now).of_customers([customer])[0]


@pytest.mark.parametrize(
    ("end", "minutes", "availability", "met"),
    [("02:04", 4, "99.99074", True), ("02:05", 5, "99.98842", False)],
)
def test_with_four_minutes_of_thirty_days_the_sla_is_met_and_with_five_breached(end, minutes, availability, met):
    region = a_region()
    an_outage(region, "2026-09-10 02:00", f"2026-09-10 {end}")
    figures = of_region(region)
    assert (figures["unavailable_minutes"], figures["availability"], figures["met"]) == (minutes, availability, met)
    assert (figures["total_minutes"], figures["budget_minutes"]) == (43200, 4)
    assert figures["months"][-1] == {
        "month": "2026-09",
        "availability": availability,
        "met": met,
        "unavailable_minutes": minutes,
    }


def test_a_month_without_outage_is_a_hundred_percent():
    assert of_region(a_region())["availability"] == "100.00000"


def test_a_statement_has_the_figures_of_the_judgement():
    region = a_region()
    customer = a_customer(region)
    a_contract(customer, "2026-01-01", "2026-12-31")
    an_outage(region, "2026-09-10 02:00:10", "2026-09-10 02:31:50")
    an_outage(region, "2026-09-12 02:00", "2026-09-12 02:20", functions=("door",))
    for stated, judged in (
        (of_region(region), region_month(region, SEPTEMBER, NOW).figures),
        (of_customer(customer), customer_month(customer, SEPTEMBER, NOW).figures),
    ):
        assert stated["unavailable_minutes"] == judged.unavailable_minutes == 30
        assert stated["availability"] == cut(judged.availability)
        assert [reading["unavailable_minutes"] for reading in stated["readings"]] == [
            under.unavailable_minutes for under in judged.under.values()
        ]
        assert sum(event["minutes"] for event in stated["events"]) == judged.unavailable_minutes


def test_an_event_names_its_incidents_and_an_ongoing_one_has_no_end():
    region = a_region()
    an_outage(region, "2026-09-30 15:00", None, incident=an_incident("INC-1", title="Gateway lost"))
    figures = of_region(region, now=at("2026-09-30 15:30"))
    assert figures["events"] == [
        {
            "started_at": "2026-09-30T15:00:00Z",
            "ended_at": None,
            "seconds": 1800,
            "minutes": 30,
            "excluded_minutes": 0,
            "incidents": [{"reference": "INC-1", "title": "All functions on all clients"}],
        }
    ]
    assert figures["provisional"]
    assert figures["ongoing"] == [{"reference": "INC-1", "title": "All functions on all clients"}]
    assert figures["map"]["unknown"] == [["2026-09-30T15:30:00Z", "2026-09-30T16:00:00Z"]]


def test_an_unclassified_incident_is_named_and_a_classified_one_is_not():
    region = a_region()
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:05", incident=an_incident("INC-1", attributable=None))
    an_outage(region, "2026-09-11 02:00", "2026-09-11 02:05", incident=an_incident("INC-2", attributable=True))
    assert [one["reference"] for one in of_region(region)["unclassified"]] == ["INC-1"]


def test_exclusions_that_overlap_share_their_minutes_and_add_up():
    region = a_region()
    incident = an_incident(attributable=False)
    an_outage(region, "2026-09-10 02:00", "2026-09-10 04:00", incident=incident)
    window = a_window(
        "2026-09-10 02:30",
        "2026-09-10 03:30",
        ("2026-09-01 08:00", "2026-09-10 02:30", "2026-09-10 03:30"),
        reference="MW-1",
    )
    legal, noc = (
        User.objects.create(username="legal", first_name="李", last_name="伟"),
        User.objects.create(username="noc"),
    )
    an_exclusion(
        incident, "4.11", starts_at=at("2026-09-10 03:00"), ends_at=at("2026-09-10 03:45"), third_party_incident="E-9"
    )
    an_exclusion(
        incident, "4.1", maintenance=window, proposed_by=noc, decided_by=legal, decided_at=at("2026-10-01 01:00")
    )
    an_exclusion(incident, "4.2", status="proposed")
    figures = of_region(region)
    assert (figures["unavailable_minutes"], figures["excluded_minutes"]) == (45, 75)
    assert [(one["clause"], one["minutes"]) for one in figures["exclusions"]] == [("4.1", 60), ("4.11", 15)]
    maintenance, provider = figures["exclusions"]
    assert (maintenance["maintenance"], maintenance["proposed_by"], maintenance["confirmed_by"]) == (
        "MW-1",
        "noc",
        "李 伟",
    )
    assert maintenance["confirmed_at"] == "2026-10-01T01:00:00Z"
    assert (provider["third_party"], provider["confirmed_by"]) == ("Example Cloud, E-9", "")


def test_the_heading_of_a_clause_is_in_the_customers_language():
    region = a_region()
    Clause.objects.filter(number="4.10").update(heading="Law and policy", heading_zh="法律法规")
    incident = an_incident()
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:30", incident=incident)
    an_exclusion(incident, "4.10")
    for language, heading in (("en", "Law and policy"), ("zh-hans", "法律法规")):
        customer = a_customer(region, language=language)
        a_contract(customer, "2026-01-01", "2026-12-31")
        assert of_customer(customer)["exclusions"][0]["heading"] == heading


def test_windows_list_their_notices_with_lead_times():
    region = a_region()
    a_window(
        "2026-09-06 18:00",
        "2026-09-06 19:30",
        ("2026-09-01 08:00", "2026-09-06 18:00", "2026-09-06 19:00"),
        ("2026-09-06 18:50", "2026-09-06 18:00", "2026-09-06 19:30"),
        ("2026-09-06 19:10", None, None),
        reference="MW-1",
    )
    (window,) = of_region(region)["windows"]
    assert [(notice["lead_hours"], notice["ends_at"]) for notice in window["notices"]] == [
        (130, "2026-09-06T19:00:00Z"),
        (-1, "2026-09-06T19:30:00Z"),
        (None, None),
    ]


def test_recovery_is_counted_from_detection_and_from_the_first_start_to_the_last_end():
    region = a_region()
    incident = an_incident(
        "INC-1",
        detected_at=at("2026-09-10 02:01"),
        acknowledged_at=at("2026-09-10 02:03"),
        resolved_at=at("2026-09-10 02:30"),
        source="phone",
    )
    an_outage(region, "2026-09-10 02:05", "2026-09-10 02:20", incident=incident)
    an_outage(a_region("asia"), "2026-09-10 02:00", "2026-09-10 02:29", incident=incident)
    (told,) = of_region(region)["recovery"]
    assert (told["source"], told["seconds_to_acknowledge"], told["seconds_to_restore"]) == ("phone", 120, 29 * 60)
    assert told.keys().isdisjoint({"acknowledgement", "restoration"})


@pytest.mark.parametrize(
    ("times", "acknowledgement", "restoration"),
    [
        ({"acknowledged_at": "02:00", "resolved_at": "02:30"}, "not_stated", None),
        ({"resolved_at": "02:29"}, None, "not_stated"),
        ({"resolved_at": "02:30", "logged_at": "02:31"}, "logged_after_restoration", None),
        ({"resolved_at": None}, None, None),
    ],
)
def test_a_length_that_is_not_stated_is_null_with_its_reason(times, acknowledgement, restoration):
    region = a_region()
    given = {name: at(f"2026-09-10 {time}") if time else None for name, time in times.items()}
    incident = an_incident("INC-1", detected_at=at("2026-09-10 02:01"), recorded_as_is=True, **given)
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:30", incident=incident)
    (told,) = of_region(region)["recovery"]
    assert (told.get("acknowledgement"), told.get("restoration")) == (acknowledgement, restoration)
    assert told["seconds_to_acknowledge"] is None
    assert told["seconds_to_restore"] == (None if restoration else 30 * 60)


def test_claims_for_september_open_on_14_october_and_close_with_november():
    assert of_region(a_region())["claims"] == {
        "working_day": 5,
        "opens_at": "2026-10-13T16:00:00Z",
        "closes_at": "2026-11-30T16:00:00Z",
        "provisional": False,
    }


def test_a_customer_has_the_days_of_its_contract_and_the_contract_period():
    region = a_region()
    customer = a_customer(region, "C-1", name="Hafen Residences")
    a_contract(customer, "2026-08-01", "2026-09-20", reference="K-1")
    an_outage(region, "2026-08-10 02:00", "2026-08-10 02:07")
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:03")
    an_outage(region, "2026-09-25 02:00", "2026-09-25 03:00")
    figures = of_customer(customer)
    assert (figures["scope"], figures["code"], figures["service_days"]) == ("customer", "C-1", 20)
    assert (figures["total_minutes"], figures["unavailable_minutes"]) == (28800, 3)
    assert figures["map"]["not_in_service"] == [["2026-09-20T16:00:00Z", "2026-09-30T16:00:00Z"]]
    assert figures["contract_period"] == {
        "reference": "K-1",
        "first_day": "2026-08-01",
        "last_day": "2026-09-20",
        "service_days": 51,
        "total_minutes": 73440,
        "unavailable_minutes": 10,
        "availability": "99.98638",
    }
    assert len(figures["events"]) == 1


def test_suspended_days_stay_service_days_without_downtime():
    region = a_region()
    customer = a_customer(region)
    contract = a_contract(customer, "2026-01-01", "2026-12-31")
    Suspension.objects.create(contract=contract, starts_on=on("2026-09-10"), ends_on=on("2026-09-11"))
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:30")
    figures = of_customer(customer)
    assert (figures["total_minutes"], figures["unavailable_minutes"], figures["excluded_minutes"]) == (43200, 0, 30)
    assert figures["suspensions"] == [{"first_day": "2026-09-10", "last_day": "2026-09-11", "minutes": 30}]


def test_time_caused_by_one_customer_is_excluded_from_its_month_only():
    region = a_region()
    mine, other = a_customer(region), a_customer(region)
    for customer in (mine, other):
        a_contract(customer, "2026-01-01", "2026-12-31")
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:30")
    an_exclusion(
        None,
        "4.5",
        customer=mine,
        starts_at=at("2026-09-10 02:00"),
        ends_at=at("2026-09-10 02:20"),
        reason="Their line",
    )
    for_mine, for_other = RegionRecord(region, SEPTEMBER, NOW).of_customers([mine, other])
    assert (for_mine["unavailable_minutes"], for_other["unavailable_minutes"]) == (10, 30)
    assert [(one["clause"], one["customer_only"], one["minutes"]) for one in for_mine["exclusions"]] == [
        ("4.5", True, 20)
    ]
    assert for_other["exclusions"] == []


def test_the_last_twelve_months_include_those_on_record():
    region = a_region()
    an_outage(region, "2026-08-10 02:00", "2026-08-10 02:05")
    judge_month(region=region, month=ServiceMonth(2026, 8), now=NOW)
    months = of_region(region)["months"]
    assert [past["month"] for past in months] == [f"2025-{n}" for n in (10, 11, 12)] + [
        f"2026-0{n}" for n in range(1, 10)
    ]
    assert months[-2] == {"month": "2026-08", "availability": "99.98879", "met": False, "unavailable_minutes": 5}
    assert months[-3]["unavailable_minutes"] is None


def test_versions_in_force_in_the_month_follow_the_decisive_one():
    a_version("1.1", "2026-09-15", unavailability_reading="any")
    figures = of_region(a_region())
    assert [(one["version"], one["reading"]) for one in figures["agreements"]] == [("1.0", "all"), ("1.1", "any")]


def test_a_month_before_the_first_version_is_refused_with_a_sentence():
    with pytest.raises(NoAgreementInForce, match="No agreement version is in force"):
        of_region(a_region(), month=ServiceMonth(1950, 1))


def test_statements_of_a_chunk_take_a_fixed_number_of_queries(django_assert_num_queries):
    region = a_region()
    customers = [a_customer(region) for _ in range(12)]
    for number, customer in enumerate(customers):
        a_contract(customer, f"2026-0{1 + number % 9}-01", "2026-12-31")
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:30")
    record = RegionRecord(region, SEPTEMBER, NOW)
    with django_assert_num_queries(5):
        record.of_customers(customers[:2])
    with django_assert_num_queries(5):
        record.of_customers(customers)


class TestStatus:
    def test_an_open_month_is_provisional_and_says_why(self):
        region = a_region()
        an_outage(region, "2026-09-10 02:00", "2026-09-10 02:10", incident=an_incident(attributable=True))
        figures = of_region(region)
        assert (figures["status"], figures["pending"]) == ("provisional", ["not_closed"])
        assert figures["if_confirmed"] is None

    def test_a_month_that_is_not_over_is_in_progress(self):
        figures = of_region(a_region(), ServiceMonth(2026, 11))
        assert (figures["status"], figures["pending"]) == ("in_progress", ["month_not_over", "not_closed"])

    def test_it_states_the_figure_if_what_is_undecided_were_confirmed(self):
        region = a_region()
        incident = an_incident(attributable=False)
        an_outage(region, "2026-09-10 02:00", "2026-09-10 02:10", incident=incident)
        an_exclusion(incident, status="proposed", starts_at=at("2026-09-10 02:04"))
        figures = of_region(region)
        assert figures["unavailable_minutes"] == 10
        assert figures["pending"] == ["undecided_exclusion", "not_closed"]
        assert figures["if_confirmed"] == {"unavailable_minutes": 4, "availability": "99.99074", "met": True}

    def test_what_one_customer_caused_is_pending_for_that_customer_only(self):
        region = a_region()
        ours, theirs = a_customer(region, "C-1"), a_customer(region, "C-2")
        for customer in (ours, theirs):
            a_contract(customer, "2026-01-01", "2026-12-31")
        an_outage(region, "2026-09-10 02:00", "2026-09-10 02:10", incident=an_incident(attributable=True))
        an_exclusion(
            None, "4.5", status="proposed", customer=theirs, starts_at=at("2026-09-10 02:00"),
            ends_at=at("2026-09-10 02:10"),
        )  # fmt: skip
        assert of_customer(ours)["pending"] == ["not_closed"]
        assert of_customer(theirs)["pending"] == ["undecided_exclusion", "not_closed"]
        assert of_customer(theirs)["if_confirmed"]["unavailable_minutes"] == 0
        assert of_region(region)["pending"] == ["not_closed"]

    def test_a_closed_month_is_final(self):
        region = a_region()
        an_outage(
            region, "2026-09-10 02:00", "2026-09-10 02:10",
            incident=an_incident(attributable=True, resolved_at=at("2026-09-10 02:10")),
        )  # fmt: skip
        closed_by_two(SEPTEMBER, NOW)
        figures = of_region(region)
        assert (figures["status"], figures["pending"], figures["if_confirmed"]) == ("final", [], None)


def test_an_incident_is_named_by_what_was_unavailable_never_by_its_internal_title():
    region = a_region()
    customer = a_customer(region, language="zh-hans")
    a_contract(customer, "2026-01-01", "2026-12-31")
    incident = an_incident("INC-1", title="Intern forgot the certificate again", attributable=False)
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:30", incident=incident, functions=("login",), clients=("app",))
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:10", incident=incident, functions=("door",), clients=("app",))
    an_outage(region, "2026-09-12 02:00", None, incident=an_incident("INC-2", title="Only for us"))
    an_exclusion(incident)
    an_exclusion(incident, clause="4.10", status="proposed")
    figures = of_region(region)
    for one in (figures, of_customer(customer)):
        attached = canonical(one).decode()
        assert "Intern forgot" not in attached
        assert "Only for us" not in attached
    assert [one["title"] for one in figures["recovery"]] == [
        "Login, Door opening on App",
        "All functions on all clients",
    ]
    assert figures["exclusions"][0]["incident"]["title"] == "Login, Door opening on App"
    assert of_customer(customer)["recovery"][1]["title"] == "所有客户端上的所有功能"


def test_undecided_exclusions_and_evidence_are_stated_and_absent_where_there_are_none():
    region = a_region()
    incident = an_incident("INC-1", attributable=False)
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:30", incident=incident)
    confirmed = an_exclusion(incident, clause="4.10", reason="Power of the quarter")
    assert "proposed" not in of_region(region)
    assert "evidence" not in of_region(region)["exclusions"][0]
    proposed = an_exclusion(incident, clause="4.2", status="proposed", reason="Outside the cloud host")
    for exclusion, name in ((confirmed, "grid.pdf"), (proposed, "trace.txt")):
        Evidence.objects.create(
            exclusion=exclusion, name=name, file=name, size=1, sha256=name[0] * 64, added_at=NOW, added_by_name="Nadia"
        )
    figures = of_region(region)
    assert figures["exclusions"][0]["evidence"] == [{"name": "grid.pdf", "sha256": "g" * 64}]
    assert [(one["clause"], one["reason"], one["evidence"]) for one in figures["proposed"]] == [
        ("4.2", "Outside the cloud host", [{"name": "trace.txt", "sha256": "t" * 64}])
    ]
    assert {"confirmed_by", "minutes"}.isdisjoint(figures["proposed"][0])
    assert of_region(region, ServiceMonth(2026, 8)).keys().isdisjoint({"proposed", "in_turn", "rule"})


def test_an_exclusion_has_the_heading_of_the_version_in_force_where_it_begins():
    region = a_region()
    second = a_version("2.0", "2026-09-16")
    Clause.objects.create(agreement_version=second, number="4.10", heading="Attacks", summary="As amended.")
    for day in ("2026-09-10", "2026-09-20"):
        incident = an_incident(attributable=False, detected_at=at(f"{day} 02:00"))
        an_outage(region, f"{day} 02:00", f"{day} 02:30", incident=incident)
        an_exclusion(incident, clause="4.10")
    before, after = (one["heading"] for one in of_region(region)["exclusions"])
    assert before != "Attacks"
    assert after == "Attacks"
