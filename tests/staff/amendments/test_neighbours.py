"""What a draft is compared with, and its neighbours in time."""

import pytest
import time_machine
from django.urls import reverse

from tests.support.amendments import a_draft, announced
from tests.support.builders import at
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def lea():
    with time_machine.travel(at("2026-06-01 04:00"), tick=False):
        yield signed_in(a_member("Legal", "lea"))


def test_a_version_that_governs_two_days_is_asked_about(lea):
    announced()
    page = reverse("admin:submit_amendment", args=[a_draft("3.0", voucher_valid_months=6).pk])
    meant = {"effective_on": "2026-07-04", "effective_on-meant": "2026-07-04"}
    assert "2.0 2026-07-02 – 2026-07-03 2" in text_of(lea.get(page, meant))
    asked = lea.post(page, {"effective_on": "2026-07-04"})
    assert asked.status_code == 422
    sentence = "Version 2.0 would be in force for 2 days only, from 2026-07-02 to 2026-07-03. Is this date meant?"
    assert sentence in text_of(asked)
    assert lea.post(page, meant).status_code == 302


def test_a_draft_is_compared_with_its_basis_or_with_any_other_version(lea):
    announced(a_draft(availability_target="99.9", voucher_valid_months=6))
    draft = a_draft("3.0", availability_target="99.995")
    page = reverse("admin:amendment", args=[draft.pk])
    assert "1 clause and 1 term differ from version 2.0." in text_of(lea.get(page))
    assert "2 clauses and 2 terms differ from version 1.0." in text_of(lea.get(page, {"against": "1.0"}))
    assert lea.get(page, {"against": "9.9\0"}).status_code == 200
