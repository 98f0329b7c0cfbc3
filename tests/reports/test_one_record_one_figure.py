"""A record loaded from a file gives the same figures in JSON, on the page and in the PDF."""

import json
from io import StringIO

import pikepdf
import pytest
from django.core.management import call_command
from django.urls import reverse

from sla_portal.availability.models import RegionMonth
from sla_portal.availability.operations import judge_due_months
from sla_portal.reports.models import Report
from tests.support.builders import at
from tests.support.desk import a_member, signed_in, text_of
from tests.support.printed import texts

pytestmark = [pytest.mark.django_db, pytest.mark.pdf]

EVERYTHING = {"region": "eu", "functions": [], "clients": []}


def a_record(outages, exclusions=(), notices=()) -> dict:
    """One region, one customer under contract all year, one incident, one window."""
    return {
        "format": "sla-portal-history/1",
        "regions": [{"code": "eu", "name": "Europe"}],
        "customers": [{
            "code": "C-001", "name": "Hafen Residences", "region": "eu", "contacts": ["ops@example.com"],
            "contracts": [{
                "reference": "K-001", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "monthly_charge": "49.00",
                "currency": "EUR", "trial_days": 0, "terminated_on": None, "suspensions": [], "payments": [],
            }],
        }],
        "maintenance": [{
            "reference": "MW-1", "title": "Database upgrade", "kind": "upgrade", "regions": ["eu"], "functions": [],
            "clients": [], "starts_at": "2026-09-10T02:30:00Z", "ends_at": "2026-09-10T03:30:00Z", "cancelled_at": None,
            "notices": list(notices),
        }],
        "incidents": [{
            "reference": "INC-1", "title": "Gateway lost", "source": "monitoring",
            "detected_at": "2026-09-10T02:00:00Z", "acknowledged_at": None, "resolved_at": "2026-09-10T04:00:00Z",
            "attributable": not exclusions, "outages": list(outages), "exclusions": list(exclusions),
        }],
    }  # fmt: skip


def outage(start: str, end: str, **scope) -> dict:
    return {**EVERYTHING, **scope, "started_at": f"2026-09-10T{start}Z", "ended_at": f"2026-09-10T{end}Z"}


def exclusion(clause: str, start=None, end=None, **named) -> dict:
    stretch = {
        "starts_at": start and f"2026-09-10T{start}Z", "ends_at": end and f"2026-09-10T{end}Z",
    }  # fmt: skip
    given = {"third_party": None, "maintenance": None, "reason": "As proved", "status": "confirmed"}
    return {"clause": clause, **stretch, **given, **named}


def notice(sent: str, start: str, end: str) -> dict:
    return {"sent_at": sent, "starts_at": f"2026-09-10T{start}Z", "ends_at": f"2026-09-10T{end}Z"}


DAYS_BEFORE = "2026-09-01T08:00:00Z"
RECORDS = {
    "no outage": (a_record([]), 0, 0, "100.00000"),
    "4 minutes: SLA met": (a_record([outage("02:00:00", "02:04:00")]), 4, 0, "99.99074"),
    "5 minutes: SLA breached": (a_record([outage("02:00:00", "02:05:00")]), 5, 0, "99.98842"),
    "sixty seconds are no failure event": (a_record([outage("01:00:00", "01:01:00")]), 0, 0, "100.00000"),
    "no clock minute lies wholly in 100 seconds": (a_record([outage("01:00:10", "01:01:50")]), 0, 0, "100.00000"),
    "door only for ten of thirty minutes": (
        a_record([
            outage("02:00:00", "02:30:00", functions=["login", "calls", "preview"]),
            outage("02:10:00", "02:20:00", functions=["door"]),
        ]), 10, 0, "99.97685",
    ),
    "4.1 and 4.11 overlap": (
        a_record(
            [outage("02:00:00", "04:00:00")],
            [
                exclusion("4.1", maintenance="MW-1"),
                exclusion("4.11", "03:00:00", "03:45:00", third_party="Example Cloud"),
            ],
            [notice(DAYS_BEFORE, "02:30:00", "03:30:00")],
        ), 45, 75, "99.89583",
    ),
    "lengthened at 02:50": (
        a_record(
            [outage("02:00:00", "03:40:00")],
            [exclusion("4.1", maintenance="MW-1")],
            [
                notice(DAYS_BEFORE, "02:00:00", "03:00:00"),
                notice("2026-09-10T02:50:00Z", "02:00:00", "03:30:00"),
            ],
        ), 10, 90, "99.97685",
    ),
    "lengthened at 03:10": (
        a_record(
            [outage("02:00:00", "03:40:00")],
            [exclusion("4.1", maintenance="MW-1")],
            [
                notice(DAYS_BEFORE, "02:00:00", "03:00:00"),
                notice("2026-09-10T03:10:00Z", "02:00:00", "03:30:00"),
            ],
        ), 20, 80, "99.95370",
    ),
    "noticed at 02:15": (
        a_record(
            [outage("02:00:00", "03:00:00")],
            [exclusion("4.1", maintenance="MW-1")],
            [notice("2026-09-10T02:15:00Z", "02:00:00", "03:00:00")],
        ), 15, 45, "99.96527",
    ),
    "a window typed in afterwards covers nothing": (
        a_record([outage("02:00:00", "02:10:00")], [exclusion("4.1", maintenance="MW-1")]), 10, 0, "99.97685",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDS)
def test_the_figures_are_the_same_everywhere(name, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "files"
    record, unavailable, excluded, availability = RECORDS[name]
    file = tmp_path / "history.json"
    file.write_text(json.dumps(record))
    call_command("loadhistory", str(file), stdout=StringIO())
    expected = (unavailable, excluded, availability, float(availability) >= 99.99)

    for scope, code in (("region", "eu"), ("customer", "C-001")):
        told = StringIO()
        call_command("availability", "2026-09", f"--{scope}={code}", "--json", stdout=told)
        (figure,) = json.loads(told.getvalue())
        assert (
            figure["unavailable_minutes"], figure["excluded_minutes"], figure["availability"], figure["met"],
        ) == expected  # fmt: skip

    judge_due_months(now=at("2026-11-22 12:00"))
    row = RegionMonth.objects.get(month="2026-09-01")
    assert (row.unavailable_minutes, row.excluded_minutes, row.met) == (unavailable, excluded, expected[3])

    auditor = signed_in(a_member("Auditor"))
    for scope, code in (("region", "eu"), ("customer", "C-001")):
        page = text_of(auditor.get(reverse("admin:month", args=["2026-09", scope, code])))
        assert f"1 − {unavailable} ÷ 43200 = {availability} %" in page

    call_command("monthlyreport", "2026-09", "--region=eu", "--here", stdout=StringIO())
    report = Report.objects.get()
    with report.file.open("rb") as stored, pikepdf.open(stored) as pdf:
        (attached,) = pdf.attachments.values()
        figures = json.loads(attached.get_file().read_bytes())
        assert availability in texts(pdf)[0]
    assert (
        figures["unavailable_minutes"], figures["excluded_minutes"], figures["availability"], figures["met"],
    ) == expected  # fmt: skip
