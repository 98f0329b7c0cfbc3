"""What was set up and never used can be removed; what something rests on cannot, and the page says what does."""

import threading
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction
from django.urls import reverse

from sla_portal.audit.admin import AuditedModelAdmin
from sla_portal.audit.models import ClosedMonth, Entry
from sla_portal.availability.models import MonthClosing, RegionMonth
from sla_portal.availability.operations import judge_due_months
from sla_portal.customers.models import Client, Contact, CoreFunction, Customer, Region
from sla_portal.staff import removal
from tests.support.builders import a_contract, a_customer, a_region, an_outage, at, on
from tests.support.desk import a_member, signed_in, text_of
from tests.support.races import at_once

NOW = at("2026-09-20 12:00")


def delete_page(row: models.Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk])


def remove(desk, row: models.Model):
    return desk.post(delete_page(row), {"post": "yes", "why": "Never used"})


@pytest.fixture
def desk():
    return signed_in(a_member("Administrator"))


@pytest.mark.django_db
def test_what_nothing_rests_on_is_removed_and_recorded(desk):
    region = a_region("void")
    customer = a_customer(region)
    Contact.objects.create(customer=customer, email="ann@example.com")
    contract = a_contract(customer, "2026-09-01", "2027-08-31")
    judge_due_months(now=NOW)
    assert RegionMonth.objects.filter(region=region).exists()
    function = CoreFunction.objects.create(code="lift", name="Lift")
    client = Client.objects.create(code="watch", name="Watch")
    person = a_member("NOC", "never")
    for row in (contract, customer, region, function, client, person):
        assert "The following will be deleted" in text_of(desk.get(delete_page(row))), row
        assert remove(desk, row).status_code == 302, row
        assert not type(row).objects.filter(pk=row.pk).exists()
        entry = Entry.objects.get(action="deleted", subject_type=row._meta.label_lower, subject_id=str(row.pk))
        assert entry.reason == "Never used"
        assert "password" not in entry.changes
    assert Entry.objects.get(action="deleted", subject_type="customers.customer").changes["contacts"] == [
        ["ann@example.com"], None,
    ]  # fmt: skip


@pytest.mark.django_db
def test_the_page_says_what_rests_on_a_record_and_removes_nothing(desk):
    region = a_region("eu")
    customer = a_customer(region, "C-7")
    contract = a_contract(customer, "2026-01-01", "2026-12-31")
    an_outage(region, "2026-09-10 01:00", "2026-09-10 01:10", functions=("login",), clients=("app",))
    admin = User.objects.get(username="administrator")
    ClosedMonth.objects.create(month=on("2026-03-01"))
    MonthClosing.objects.create(month=on("2026-03-01"), closed_at=NOW, closed_by_name="legal")
    # Added since the month was closed, so that nothing of it rests on it
    desk.post(reverse("admin:customers_client_add"), {"code": "watch", "name": "Watch", "position": "9"})
    login = CoreFunction.objects.get(code="login")
    said = {
        region: ["Customers : 1", "Outages : 1"],
        customer: ["Contracts : 1"],
        contract: ["Month closings : 1"],
        login: ["Outages : 1", "Month closings : 1"],
        Client.objects.get(code="web"): ["Month closings : 1"],
        admin: [
            "Audit log : 1",
            "You are signed in with this account. Another administrator removes it.",
            "The audit log and what this person did stay.",
        ],
    }
    for row, sentences in said.items():
        page = desk.get(delete_page(row))
        shown = text_of(page).partition("records rest on it: ")[2].partition(" Back ")[0]
        assert shown.startswith(" ".join(sentences)), row
        assert remove(desk, row).status_code == 200
        assert type(row).objects.filter(pk=row.pk).exists()
    assert (
        f"{reverse('admin:customers_customer_changelist')}?region=eu" in desk.get(delete_page(region)).content.decode()
    )
    assert (
        f"{reverse('admin:agreements_contract_changelist')}?q=C-7" in desk.get(delete_page(customer)).content.decode()
    )
    assert remove(desk, Client.objects.get(code="watch")).status_code == 302


@pytest.mark.django_db
@pytest.mark.sqlite
def test_a_reason_is_asked_for_and_a_superuser_is_removed_by_a_superuser(desk):
    region = a_region("void")
    assert desk.post(delete_page(region), {"post": "yes", "why": " "}).status_code == 302
    assert Region.objects.filter(pk=region.pk).exists()
    assert remove(desk, User.objects.create_superuser("root")).status_code == 403
    assert desk.get(reverse("admin:customers_region_delete", args=[10**6])).status_code == 302


@pytest.mark.django_db
def test_nobody_removes_the_own_account(desk):
    own = User.objects.get(username="administrator")
    assert "Another administrator removes it." in text_of(desk.get(delete_page(own)))
    assert remove(desk, own).status_code == 200
    assert User.objects.filter(pk=own.pk).exists()
    assert remove(signed_in(a_member("Administrator", "second")), own).status_code == 302


def race() -> list[object]:
    """One removes a region while another gives it a customer: between what is asked of it and its end."""
    desk, region = signed_in(a_member("Administrator")), a_region("void")
    asked = threading.Event()
    resting_on = removal.resting_on

    def slowly(record, request):
        found = resting_on(record, request)
        asked.set()
        # The other is let in here, where nothing holds it up.
        threading.Event().wait(0.5)
        return found

    def add():
        asked.wait(30)
        return a_customer(region, "C-1")

    with patch.object(removal, "resting_on", slowly):
        return at_once(lambda: remove(desk, region).status_code, add)


@pytest.mark.django_db(transaction=True)
def test_a_customer_added_while_its_region_is_removed_is_refused():
    removed, added = race()
    assert removed == 302
    assert isinstance(added, IntegrityError)
    assert not Region.objects.filter(code="void").exists()
    assert not Customer.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_without_the_lock_the_removal_fails_where_nobody_expects_it(monkeypatch):
    """The twin. On SQLite one write lock is for all."""
    monkeypatch.setattr(removal.Removable, "get_object", AuditedModelAdmin.get_object)
    removed, added = race()
    assert isinstance(removed, IntegrityError)
    assert isinstance(added, Customer)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_a_record_that_is_in_use_is_not_waited_for():
    """Whoever holds its lock may wait for that of the audit log, which the removal holds."""
    desk, region = signed_in(a_member("Administrator")), a_region("void")
    held, answered = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Region.objects.select_for_update(no_key=True).get()
            held.set()
            answered.wait(30)

    def take_away():
        held.wait(30)
        answer = remove(desk, region)
        answered.set()
        return answer.headers["Location"]

    _none, led = at_once(hold, take_away)
    assert led == delete_page(region)
    assert "in use at this moment" in text_of(desk.get(led))
    assert Region.objects.count() == 1
