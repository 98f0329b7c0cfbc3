"""The demo: a story told by operations, whatever the day on which it is told."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from sla_portal.demo.telling import build_demo

from claims.models import Claim, Entry, Status, Step
from incidents.models import Incident
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.models import AgreementVersion, Answer, Contract, Suspension
from sla_portal.agreements.rules import Stage
from sla_portal.audit.models import Entry as TrailEntry
from sla_portal.audit.queries import first_broken_link
from sla_portal.availability.models import CustomerMonth, Exclusion, MonthClosing, RegionMonth
from sla_portal.customers.models import Region
from sla_portal.demo.people import PEOPLE, password_of
from tests.support.histories import dumped

pytestmark = pytest.mark.django_db

DAYS_TO_TELL_IT_ON = [
    datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=UTC),
    datetime(2028, 2, 28, 16, 1, tzinfo=UTC),  # 00:01 of 29 February on the SLA clock
    datetime(2026, 12, 31, 16, 0, 30, tzinfo=UTC),  # the first minute of a year
]


@pytest.mark.parametrize("now", DAYS_TO_TELL_IT_ON, ids=str)
def test_the_story_can_be_told_on_any_day(now):
    build_demo(now)

    by_verdict = [month.met for month in RegionMonth.objects.all()]
    assert True in by_verdict
    assert False in by_verdict
    assert RegionMonth.objects.filter(reading_sensitive=True).count() >= 2
    assert RegionMonth.objects.filter(month__lt=now - timedelta(days=380)).exists()
    assert CustomerMonth.objects.filter(provisional=True).exists()
    assert MonthClosing.objects.count() >= 12

    assert Incident.objects.open().count() == 1
    assert Incident.objects.unclassified().filter(resolved_at__isnull=False).count() == 1
    assert Exclusion.objects.filter(status="proposed", incident__isnull=False).count() == 1
    assert Exclusion.objects.filter(status="proposed", customer__isnull=False).count() == 1
    assert Exclusion.objects.filter(clause="4.11", status="confirmed", ends_at__isnull=False).exists()
    assert MaintenanceWindow.objects.filter(starts_at__gt=now).count() == 2
    assert Suspension.objects.exists()
    assert Contract.objects.filter(terminated_on__isnull=False).exists()

    by_form = Claim.objects.get(source="form")
    # Of last month: early in a month it waits for its day.
    assert by_form.status in {Status.HELD, Status.SUBMITTED} and by_form.proofs.exists()
    entered = Claim.objects.exclude(pk=by_form.pk)
    assert {status: entered.filter(status=status).count() for status in Status.values} == {
        Status.HELD: 1, Status.SUBMITTED: 3, Status.WAITING: 1, Status.RECOMMENDED: 1, Status.GRANTED: 2,
        Status.REFUSED: 0, Status.WITHDRAWN: 0,
    }  # fmt: skip
    assert Claim.objects.filter(status=Status.SUBMITTED, appealed_at__isnull=False).count() == 1
    assert Claim.objects.filter(status=Status.SUBMITTED, proofs__isnull=True).count() == 1
    assert set(Entry.objects.values_list("step", flat=True)) == {Step.ISSUED, Step.EXTENDED, Step.REDEEMED}

    announced, drafted = AgreementVersion.objects.get(version="1.1"), AgreementVersion.objects.get(version="1.2")
    assert (announced.stage, drafted.stage) == (Stage.PUBLISHED, Stage.DRAFT)
    assert announced.effective_on > now.date()
    assert Answer.objects.get().kind == "objection"

    assert first_broken_link() is None
    times = list(TrailEntry.objects.order_by("id").values_list("at", flat=True))
    assert times == sorted(times)
    assert times[-1] <= now


def test_the_story_moves_to_another_portal(tmp_path):
    build_demo(DAYS_TO_TELL_IT_ON[0])
    said = json.loads(dumped())
    assert {len(said[kind]) for kind in ("customers", "incidents")} == {12, 16}
    assert all(ord(letter) != 0xFFFD for letter in dumped())


def demo() -> str:
    output = StringIO()
    call_command("demo", stdout=output)
    return output.getvalue()


def test_everyone_of_the_desks_gets_in_with_what_is_printed(client):
    printed = demo()
    for name in PEOPLE:
        assert f"{name} " in printed
        assert password_of(name) in printed
        assert client.login(username=name, password=password_of(name))
        assert client.get("/admin/").status_code == 200


def test_a_record_is_kept_as_it_is(settings):
    Region.objects.create(code="eu", name="Europe")
    assert "kept as it is" in demo()
    assert not Incident.objects.exists()


def test_a_second_start_tells_the_logins_that_still_hold(django_user_model):
    first = demo()
    user = django_user_model.objects.get(username="noc")
    user.set_password("another one of mine")
    user.save()
    second = demo()
    assert password_of("noc") in first
    assert password_of("noc") not in second
    assert password_of("legal") in second


def test_a_password_is_of_one_installation(settings):
    here = password_of("noc")
    settings.SECRET_KEY = "of another installation"
    assert password_of("noc") != here
