"""A month in which the version changes: each minute by its version, the target of the first day; withdrawn versions decide nothing."""

import json

import pytest
from django.core.management import CommandError
from time_machine import travel

from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.operations import withdraw_version
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import CustomerMonth, RegionMonth
from sla_portal.availability.operations import close_month, judge_due_months
from sla_portal.availability.queries import customer_month, region_month
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.queries import RegionRecord
from tests.staff.months.test_month import month_of
from tests.support.amendments import a_draft, announced, legal
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_outage, at, on
from tests.support.desk import a_member, signed_in, text_of
from tests.support.histories import dumped, example, loaded, smallest

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
    amended("2026-07-16", availability_target="99.5")
    loaded(tmp_path, smallest(agreements=[example()["agreements"][0]]))
    assert AgreementVersion.objects.get(version="2.0").stage.value == "published"
