"""historyschema: other programs can check a file as loadhistory does."""

import json
import os
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings as portal
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings

from sla_portal.history.reader import NotAHistory, read
from tests.support.histories import HOSTILE, KEYS, changed, dumped, example, exclusion, histories, loaded, smallest


@pytest.fixture(scope="module")
def schema():
    jsonschema = pytest.importorskip("jsonschema", reason="stands in requirements-dev.txt")
    output = StringIO()
    call_command("historyschema", stdout=output)
    printed = json.loads(output.getvalue())
    jsonschema.Draft202012Validator.check_schema(printed)
    return jsonschema.Draft202012Validator(printed)


def wrong_paths(schema, document) -> set[str]:
    return {error.json_path.removeprefix("$.") for error in schema.iter_errors(document)}


@pytest.mark.django_db
def test_a_dump_keeps_to_the_schema(schema, tmp_path):
    assert wrong_paths(schema, json.loads(dumped())) == set()
    loaded(tmp_path, example())
    document = json.loads(dumped())
    assert len(document["incidents"]) == 1
    assert wrong_paths(schema, document) == set()


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(document=histories())
def test_whatever_the_format_allows_keeps_to_the_schema(schema, document):
    assert wrong_paths(schema, document) == set()


@pytest.mark.parametrize("path", KEYS)
def test_what_the_schema_refuses_is_refused(schema, path):
    wrong = [document for value in HOSTILE if wrong_paths(schema, document := changed(path, value))]
    assert wrong
    for document in wrong:
        with pytest.raises(NotAHistory):
            read(json.dumps(document).encode())


@pytest.mark.parametrize("path", KEYS)
def test_an_unknown_key_is_wrong_by_the_schema_too(schema, path):
    document = changed(f"{path}_", 1)
    assert wrong_paths(schema, document) == {path.rpartition(".")[0] or "$"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "sla-portal-history/2"),
        ("incidents[0].title", " "),
        ("incidents[0].title", "x" * 201),
        ("incidents[0].title", "a\x00"),
        ("incidents[0].attributable", 0),
        ("incidents[0].detected_at", "2026-09-10T01:02:03"),
        ("incidents[0].detected_at", "2026-09-10T01:02:03.5Z"),
        ("incidents[0].outages[0].functions", ["login", "login"]),
        ("incidents[0].exclusions[0].third_party", None),
        ("incidents[0].exclusions[0].maintenance", "MW-1"),
        ("maintenance[0].notices[0].ends_at", None),
        ("customers[0].contracts[0].trial_days", "31"),
        ("customers[0].contracts[0].trial_days", 32768),
        ("customers[0].contracts[0].monthly_charge", 49),
        ("customers[0].contracts[0].monthly_charge", "4.9e1"),
        ("customers[0].contracts[0].currency", "eur"),
        ("agreements[0].availability_target", "100.1"),
        ("regions[0].code", "e u"),
    ],
)
def test_a_wrong_value_is_wrong_by_the_schema_too(schema, path, value):
    assert path in wrong_paths(schema, changed(path, value))


def test_what_goes_together_stands_in_the_schema(schema):
    document = example()
    document["incidents"][0] |= {"attributable": False, "exclusions": []}
    assert wrong_paths(schema, document) == {"incidents[0].exclusions"}
    document["incidents"][0]["exclusions"] = [exclusion("4.1", maintenance=None), exclusion("4.2")]
    assert wrong_paths(schema, document) == {"incidents[0].exclusions[0].maintenance"}
    notice = {"sent_at": "2026-09-05T00:00:00Z", "starts_at": None, "ends_at": "2026-09-06T19:00:00Z"}
    document = changed("maintenance[0].notices", [notice])
    assert wrong_paths(schema, document) == {"maintenance[0].notices[0].ends_at"}
    document = changed("maintenance[0].completed_at", "2026-09-06T18:30:00Z")
    assert wrong_paths(schema, document) == set()
    document["maintenance"][0]["not_carried_out_at"] = "2026-09-06T20:00:00Z"
    assert wrong_paths(schema, document) == {"maintenance[0]"}
    del document["maintenance"][0]["completed_at"]
    assert wrong_paths(schema, document) == set()


def test_lists_of_the_portals_own_may_be_left_out(schema):
    assert wrong_paths(schema, smallest()) == set()
    document = smallest()
    del document["incidents"]
    assert wrong_paths(schema, document) == {"$"}


def test_the_models_are_loaded_by_the_commands_alone(tmp_path):
    """Neither the web server nor a worker holds pydantic in memory."""
    program = (
        "import sys, sla_portal.wsgi, sla_portal.urls; from sla_portal.celery import app; "
        "app.loader.import_default_modules(); assert len(app.tasks) > 9; print('pydantic' in sys.modules)"
    )
    variables = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    printed = subprocess.check_output(
        [sys.executable, "-c", program],
        env=variables | {"DJANGO_SETTINGS_MODULE": "sla_portal.settings"},
        cwd=portal.BASE_DIR,
        text=True,
    )
    assert printed == "False\n"
