"""A month in which the version changes: each minute by its version, the target of the first day; withdrawn versions decide nothing."""

import json
import re
from io import BytesIO

import pikepdf
import pytest
from django.core.management import CommandError
from time_machine import travel

from sla_portal.agreements.models import AgreementVersion
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import CustomerMonth, RegionMonth
from sla_portal.availability.operations import close_month, judge_due_months
from sla_portal.availability.queries import customer_month, region_month
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.pdf import render
from sla_portal.reports.pdf.words import compared
from sla_portal.reports.queries import RegionRecord
from tests.staff.months.test_month import month_of
from tests.support.amendments import a_draft, announced, legal, withdraw_version
from tests.support.builders import (
    a_contract,
    a_customer,
    a_region,
    a_version,
    a_window,
    an_exclusion,
    an_outage,
    at,
    on,
)
from tests.support.desk import a_member, signed_in, text_of
from tests.support.histories import dumped, example, loaded, smallest
from tests.support.printed import texts
from tests.support.statements import issued

pytestmark = pytest.mark.django_db
JULY = ServiceMonth(2026, 7)
NOW = at("2026-08-05 00:00")
TEN_MINUTES = "01:00", "01:10"


@pytest.fixture
def region():
    return a_region()


def down_on(region, day: str, functions=("door",)) -> None:
    start, end = TEN_MINUTES
    an_outage(region, f"{day} {start}", f"{day} {end}", functions=functions)


def amended(on_day: str, **terms) -> AgreementVersion:
    return announced(a_draft("2.0", **terms), on(on_day), at("2026-06-01 04:00"))


def test_each_minute_is_judged_by_the_version_in_force_at_it_and_the_target_is_that_of_the_first_day(region):
    amended("2026-07-16", unavailability_reading="function", availability_target="99.5")
    down_on(region, "2026-07-10")
    down_on(region, "2026-07-20")
    figures = region_month(region, JULY, NOW).figures
    # Only the door function was down: under “all” nothing of the 10th counts, under “function” all of the 20th.
    assert figures.unavailable_minutes == 10
    assert (figures.terms.version, figures.terms.target_text, figures.met) == ("1.0", "99.99", False)


def test_the_version_changes_at_midnight_on_the_sla_clock_to_the_second(region):
    amended("2026-07-16", unavailability_reading="function")
    # 16 July begins in Shanghai at 16:00 UTC of the 15th.
    an_outage(region, "2026-07-15 15:55", "2026-07-15 16:07", functions=("door",))
    assert region_month(region, JULY, NOW).figures.unavailable_minutes == 7


def test_a_customer_whose_first_service_day_lies_after_the_change_has_the_new_target(region):
    amended("2026-07-16", availability_target="99.5")
    old, new = a_customer(region), a_customer(region)
    a_contract(old, "2026-01-01", "2026-12-31")
    a_contract(new, "2026-07-16", "2027-07-15")
    an_outage(region, "2026-07-20 01:00", "2026-07-20 01:10")
    judge_due_months(now=NOW)
    verdicts = {
        row.customer: (row.agreement_version.version, row.met)
        for row in CustomerMonth.objects.filter(month="2026-07-01")
    }
    assert verdicts == {old: ("1.0", False), new: ("2.0", True)}
    assert customer_month(new, JULY, NOW).figures.terms.version == "2.0"


def test_the_notice_hours_are_those_in_force_at_the_instant(region):
    amended("2026-07-16", maintenance_notice_hours=72)
    for day in ("2026-07-10", "2026-07-20"):
        # Announced an hour before: enough under 1.0, which names no length, and too late under 2.0.
        window = a_window(f"{day} 01:00", f"{day} 01:10", (f"{day} 00:00", f"{day} 01:00", f"{day} 01:10"))
        outage = an_outage(region, f"{day} 01:00", f"{day} 01:10")
        an_exclusion(outage.incident, "4.1", maintenance=window)
    figures = region_month(region, JULY, NOW).figures
    assert (figures.unavailable_minutes, figures.excluded_minutes) == (10, 10)


def test_a_withdrawn_version_decides_nothing(region):
    version = amended("2026-07-16", unavailability_reading="any", availability_target="1")
    down_on(region, "2026-07-20")
    before = region_month(region, JULY, NOW).figures.unavailable_minutes
    withdraw_version(actor=legal("ann"), version=version, reason="A slip", now=at("2026-06-10 04:00"))
    after = region_month(region, JULY, NOW).figures
    assert (before, after.unavailable_minutes, after.terms.version) == (10, 0, "1.0")
    judge_due_months(now=NOW)
    assert {row.agreement_version.version for row in RegionMonth.objects.all()} == {"1.0"}


def test_the_report_and_the_month_page_state_the_change_of_version(region):
    amended("2026-07-16", availability_target="99.5")
    statement = RegionRecord(region, JULY, NOW).of_region()
    assert [one["version"] for one in statement["agreements"]] == ["1.0", "2.0"]
    with travel(NOW, tick=False):
        support = signed_in(a_member("Support"))
        july, august = (text_of(support.get(month_of(region, month))) for month in ("2026-07", "2026-08"))
    assert "Version 2.0 of the agreement is in force from Thursday, 16 July 2026." in july
    assert "Each minute is judged by the version in force at that minute" in july
    assert "version 1.0" in july
    assert "version 2.0" in august
    assert "From " not in august.split("Day by day")[0]


def test_the_closed_month_names_its_versions_in_public(region, client):
    amended("2026-07-16", availability_target="99.5")
    for month in (JULY, JULY.next):
        close_month(actor=Actor.system("test"), month=month, now=at("2026-09-05 00:00"))
    with travel(at("2026-09-05 00:00"), tick=False):
        july, august = (text_of(client.get(f"/availability/eu/{month}/")) for month in (JULY, JULY.next))
    assert "Agreement version 1.0 , version 2.0 . Each minute is judged by the version in force at that minute" in july
    assert "target: 99.99 %" in july
    assert "Agreement version 2.0 Status Final · closed" in august
    assert "target: 99.5 %" in august


# The record in a file


def test_a_file_has_published_versions_and_neither_drafts_nor_withdrawn_ones(tmp_path):
    version = amended("2026-07-16", availability_target="99.5")
    a_draft("3.0")
    assert [row["version"] for row in json.loads(dumped())["agreements"]] == ["1.0", "2.0"]
    withdraw_version(actor=legal("ann"), version=version, reason="A slip", now=at("2026-06-10 04:00"))
    document = dumped()
    assert [row["version"] for row in json.loads(document)["agreements"]] == ["1.0"]
    loaded(tmp_path, json.loads(document))
    assert set(AgreementVersion.objects.values_list("version", flat=True)) == {"1.0", "2.0", "3.0"}


def test_a_file_with_an_unchanged_announced_version_is_loaded(tmp_path):
    version = amended("2026-07-16", availability_target="99.5")
    loaded(tmp_path, json.loads(dumped()))
    version.refresh_from_db()
    assert version.sha256 == version.expected_sha256()


def test_a_version_from_a_file_is_published(tmp_path):
    row = example()["agreements"][0]
    loaded(tmp_path, smallest(agreements=[row, row | {"version": "2.0", "effective_on": "2026-03-01"}]))
    found = AgreementVersion.objects.get(version="2.0")
    assert (found.stage.value, found.notice) == ("published", None)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: amended("2026-07-16", availability_target="99.5"), "Customers were told of version"),
        (lambda: a_draft("2.0"), "is a draft here"),
        (
            lambda: withdraw_version(
                actor=legal("ann"), version=amended("2026-07-16", voucher_valid_months=6), reason="A slip",
                now=at("2026-06-10 04:00"),
            ),
            "was withdrawn here",
        ),
    ],
)  # fmt: skip
def test_a_file_neither_changes_an_announced_version_nor_publishes_a_draft(tmp_path, make, sentence):
    make()
    before = list(AgreementVersion.objects.values())
    row = example()["agreements"][0]
    with pytest.raises(CommandError, match=sentence):
        loaded(tmp_path, smallest(agreements=[row, row | {"version": "2.0", "effective_on": "2026-07-20"}]))
    assert list(AgreementVersion.objects.values()) == before


def test_an_announced_version_that_a_file_does_not_name_is_kept(tmp_path):
    file = smallest(agreements=[example()["agreements"][0]])
    loaded(tmp_path, file)
    amended("2026-07-16", availability_target="99.5")
    loaded(tmp_path, file)
    assert AgreementVersion.objects.get(version="2.0").stage.value == "published"


DECEMBER = ServiceMonth(2026, 12)
RULES = ("all", "function", "any")


def a_december(change_day: int, before: str, after: str):
    """One function down on all clients for 30 minutes on the 31st and for 7 on the 5th; a change of rule in between."""
    region = a_region(time_zone="Asia/Shanghai")
    AgreementVersion.objects.filter(version="1.0").update(unavailability_reading=before)
    a_version("2.0", f"2026-12-{change_day:02}", unavailability_reading=after)
    an_outage(region, "2026-12-05 01:00", "2026-12-05 01:07", functions=("door",))
    an_outage(region, "2026-12-31 01:00", "2026-12-31 01:30", functions=("door",))
    return region


def rows_of_the_page(page: str) -> dict[str, str]:
    """The minutes of each row of the table of counting rules on a month's page; the row in force under its own key."""
    table = page[page.index("Counting rule U Availability, %") :].split("Calculation", maxsplit=1)[0]
    found = re.findall(r"(?:(\w+)|(Each rule in its time)) (in force )?(\d+) -?\d+\.\d{5} ", table)
    rows = {code or words: int(minutes) for code, words, _in_force, minutes in found}
    (in_force,) = (int(minutes) for *_name, in_force, minutes in found if in_force)
    return rows | {"in force": in_force}


@pytest.mark.parametrize("before", RULES)
@pytest.mark.parametrize("after", RULES)
@pytest.mark.parametrize("change_day", [5, 31])
def test_the_row_in_force_has_the_minutes_of_the_headline(change_day, before, after):
    region = a_december(change_day, before, after)
    now = at("2027-01-05 00:00")
    minutes = {day: 0 if rule == "all" else length for day, length, rule in (
        (5, 7, before if change_day > 5 else after), (31, 30, after),
    )}  # fmt: skip
    statement = RegionRecord(region, DECEMBER, now).of_region()
    assert statement["unavailable_minutes"] == sum(minutes.values())
    assert [turn["unavailable_minutes"] for turn in statement["in_turn"]] == [
        sum(count for day, count in minutes.items() if day < change_day),
        sum(count for day, count in minutes.items() if day >= change_day),
    ]
    assert [(turn["reading"], turn["first_day"], turn["last_day"]) for turn in statement["in_turn"]] == [
        (before, "2026-12-01", f"2026-12-{change_day - 1:02}"),
        (after, f"2026-12-{change_day:02}", "2026-12-31"),
    ]
    printed = compared(statement)
    (in_force,) = (row for row in printed if row["in_force"])
    assert in_force["unavailable_minutes"] == statement["unavailable_minutes"]
    assert {row["reading"]: row["unavailable_minutes"] for row in printed if row["reading"]} == {
        "all": 0, "function": 37, "any": 37,
    }  # fmt: skip
    with travel(now, tick=False):
        page = text_of(signed_in(a_member("Support")).get(month_of(region, "2026-12")))
    rows = rows_of_the_page(page)
    assert rows.pop("in force") == sum(minutes.values())
    assert {rule: rows[rule] for rule in RULES} == {"all": 0, "function": 37, "any": 37}
    assert ("Each rule in its time" in rows) == (before != after)


@pytest.mark.pdf
def test_the_report_prints_the_rule_of_each_day_and_one_headline():
    region = a_december(31, "all", "function")
    statement = RegionRecord(region, DECEMBER, at("2027-01-05 00:00")).of_region()
    assert (statement["unavailable_minutes"], statement["met"], statement["rule"]) == (30, False, None)
    pages = [" ".join(said.split()) for said in texts(pikepdf.open(BytesIO(render(issued(statement)))))]
    assert "30" in pages[0]
    assert "Version 2.0 of the agreement is in force from 2026-12-31" in pages[0]
    said = " ".join(pages)
    assert "Each rule in its time · in force 30 99.93279 % ✗ SLA breached" in said
    assert "All functions on all clients ( all ) 0 100.00000 % ✓ SLA met" in said
    assert "Version 1.0, 2026-12-01 to 2026-12-30: All functions on all clients ( all )." in said
    assert "Version 2.0, 2026-12-31 to 2026-12-31: Any function on all clients ( function )." in said
    assert "On these days 30 minutes count as unavailable." in said


def test_the_desk_names_the_rule_in_force_on_the_day_opened():
    region = a_december(31, "all", "function")
    with travel(at("2027-01-05 00:00"), tick=False):
        support = signed_in(a_member("Support"))
        pages = {day: text_of(support.get(month_of(region, "2026-12", day=f"2026-12-{day}"))) for day in (30, 31)}
    assert "Counting rule on this day: All functions on all clients (version 1.0)." in pages[30]
    assert "Counting rule on this day: Any function on all clients (version 2.0)." in pages[31]


def test_a_window_is_measured_by_the_lead_time_recommended_when_it_begins():
    region = a_december(31, "all", "all")
    AgreementVersion.objects.filter(version="2.0").update(recommended_notice_hours=24)
    for day in ("2026-12-30", "2026-12-31"):
        a_window(f"{day} 05:00", f"{day} 06:00", (f"{day} 04:00", f"{day} 05:00", f"{day} 06:00"))
    with travel(at("2027-01-05 00:00"), tick=False):
        page = text_of(signed_in(a_member("Support")).get(month_of(region, "2026-12")))
    assert "below the recommended 72 h" in page
    assert "below the recommended 24 h" in page
