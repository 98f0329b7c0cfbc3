"""The time zone and country by which months were closed: no portal starts with others before the change is accepted."""

import json
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.availability.models import Deviation, MonthClosing, RegionMonth
from sla_portal.availability.operations import close_month, judge_due_months
from sla_portal.kernel.months import ServiceMonth
from sla_portal.operator import starting
from sla_portal.operator.models import Basis, Identity, Logo
from sla_portal.operator.operations import BasisDiffers
from sla_portal.operator.starting import check_basis, refuse_other_basis
from tests.support.builders import a_region, an_incident, an_outage, at, on
from tests.support.operators import a_logo, an_operator

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
SEPTEMBER, OCTOBER = ServiceMonth(2026, 9), ServiceMonth(2026, 10)
NOW = at("2026-11-20 12:00")


@pytest.fixture(autouse=True)
def one_connection(monkeypatch):
    """A process that starts closes its connections; the test's transaction lives in one."""
    monkeypatch.setattr(starting.connections, "close_all", lambda: None)


@pytest.fixture
def closed() -> None:
    """A September with twenty minutes on its first day, which is the last of August in Berlin."""
    night = {"detected_at": at("2026-08-31 17:00"), "resolved_at": at("2026-08-31 17:20"), "attributable": True}
    an_outage(a_region(), "2026-08-31 17:00", "2026-08-31 17:20", incident=an_incident(**night))
    close_month(actor=SYSTEM, month=SEPTEMBER, now=NOW)


def move(settings, zone: str = "Europe/Berlin", country: str = "CN") -> None:
    settings.SLA_TIME_ZONE, settings.SLA_ZONE, settings.SLA_WORKDAY_COUNTRY = zone, ZoneInfo(zone), country


def test_before_a_month_is_closed_both_may_change(settings):
    refuse_other_basis()
    move(settings, country="DE")
    refuse_other_basis()
    assert check_basis(["default"]) == []


def test_the_first_closing_notes_both_and_each_closing_states_them(closed):
    basis = Basis.objects.get()
    assert (basis.time_zone, basis.workday_country, basis.since) == ("Asia/Shanghai", "CN", NOW)
    close_month(actor=SYSTEM, month=OCTOBER, now=NOW)
    assert Basis.objects.count() == 1
    for closing in MonthClosing.objects.all():
        stated = json.loads(closing.statement)
        assert (stated["sla_time_zone"], stated["workday_country"]) == ("Asia/Shanghai", "CN")
    assert Entry.objects.get(subject_type="operator.basis").changes == {
        "time_zone": [None, "Asia/Shanghai"], "workday_country": [None, "CN"]
    }  # fmt: skip


def test_another_time_zone_stops_the_start_with_the_way_to_change_it(closed, settings):
    refuse_other_basis()
    move(settings)
    with pytest.raises(SystemExit) as end:
        refuse_other_basis()
    assert str(end.value) == (
        "SLA_TIME_ZONE is Europe/Berlin, but Asia/Shanghai is on record for 1 closed month. Set it back, or accept the change "
        'with `manage.py acceptzone --by NAME --reason "…"` (docs/operations.md, Changing the SLA time zone).'
    )
    assert [error.msg for error in check_basis(["default"])] == [str(end.value)]
    assert check_basis(None) == []
    move(settings, "Asia/Shanghai", "DE")
    with pytest.raises(SystemExit, match="SLA_WORKDAY_COUNTRY is DE, but CN is on record"):
        refuse_other_basis()


def test_a_process_that_started_while_the_database_was_away_closes_no_month(closed, settings, monkeypatch):
    move(settings)

    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(starting, "basis_differs", away)
    refuse_other_basis()
    with pytest.raises(BasisDiffers):
        close_month(actor=SYSTEM, month=OCTOBER, now=NOW)


def test_an_accepted_change_leaves_closed_figures_and_lists_months_that_would_have_others(closed, settings):
    with pytest.raises(CommandError, match="nothing to change"):
        call_command("acceptzone", by="Ada", reason="None")
    move(settings)
    said = StringIO()
    call_command("acceptzone", by="Ada", reason="The operator moved to Hamburg", stdout=said)
    assert "1 closed month keeps its figures" in said.getvalue()
    refuse_other_basis()
    entry = Entry.objects.get(subject_type="operator.basis", action="changed")
    assert (entry.actor_name, entry.reason) == ("Ada", "The operator moved to Hamburg")
    assert entry.changes == {"time_zone": ["Asia/Shanghai", "Europe/Berlin"]}
    judge_due_months(now=NOW)
    assert RegionMonth.objects.get(month=on("2026-09-01")).unavailable_minutes == 20
    assert Deviation.objects.get().month == on("2026-09-01")


def test_what_is_on_record_of_the_operator_stays(closed):
    an_operator(logo=a_logo())
    for row, values in ((Identity, {"name": "Another"}), (Logo, {"width": 1}), (Basis, {"time_zone": "UTC"})):
        rows = row.objects.all()
        for change in (
            lambda rows=rows, values=values: rows.update(**values),
            lambda rows=rows: rows._raw_delete(rows.db),
        ):
            with pytest.raises(IntegrityError, match="is_only_added_to"), transaction.atomic():
                change()
