"""What was sent, closed, granted and published stays: the database refuses to change, delete and empty it."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from sla_portal.availability.models import ClosingRequest, MonthClosing
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery, Notice
from tests.support.builders import a_customer, a_region, at, numbers, on

pytestmark = pytest.mark.django_db

NOW, LATER = at("2026-09-01 08:00"), at("2026-09-01 09:00")


def told() -> Notice:
    return Notice.objects.create(number=f"N-2026-{next(numbers)}", kind="announcement", given_at=NOW)


def delivery(**values) -> Delivery:
    customer = a_customer(a_region())
    contact = Contact.objects.create(customer=customer, email="ann@example.com")
    given = {"notice": told(), "contact": contact, "email": "ann@example.com", "language": "en", "next_attempt_at": NOW}
    return Delivery.objects.create(**given | values)


def refused(rows, **values) -> bool:
    try:
        with transaction.atomic():
            rows.update(**values) if values else rows._raw_delete(rows.db)
    except IntegrityError as error:
        return "is_only_added_to" in str(error)
    return False


def test_what_a_delivery_says_and_to_whom_stays():
    sent = delivery()
    row = Delivery.objects.filter(pk=sent.pk)
    other = Contact.objects.create(customer=sent.contact.customer, email="eve@example.com")
    for values in (
        {"email": "eve@example.com"},
        {"name": "Eve"},
        {"language": "zh-hans"},
        {"notice": told()},
        {"contact": other},
    ):
        assert refused(row, **values), values
    assert refused(row)
    sent.contact.delete()
    sent.refresh_from_db()
    assert (sent.contact, sent.email) == (None, "ann@example.com")
    assert refused(row, contact=other)


def test_when_a_delivery_was_accepted_stays():
    row = Delivery.objects.filter(pk=delivery().pk)
    row.update(status="sent", sent_at=NOW, handed_over_at=NOW)
    for values in ({"sent_at": LATER}, {"handed_over_at": None}, {"sent_at": LATER, "status": "bounced"}):
        assert refused(row, **values), values
    row.update(status="bounced")
    assert refused(row, sent_at=LATER)


def test_a_delivery_that_bounced_is_handed_over_anew():
    row = Delivery.objects.filter(pk=delivery(status="bounced", sent_at=NOW, handed_over_at=NOW).pk)
    row.update(status="pending", handed_over_at=None)
    row.update(status="unknown", handed_over_at=LATER)
    row.update(status="sent", sent_at=LATER)
    assert row.get().sent_at == LATER


def test_a_closing_stays():
    MonthClosing.objects.create(month=on("2026-09-01"), closed_at=NOW, closed_by_name="legal")
    assert refused(MonthClosing.objects.all(), closed_by_name="Mallory")
    assert refused(MonthClosing.objects.all())


def test_a_closing_request_stays_once_it_is_decided():
    ClosingRequest.objects.create(month=on("2026-09-01"), digest="0" * 64, requested_at=NOW, requested_by_name="legal")
    ClosingRequest.objects.update(status="withdrawn", decided_at=LATER, decided_by=User.objects.create_user("ann"))
    assert refused(ClosingRequest.objects.all(), status="pending", decided_at=None)
    assert refused(ClosingRequest.objects.all())


def tables_with(trigger: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE tgname LIKE %s",
            [f"%{trigger}"],
        )
        return sorted(name for (name,) in cursor.fetchall())


@pytest.mark.postgresql
def test_postgresql_refuses_to_empty_whatever_it_refuses_to_delete():
    kept = tables_with("_is_never_deleted")
    assert "audit_entry" in kept
    assert set(kept) <= set(tables_with("_is_never_emptied"))
    for table in kept:
        with pytest.raises(IntegrityError, match="_is_never_emptied"), transaction.atomic():
            connection.cursor().execute(f"TRUNCATE {table} CASCADE")
