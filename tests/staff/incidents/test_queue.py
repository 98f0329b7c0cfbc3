"""The classification queue."""

import pytest

from tests.support.builders import an_exclusion, an_incident, at
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db

QUEUE = "/admin/availability/queue/"


def test_incidents_and_exclusions_are_listed_oldest_first():
    an_incident("INC-3", detected_at=at("2026-09-12 01:00"))
    an_incident("INC-1", detected_at=at("2026-09-10 01:00"), resolved_at=at("2026-09-10 02:00"))
    ours = an_incident("INC-0", detected_at=at("2026-09-01 01:00"), attributable=True)
    under_section_4 = an_incident("INC-2", detected_at=at("2026-09-02 01:00"), attributable=False)
    an_exclusion(under_section_4, status="proposed", proposed_at=at("2026-09-11 01:00"))
    an_exclusion(under_section_4, status="rejected", proposed_at=at("2026-09-09 01:00"))
    page = text_of(signed_in(a_member("Legal")).get(QUEUE))
    assert page.index("INC-1") < page.index("4.10 · INC-2") < page.index("INC-3")
    assert page.count("INC-2") == 1
    assert ours.reference not in page


def test_an_empty_queue_says_what_is_listed_there():
    assert "The queue is empty." in text_of(signed_in(a_member("NOC")).get(QUEUE))


@pytest.mark.parametrize("rows", [2, 40])
def test_the_queue_takes_a_fixed_number_of_queries(rows, django_assert_max_num_queries):
    for number in range(rows):
        an_exclusion(
            an_incident(f"INC-{number}", attributable=None), status="proposed", proposed_at=at("2026-09-11 01:00")
        )
    legal = signed_in(a_member("Legal"))
    with django_assert_max_num_queries(12):
        legal.get(QUEUE)
