"""Claim periods (3.3.1) by the official calendar and the operator's own days: command, admin, and all dates."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from time_machine import travel

from claims.models import CalendarYear, OwnDay
from claims.queries import claimable_months, window_of, windows_of
from sla_portal.agreements.queries import NoAgreementInForce
from sla_portal.audit.models import Entry
from sla_portal.kernel.months import ServiceMonth
from sla_portal.kernel.working_days import WorkingDays
from sla_portal.reports.queries import RegionRecord
from tests.support.builders import a_region, a_version, an_incident, at, on
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db


def printed(*arguments: str) -> str:
    output = StringIO()
    call_command("claimwindows", *arguments, stdout=output)
    return output.getvalue()


def listed(year: str) -> dict[str, dict]:
    return {one["month"]: one for one in json.loads(printed(year, "--json"))}


def months(found) -> list[str]:
    return [str(month) for month, _window in found]


# The command


def test_the_command_prints_the_windows_of_a_year():
    year = listed("2026")
    assert list(year) == [f"2026-{month:02}" for month in range(1, 13)]
    assert year["2026-09"] == {
        "month": "2026-09",
        "fifth_working_day": "2026-10-13",
        "opens_at": "2026-10-13T16:00:00Z",
        "closes_at": "2026-11-30T16:00:00Z",
        "provisional": False,
    }
    assert year["2026-06"]["closes_at"] == "2026-08-31T16:00:00Z"
    assert [month for month, one in year.items() if one["provisional"]] == ["2026-12"]


@pytest.mark.parametrize(
    ("month", "fifth"),
    [
        ("2025-12", "2026-01-08"),
        ("2026-01", "2026-02-06"),
        ("2026-04", "2026-05-11"),
        ("2026-09", "2026-10-13"),
    ],
)
def test_the_fifth_working_day_is_that_of_the_following_month(month, fifth):
    assert listed(month[:4])[month]["fifth_working_day"] == fifth


def test_the_table_is_in_the_sla_time_zone():
    rows = [row.split() for row in printed("2026").splitlines()]
    assert rows[9] == ["2026-09", "2026-10-13", "2026-10-14", "00:00", "2026-12-01", "00:00"]
    assert rows[12][-1] == "provisional"


@pytest.mark.parametrize(
    ("year", "sentence"),
    [
        ("abc", "“abc” is not a year. Write it with four digits, for example 2026."),
        ("0", "“0” is not a year."),
        ("99999", "“99999” is not a year."),
        ("-001", "“-001” is not a year."),
        ("٢٠٢٦", "“٢٠٢٦” is not a year."),
        ("9998", "There is no service month 9999-01."),
        ("1999", "No agreement version is in force in all months of 1999"),
    ],
)
def test_an_invalid_year_is_refused_with_a_message(year, sentence):
    with pytest.raises(CommandError, match=sentence) as refused:
        call_command("claimwindows", "--", year, stdout=StringIO())
    assert refused.value.returncode == 1


# The operator's own calendar


def test_an_own_day_and_a_checked_year_correct_the_dates():
    assert listed("2026")["2026-12"]["fifth_working_day"] == "2027-01-08"
    OwnDay.objects.create(day=on("2027-01-08"), working=False)
    OwnDay.objects.create(day=on("2027-01-09"), working=True)
    december = listed("2026")["2026-12"]
    assert (december["fifth_working_day"], december["provisional"]) == ("2027-01-09", True)
    CalendarYear.objects.create(year=2027, source="State Council, 2026-11-05")
    assert not listed("2026")["2026-12"]["provisional"]


def test_the_number_of_queries_does_not_depend_on_the_number_of_own_days(django_assert_num_queries):
    with django_assert_num_queries(3):
        windows_of([ServiceMonth(2026, 1) + n for n in range(200)])


def test_a_window_follows_the_version_in_force_on_the_months_first_day():
    a_version("2.0", "2026-06-15", claim_opens_after_working_day=1)
    windows = windows_of([ServiceMonth(2026, 6), ServiceMonth(2026, 7)])
    assert windows[ServiceMonth(2026, 6)].last_day_to_wait == on("2026-07-07")
    assert windows[ServiceMonth(2026, 7)].last_day_to_wait == on("2026-08-03")
    assert windows == {month: window_of(month) for month in windows}


def test_a_month_before_the_first_version_has_no_window():
    assert windows_of([ServiceMonth(1999, 12)]) == {}
    with pytest.raises(NoAgreementInForce):
        window_of(ServiceMonth(1999, 12))


@pytest.mark.parametrize(
    ("now", "open_or_next"),
    [
        ("2026-10-13 15:59", ["2026-10", "2026-09", "2026-08"]),
        ("2026-10-31 16:00", ["2026-11", "2026-10", "2026-09"]),
        ("2026-11-30 15:59:59", ["2026-11", "2026-10", "2026-09"]),
        ("2026-11-30 16:00", ["2026-12", "2026-11", "2026-10"]),
    ],
)
def test_months_can_be_claimed_until_they_close_newest_first(now, open_or_next):
    assert months(claimable_months(at(now))) == open_or_next


def test_a_longer_window_of_an_earlier_version_stays_open():
    a_version("2.0", "2026-10-01", claim_closes_after_months=1)
    assert months(claimable_months(at("2026-11-15 00:00"))) == ["2026-11", "2026-10", "2026-09"]


# Where the dates are shown


def test_a_report_states_the_claim_period_by_the_operators_calendar():
    region = a_region()
    stated = RegionRecord(region, ServiceMonth(2026, 6), at("2026-07-01 00:00")).of_region()["claims"]
    assert (stated["opens_at"], stated["provisional"]) == ("2026-07-07T16:00:00Z", False)
    OwnDay.objects.create(day=on("2026-07-01"), working=False)
    stated = RegionRecord(region, ServiceMonth(2026, 6), at("2026-07-01 00:00")).of_region()["claims"]
    assert stated["opens_at"] == "2026-07-08T16:00:00Z"


@travel(at("2026-12-20 12:00"), tick=False)
def test_dates_in_a_year_without_published_calendar_are_marked_provisional():
    an_incident("INC-1", detected_at=at("2026-12-10 01:00"), resolved_at=at("2026-12-10 02:00"))
    legal = signed_in(a_member("Legal"))
    said = text_of(legal.get("/admin/"))
    assert "claims for this month open 2027-01-09 00:00 Shanghai · provisional" in said
    CalendarYear.objects.create(year=2027, source="State Council, 2026-11-05")
    OwnDay.objects.create(day=on("2027-01-08"), working=False, note="as published")
    assert "claims for this month open 2027-01-12 00:00 Shanghai" in text_of(legal.get("/admin/"))
    assert "provisional" not in text_of(legal.get("/admin/"))


# Its pages


@pytest.fixture
def administrator():
    return signed_in(a_member("Administrator"))


def test_an_administrator_edits_the_calendar_and_the_audit_log_records_it(administrator):
    url = reverse("admin:claims_ownday_add")
    administrator.post(url, {"day": "2027-02-07", "working": "on", "note": "make-up Sunday"})
    own = OwnDay.objects.get()
    assert WorkingDays("CN", {own.day: own.working}).is_working_day(on("2027-02-07"))
    change = reverse("admin:claims_ownday_change", args=[own.pk])
    administrator.post(change, {"day": "2027-02-07", "note": "a misprint", "why": "Corrected by the State Council"})
    entry = Entry.objects.order_by("-id").first()
    assert (entry.actor_name, entry.action, entry.reason) == (
        "Administrator", "changed", "Corrected by the State Council",
    )  # fmt: skip
    administrator.post(reverse("admin:claims_ownday_delete", args=[own.pk]), {"post": "yes", "why": "Not needed"})
    assert not OwnDay.objects.exists()
    assert Entry.objects.order_by("-id").first().action == "deleted"


def test_a_day_can_be_in_the_calendar_only_once(administrator):
    OwnDay.objects.create(day=on("2027-02-07"), working=True)
    said = administrator.post(reverse("admin:claims_ownday_add"), {"day": "2027-02-07"})
    assert "already exists" in text_of(said)
    assert OwnDay.objects.get().working


@pytest.mark.parametrize("year", ["1999", "2101", "abc", "99999999999999999999", ""])
def test_a_year_out_of_range_is_refused(administrator, year):
    administrator.post(reverse("admin:claims_calendaryear_add"), {"year": year, "source": "nowhere"})
    assert not CalendarYear.objects.exists()


@pytest.mark.parametrize("role", ["Support", "Legal", "Auditor"])
@pytest.mark.parametrize("kind", ["ownday", "calendaryear"])
def test_other_roles_can_only_view_the_calendar(role, kind):
    reader = signed_in(a_member(role))
    assert reader.get(reverse(f"admin:claims_{kind}_changelist")).status_code == 200
    assert reader.get(reverse(f"admin:claims_{kind}_add")).status_code == 403


def test_an_empty_calendar_explains_itself(administrator):
    for kind in ("ownday", "calendaryear"):
        assert "add" in text_of(administrator.get(reverse(f"admin:claims_{kind}_changelist"))).lower()
        assert administrator.get(reverse(f"admin:claims_{kind}_add")).status_code == 200
