"""Reminders seven days and one day before an amendment takes effect (5.2)."""

import pytest

from sla_portal.agreements.models import FurtherNotice
from sla_portal.agreements.operations import register_answer, remind_due
from sla_portal.agreements.queries import reached
from sla_portal.agreements.rules import AnswerKind
from sla_portal.agreements.tasks import remind_of_amendments
from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Customer
from sla_portal.notices.models import Notice
from tests.support.amendments import a_draft, announced, legal, withdraw_version
from tests.support.builders import a_contract, a_customer, a_region, a_version, at, on

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
BEFORE = at("2026-06-10 04:00")


@pytest.fixture
def version():
    for code, ends_on in (("C-1", "2026-12-31"), ("C-2", "2026-12-31"), ("C-3", "2026-06-27")):
        customer = a_customer(a_region(), code)
        customer.contacts.create(email=f"{code.lower()}@example.com")
        a_contract(customer, "2026-01-01", ends_on)
    return announced(effective_on=on("2026-07-02"))


def told(days: int) -> set[str]:
    return set(FurtherNotice.objects.get(days_before=days).notice.deliveries.values_list("email", flat=True))


@pytest.mark.parametrize(
    ("now", "given"),
    [
        ("2026-06-24 15:59:59", set()),
        ("2026-06-24 16:00", {7}),
        ("2026-06-29 04:00", {7}),
        ("2026-06-30 15:59:59", {7}),
        ("2026-06-30 16:00", {1}),
        ("2026-07-01 15:59:59", {1}),
        ("2026-07-01 16:00", set()),
    ],
)
def test_a_reminder_is_due_from_midnight_of_its_day_and_the_nearer_of_two_is_enough(version, now, given):
    assert remind_due(now=at(now)) == len(given)
    assert set(FurtherNotice.objects.values_list("days_before", flat=True)) == given


def test_each_reminder_is_given_once_however_often_the_schedule_runs(version):
    moments = ["2026-06-25 01:00", "2026-06-25 02:00", "2026-06-26 01:00", "2026-07-01 01:00", "2026-07-01 02:00"]
    assert [remind_due(now=at(moment)) for moment in moments] == [1, 0, 0, 1, 0]
    assert [one.occasion for one in reached(version)] == ["announcement", "reminder_7", "reminder_1"]


def test_reminded_is_who_will_still_have_a_contract(version):
    assert remind_due(now=at("2026-06-25 01:00")) == 1
    # C-3's contract runs out before the version takes effect.
    assert told(7) == {"c-1@example.com", "c-2@example.com"}
    register_answer(
        actor=SYSTEM, version=version, customer=Customer.objects.get(code="C-1"), kind=AnswerKind.TERMINATION,
        by_name="Li Wei", now=at("2026-06-26 01:00"),
    )  # fmt: skip
    remind_due(now=at("2026-07-01 01:00"))
    assert told(1) == {"c-2@example.com"}


def test_a_reminder_says_from_when_and_what_can_be_done_and_is_not_on_the_website(version):
    remind_due(now=at("2026-06-25 01:00"))
    notice = FurtherNotice.objects.get().notice
    assert not notice.public
    said = notice.wording("en")
    assert said.subject == "Reminder: version 2.0 of the service level agreement takes effect on 2026-07-02"
    assert "%%private-link:/agreement/answer/%%" in said.text


def test_of_a_withdrawn_version_nobody_is_reminded(version):
    withdraw_version(actor=legal("ann"), version=version, reason="A slip", now=BEFORE)
    assert remind_due(now=at("2026-06-25 01:00")) == 0


def test_nobody_is_reminded_of_a_version_that_only_a_file_told_of(version):
    a_version("9.0", "2027-01-01")
    assert remind_due(now=at("2026-12-31 04:00")) == 0


def test_a_reminder_on_the_day_of_the_announcement_would_say_it_twice():
    a_version("1.1", "2026-05-01", amendment_notice_days=6).clauses.create(number="1", summary="The service")
    announced(a_draft("2.0"), on("2026-06-08"), at("2026-06-01 04:00"))
    assert remind_due(now=at("2026-06-01 05:00")) == 0
    assert remind_due(now=at("2026-06-07 05:00")) == 1


def test_two_versions_on_their_way_are_reminded_of_each_by_itself(version):
    announced(a_draft("3.0", voucher_valid_months=6), on("2026-07-08"), at("2026-06-01 05:00"))
    assert remind_due(now=at("2026-07-01 01:00")) == 2
    assert set(FurtherNotice.objects.values_list("version__version", "days_before")) == {("2.0", 1), ("3.0", 7)}


def test_the_schedule_asks_the_clock_and_finds_nothing_due_today():
    remind_of_amendments()
    assert not Notice.objects.exists()
