"""loadhistory: times out of order (2.2) are refused, or taken as recorded where that is asked for."""

import json

import pytest

from incidents.models import Incident
from tests.support.histories import dumped, example, incident, loaded, outage, smallest

from .test_refusals import refused

pytestmark = pytest.mark.django_db

OUT_OF_ORDER = [
    (
        {"acknowledged_at": "2026-09-10T01:02:02Z"},
        ["incidents[0].acknowledged_at: It must not lie before detected_at (2026-09-10T01:02:03Z), but is "
         "2026-09-10T01:02:02Z."],
    ),
    (
        {"resolved_at": "2026-09-10T01:02:02Z", "outages": []},
        ["incidents[0].resolved_at: It must not lie before detected_at (2026-09-10T01:02:03Z), but is "
         "2026-09-10T01:02:02Z."],
    ),
    (
        {"acknowledged_at": "2026-09-10T09:45:00+08:00"},
        ["incidents[0].resolved_at: It must not lie before acknowledged_at (2026-09-10T01:45:00Z), but is "
         "2026-09-10T01:40:00Z."],
    ),
    (
        {"outages": [outage("2026-09-10T01:00:00Z", "2026-09-10T01:40:00Z"),
                     outage("2026-09-10T01:00:00Z", "2026-09-10T01:40:01Z"), outage("2026-09-10T01:00:00Z", None)]},
        ["incidents[0].outages[1].ended_at: It must not lie after resolved_at (2026-09-10T01:40:00Z), but is "
         "2026-09-10T01:40:01Z.",
         "incidents[0].outages[2].ended_at: The incident is resolved (2026-09-10T01:40:00Z): its outages have ended."],
    ),
]  # fmt: skip


def with_times(changes: dict[str, object]) -> dict:
    document = example()
    document["incidents"][0] |= changes
    return document


@pytest.mark.parametrize(("changes", "sentences"), OUT_OF_ORDER)
def test_times_out_of_order_are_refused_with_their_path(tmp_path, changes, sentences):
    assert refused(tmp_path, with_times(changes)) == sentences


@pytest.mark.parametrize(("changes", "_sentences"), OUT_OF_ORDER)
def test_times_out_of_order_are_taken_as_recorded_where_that_is_asked_for(tmp_path, changes, _sentences):
    document = with_times(changes)
    loaded(tmp_path, document, "--as-recorded")
    assert Incident.objects.out_of_order().get().reference == "INC-1"
    assert "already" in loaded(tmp_path, document, "--as-recorded")
    dump = dumped()
    assert refused(tmp_path, dump.encode())
    loaded(tmp_path, example())
    assert not Incident.objects.out_of_order().exists()
    loaded(tmp_path, dump.encode(), "--as-recorded")
    assert dumped() == dump
    assert Incident.objects.out_of_order().exists()


def test_of_a_file_taken_as_recorded_what_is_in_order_stays_bound_to_it(tmp_path):
    document = with_times({"acknowledged_at": "2026-09-10T01:02:02Z"})
    document["incidents"].append(incident("INC-2", outage("2026-09-10T01:00:00Z", "2026-09-10T01:10:00Z")))
    loaded(tmp_path, document, "--as-recorded")
    assert Incident.objects.out_of_order().get().reference == "INC-1"


def test_incident_and_outages_change_together(tmp_path):
    """Later and earlier, open and over: whichever is written first, the order holds at the end."""
    ends = ["2026-09-10T01:10:00Z", "2026-09-10T01:20:00Z", None, "2026-09-10T01:05:00Z"]
    for end in ends:
        loaded(tmp_path, smallest(
            regions=[{"code": "eu", "name": "Europe"}], incidents=[incident("INC-1", outage("2026-09-10T01:00:00Z", end))]
        ))  # fmt: skip
        assert json.loads(dumped())["incidents"][0]["resolved_at"] == end
    assert not Incident.objects.out_of_order().exists()
