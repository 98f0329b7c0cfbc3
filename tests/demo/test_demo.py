"""The demo: created by operations, on any day."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from claims.models import Claim, Entry, Status, Step
from incidents.models import Incident
from maintenance.models import AnnouncementRequest, MaintenanceWindow
from sla_portal.agreements.models import AgreementVersion, Answer, Contract, Suspension
from sla_portal.agreements.rules import Stage
from sla_portal.audit.models import Entry as AuditEntry
from sla_portal.audit.queries import first_broken_link
from sla_portal.availability.models import CustomerMonth, Exclusion, MonthClosing, RegionMonth
from sla_portal.customers.models import Customer, Region
from sla_portal.demo.build import build_demo
from sla_portal.demo.people import PEOPLE, password_of
from sla_portal.staff.setup.checklist import steps
from tests.support.histories import dumped

pytestmark = pytest.mark.django_db

START_DAYS = [
    datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=UTC),
    # 00:01 of 29 February in the SLA time zone
    pytest.param(datetime(2028, 2, 28, 16, 1, tzinfo=UTC), marks=pytest.mark.sqlite),
    # The first minute of a year
    pytest.param(datetime(2026, 12, 31, 16, 0, 30, tzinfo=UTC), marks=pytest.mark.sqlite),
]


@pytest.mark.parametrize("now", START_DAYS, ids=str)
def test_the_demo_can_be_created_on_any_day_and_dumped(now):
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
    assert Incident.objects.filter(voided_at__isnull=False, merged_into__isnull=True).count() == 1
    assert Incident.objects.filter(merged_into__isnull=False).count() == 1
    assert AuditEntry.objects.filter(action="reopened", subject_type="incidents.incident").count() == 1
    assert Exclusion.objects.filter(status="proposed", incident__isnull=False).count() == 1
    assert Exclusion.objects.filter(status="proposed", customer__isnull=False).count() == 1
    assert Exclusion.objects.filter(clause="4.11", status="confirmed", ends_at__isnull=False).exists()
    assert MaintenanceWindow.objects.filter(starts_at__gt=now).count() == 3
    assert AnnouncementRequest.objects.get().status == "pending"
    assert Suspension.objects.exists()
    assert Contract.objects.filter(terminated_on__isnull=False).exists()

    by_form = Claim.objects.get(source="form")
    # It is about last month: early in a month its claim period is not open yet.
    assert by_form.status in {Status.HELD, Status.SUBMITTED} and by_form.proofs.exists()
    entered = Claim.objects.exclude(pk=by_form.pk)
    assert {status: entered.filter(status=status).count() for status in Status.values} == {
        Status.HELD: 1, Status.SUBMITTED: 3, Status.WAITING: 1, Status.RECOMMENDED: 1, Status.GRANTED: 2,
        Status.REFUSED: 0, Status.WITHDRAWN: 0,
    }  # fmt: skip
    assert Claim.objects.filter(status=Status.SUBMITTED, appealed_at__isnull=False).count() == 1
    assert Claim.objects.filter(status=Status.SUBMITTED, proofs__isnull=True).count() == 1
    assert set(Entry.objects.values_list("step", flat=True)) == {Step.ISSUED, Step.EXTENDED, Step.REDEEMED}

    # E-mails are sent by the worker.
    assert [step.name for step in steps(now) if not step.done] == ["E-mail"]
    installer = Customer.objects.get(code="C-5000")
    assert installer.sites.count() == 2 and not installer.contracts.exists()

    announced, drafted = AgreementVersion.objects.get(version="1.1"), AgreementVersion.objects.get(version="1.2")
    assert (announced.stage, drafted.stage) == (Stage.PUBLISHED, Stage.DRAFT)
    assert announced.effective_on > now.date()
    assert Answer.objects.get().kind == "objection"

    assert first_broken_link() is None
    times = list(AuditEntry.objects.order_by("id").values_list("at", flat=True))
    assert times == sorted(times)
    assert times[-1] <= now

    dump = dumped()
    said = json.loads(dump)
    assert {len(said[kind]) for kind in ("customers", "incidents")} == {15, 16}
    assert all(ord(letter) != 0xFFFD for letter in dump)


def demo() -> str:
    output = StringIO()
    call_command("demo", stdout=output)
    return output.getvalue()


@pytest.mark.sqlite
def test_every_role_can_log_in_with_the_printed_password_until_it_has_another(client, django_user_model):
    first = demo()
    for name in PEOPLE:
        assert f"{name} " in first
        assert password_of(name) in first
        assert client.login(username=name, password=password_of(name))
        assert client.get("/admin/").status_code == 200
    user = django_user_model.objects.get(username="noc")
    user.set_password("another one of mine")
    user.save()
    second = demo()
    assert password_of("noc") in first
    assert password_of("noc") not in second
    assert password_of("legal") in second


def test_existing_data_are_not_changed(settings):
    Region.objects.create(code="eu", name="Europe")
    assert "no demo was created" in demo()
    assert not Incident.objects.exists()


def test_passwords_differ_between_installations(settings):
    here = password_of("noc")
    settings.SECRET_KEY = "of another installation"
    assert password_of("noc") != here
