"""The minutes of a figure for the public, for a claimant and for whoever holds a paper: each sees no more than is theirs."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from claims.queries.applying import newest_token
from sla_portal.availability.operations import close_month
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Notice
from sla_portal.reports.models import Report
from sla_portal.reports.operations import queue_reports, request_reports
from sla_portal.website.queries import region_minutes
from tests.support.builders import a_region, a_window, an_exclusion, an_incident, an_outage, at
from tests.support.claimants import OPEN, PORTAL, SEPTEMBER, a_claim, a_claimant, close_september, granted
from tests.support.desk import text_of

pytestmark = pytest.mark.django_db
MINUTES = "/availability/eu/2026-09/minutes/"
NOTICED = ("2026-09-05 00:00", "2026-09-10 02:30", "2026-09-10 03:30")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(OPEN, tick=False) as clock:
        yield clock


@pytest.fixture
def down():
    """Two hours down in Europe, an hour of it announced maintenance; in the claimant's month half an hour more is its own."""
    incident = an_incident("INC-1", resolved_at=at("2026-09-10 04:00"), attributable=False, title="Secret gateway")
    an_outage(a_region(), "2026-09-10 02:00", "2026-09-10 04:00", incident=incident)
    window = a_window("2026-09-10 02:30", "2026-09-10 03:30", NOTICED, reference="MW-1")
    an_exclusion(incident, "4.1", maintenance=window, reason="Secret reason")
    claimant = a_claimant()
    an_exclusion(
        None, "4.5", customer=claimant.customer, reason="Secret own reason",
        starts_at=at("2026-09-10 03:30"), ends_at=at("2026-09-10 04:00"),
    )  # fmt: skip
    return claimant


def decisions(response) -> list[tuple[str, int]]:
    return [(line["word"], line["run"].minutes) for line in response.context["runs"]]


def test_everyone_reads_the_minutes_of_a_closed_month_and_nothing_of_one_customer(client, down, today):
    assert "This month is not closed." in text_of(client.get(MINUTES))
    close_september()
    today.shift(timedelta(seconds=10))
    page = client.get(MINUTES, {"at": "2026-09-10T11:00"})
    assert "120 unavailable" not in text_of(page)
    said = text_of(page)
    for stated in ("unavailable 60", "excluded 60", "without an outage 43080", "INC-1", "MW-1", "2026-09-05", "4.1"):
        assert stated in said
    assert re.findall(r"<tr id=\"(m[^\"]+)\"(?: aria-current=\"(true)\")?", page.content.decode()) == [
        ("m2026-09-10T10:00", ""), ("m2026-09-10T10:30", "true"), ("m2026-09-10T11:30", ""),
    ]  # fmt: skip
    assert "Secret" not in page.content.decode()
    assert down.customer.code not in page.content.decode()
    for link in ("/incidents/INC-1/", "/maintenance/MW-1/"):
        assert f'href="{link}"' in page.content.decode()
        assert client.get(link).status_code == 200
    # Every figure of the month leads here.
    for shown in ("/availability/", "/availability/eu/", "/availability/eu/2026-09/"):
        assert f'href="{MINUTES}"' in client.get(shown).content.decode()
    assert f"{MINUTES}?at=2026-09-10T10%3A00#minute" in client.get("/availability/eu/2026-09/").content.decode()
    for minute, said in (
        ("2026-09-10T10:00", "INC-1"),
        ("2026-09-10T12:00", "Does not count: there was no outage."),
        ("2026-10-01T00:00", "Not in the days measured."),
        ("tomorrow", "There is no such minute."),
    ):
        assert said in text_of(client.get(MINUTES, {"at": minute}))
    assert "By this rule 60 minutes" in text_of(client.get(MINUTES, {"rule": "any"}))
    for nothing in ("/availability/nowhere/2026-09/minutes/", "/availability/eu/2026-12/minutes/", f"{MINUTES}?rule=x"):
        assert client.get(nothing).status_code == 404


def test_a_claimant_reads_the_minutes_of_its_own_month_by_the_link_in_the_decision(client, down):
    claim = a_claim(down, closed=False)
    link = f"/claims/minutes/{newest_token(claim, OPEN)}/"
    assert "once it is closed" in text_of(client.get(link))
    close_september()
    page = client.get(link)
    assert decisions(page) == [("unavailable", 30), ("excluded", 60), ("excluded: caused by the customer", 30)]
    assert "Secret" not in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    granted(claim)
    mail = Notice.objects.filter(about=claim.number).order_by("-id")[0]
    assert "%%private-link:/claims/minutes/%%" in mail.wording("en").text
    assert 'href="%%private-link:/claims/minutes/%%"' in mail.wording("en").html
    assert "private-link" not in text_of(client.get(f"/claims/{newest_token(claim, OPEN)}/"))
    assert client.get("/claims/minutes/1-none/").status_code == 404


def test_who_holds_a_report_reads_the_minutes_that_it_states_and_nobody_else(client, down):
    close_september()
    run = request_reports(actor=PORTAL, month=SEPTEMBER, customers=[down.customer], now=OPEN)
    queue_reports(run_id=run.pk, now=OPEN)
    report = Report.objects.get(customer=down.customer)
    paper = {"number": report.number.lower(), "proof": report.figures_sha256[:16]}
    page = client.post("/reports/minutes/", paper)
    assert decisions(page) == [("unavailable", 30), ("excluded", 90)]
    assert [one.clause for one in page.context["runs"][1]["run"].exclusions] == ["4.1", "4.5"]
    assert "Secret" not in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    by_code = {**paper, "proof": report.statement["issue"]["check_code"]}
    assert decisions(client.post("/reports/minutes/", by_code)) == decisions(page)
    other = report.figures_sha256[:15] + ("0" if report.figures_sha256[15] != "0" else "1")
    for wrong in ({**paper, "proof": other}, {**paper, "proof": paper["proof"][:15]}, {**paper, "number": "SLA-1"}, {}):
        refused = client.post("/reports/minutes/", wrong)
        assert (refused.status_code, down.customer.code in refused.content.decode()) == (422, False)
    assert client.get("/reports/minutes/", paper).context.get("minutes") is None
    # As the paper's failure events ask for it.
    at = "2026-09-10T10:30+08:00"
    assert f'name="at" value="{at}"' in client.get("/reports/minutes/", {"at": at}).content.decode()
    page = client.post("/reports/minutes/", {**paper, "at": at})
    assert [line["chosen"] for line in page.context["runs"]] == [False, True]
    assert 'name="at" value="2026-09-10T10:30"' in page.content.decode()
    assert f'href="{MINUTES}"' in page.content.decode()


def test_when_the_record_was_changed_the_closed_minutes_stand_as_reported(client, down):
    close_september()
    run = request_reports(actor=PORTAL, month=SEPTEMBER, regions=[a_region()], now=OPEN)
    queue_reports(run_id=run.pk, now=OPEN)
    an_outage(a_region(), "2026-09-11 02:00", "2026-09-11 02:10")
    page = client.get(MINUTES)
    said = text_of(page)
    assert "These are the minutes that the report states" in said
    assert "2026-09-11" not in said
    assert "The record was changed since the month was closed" in text_of(client.get(MINUTES, {"rule": "any"}))


def test_the_page_makes_a_fixed_number_of_queries_and_has_a_bounded_number_of_lines(client, down):
    def read(month: ServiceMonth) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert region_minutes("eu", month, None).minutes
        return len(queries)

    incident = an_incident("INC-2", resolved_at=at("2026-08-22 00:00"), attributable=True)
    for minute in range(60):
        an_outage(a_region(), f"2026-08-20 02:{minute:02}:00", f"2026-08-20 02:{minute:02}:30", incident=incident)
        an_outage(
            a_region(),
            f"2026-08-21 {minute // 4:02}:{minute % 4 * 15:02}",
            f"2026-08-21 {minute // 4:02}:{minute % 4 * 15 + 2:02}",
            incident=incident,
        )
    close_month(actor=PORTAL, month=SEPTEMBER.previous, now=OPEN)
    close_september()
    assert read(SEPTEMBER.previous) <= read(SEPTEMBER)
    page = client.get(MINUTES.replace("09", "08"))
    assert (len(page.context["runs"]), page.context["pages"]) == (50, 3)
    assert len(page.content) < 60_000
    last = client.get(MINUTES.replace("09", "08"), {"page": "3"})
    assert len(last.context["runs"]) == 20
