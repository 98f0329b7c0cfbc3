"""Time caused by one customer (4.2 to 4.9): its month with and without it, before confirmation."""

import pytest

from sla_portal.availability.models import Exclusion
from sla_portal.availability.queries import customer_month, region_month
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_contract, a_customer, a_region, an_outage, at

pytestmark = pytest.mark.django_db
NOW = at("2026-10-20 00:00")
SEPTEMBER = ServiceMonth(2026, 9)


@pytest.fixture
def customers():
    region = a_region()
    found = [a_customer(region, code) for code in ("C-1", "C-2")]
    for customer in found:
        a_contract(customer, "2026-01-01", "2026-12-31")
    an_outage(region, "2026-09-10 01:00", "2026-09-10 02:00")
    return found


def own(customer, status: str) -> Exclusion:
    return Exclusion.objects.create(
        customer=customer,
        clause="4.5",
        starts_at=at("2026-09-10 01:15"),
        ends_at=at("2026-09-10 02:00"),
        reason="Its router was off",
        status=status,
    )


def counted(customer, **decisions) -> int:
    return customer_month(customer, SEPTEMBER, NOW, **decisions).figures.unavailable_minutes


def test_a_proposal_changes_nothing_but_previews_its_effect(customers):
    mine, _other = customers
    proposed = own(mine, "proposed")
    assert counted(mine) == 60
    assert counted(mine, as_if_confirmed=[proposed]) == 15


def test_a_confirmed_exclusion_previews_its_revocation(customers):
    mine, _other = customers
    confirmed = own(mine, "confirmed")
    assert counted(mine) == 15
    assert counted(mine, as_if_revoked=[confirmed]) == 60


def test_it_affects_neither_the_region_nor_another_customer(customers):
    mine, other = customers
    confirmed, proposed = own(mine, "confirmed"), own(mine, "proposed")
    assert counted(other) == 60
    assert counted(other, as_if_confirmed=[confirmed, proposed]) == 60
    assert region_month(mine.region, SEPTEMBER, NOW).figures.unavailable_minutes == 60
