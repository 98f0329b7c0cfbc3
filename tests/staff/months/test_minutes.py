"""The minutes behind a figure, and from each to the records and people that it rests on."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from incidents.models import Outage
from incidents.operations import OutageFacts, log_incident
from sla_portal.audit.actors import Actor
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.models import Report
from sla_portal.reports.operations import queue_reports, request_reports
from sla_portal.staff.addresses import query_of, terms_query
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
)
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
PORTAL = Actor.system("test")


@pytest.fixture(autouse=True)
def now():
    with travel(at("2026-10-05 00:00"), tick=False):
        yield


@pytest.fixture
def europe():
    return a_region("eu", name="Europe")


@pytest.fixture
def legal():
    return signed_in(a_member("Legal"))


def minutes_of(row, month: str = "2026-09") -> str:
    return reverse("admin:minutes", args=[month, "customer" if hasattr(row, "region_id") else "region", row.code])


def links_of(response) -> set[str]:
    return {unescape(url) for url in re.findall(r'href="([^"]+)"', response.content.decode())}


def lines_of(response) -> list[tuple[str, int, str]]:
    return [(line["word"], line["minutes"], line["clause"]) for line in response.context["runs"]]


def test_from_a_minute_every_record_and_person_is_one_click_away(europe, legal):
    """Two hours down; a window from 02:30 to 03:30 announced days before; a third party's failure to 03:45."""
    noc = a_member("NOC")
    facts = OutageFacts(europe, at("2026-09-10 02:00"), at("2026-09-10 04:00"))
    incident = log_incident(
        actor=Actor.staff(noc), title="Gateway lost", source="ticket", outages=[facts], now=at("2026-09-10 05:00")
    )
    window = a_window(
        "2026-09-10 02:30", "2026-09-10 03:30", ("2026-09-05 00:00", "2026-09-10 02:30", "2026-09-10 03:30")
    )
    by = {"proposed_by": noc, "decided_by": a_member("Legal", "second")}
    maintenance = an_exclusion(incident, "4.1", maintenance=window, **by)
    third = an_exclusion(
        incident, "4.11", starts_at=at("2026-09-10 03:00"), ends_at=at("2026-09-10 03:45"), evidence="Status page", **by
    )
    page = legal.get(minutes_of(europe))
    assert lines_of(page) == [
        ("unavailable", 30, "1.4"),
        ("excluded", 30, "4.1"),
        ("excluded", 30, "4.1"),
        ("excluded", 15, "4.11"),
        ("unavailable", 15, "1.4"),
    ]
    assert [line["exclusions"] for line in page.context["runs"]] == [
        [], [maintenance], [maintenance, third], [third], [],
    ]  # fmt: skip
    assert "unavailable 45" in text_of(page)
    assert "without an outage 43080" in text_of(page)
    assert "Minutes of service (T) 1.7 43200" in text_of(page)
    outage, links = Outage.objects.get(), links_of(page)
    incident_page = reverse("admin:incident_page", args=[incident.pk])
    assert {
        f"{incident_page}#outage-{outage.pk}",
        f"{incident_page}#exclusion-{third.pk}",
        reverse("admin:maintenance_window", args=[window.pk]),
        reverse("admin:availability_exclusion_change", args=[third.pk]),
        reverse("admin:month", args=["2026-09", "region", "eu"]) + "#event-20260910T020000Z",
        reverse("admin:month", args=["2026-09", "region", "eu"]) + "?day=2026-09-10&minute=10:00#day",
    } <= links
    assert "NOC logged INC-2026-0001" in text_of(page)
    # What they lead to is there.
    assert f'id="outage-{outage.pk}"' in legal.get(incident_page).content.decode()
    month = legal.get(reverse("admin:month", args=["2026-09", "region", "eu"]))
    assert 'id="event-20260910T020000Z"' in month.content.decode()
    for asked in ("?only=counted", "?only=excluded", "?rule=any", "", "?at=2026-09-10T10%3A00#minute"):
        assert minutes_of(europe) + asked in links_of(month)
    assert [word for word, _, _ in lines_of(legal.get(minutes_of(europe), {"only": "excluded"}))] == ["excluded"] * 3
    # As if the third party's were revoked.
    undone = legal.get(minutes_of(europe), {"if": third.pk})
    assert undone.context["under"].unavailable_minutes == 60
    assert "As if this exclusion were revoked" in text_of(undone)


def test_what_a_preview_shows_leads_to_minutes_as_if_it_were_decided(europe, legal):
    """An hour down of everything, and ten minutes more of the door alone, which only another rule counts."""
    first = an_incident("INC-1", resolved_at=at("2026-09-12 00:00"), attributable=True)
    an_outage(europe, "2026-09-10 02:00", "2026-09-10 03:00", incident=first)
    copy = an_incident("INC-2", resolved_at=at("2026-09-10 03:10"), attributable=True)
    an_outage(europe, "2026-09-10 02:30", "2026-09-10 03:10", incident=copy)
    an_outage(europe, "2026-09-11 02:00", "2026-09-11 02:10", functions=("door",), incident=first)
    noc = signed_in(a_member("NOC"))
    voiding = noc.get(reverse("admin:void_incident", args=[copy.pk]))
    (address,) = {url for url in links_of(voiding) if "outages=" in url and "rule=all" in url}
    preview = legal.get(address)
    assert preview.context["under"].unavailable_minutes == 60
    assert legal.get(minutes_of(europe)).context["under"].unavailable_minutes == 70
    assert "As if the change that was previewed had been made. Nothing is saved." in text_of(preview)
    any_rule = legal.get(address.replace("rule=all", "rule=any"))
    assert any_rule.context["under"].unavailable_minutes == 70
    longer = Outage(incident=first, region=europe, ended_at=at("2026-09-10 03:30"))
    moved = query_of({"as_if_outages": {copy.outages.get().pk: longer}})
    assert legal.get(f"{minutes_of(europe)}?{moved}").context["under"].unavailable_minutes == 90
    strict = a_version("2.0", "2026-12-01", unavailability_reading="any", maintenance_notice_hours=4).terms
    what_if = legal.get(f"{minutes_of(europe)}?{terms_query(strict)}")
    assert what_if.context["under"].unavailable_minutes == 80
    assert "As if these terms had always been in force: target 99.99 %, notice of maintenance at least 4 h" in text_of(
        what_if
    )
    for nothing in (
        "outages=0",
        "outages=x",
        "outages=1~2",
        "outages=1~99999~",
        "terms=x",
        "terms=101~all~0",
        "terms=99~all~x",
    ):
        assert legal.get(f"{minutes_of(europe)}?{nothing}").status_code == 404


def test_a_minute_is_looked_up_by_the_sla_clock(europe, legal):
    an_outage(europe, "2026-09-10 01:00:30", "2026-09-10 01:05")
    page = legal.get(minutes_of(europe), {"at": "2026-09-10T09:02"})
    assert [line["chosen"] for line in page.context["runs"]] == [False, True]
    assert [line["anchor"] for line in page.context["runs"]] == ["m2026-09-10T09:00", "m2026-09-10T09:01"]
    assert "not counted: available for a part of the minute" in text_of(page)
    assert "Does not count: there was no outage." in text_of(legal.get(minutes_of(europe), {"at": "2026-09-10T09:05"}))
    assert "Not in the days measured." in text_of(legal.get(minutes_of(europe), {"at": "2026-10-01T00:00"}))
    assert "There is no such minute" in text_of(legal.get(minutes_of(europe), {"at": "tomorrow"}))


def test_each_rule_and_each_version_has_its_own_minutes(europe, legal):
    a_version("2.0", "2026-09-16", unavailability_reading="any")
    an_outage(europe, "2026-09-10 01:00:30", "2026-09-10 01:05:30", functions=("door",))
    an_outage(europe, "2026-09-20 01:00:30", "2026-09-20 01:05:30", functions=("door",))
    url = minutes_of(europe)
    words = {asked: lines_of(legal.get(f"{url}?{asked}")) for asked in ("", "rule=any", "rule=all", "version=2.0")}
    up, counted = ("not counted: available by the counting rule", 6, "1.4"), ("unavailable", 6, "1.4")
    assert words == {"": [up, counted], "rule=any": [counted] * 2, "rule=all": [up] * 2, "version=2.0": [counted]}


def test_what_one_customer_caused_is_in_that_customers_minutes_only(europe, legal):
    customer = a_customer(europe, "C-1")
    a_contract(customer, "2026-08-01", "2026-12-31", reference="K-1")
    an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10")
    own = an_exclusion(None, "4.5", customer=customer, starts_at=at("2026-09-10 01:05"), ends_at=at("2026-09-10 01:10"))
    assert lines_of(legal.get(minutes_of(europe))) == [("unavailable", 10, "1.4")]
    page = legal.get(minutes_of(customer))
    assert lines_of(page) == [("unavailable", 5, "1.4"), ("excluded: caused by the customer", 5, "4.5")]
    assert reverse("admin:claim_of_exclusion", args=[own.pk]) in links_of(page)
    to_date = legal.get(minutes_of(customer), {"contract": "K-1"})
    assert to_date.context["figures"].total_minutes == 61 * 1440
    assert legal.get(minutes_of(customer), {"contract": "K-2"}).status_code == 404
    assert legal.get(minutes_of(europe), {"if": own.pk}).status_code == 404
    assert signed_in(a_member("NOC")).get(minutes_of(customer)).status_code == 403


def test_a_page_is_bounded_and_so_are_its_queries(europe, legal):
    def shown(**asked):
        with CaptureQueriesContext(connection) as queries:
            page = legal.get(minutes_of(europe), asked)
        return len(queries), page

    for n in range(2):
        an_outage(europe, f"2026-09-10 {n:02}:00", f"2026-09-10 {n:02}:05")
    few, _ = shown()
    for n in range(2, 120):
        an_outage(europe, f"2026-09-{11 + n // 20} {n % 20:02}:00", f"2026-09-{11 + n // 20} {n % 20:02}:05")
    many, page = shown()
    assert many == few
    assert (len(page.context["runs"]), page.context["pages"]) == (100, 2)
    assert [line["minutes"] for line in shown(page=2)[1].context["runs"]] == [5] * 20
    assert shown(at="2026-09-16T21:03")[1].context["page"] == 2


def test_an_event_over_the_edge_of_months_leads_to_its_first_minute_in_each(europe, legal):
    an_outage(europe, "2026-08-31 15:50", "2026-08-31 16:10")
    for month, at_ in (("2026-08", "2026-08-31T23%3A50"), ("2026-09", "2026-09-01T00%3A00")):
        url = f"{minutes_of(europe, month)}?at={at_}#minute"
        assert url in links_of(legal.get(reverse("admin:month", args=[month, "region", "eu"])))
        assert [line["minutes"] for line in legal.get(url).context["runs"] if line["chosen"]] == [10]


def test_a_report_states_its_own_minutes_whatever_the_record_says_by_now(europe, legal):
    outage = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10")
    an_exclusion(outage.incident, "4.10", starts_at=at("2026-09-10 01:05"), ends_at=at("2026-09-10 01:10"))
    run = request_reports(actor=PORTAL, month=ServiceMonth(2026, 9), regions=[europe], now=at("2026-10-05 00:00"))
    queue_reports(run_id=run.pk, now=at("2026-10-05 00:00"))
    an_outage(europe, "2026-09-11 01:00", "2026-09-11 01:10")
    page = legal.get(reverse("admin:report_minutes", args=[Report.objects.get().pk]))
    assert [(run.kind, run.minutes) for _, run, _ in page.context["runs"]] == [("counted", 5), ("excluded", 5)]
    assert {reverse("admin:incident_page", args=[outage.incident_id]), minutes_of(europe)} <= links_of(page)
    assert "4.10" in text_of(page)
    assert len(lines_of(legal.get(minutes_of(europe)))) == 3
