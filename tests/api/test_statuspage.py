"""The read API, in the shape that clients of status pages already speak."""

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import settings

from incidents.models import Incident
from tests.conftest import forget_what_is_kept
from tests.support.builders import a_region, a_window, an_incident, an_outage, at
from tests.support.public import NOW, a_resolved_incident, everything, said

pytestmark = pytest.mark.django_db

SHAPES = {
    "summary.json": {"page", "components", "incidents", "scheduled_maintenances", "status"},
    "status.json": {"page", "status"},
    "components.json": {"page", "components"},
    "incidents.json": {"page", "incidents"},
    "incidents/unresolved.json": {"page", "incidents"},
    "scheduled-maintenances.json": {"page", "scheduled_maintenances"},
    "scheduled-maintenances/upcoming.json": {"page", "scheduled_maintenances"},
    "scheduled-maintenances/active.json": {"page", "scheduled_maintenances"},
}
PAGE = {"id", "name", "url", "time_zone", "updated_at"}
COMPONENT = {
    "id", "name", "status", "created_at", "updated_at", "position", "description", "showcase", "start_date",
    "group_id", "page_id", "group", "only_show_if_degraded",
}  # fmt: skip
INCIDENT = {
    "id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact", "shortlink",
    "started_at", "page_id", "incident_updates", "components",
}  # fmt: skip
UPDATE = {
    "id", "status", "body", "incident_id", "created_at", "updated_at", "display_at", "affected_components",
    "deliver_notifications", "custom_tweet", "tweet_id",
}  # fmt: skip
IDENTITY = re.compile(r"[0-9b-df-hj-np-tv-z]{12}")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def answer(client, path: str) -> dict:
    response = client.get(f"/api/v2/{path}")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json; charset=utf-8"
    return response.json()


def instants(said: object) -> list[object]:
    if isinstance(said, dict):
        mine = [value for key, value in said.items() if key.endswith(("_at", "_for", "_until")) and value is not None]
        return mine + [one for value in said.values() for one in instants(value)]
    return [one for value in said for one in instants(value)] if isinstance(said, list) else []


@pytest.mark.parametrize("path", SHAPES)
def test_every_answer_has_the_documented_fields(client, path):
    everything()
    said = answer(client, path)
    assert set(said) == SHAPES[path]
    assert set(said["page"]) == PAGE
    assert (said["page"]["url"], said["page"]["time_zone"]) == (settings.SITE_URL, "Asia/Shanghai")
    for component in said.get("components", []):
        assert set(component) - {"components"} == COMPONENT
    for one in [*said.get("incidents", []), *said.get("scheduled_maintenances", [])]:
        planned = {"scheduled_for", "scheduled_until"} if one["impact"] == "maintenance" else {"reminder_intervals"}
        assert set(one) == INCIDENT | planned
        assert one["incident_updates"]
        for update in one["incident_updates"]:
            assert set(update) == UPDATE
            assert update["incident_id"] == one["id"]
    found = instants(said)
    assert all(STAMP.fullmatch(one) for one in found), found
    assert all(IDENTITY.fullmatch(one) for one in re.findall(r'"(?:id|page_id|group_id)": "([^"]*)"', str(said)))


@pytest.mark.parametrize("path", SHAPES)
def test_a_portal_with_nothing_on_record_answers_in_the_same_shape(client, path):
    assert set(answer(client, path)) == SHAPES[path]


def test_a_region_is_a_group_and_its_functions_are_its_components(client):
    everything()
    components = answer(client, "components.json")["components"]
    groups = {one["name"]: one for one in components if one["group"]}
    assert list(groups) == ["Asia", "Europe"]
    asia = [one for one in components if one["group_id"] == groups["Asia"]["id"]]
    assert [one["name"] for one in asia] == [
        "Asia – Login", "Asia – Audio and video calls", "Asia – Video preview", "Asia – Door opening",
    ]  # fmt: skip
    assert len({one["name"] for one in components}) == len(components)
    assert [one["position"] for one in asia] == [1, 2, 3, 4]
    assert groups["Asia"]["components"] == [one["id"] for one in asia]
    assert asia[0]["status"] == "partial_outage"
    assert {one["status"] for one in asia[1:]} == {"under_maintenance"}
    assert groups["Asia"]["status"] == "partial_outage"
    assert groups["Europe"]["status"] == "under_maintenance"


@pytest.mark.parametrize(
    ("functions", "clients", "indicator", "description", "impact"),
    [
        (("login",), ("app",), "minor", "Minor Service Outage", "minor"),
        (("login",), (), "major", "Partial System Outage", "major"),
        ((), (), "critical", "Major Service Outage", "critical"),
    ],
)
def test_the_worst_of_what_is_down_decides_the_rollup(client, functions, clients, indicator, description, impact):
    a_region("asia")
    an_outage(a_region(), "2026-11-22 09:00", None, functions=functions, clients=clients)
    said = answer(client, "summary.json")
    assert said["status"] == {"indicator": indicator, "description": description}
    assert said["incidents"][0]["impact"] == impact


def test_maintenance_in_progress_has_its_own_indicator(client):
    a_window("2026-11-22 09:00", "2026-11-22 11:00", ("2026-11-20 09:00", "2026-11-22 09:00", "2026-11-22 11:00"))
    a_region()
    assert answer(client, "status.json")["status"] == {
        "indicator": "maintenance",
        "description": "Service Under Maintenance",
    }


def test_a_severity_that_a_person_set_decides_for_its_incident(client):
    region = a_region()
    outage = an_outage(region, "2026-11-22 09:00", None)
    Incident.objects.filter(pk=outage.incident_id).update(severity="minor", severity_reason="One tester")
    said = answer(client, "summary.json")
    assert (said["status"]["indicator"], said["incidents"][0]["impact"]) == ("minor", "minor")
    # Its components stay as they are.
    assert {one["status"] for one in said["components"]} == {"major_outage"}


def test_incidents_count_together_for_the_indicator(client):
    region = a_region()
    for client_code in ("app", "device", "web"):
        an_outage(region, "2026-11-22 09:00", None, clients=(client_code,))
    said = answer(client, "summary.json")
    assert said["status"]["indicator"] == "critical"
    assert {one["impact"] for one in said["incidents"]} == {"minor"}


def test_when_nothing_is_down_it_says_so(client):
    a_region()
    a_resolved_incident("2026-11-20 01:00", "2026-11-20 02:00")
    assert answer(client, "status.json")["status"] == {"indicator": "none", "description": "All Systems Operational"}


def test_an_incident_is_told_from_its_beginning_to_its_end(client):
    incident = a_resolved_incident(
        "2026-11-20 01:00", "2026-11-20 01:40", "INC-7", resolved_at=at("2026-11-20 02:00"), title="Internal"
    )
    said(incident, "2026-11-20 01:10", "We look for it.")
    said(incident, "2026-11-20 01:50", "It was a cable.")
    (told,) = answer(client, "incidents.json")["incidents"]
    assert told["name"] == "Major outage in Europe"
    assert told["status"] == "resolved"
    assert told["shortlink"] == f"{settings.SITE_URL}/incidents/INC-7/"
    assert told["started_at"] == told["created_at"] == "2026-11-20T09:00:00.000+08:00"
    assert told["monitoring_at"] == "2026-11-20T09:40:00.000+08:00"
    assert told["resolved_at"] == told["updated_at"] == "2026-11-20T10:00:00.000+08:00"
    assert [(update["status"], update["body"]) for update in told["incident_updates"]] == [
        ("resolved", "Resolved."),
        ("monitoring", "It was a cable."),
        ("monitoring", "It works again."),
        ("investigating", "We look for it."),
        ("investigating", "Major outage in Europe."),
    ]
    assert [component["name"] for component in told["components"]] == [
        "Europe – Login", "Europe – Audio and video calls", "Europe – Video preview", "Europe – Door opening",
    ]  # fmt: skip
    login = told["components"][0]["id"]
    states = [
        [(one["old_status"], one["new_status"]) for one in update["affected_components"] if one["code"] == login]
        for update in told["incident_updates"]
    ]
    up, down = "operational", "major_outage"
    assert states == [[(up, up)], [(up, up)], [(down, up)], [(down, down)], [(up, down)]]
    began = told["incident_updates"][-1]["affected_components"]
    assert {one["name"] for one in began} == {one["name"] for one in told["components"]}


def test_of_updates_at_one_instant_the_later_in_the_course_of_events_stands_first(client):
    a_resolved_incident("2026-11-20 01:00", "2026-11-20 01:40", resolved_at=at("2026-11-20 01:40"))
    (told,) = answer(client, "incidents.json")["incidents"]
    assert [update["status"] for update in told["incident_updates"]] == ["resolved", "monitoring", "investigating"]


def test_what_is_down_again_is_told_by_updates_of_its_own(client):
    incident = a_resolved_incident("2026-11-20 01:00", "2026-11-20 01:40", resolved_at=at("2026-11-20 03:00"))
    an_outage(a_region(), "2026-11-20 01:20", "2026-11-20 01:30", functions=("door",), incident=incident)
    an_outage(a_region(), "2026-11-20 02:00", "2026-11-20 02:30", functions=("login",), incident=incident)
    said(incident, "2026-11-20 01:50", "It was a cable.")
    said(incident, "2026-11-20 02:10", "It is another cable.")
    (told,) = answer(client, "incidents.json")["incidents"]
    assert [(update["status"], update["body"]) for update in reversed(told["incident_updates"])] == [
        ("investigating", f"{told['name']}."),
        ("monitoring", "It works again."),
        ("monitoring", "It was a cable."),
        ("investigating", "It is down again."),
        ("investigating", "It is another cable."),
        ("monitoring", "It works again."),
        ("resolved", "Resolved."),
    ]
    assert len({update["id"] for update in told["incident_updates"]}) == 7
    down_again = told["incident_updates"][-4]
    assert [one["name"] for one in down_again["affected_components"] if one["new_status"] != "operational"] == [
        "Europe – Login"
    ]


def test_a_window_that_is_lengthened_while_it_runs_stays_in_progress(client):
    a_region()
    a_window(
        "2026-11-22 09:00", "2026-11-22 13:00",
        ("2026-11-20 09:00", "2026-11-22 09:00", "2026-11-22 11:00"),
        ("2026-11-22 09:50", "2026-11-22 09:00", "2026-11-22 13:00"),
    )  # fmt: skip
    (told,) = answer(client, "scheduled-maintenances/active.json")["scheduled_maintenances"]
    assert told["status"] == "in_progress"
    assert [update["status"] for update in told["incident_updates"]] == ["in_progress", "in_progress", "scheduled"]
    states = [
        {(one["old_status"], one["new_status"]) for one in update["affected_components"]}
        for update in told["incident_updates"]
    ]
    up, work = "operational", "under_maintenance"
    assert states == [{(work, work)}, {(up, work)}, {(up, up)}]


def test_each_component_has_the_time_of_its_own_newest_change(client):
    an_outage(a_region("asia", name="Asia"), "2026-01-10 01:00", "2026-01-10 01:40", functions=("login",))
    an_outage(a_region(name="Europe"), "2026-11-20 01:00", "2026-11-20 01:40", functions=("door",))
    changed = {one["name"]: one["updated_at"] for one in answer(client, "components.json")["components"]}
    assert changed["Asia – Login"] == changed["Asia"] == "2026-01-10T09:40:00.000+08:00"
    assert changed["Europe – Door opening"] == changed["Europe"] == "2026-11-20T09:40:00.000+08:00"
    assert changed["Europe – Login"] == answer(client, "components.json")["components"][0]["created_at"]


def test_incidents_come_in_pages(client):
    for number in range(1, 6):
        a_resolved_incident(f"2026-11-0{number} 01:00", f"2026-11-0{number} 01:40", f"INC-{number}")

    def references(query: str) -> list[str]:
        return [one["shortlink"].split("/")[-2] for one in answer(client, f"incidents.json{query}")["incidents"]]

    assert references("") == ["INC-5", "INC-4", "INC-3", "INC-2", "INC-1"]
    assert references("?limit=2") == ["INC-5", "INC-4"]
    assert references("?limit=2&page=3") == ["INC-1"]
    assert references("?page=2") == []
    for wrong in ("?limit=0", "?limit=101", "?limit=x", "?page=-1", "?page=99999"):
        refused = client.get(f"/api/v2/incidents.json{wrong}")
        assert (refused.status_code, "must be a whole number" in refused.json()["error"]) == (400, True)


def test_a_page_of_incidents_may_reach_over_two_blocks(client, monkeypatch):
    for module in ("sla_portal.api.views", "sla_portal.website.queries.incidents"):
        monkeypatch.setattr(f"{module}.BLOCK", 2)
    for number in range(1, 6):
        a_resolved_incident(f"2026-11-0{number} 01:00", f"2026-11-0{number} 01:40", f"INC-{number}")
    page = answer(client, "incidents.json?limit=3&page=1")["incidents"]
    assert [one["shortlink"].split("/")[-2] for one in page] == ["INC-5", "INC-4", "INC-3"]


def test_an_incident_and_a_window_are_found_by_their_ids(client):
    everything()
    for one in answer(client, "incidents.json")["incidents"]:
        assert answer(client, f"incidents/{one['id']}.json")["incident"] == one
    for one in answer(client, "scheduled-maintenances.json")["scheduled_maintenances"]:
        assert answer(client, f"incidents/{one['id']}.json")["incident"] == one
    assert client.get("/api/v2/incidents/0123456789bc.json").status_code == 404


def test_what_was_voided_or_merged_is_resolved_with_a_last_update_that_says_so(client):
    everything()
    told = {one["shortlink"].split("/")[-2]: one for one in answer(client, "incidents.json")["incidents"]}
    for reference, at_time, sentence in (
        ("INC-4", "2026-11-20T10:00:00.000+08:00", "This incident was logged by mistake. It does not count."),
        (
            "INC-5",
            "2026-11-22T17:58:00.000+08:00",
            "This incident is a duplicate and was merged into INC-3. It does not count.",
        ),
    ):
        one = told[reference]
        assert (one["status"], one["impact"], one["resolved_at"]) == ("resolved", "none", at_time)
        last = one["incident_updates"][0]
        assert (last["status"], last["body"], last["created_at"]) == ("resolved", sentence, at_time)
    assert [one["shortlink"].split("/")[-2] for one in answer(client, "incidents/unresolved.json")["incidents"]] == [
        "INC-3"
    ]


def test_only_what_is_not_resolved_is_unresolved(client):
    everything()
    assert [one["status"] for one in answer(client, "incidents/unresolved.json")["incidents"]] == ["investigating"]
    assert len(answer(client, "incidents.json")["incidents"]) == 5


def test_what_works_again_and_is_not_closed_is_being_monitored(client):
    incident = an_incident("INC-8", detected_at=at("2026-11-22 09:00"))
    an_outage(a_region(), "2026-11-22 09:00", "2026-11-22 09:30", incident=incident)
    (told,) = answer(client, "incidents/unresolved.json")["incidents"]
    assert (told["status"], told["resolved_at"]) == ("monitoring", None)


def test_a_resolution_before_the_last_outage_ended_is_null(client):
    resolved_at = at("2026-11-20 01:30")
    a_resolved_incident("2026-11-20 01:00", "2026-11-20 01:37", resolved_at=resolved_at, recorded_as_is=True)
    (told,) = answer(client, "incidents.json")["incidents"]
    assert (told["status"], told["resolved_at"]) == ("resolved", None)
    assert [update["status"] for update in told["incident_updates"]] == ["monitoring", "investigating"]


def test_maintenance_is_upcoming_active_or_completed(client):
    everything()

    def names(path: str) -> dict[str, str]:
        return {one["name"]: one["status"] for one in answer(client, path)["scheduled_maintenances"]}

    assert names("scheduled-maintenances/upcoming.json") == {"Database upgrade": "scheduled"}
    assert names("scheduled-maintenances/active.json") == {"Cutover": "in_progress"}
    assert names("scheduled-maintenances.json") == {
        "Database upgrade": "scheduled", "Cutover": "in_progress", "Repair": "completed",
    }  # fmt: skip
    assert {one["name"] for one in answer(client, "summary.json")["scheduled_maintenances"]} == {
        "Database upgrade",
        "Cutover",
    }


def test_a_window_that_was_not_carried_out_is_left_out_as_a_cancelled_one(client):
    a_window(
        "2026-11-22 01:00", "2026-11-22 02:00", ("2026-11-01 08:00", "2026-11-22 01:00", "2026-11-22 02:00"),
        not_carried_out_at=at("2026-11-22 02:30"),
    )  # fmt: skip
    assert answer(client, "scheduled-maintenances/active.json")["scheduled_maintenances"] == []
    assert answer(client, "scheduled-maintenances.json")["scheduled_maintenances"] == []


def test_ids_stay_and_say_nothing(client):
    everything()
    first = answer(client, "incidents.json")
    assert answer(client, "summary.json")["incidents"][0]["id"] == first["incidents"][0]["id"]
    every = re.findall(r"'id': '(.*?)'", str(first))
    assert len(set(every)) > 10
    assert not any("inc" in one.lower() for one in every)


def test_ids_follow_from_the_secret_key(client, settings):
    a_region()
    before = answer(client, "status.json")["page"]["id"]
    settings.SECRET_KEY = "another"
    settings.SITE_URL = "https://elsewhere.example"
    forget_what_is_kept()
    assert answer(client, "status.json")["page"]["id"] != before


@pytest.mark.parametrize("path", SHAPES)
def test_a_client_that_asks_again_is_told_that_nothing_changed(client, today, path):
    everything()
    first = client.get(f"/api/v2/{path}")
    today.shift(timedelta(minutes=3))
    for known in ({"if-none-match": first["ETag"]}, {"if-modified-since": first["Last-Modified"]}):
        again = client.get(f"/api/v2/{path}", headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]


def test_a_change_is_told_within_seconds(client, today):
    a_region()
    first = client.get("/api/v2/summary.json")
    an_outage(a_region(), "2026-11-22 09:59", None)
    today.shift(timedelta(seconds=6))
    known = {"if-none-match": first["ETag"], "if-modified-since": first["Last-Modified"]}
    again = client.get("/api/v2/summary.json", headers=known)
    assert again.json()["status"]["indicator"] == "critical"
    assert datetime.fromisoformat(again.json()["page"]["updated_at"]) == at("2026-11-22 09:59")


@pytest.mark.parametrize("path", [*SHAPES, "nothing.json"])
def test_pages_of_any_website_may_read_it(client, path):
    asked = client.options(f"/api/v2/{path}", headers={"origin": "https://elsewhere.example"})
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "If-None-Match" in asked["Access-Control-Allow-Headers"]
    for response in (
        asked,
        client.get(f"/api/v2/{path}"),
        client.head(f"/api/v2/{path}"),
        client.post(f"/api/v2/{path}"),
    ):
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Set-Cookie" not in response
        assert "Cookie" not in response.get("Vary", "")


def test_answers_may_be_kept_for_seconds(client):
    assert client.get("/api/v2/status.json")["Cache-Control"] == "public, max-age=10"


@pytest.mark.parametrize(
    "path",
    ["/api/v2/nothing.json", "/api/", "/api/v2/", "/api/v9/summary.json", "/api/v2/%00", "/api/v2/summary.json/"],
)
def test_an_unknown_address_is_told_so_in_json(client, path):
    response = client.get(f"/api/{path}")
    assert response.status_code == 404
    assert response.json() == {"error": "There is no such address in this API."}


def test_it_is_only_read(client):
    for method in (client.post, client.put, client.delete, client.patch):
        response = method("/api/v2/status.json")
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert response.json()["error"]


def test_it_speaks_english_whoever_asks(client):
    everything()
    before = client.get("/api/v2/summary.json").content
    assert client.get("/api/v2/summary.json?lang=zh-hans", headers={"accept-language": "zh"}).content == before
