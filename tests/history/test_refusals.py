"""loadhistory: what is refused, with which error."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from claims.models import Claim
from incidents.models import Incident
from maintenance.models import AnnouncementRequest, MaintenanceWindow
from sla_portal.audit.models import ClosedMonth, Entry
from sla_portal.availability.models import Exclusion
from sla_portal.customers.models import Region
from sla_portal.history.reader import NotAHistory, read
from tests.support.amendments import announced
from tests.support.builders import at
from tests.support.claimants import a_claim, a_claimant
from tests.support.histories import (
    HOSTILE,
    KEYS,
    changed,
    dumped,
    example,
    exclusion,
    incident,
    loaded,
    outage,
    smallest,
)

pytestmark = pytest.mark.django_db
MAY_MISS = {
    "functions", "clients", "regions", "agreements", "maintenance[0].functions", "maintenance[0].clients",
    "maintenance[0].regions", "maintenance[0].completed_at", "maintenance[0].not_carried_out_at",
    "incidents[0].outages[0].functions", "incidents[0].outages[0].clients",
}  # fmt: skip


def refused(folder, document) -> list[str]:
    """The lines with which a document is refused; nothing of it may be on record."""
    before = dumped()
    with pytest.raises(CommandError) as error:
        loaded(folder, document)
    assert dumped() == before
    *lines, last = str(error.value).splitlines()
    assert last == "Nothing was loaded."
    return lines


@pytest.mark.parametrize("path", [path for path in KEYS if path not in MAY_MISS])
def test_a_missing_key_is_named(tmp_path, path):
    assert f"{path}: This key is missing." in refused(tmp_path, changed(path, ...))


@pytest.mark.parametrize("path", KEYS)
def test_an_unknown_key_is_named(tmp_path, path):
    assert refused(tmp_path, changed(f"{path}_", 1)) == [f"{path}_: This key is not known here."]


@contextmanager
def undone(value: object) -> Iterator[None]:
    """Take back what the block loads; where it fails, say of which value."""
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    except Exception as error:
        error.add_note(f"The value is {value!a}.")
        raise


@pytest.mark.parametrize("path", KEYS)
def test_any_value_anywhere_is_loaded_or_refused_with_its_path(tmp_path, path):
    for value in HOSTILE:
        with undone(value):
            try:
                loaded(tmp_path, changed(path, value))
            except CommandError as error:
                first = str(error).splitlines()[0]
                assert ": " in first
                assert first.encode()
            else:
                again = dumped()
                assert "already" in loaded(tmp_path, again.encode())


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            "format",
            "sla-portal-history/2",
            'format: One of sla-portal-history/1 is wanted here, not "sla-portal-history/2".',
        ),
        ("incidents", {}, "incidents: A list is wanted here, not an object."),
        ("incidents[0]", 7, "incidents[0]: An object is wanted here, not 7."),
        ("incidents[0].title", None, "incidents[0].title: Text is wanted here, not null."),
        ("incidents[0].title", "  ", "incidents[0].title: This must not be empty."),
        ("incidents[0].reference", "I" * 41, "incidents[0].reference: At most 40 characters fit here, not 41."),
        ("incidents[0].attributable", 1, "incidents[0].attributable: true, false or null is wanted here, not 1."),
        (
            "incidents[0].outages[0].ended_at",
            "2026-09-10T01:02:03Z",
            "incidents[0].outages[0].ended_at: It must lie after started_at (2026-09-10T01:02:03Z), but is 2026-09-10T01:02:03Z.",
        ),
        (
            "incidents[0].detected_at",
            "2026-09-10T01:02:03",
            (
                "incidents[0].detected_at: Write an instant with its offset, such as 2026-09-10T01:02:03Z or "
                "2026-09-10T09:02:03+08:00."
            ),
        ),
        (
            "incidents[0].detected_at",
            "2026-09-10T01:02:03.5Z",
            "incidents[0].detected_at: Times carry whole seconds; 2026-09-10T01:02:03.5Z has a fraction of one.",
        ),
        (
            "incidents[0].detected_at",
            "2026-09-10T24:00:00Z",
            "incidents[0].detected_at: There is no such instant as 2026-09-10T24:00:00Z.",
        ),
        (
            "incidents[0].detected_at",
            "1066-10-14T09:00:00Z",
            "incidents[0].detected_at: The years from 1900 to 9998 can be recorded, not 1066.",
        ),
        (
            "incidents[0].outages[0].region",
            "mars",
            'incidents[0].outages[0].region: Neither the file nor the portal has a region "mars".',
        ),
        (
            "incidents[0].outages[0].functions",
            ["login", "tea"],
            'incidents[0].outages[0].functions[1]: Neither the file nor the portal has a core function "tea".',
        ),
        (
            "incidents[0].outages[0].clients",
            ["app", "app"],
            'incidents[0].outages[0].clients[1]: "app" stands at incidents[0].outages[0].clients[0] already.',
        ),
        (
            "incidents[0].exclusions[0].third_party",
            None,
            "incidents[0].exclusions[0].third_party: Clause 4.11 needs it.",
        ),
        (
            "incidents[0].exclusions[0].maintenance",
            "MW-1",
            "incidents[0].exclusions[0].maintenance: It belongs with clause 4.1 alone, not with 4.11.",
        ),
        (
            "incidents[0].exclusions",
            [exclusion("4.1", maintenance="MW-9")],
            'incidents[0].exclusions[0].maintenance: Neither the file nor the portal has a maintenance window "MW-9".',
        ),
        (
            "incidents[0].exclusions",
            [exclusion("4.1", maintenance=None)],
            "incidents[0].exclusions[0].maintenance: Clause 4.1 needs it.",
        ),
        (
            "incidents[0].exclusions",
            [exclusion("4.2", starts_at="2026-09-10T02:00:00Z", ends_at="2026-09-10T02:00:00Z")],
            (
                "incidents[0].exclusions[0].ends_at: It must lie after starts_at (2026-09-10T02:00:00Z), "
                "but is 2026-09-10T02:00:00Z."
            ),
        ),
        (
            "maintenance[0].notices[0].ends_at",
            None,
            "maintenance[0].notices[0].ends_at: A notice announces a start and an end or, to cancel, neither.",
        ),
        (
            "customers[0].contacts",
            ["ops@example.com", "OPS@Example.com"],
            'customers[0].contacts[1]: "ops@example.com" stands at customers[0].contacts[0] already.',
        ),
        ("customers[0].contacts", ["ops"], 'customers[0].contacts[0]: "ops" is not an e-mail address.'),
        (
            "customers[0].contracts[0].ends_on",
            "2025-12-31",
            "customers[0].contracts[0].ends_on: It must not lie before starts_on (2026-01-01), but is 2025-12-31.",
        ),
        (
            "customers[0].contracts[0].terminated_on",
            "2027-01-01",
            (
                "customers[0].contracts[0].terminated_on: A contract ends early within its days, 2026-01-01 to 2026-12-31, not "
                "on 2027-01-01."
            ),
        ),
        (
            "customers[0].contracts[0].starts_on",
            "2026-02-30",
            "customers[0].contracts[0].starts_on: There is no day 2026-02-30.",
        ),
        (
            "customers[0].contracts[0].trial_days",
            True,
            "customers[0].contracts[0].trial_days: A whole number from 0 to 32767 is wanted here, not true.",
        ),
        (
            "customers[0].contracts[0].monthly_charge",
            "4.9e1",
            (
                "customers[0].contracts[0].monthly_charge: A decimal such as 49.00 is wanted here, of at most nine digits and "
                'four decimals, not "4.9e1".'
            ),
        ),
        (
            "customers[0].contracts[0].currency",
            "EUX",
            "customers[0].contracts[0].currency: EUX is no currency of ISO 4217.",
        ),
        (
            "customers[0].contracts[0].currency",
            "HRK",
            "customers[0].contracts[0].currency: HRK was withdrawn on 2023-01-14, before the contract began.",
        ),
        (
            "customers[0].contracts[0].payments[0].amount",
            "49.0010",
            "customers[0].contracts[0].payments[0].amount: EUR has no smaller unit than 0.01, but this is 49.001.",
        ),
        (
            "customers[0].contracts[0].monthly_charge",
            "-1",
            "customers[0].contracts[0].monthly_charge: This must not be negative; it is -1.",
        ),
        (
            "agreements[0].availability_target",
            "100.1",
            (
                "agreements[0].availability_target: A percentage such as 99.99 is wanted here, from 0 to 100 with at most five "
                'decimals, not "100.1".'
            ),
        ),
        (
            "regions[0]",
            {"code": "eu", "name": "Europe", "first_service_day": "2026-02-01", "last_service_day": "2026-01-31"},
            "regions[0].last_service_day: It must not lie before first_service_day (2026-02-01), but is 2026-01-31.",
        ),
        (
            "regions[0].code",
            "e u",
            'regions[0].code: A code has 1 to 40 letters, digits, dots, hyphens and underscores; "e u" is none.',
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_path_and_a_sentence(tmp_path, path, value, sentence):
    assert sentence in refused(tmp_path, changed(path, value))


NO_OTHER_TYPE = {
    "customers[0].contracts[0].trial_days": ["31", 31.0, "1_000", None],
    "customers[0].contracts[0].monthly_charge": [
        49,
        49.0,
        " 49",
        "49 ",
        "49.00\n",
        "1_000",
        "4٩",
        "+49",
        ".5",
        "NaN",
        "49.00001",
    ],
    "customers[0].contracts[0].currency": ["EUR\n", "EURO", 978],
    "customers[0].contracts[0].starts_on": [
        0,
        1767225600,
        "2026-1-1",
        "2026-01-01\n",
        "2026-01-01T00:00:00",
        "20260101",
    ],
    "agreements[0].availability_target": [99.99, " 99.99", "99.99%", "1_0", "100.00001"],
    "incidents[0].detected_at": [0, 1789002123, "1789002123", "2026-09-10T01:02:03Z\n", "2026-09-10 01:02:03Z", "now"],
    "incidents[0].attributable": [0, 1, "true", "yes", [], 1.0],
    "incidents[0].source": [None, 1, "Monitoring", "monitoring "],
    "regions[0].code": ["eu\n", " eu", 7],
    "incidents[0].outages": [None, "", {}, "[]"],
    "incidents[0].outages[0].functions": [None, "login", {"login": 1}],
    "customers[0]": [None, [], [["code", "C-001"]]],
}


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path, values in NO_OTHER_TYPE.items() for value in values]
)
def test_no_value_is_taken_for_one_of_another_type(path, value):
    with pytest.raises(NotAHistory) as error:
        read(json.dumps(changed(path, value)).encode())
    (line,) = error.value.errors
    assert line.startswith(f"{path}: ")
    assert re.search(r"wanted here|such as EUR| is none\.|with its offset", line)


def test_an_incident_that_is_not_ours_needs_an_exclusion(tmp_path):
    document = changed("incidents[0].attributable", False)
    document["incidents"][0]["exclusions"] = []
    assert refused(tmp_path, document) == [
        "incidents[0].exclusions: An incident that is not attributable to us has at least one exclusion."
    ]


@pytest.mark.parametrize(
    "kind", ["functions", "clients", "regions", "customers", "maintenance", "incidents", "agreements"]
)
def test_a_code_or_reference_is_unique(tmp_path, kind):
    document = example()
    document[kind].append(document[kind][0])
    key = next(iter(document[kind][0]))
    last = len(document[kind]) - 1
    assert any(
        line.startswith(f"{kind}[{last}].{key}: ") and f"at {kind}[0].{key} already" in line
        for line in refused(tmp_path, document)
    )


def test_two_versions_do_not_take_effect_on_one_day(tmp_path):
    version = example()["agreements"][0]
    assert refused(tmp_path, smallest(agreements=[version, version | {"version": "2.0"}])) == [
        'agreements[1].effective_on: "2024-01-01" stands at agreements[0].effective_on already.'
    ]


def test_a_contract_of_another_customer_is_not_taken_over(tmp_path):
    loaded(tmp_path, example())
    assert refused(tmp_path, changed("customers[0].code", "C-002")) == [
        'customers[0].contracts[0].reference: "K-001" is on record as a contract of customer C-001.'
    ]


def test_an_exclusion_with_evidence_is_not_removed(tmp_path):
    loaded(tmp_path, example())
    Exclusion.objects.get().files.create(
        name="status.pdf", file="evidence/1", size=1, sha256="0" * 64, added_at=datetime.now(UTC), added_by_name="Ada"
    )
    assert refused(tmp_path, changed("incidents[0].exclusions", [])) == [
        (
            "incidents[0].exclusions: On record is one under 4.11 with sealed evidence; it cannot be taken away. Name it "
            "with the status it has by now."
        )
    ]


def test_an_incident_that_was_voided_or_merged_here_is_not_loaded_again(tmp_path):
    loaded(tmp_path, example())
    file = dumped().encode()
    found = Incident.objects.get(reference="INC-1")
    other = Incident.objects.create(reference="INC-2", title="The same", detected_at=found.detected_at)
    Incident.objects.filter(pk=found.pk).update(voided_at=found.detected_at)
    assert refused(tmp_path, file) == ['incidents[0].reference: Incident "INC-1" was voided here.']
    Incident.objects.filter(pk=found.pk).update(merged_into=other)
    assert refused(tmp_path, file) == ['incidents[0].reference: Incident "INC-1" was merged into "INC-2" here.']


def test_a_duplicate_key_is_named(tmp_path):
    text = json.dumps(example()).replace('"title": "Gateway lost"', '"title": "Gateway lost", "title": "Another"')
    assert refused(tmp_path, text.encode()) == ["incidents[0].title: This key stands here twice."]


def test_keys_that_stand_twice_are_named_wherever_they_stand():
    text = """{"format": "sla-portal-history/1", "customers": [], "customers": [], "maintenance": [{"kind": 1, "kind": 1,
        "kind": 2}], "incidents": [], "format": "sla-portal-history/1", "other": [{"a": {"b c": 1, "b c": 2}}]}"""
    with pytest.raises(NotAHistory) as error:
        read(text.encode())
    twice = {line for line in error.value.errors if line.endswith(": This key stands here twice.")}
    assert {line.removesuffix(": This key stands here twice.") for line in twice} == {
        "customers",
        "format",
        "maintenance[0].kind",
        'other[0].a["b c"]',
    }
    assert "other: This key is not known here." in error.value.errors


def test_a_key_that_no_text_can_hold_is_not_known(tmp_path):
    assert refused(
        tmp_path, changed("incidents[0].outages[0]", example()["incidents"][0]["outages"][0] | {"\ud800": 1})
    ) == ['incidents[0].outages[0]["\\ud800"]: This key is not known here.']


@pytest.mark.parametrize("depth", [100, 400, 900, 5000])
def test_what_is_nested_deeply_is_refused_with_a_sentence(depth):
    nested = "[" * depth + '{"a": 1, "a": 1}' + "]" * depth
    with pytest.raises(NotAHistory) as error:
        read(json.dumps(example()).replace('"incidents": [', f'"other": {nested}, "incidents": [').encode())
    assert error.value.errors[0].partition(": ")[2] in {
        "This key stands here twice.",
        "",  # of a file nested too deeply for the reader of JSON
    }


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "Infinity", "1e999", "-0", "1E2", "31.0"])
def test_numbers_that_json_does_not_have_or_no_count_is_are_refused(tmp_path, number):
    text = json.dumps(example()).replace('"trial_days": 31', f'"trial_days": {number}')
    if number == "-0":
        loaded(tmp_path, text.encode())
    else:
        assert refused(tmp_path, text.encode())[0].startswith("customers[0].contracts[0].trial_days: A whole number")


def test_what_stands_twice_is_named_beside_other_errors():
    document = example()
    document["incidents"] += [
        example()["incidents"][0] | {"title": ""},
        example()["incidents"][0] | {"source": "rumour"},
    ]
    with pytest.raises(NotAHistory) as error:
        read(json.dumps(document).encode())
    assert error.value.errors == [
        "incidents[1].title: This must not be empty.",
        'incidents[2].source: One of monitoring, ticket, phone is wanted here, not "rumour".',
        'incidents[1].reference: "INC-1" stands at incidents[0].reference already.',
        'incidents[2].reference: "INC-1" stands at incidents[0].reference already.',
    ]


def test_all_errors_are_listed_at_once_but_not_without_end(tmp_path):
    document = example()
    document["incidents"] = [{}] * 100
    lines = refused(tmp_path, document)
    assert lines[0] == "incidents[0].reference: This key is missing."
    assert lines[-1] == "… and 850 more."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b" \n", "The file is empty."),
        (b"{", "The file is not JSON: Expecting property name enclosed in double quotes, line 1, column 2."),
        (b"\xff{}", "The file is not UTF-8: byte 1 cannot be read."),
        (b"[" * 200_000, "The file is nested too deeply to be a history."),
        (b'{"a":' * 200_000, "The file is nested too deeply to be a history."),
        (b"[]", "An object is wanted here, not a list."),
        (b"null", "An object is wanted here, not null."),
    ],
)
def test_what_is_no_document_is_refused_with_a_sentence(tmp_path, content, sentence):
    assert refused(tmp_path, content) == [sentence]


def test_huge_numbers_are_refused_with_their_path(tmp_path):
    text = json.dumps(example()).replace('"trial_days": 31', f'"trial_days": {"9" * 100_000}')
    assert refused(tmp_path, text.encode())[0].startswith("customers[0].contracts[0].trial_days: A whole number")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("loadhistory", str(tmp_path / "none.json"))
    with pytest.raises(CommandError, match="directory"):
        call_command("loadhistory", str(tmp_path))
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("dumphistory", str(tmp_path))


def test_one_invalid_row_refuses_the_whole_file(tmp_path):
    document = example()
    document["incidents"].append(incident("INC-2", outage("2026-09-10T01:00:00Z", None, region="mars")))
    refused(tmp_path, document)
    assert not Region.objects.exists()
    assert not Entry.objects.exists()


def test_what_a_file_tells_of_the_work_fits_the_start_on_record(tmp_path):
    loaded(tmp_path, example())
    MaintenanceWindow.objects.update(started_at=at("2026-09-06 18:10"))
    assert refused(tmp_path, changed("maintenance[0].completed_at", "2026-09-06T18:09:59Z")) == [
        "maintenance[0].completed_at: It must not lie before the start of its work that is on record, "
        "2026-09-06T18:10:00Z, but is 2026-09-06T18:09:59Z."
    ]
    assert refused(tmp_path, changed("maintenance[0].not_carried_out_at", "2026-09-06T20:00:00Z")) == [
        "maintenance[0].not_carried_out_at: The start of its work is on record, 2026-09-06T18:10:00Z."
    ]
    loaded(tmp_path, changed("maintenance[0].completed_at", "2026-09-06T18:10:00Z"))
    assert MaintenanceWindow.objects.get().started_at == at("2026-09-06 18:10")


def test_a_draft_that_was_discarded_here_is_not_dumped_and_named_by_no_file(tmp_path):
    loaded(tmp_path, changed("maintenance[0].notices", []))
    assert json.loads(dumped())["maintenance"]
    MaintenanceWindow.objects.update(discarded_at=at("2026-09-01 08:00"))
    assert json.loads(dumped())["maintenance"] == []
    assert refused(tmp_path, changed("maintenance[0].notices", [])) == [
        'maintenance[0].reference: "MW-1" is a draft that was discarded here. Use another reference.'
    ]
    document = changed("incidents[0].exclusions", [exclusion("4.1")])
    document["maintenance"] = []
    assert refused(tmp_path, document) == [
        'incidents[0].exclusions[0].maintenance: "MW-1" is a draft that was discarded here. Use another reference.'
    ]


def test_a_window_whose_announcement_waits_for_a_second_person_stays_as_it_was_shown(tmp_path):
    loaded(tmp_path, example())
    AnnouncementRequest.objects.create(
        window=MaintenanceWindow.objects.get(),
        starts_at=at("2026-09-06 18:00"),
        ends_at=at("2026-09-08 18:00"),
        why="Two days of copying",
        requested_at=at("2026-09-05 08:00"),
    )
    assert "already" in loaded(tmp_path, example())
    assert refused(tmp_path, changed("maintenance[0].title", "Another upgrade")) == [
        'maintenance[0].reference: The announcement of "MW-1" waits for a second person here. Withdraw the request first.'
    ]


def test_a_window_is_not_both_completed_and_not_carried_out(tmp_path):
    document = changed("maintenance[0].completed_at", "2026-09-06T18:30:00Z")
    document["maintenance"][0]["not_carried_out_at"] = "2026-09-06T20:00:00Z"
    assert refused(tmp_path, document) == [
        "maintenance[0].not_carried_out_at: Maintenance that was completed was carried out."
    ]


def versions(*days: str, **terms) -> dict:
    """A file with versions 1.0, 2.0, … in force from these days."""
    one = example()["agreements"][0]
    rows = [one | {"version": f"{number}.0", "effective_on": day, **terms} for number, day in enumerate(days, 1)]
    return smallest(agreements=rows)


IN_USE = (
    "2026-09 was closed or a claim for it decided by version 1.0 and 2.0, which is neither changed nor removed, and no "
    "other takes its place."
)


def test_a_version_by_which_a_month_was_closed_is_neither_changed_nor_removed(tmp_path):
    kept = versions("2026-01-01", "2026-09-15", "2026-12-01")
    loaded(tmp_path, kept)
    ClosedMonth.objects.create(month=date(2026, 9, 1))
    # The same again, and another day or other terms of a version by which nothing was closed
    assert "already" in loaded(tmp_path, kept)
    later = versions("2026-01-01", "2026-09-15", "2026-11-15")
    later["agreements"][2] |= {"maintenance_notice_hours": 24}
    loaded(tmp_path, later)
    in_between = versions("2026-01-01", "2026-09-15", "2026-09-20")
    for file, where in (
        (versions("2026-02-01", "2026-09-15"), "agreements[0]"),
        (versions("2026-01-01", "2026-09-16"), "agreements[1]"),
        (versions("2026-01-01", "2026-09-15", maintenance_notice_hours=24), "agreements[0]"),
        (versions("2026-01-01"), "agreements"),
        (in_between, "agreements[2]"),
    ):
        assert refused(tmp_path, file) == [f"{where}: {IN_USE}"], where


def test_a_version_by_which_a_claim_was_decided_stays(tmp_path):
    loaded(tmp_path, versions("2026-01-01", "2026-09-15"))
    claim = a_claim(a_claimant())
    ClosedMonth.objects.all().delete()
    loaded(tmp_path, versions("2026-01-01", "2026-09-16"))
    loaded(tmp_path, versions("2026-01-01", "2026-09-15"))
    Claim.objects.filter(pk=claim.pk).update(status="refused")
    assert refused(tmp_path, versions("2026-01-01", "2026-09-16")) == [f"agreements[1]: {IN_USE}"]


def test_after_an_announcement_no_version_is_changed(tmp_path):
    loaded(tmp_path, versions("2026-01-01"))
    announced()
    assert "already" in loaded(tmp_path, versions("2026-01-01"))
    assert refused(tmp_path, versions("2026-01-02")) == [
        'agreements[0]: An amendment was announced here, so version "1.0" is not changed any more (5.2).'
    ]
