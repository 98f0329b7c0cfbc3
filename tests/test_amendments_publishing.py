"""Thirty days' notice: who is told, from when it holds, and that nothing changes afterwards (5.2)."""

import pytest

from sla_portal.notices.models import Delivery

from .amendments import announced
from .builders import a_contract, a_customer, a_region

pytestmark = pytest.mark.django_db


def test_smoke():
    c = a_customer(a_region())
    c.contacts.create(email="a@example.com")
    a_contract(c, "2026-01-01", "2026-12-31")
    v = announced()
    assert Delivery.objects.count() == 1
    for w in v.notice.wordings.all():
        print(w.subject, w.text, w.html, sep="\n")
