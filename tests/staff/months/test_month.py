"""The service months: the overview of all regions, and one month of a region or a customer to the minute."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_machine import travel

from sla_portal.agreements.models import Suspension
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import judge_due_months
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.operations import queue_reports, request_reports
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
from tests.support.desk import a_member, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-10-05 00:00")


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def support():
    return signed_in(a_member("Support"))


@pytest.fixture
def europe():
    return a_region("eu", name="Europe")


def month_of(row, month: str = "2026-09", **asked) -> str:
    scope = "customer" if hasattr(row, "region_id") else "region"
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return reverse("admin:month", args=[month, scope, row.code]) + f"?{query}".rstrip("?").replace("+", "%2B")


class TestHeadline:
    def test_with_four_minutes_of_thirty_days_the_sla_is_met_and_with_five_breached(self, support, europe):
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:04")
        page = text_of(support.get(month_of(europe)))
        assert "99.99074 % ✓ SLA met" in page
        assert "0 of 4 minutes of downtime allowance left" in page
        an_outage(europe, "2026-09-11 01:00", "2026-09-11 01:01:01")
        page = text_of(support.get(month_of(europe)))
        assert "99.98842 % ■ SLA breached" in page
        assert "1 minute over the downtime allowance of 4" in page

    def test_the_formula_stands_with_its_numbers(self, support, europe):
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:05")
        assert "1 − U ÷ T = 1 − 5 ÷ 43200 = 99.98842 %" in text_of(support.get(month_of(europe)))

    def test_without_an_outage_it_is_a_hundred(self, support, europe):
        assert "100.00000 %" in text_of(support.get(month_of(europe)))

    def test_a_month_that_is_not_over_says_so(self, support, europe):
        page = text_of(support.get(month_of(europe, "2026-10")))
        assert "✓ SLA met ◌ In progress" in page
        assert "Not final: the month is not over; these figures are not closed." in page

    def test_every_reason_why_a_figure_is_not_final_is_named(self, support, europe):
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:04", incident=an_incident(attributable=None))
        an_outage(europe, "2026-09-30 01:00", None, incident=an_incident(attributable=True))
        excluded = an_incident(attributable=False)
        an_outage(europe, "2026-09-12 01:00", "2026-09-12 01:04", incident=excluded)
        an_exclusion(excluded, status="proposed")
        page = text_of(support.get(month_of(europe)))
        assert "Provisional" in page
        assert (
            "Not final: an outage is ongoing; an incident is pending classification; an exclusion is undecided; "
            "these figures are not closed."
        ) in page
        page = text_of(support.get(month_of(europe), headers={"accept-language": "zh-hans"}))
        assert "尚非最终：有中断仍在进行；有事件待归类；有排除待决定；数据尚未关账。" in page

    def test_a_closed_month_is_final_until_the_record_disagrees(self, support, europe):
        closed_by_two(ServiceMonth(2026, 9), NOW)
        page = text_of(support.get(month_of(europe)))
        assert "Final" in page
        assert "Not final" not in page
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:04", incident=an_incident(attributable=True))
        page = text_of(support.get(month_of(europe)))
        assert "Provisional" in page
        assert "Not final: these figures are not closed." in page

    def test_a_customer_without_a_contract_in_it_is_neither_met_nor_breached(self, support, europe):
        customer = a_customer(europe)
        a_contract(customer, "2026-10-01", "2027-09-30")
        page = text_of(support.get(month_of(customer)))
        assert "Not in service" in page
        assert "✓ SLA met" not in page
        assert "■ SLA breached" not in page

    def test_an_ongoing_outage_is_stated(self, support, europe):
        an_outage(europe, "2026-09-30 01:00", None)
        page = text_of(support.get(month_of(europe)))
        assert "An outage is ongoing: these figures run to the present moment and can change." in page

    def test_an_outcome_that_depends_on_the_counting_rule_is_marked(self, support, europe):
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 02:00", functions=("login",))
        page = text_of(support.get(month_of(europe)))
        assert "Depends on the counting rule" in page
        assert "All functions on all clients all in force 0 100.00000 ✓ SLA met" in page
        assert "Any function on all clients function 60 99.86111 ■ SLA breached" in page

    def test_the_version_in_force_is_named(self, support, europe):
        a_version("2.0", "2026-09-01", availability_target="99.90")
        page = text_of(support.get(month_of(europe)))
        assert "Agreement version 2.0" in page
        assert "Target 99.9 %" in page

    def test_a_month_before_the_first_version_is_explained(self, support, europe):
        assert "No agreement version is in force" in text_of(support.get(month_of(europe, "1999-01")))

    def test_unclassified_incidents_are_named(self, support, europe):
        ours = an_incident("INC-OURS", attributable=True)
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:02", incident=ours)
        an_outage(europe, "2026-09-11 01:00", "2026-09-11 01:02", incident=an_incident("INC-OPEN"))
        page = text_of(support.get(month_of(europe)))
        assert "count as downtime until they are classified: INC-OPEN" in page


class TestBelow:
    def test_a_closed_month_says_by_whom(self, europe):
        member = a_member("Legal")
        closed_by_two(ServiceMonth(2026, 9), NOW)
        assert "Closed 2026-10-05 08:00 Shanghai by Legal, revision 1." in text_of(
            signed_in(member).get(month_of(europe))
        )

    def test_reports_are_listed_for_users_who_may_see_them(self, europe):
        auditor = signed_in(a_member("Auditor"))
        assert "No report has been issued for this month yet." in text_of(auditor.get(month_of(europe)))
        run = request_reports(actor=Actor.system("test"), month=ServiceMonth(2026, 9), regions=[europe], now=NOW)
        queue_reports(run_id=run.pk, now=NOW)
        assert "SLA-2026-09-EU" in text_of(auditor.get(month_of(europe)))

    def test_failure_events_exclusions_windows_and_recovery_are_listed_with_links(self, support, europe):
        incident = an_incident("INC-7", acknowledged_at=at("2026-09-10 01:05"), resolved_at=at("2026-09-10 03:00"))
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 03:00", incident=incident)
        window = a_window(
            "2026-09-10 01:30", "2026-09-10 02:30", ("2026-09-09 01:30", "2026-09-10 01:30", "2026-09-10 02:30"),
            reference="MW-7",
        )  # fmt: skip
        an_exclusion(incident, "4.1", maintenance=window, reason="Announced upgrade")
        answer = support.get(month_of(europe))
        page = text_of(answer)
        assert "2026-09-10 09:00 Shanghai 2026-09-10 11:00 Shanghai 2 h 60 60 INC-7" in page
        assert "4.1 ▨ confirmed INC-7 Announced upgrade" in page
        assert "24 h ◔ below the recommended 72 h 60 min" in page
        assert "INC-7 Gateway lost monitoring 2026-09-10 09:00 Shanghai 5 min 2 h" in page
        assert page_of(incident).encode() in answer.content
        assert "(4.1: 60)" in page

    def test_what_was_logged_after_it_was_over_says_so_instead_of_a_time_to_acknowledge(self, support, europe):
        start, end = at("2026-09-10 01:00"), at("2026-09-10 03:00")
        late = an_incident("INC-7", detected_at=start, resolved_at=end, logged_at=at("2026-09-10 05:00"))
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 03:00", incident=late)
        page = text_of(support.get(month_of(europe)))
        assert "2026-09-10 09:00 Shanghai logged after restoration 2 h" in page
        assert "MTTA" not in page

    @pytest.mark.parametrize(
        ("acknowledged", "resolved", "shown"),
        [
            ("2026-08-12 00:00", "2026-09-10 03:00", "not stated 2 h"),
            ("2026-09-10 01:05", "2026-09-10 02:00", "5 min not stated"),
        ],
    )
    def test_times_out_of_order_are_not_stated_and_the_mean_leaves_them_out(
        self, support, europe, acknowledged, resolved, shown
    ):
        broken = an_incident(
            "INC-7", detected_at=at("2026-09-10 01:00"), acknowledged_at=at(acknowledged), resolved_at=at(resolved),
            recorded_as_is=True,
        )  # fmt: skip
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 03:00", incident=broken)
        sound = an_incident(
            "INC-8", detected_at=at("2026-09-11 01:02"), acknowledged_at=at("2026-09-11 01:07"),
            resolved_at=at("2026-09-11 05:00"),
        )  # fmt: skip
        an_outage(europe, "2026-09-11 01:00", "2026-09-11 03:00", incident=sound)
        page = text_of(support.get(month_of(europe)))
        assert f"INC-7 Gateway lost monitoring 2026-09-10 09:00 Shanghai {shown}" in page
        assert "INC-8 Gateway lost monitoring 2026-09-11 09:02 Shanghai 5 min 2 h" in page
        assert "Mean time to acknowledge (MTTA): 5 min. Mean time to restore (MTTR): 2 h." in page
        assert "-" not in page[page.index("Time to restore") : page.index("MTTR")].replace("2026-09-1", "").replace(
            "INC-", ""
        )

    def test_the_contract_period_so_far_stands_beside_a_customers_month(self, support, europe):
        customer = a_customer(europe)
        a_contract(customer, "2026-08-01", "2027-07-31", reference="K-1")
        an_outage(europe, "2026-08-10 01:00", "2026-08-10 01:10")
        page = text_of(support.get(month_of(customer)))
        assert "Contract K-1 to date 99.98861 % · 10 of 87840 minutes unavailable" in page
        assert "For information only: the figure of the month decides (1.7)." in page

    def test_time_caused_by_a_customer_is_listed_in_its_month_only(self, support, europe):
        customer = a_customer(europe)
        a_contract(customer, "2026-08-01", "2027-07-31")
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10")
        Exclusion.objects.create(
            customer=customer, clause="4.5", status="confirmed", reason="Its own line",
            starts_at=at("2026-09-10 01:00"), ends_at=at("2026-09-10 01:10"),
        )  # fmt: skip
        assert "this customer only Its own line" in text_of(support.get(month_of(customer)))
        assert "Its own line" not in text_of(support.get(month_of(europe)))


class TestMinutes:
    def told(self, client, row, day, minute):
        return text_of(client.get(month_of(row, day[:7], day=day, minute=minute))).split("Back to the month")[1]

    def test_a_day_opens_as_runs_and_as_minutes(self, support, europe):
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:31")
        answer = support.get(month_of(europe, day="2026-09-10"))
        page = text_of(answer)
        assert "Thursday, 10 September 2026" in page
        assert (
            "00:00 – 09:00 operational 540 min 09:00 – 09:31 unavailable 31 min 09:31 – 24:00 operational 869 min"
            in page
        )
        assert answer.content.count(b'class="m counted"') == 31

    def test_a_counted_minute(self, support, europe):
        outage = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:31")
        told = self.told(support, europe, "2026-09-10", "09:10")
        assert "Counts as downtime: the service was unavailable in this minute. 1.4" in told
        assert f"{outage.incident.reference} · This incident had an outage in this minute." in told
        assert "31 min: more than sixty seconds, so a failure event. 1.5" in told
        assert "Under all three counting rules it counts." in told

    def test_an_excluded_minute_names_clause_window_and_exclusion(self, support, europe):
        outage = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:31")
        window = a_window(
            "2026-09-10 01:00", "2026-09-10 02:00", ("2026-09-05 00:00", "2026-09-10 01:00", "2026-09-10 02:00"),
            reference="MW-9",
        )  # fmt: skip
        an_exclusion(outage.incident, "4.1", maintenance=window)
        told = self.told(support, europe, "2026-09-10", "09:10")
        assert "Excluded under section 4. 4.1" in told
        assert "MW-9" in told

    def test_a_minute_with_an_available_function(self, support, europe):
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 02:00", functions=("login", "calls", "preview"))
        told = self.told(support, europe, "2026-09-10", "09:10")
        assert "there was an outage, but under the counting rule in force the service was available. 1.4" in told
        assert "Available at some moment of the minute: door opening on every client." in told
        assert "it counts under these: Any function on all clients and Any function on any client." in told

    def test_a_minute_that_was_unavailable_in_part(self, support, europe):
        an_outage(europe, "2026-09-10 01:00:30", "2026-09-10 01:02:10")
        assert "the service was available during part of the minute. 1.4" in self.told(
            support, europe, "2026-09-10", "09:00"
        )

    def test_sixty_seconds_are_no_failure_event(self, support, europe):
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:01")
        told = self.told(support, europe, "2026-09-10", "09:00")
        assert "which is not a failure event. 1.5" in told
        assert "1 min: sixty seconds or less, so no failure event." in told

    def test_a_quiet_minute(self, support, europe):
        assert "Does not count: there was no outage." in self.told(support, europe, "2026-09-10", "09:00")

    def test_a_future_minute(self, support, europe):
        assert "The minute is not over yet, so it is undecided." in self.told(support, europe, "2026-10-20", "09:00")

    def test_minutes_of_a_customer(self, support, europe):
        customer = a_customer(europe)
        contract = a_contract(customer, "2026-09-05", "2027-09-04")
        Suspension.objects.create(contract=contract, starts_on=on("2026-09-20"), ends_on=on("2026-09-21"))
        an_outage(europe, "2026-09-20 01:00", "2026-09-20 01:10")
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10")
        Exclusion.objects.create(
            customer=customer, clause="4.5", status="confirmed", reason="Its own line",
            starts_at=at("2026-09-10 01:00"), ends_at=at("2026-09-10 01:10"),
        )  # fmt: skip
        assert "no contract was in force on this day. 1.7" in self.told(support, customer, "2026-09-04", "09:00")
        assert "the service was suspended for non-payment." in self.told(support, customer, "2026-09-20", "09:05")
        assert "caused by the customer. 4.5" in self.told(support, customer, "2026-09-10", "09:05")

    def test_neighbouring_minutes_are_linked(self, support, europe):
        content = support.get(month_of(europe, day="2026-09-10", minute="00:00")).content.decode()
        assert "minute=00%3A01#day" in content
        assert "Previous minute" not in content

    def test_an_invalid_minute_says_how_to_enter_it(self, support, europe):
        page = text_of(support.get(month_of(europe, day="2026-09-10", minute="25:99")))
        assert "This day has no such minute." in page

    def test_both_minutes_that_a_clock_shows_twice_can_be_asked_about(self, europe, settings):
        from zoneinfo import ZoneInfo

        settings.SLA_ZONE, settings.SLA_TIME_ZONE = ZoneInfo("Europe/Berlin"), "Europe/Berlin"
        with travel(at("2026-11-05 00:00"), tick=False):
            support = signed_in(a_member("Support"))
            an_outage(europe, "2026-10-25 01:10", "2026-10-25 01:20")
            assert "there was no outage" in self.told(support, europe, "2026-10-25", "02:15+0200")
            assert "Counts as downtime" in self.told(support, europe, "2026-10-25", "02:15+0100")
            page = text_of(support.get(month_of(europe, "2026-10", day="2026-10-25")))
        assert "02:10+0100 – 02:20+0100 unavailable 10 min" in page


class TestWhoMay:
    def test_noc_sees_regions_and_no_customers(self, europe):
        noc = signed_in(a_member("NOC"))
        assert noc.get(month_of(europe)).status_code == 200
        assert noc.get(month_of(a_customer(europe))).status_code == 403

    def test_anonymous_users_are_sent_to_the_login(self, client, europe):
        assert "/login/" in client.get(month_of(europe)).url

    @pytest.mark.parametrize(
        "address",
        [
            "2026-13/region/eu",
            "2026-9/region/eu",
            "0000-01/region/eu",
            "2026-09/planet/eu",
            "2026-09/region/mars",
            "2026-09/region/%00",
        ],
    )
    def test_unknown_addresses_are_not_found(self, support, address):
        assert support.get(f"{reverse('admin:months')}{address}/").status_code == 404


class TestOverview:
    def test_regions_stand_beside_their_last_thirteen_months(self, support, europe):
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:05")
        judge_due_months(now=datetime.now(UTC))
        answer = support.get(reverse("admin:months"))
        page = text_of(answer)
        assert "September 2026 ■ SLA breached 99.98842 % · 5 min" in page
        assert "October 2026 In progress ✓ SLA met 100.00000 % · 0 min" in page
        assert "October 2025" not in page
        assert month_of(europe).encode() in answer.content

    def test_without_a_region_it_says_who_adds_one(self, support):
        assert "An administrator adds them" in text_of(support.get(reverse("admin:months")))


def test_the_number_of_queries_does_not_grow_with_the_incidents(support, europe):
    customer = a_customer(europe)
    a_contract(customer, "2026-09-01", "2027-08-31")

    def queries(address) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert support.get(address).status_code == 200
        return len(captured)

    addresses = [month_of(europe), month_of(customer), reverse("admin:months"), month_of(europe, day="2026-09-08")]
    for hour in range(3):
        incident = an_outage(europe, f"2026-09-08 {hour:02}:00", f"2026-09-08 {hour:02}:02").incident
        an_exclusion(incident, "4.11", third_party="Example Cloud")
    few = [queries(address) for address in addresses]
    for number in range(297):
        start = f"2026-09-{1 + number // 24:02} {number % 24:02}"
        incident = an_outage(europe, f"{start}:10", f"{start}:12").incident
        an_exclusion(incident, "4.11", third_party="Example Cloud")
    assert [queries(address) for address in addresses] == few
    assert "The first 200" in text_of(support.get(month_of(europe)))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.text(max_size=12), st.sampled_from(["2026-09-10", "2026-10-31", "0001-01-01", "9999-12-31"])),
    st.one_of(st.text(max_size=12), st.sampled_from(["02:31", "24:00", "02:31+0200", "9" * 400])),
)
def test_no_day_or_minute_breaks_the_page(support, europe, day, minute):
    assert support.get(month_of(europe).split("?")[0], {"day": day, "minute": minute}).status_code == 200


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 9999), st.integers(0, 99))
def test_the_first_and_last_month_have_a_page(support, europe, year, month):
    answer = support.get(f"{reverse('admin:months')}{year:04}-{month:02}/region/eu/")
    assert answer.status_code in {200, 404}
