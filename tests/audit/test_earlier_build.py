"""An audit log written by an earlier build stays intact, and is shown in today's terms.

`entries_of_ee92c83.jsonl` has the rows of an audit log as commit ee92c83 wrote them, hashes included, one a line.
"""

import json
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management.color import no_style
from django.db import connection
from django.urls import reverse
from django.utils import translation
from django.utils.dateparse import parse_datetime

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Chain, Entry
from sla_portal.audit.operations import record
from sla_portal.audit.queries import first_broken_link
from sla_portal.audit.templatetags.audit_log import format_changes
from sla_portal.audit.verbs import VERBS, verb
from tests.support.builders import a_region, at
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db

ROWS = [
    json.loads(line) for line in (Path(__file__).parent / "entries_of_ee92c83.jsonl").read_text("utf-8").splitlines()
]


def loaded(rows=ROWS) -> None:
    users = get_user_model().objects
    users.bulk_create(
        get_user_model()(pk=pk, username=f"user-{pk}") for pk in {row["actor_id"] for row in rows} if pk is not None
    )
    with connection.cursor() as cursor:
        # PostgreSQL's sequence does not know the primary keys given above.
        for statement in connection.ops.sequence_reset_sql(no_style(), [get_user_model()]):
            cursor.execute(statement)
    Entry.objects.bulk_create(
        Entry(pk=number, **{**row, "at": parse_datetime(row["at"])}) for number, row in enumerate(rows, 1)
    )
    Chain.objects.create(pk=1, last_hash=rows[-1]["hash"], last_number=len(rows), entries=len(rows))


def the_entry(action: str) -> Entry:
    return Entry.objects.get(action=action)


def changes_of(action: str) -> list[tuple[str, str, str]]:
    return [tuple(map(str, change)) for change in format_changes(the_entry(action))]


def test_the_integrity_check_passes_and_the_chain_continues():
    loaded()
    assert first_broken_link() is None
    record(actor=Actor.system("test"), action="added", subject=a_region(), now=at("2026-12-01 12:00"))
    assert Entry.objects.latest("id").previous_hash == ROWS[-1]["hash"]
    assert first_broken_link() is None
    page = text_of(signed_in(a_member("Auditor")).get(reverse("admin:check_integrity")))
    assert f"The audit log is intact: the hash of each of {len(ROWS) + 1} entries" in page


def test_a_word_changed_in_it_is_found():
    action = "asked for the publication of"
    loaded([row | {"action": "submitted for approval"} if row["action"] == action else row for row in ROWS])
    assert first_broken_link().action == "submitted for approval"


def test_every_verb_in_it_has_a_term():
    assert {row["action"] for row in ROWS} - set(VERBS) == set()


@pytest.mark.parametrize(
    ("stored", "english", "chinese"),
    [
        ("asked for the publication of", "submitted for approval", "已提交审批："),
        ("returned", "sent back", "已退回"),
        ("took back", "withdrew", "已撤回"),
        ("gave", "issued the notice", "已发出通知："),
        ("lengthened", "extended", "已延长"),
        ("moved", "rescheduled", "已改期"),
        ("planned", "scheduled", "已计划"),
        ("told by letter", "recorded a letter to", "已登记信函："),
        ("hired", "added the staff account", "已添加员工账号："),
        ("acknowledged", "acknowledged", "已确认"),
    ],
)
def test_a_stored_verb_is_shown_in_the_terms_of_the_field(stored, english, chinese):
    assert verb(stored) == english
    with translation.override("zh-hans"):
        assert verb(stored) == chinese


def test_stored_fields_and_values_are_shown_in_the_terms_of_the_field():
    loaded()
    assert ("status", "bounced", "notified by letter") in changes_of("told by letter")
    assert ("e-mails per minute", "–", "60") in changes_of("limited")
    assert "recipients" in [name for name, _before, _after in changes_of("gave")]
    with translation.override("zh-hans"):
        assert ("状态", "已退信", "已以信函通知") in changes_of("told by letter")
        assert "第 4.1 条" in [name for name, _before, _after in changes_of("took a wording over into")]


def test_its_list_and_its_filter_are_shown_in_the_terms_of_the_field():
    loaded()
    page = text_of(signed_in(a_member("Auditor")).get(reverse("admin:audit_entry_changelist")))
    assert "submitted for approval" in page
    assert "asked for the publication of" not in page
