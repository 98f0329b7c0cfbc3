"""The integrity check finds each kind of tampering, says it in a sentence, and tells whoever is to hear of it."""

from io import StringIO
from random import Random

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Check, Checkpoint, Entry, Occasion
from sla_portal.audit.operations import check_log, check_tail, make_daily_checkpoint, record
from sla_portal.audit.queries import inspect_log, inspect_tail, present_findings
from sla_portal.audit.rules import Fault
from sla_portal.audit.words import sentence
from sla_portal.notices.models import Delivery, Notice
from sla_portal.notices.operations import mail_checkpoints, notify_of_findings
from tests.support import tampering
from tests.support.builders import a_region, at
from tests.support.desk import a_member, signed_in, text_of
from tests.support.tampering import KINDS, a_log, findings_after, hash_anew, set_head
from tests.support.unguarded import unguarded

pytestmark = pytest.mark.django_db

NOW = at("2026-09-20 12:00")
TIMES = 5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_of_tampering_is_found_and_its_twin_is_not(kind):
    """A thousand times: `python -m tests.drill tampering`."""
    a_log(14, 4, 9, 12)
    chance = Random(kind.__name__)
    for _ in range(TIMES):
        found, twin = findings_after(kind, chance, 12)
        assert found
        assert twin == []
    assert inspect_log().findings == []


def test_a_log_that_nobody_tampered_with_is_intact_and_counted():
    assert inspect_log().findings == inspect_tail().findings == []
    a_log(5, 2, 3)
    assert (inspect_log().entries, inspect_log().findings) == (5, [])
    assert (inspect_tail().entries, inspect_tail().findings) == (3, [])


def sentences() -> list[str]:
    return [sentence(finding) for finding in inspect_log().findings]


def test_an_altered_entry():
    a_log(5, 5)
    with unguarded():
        Entry.objects.filter(pk=3).update(reason="another")
    assert sentences() == ["Entry 3 was altered: its hash does not match its content."]


def test_an_entry_taken_out():
    a_log(5, 5)
    with unguarded():
        Entry.objects.filter(pk=3).delete()
    assert sentences() == ["Entries are missing: numbers 3 to 3."]


def test_entries_that_changed_places():
    a_log(5)
    with unguarded():
        Entry.objects.filter(pk=3).update(id=30)
        Entry.objects.filter(pk=4).update(id=3)
        Entry.objects.filter(pk=30).update(id=4)
    assert sentences() == [
        f"The hash chain is broken at entry {number}: it does not follow the entry before it." for number in (3, 4, 5)
    ]


def test_the_tail_cut_off():
    a_log(5, 2)
    with unguarded():
        Entry.objects.filter(pk__gt=3).delete()
    assert sentences() == ["The head of the log names entry 5, but the log ends at entry 3 or with another hash."]


def test_the_tail_cut_off_and_the_head_set_back():
    a_log(5, 2, 5)
    with unguarded():
        Entry.objects.filter(pk__gt=3).delete()
        set_head()
    assert sentences() == ["The end of the log was cut off: entries 4 to 5, recorded by checkpoint 2."]
    assert [one.fault for one in inspect_tail().findings] == [Fault.CUT]


def test_the_log_hashed_anew():
    a_log(5, 2, 4, 5)
    with unguarded():
        Entry.objects.filter(pk=3).update(reason="another")
        hash_anew(3)
    assert sentences() == ["The log was hashed anew: entry 4 is not the one that checkpoint 2 recorded."]


def test_entries_beyond_the_head():
    a_log(5, 3)
    with unguarded():
        Entry.objects.filter(pk=5).update(id=6)
        set_head()
        Entry.objects.filter(pk=6).update(id=7)
    assert "Entries 7 to 7 lie beyond the head of the log: they were added past the portal." in sentences()


def test_an_entry_too_few_where_numbers_may_have_gaps():
    """In the log of an earlier build, before its first checkpoint."""
    a_log(5)
    newest = Entry.objects.get(pk=5)
    Checkpoint.objects.create(
        number=1, made_at=NOW, occasion=Occasion.UPGRADE, about="audit.entry 5", entries=5, entry=5, hash=newest.hash
    )
    with unguarded():
        Entry.objects.filter(pk=3).delete()
    assert sentences() == [
        "The hash chain is broken at entry 4: it does not follow the entry before it.",
        "The number of entries up to entry 5 is not the one that checkpoint 1 recorded.",
    ]


def test_a_gap_of_an_earlier_build_is_none():
    a_log(5)
    with unguarded():
        Entry.objects.filter(pk=5).update(id=9)
        set_head()
    newest = Entry.objects.get(pk=9)
    assert sentences() == ["Entries are missing: numbers 5 to 8."]
    Checkpoint.objects.create(
        number=1, made_at=NOW, occasion=Occasion.UPGRADE, about="audit.entry 9", entries=5, entry=9, hash=newest.hash
    )
    assert sentences() == []


def test_a_checkpoint_taken_out():
    a_log(5, 2, 3, 5)
    with unguarded():
        Checkpoint.objects.filter(number=2).delete()
    assert sentences() == ["Checkpoints are missing: numbers 2 to 2."]


def test_the_quick_check_reads_what_follows_the_newest_checkpoint_and_nothing_else():
    a_log(5, 2, 4)
    with unguarded():
        Entry.objects.filter(pk=3).update(reason="another")
    assert (inspect_tail().entries, inspect_tail().findings) == (2, [])
    with unguarded():
        Entry.objects.filter(pk=4).update(reason="another")
    assert [one.fault for one in inspect_tail().findings] == [Fault.ALTERED]


def test_what_is_written_while_the_log_is_checked_is_no_fault(monkeypatch):
    a_log(3, 2)
    read = tampering.rows_of_log

    def meanwhile(first, last):
        yield from read(first, last)
        a_log(1)

    monkeypatch.setattr("sla_portal.audit.queries.rows_of_log", meanwhile)
    assert inspect_log().findings == []
    assert Entry.objects.count() == 4


def test_a_check_asks_the_database_the_same_number_of_times_however_long_the_log_is():
    a_log(3, 2)
    with CaptureQueriesContext(connection) as few:
        inspect_log()
    a_log(30)
    with CaptureQueriesContext(connection) as many:
        inspect_log()
    assert len(many) == len(few) == 3


# Who is told


def tampered() -> None:
    a_log(5, 2, 4)
    with unguarded():
        Entry.objects.filter(pk=3).update(reason="another")


def test_administrators_and_auditors_are_told_once_of_what_was_found():
    for role in ("NOC", "Legal", "Auditor", "Administrator"):
        user = a_member(role)
        user.email = f"{role.lower()}@example.com"
        user.save()
    tampered()
    first = notify_of_findings(check=check_log(now=NOW), now=NOW)
    told = {delivery.email for delivery in first.deliveries.all()}
    assert told == {"auditor@example.com", "administrator@example.com"}
    assert "Entry 3 was altered" in first.wording("en").text
    assert "3" in first.wording("zh-hans").text
    assert not first.public
    assert notify_of_findings(check=check_log(now=NOW), now=NOW) is None
    with unguarded():
        Entry.objects.filter(pk=1).update(reason="another")
    second = notify_of_findings(check=check_log(now=NOW), now=NOW)
    assert "Entry 1 was altered" in second.wording("en").text


def test_they_are_told_again_of_what_had_been_mended_meanwhile():
    user = a_member("Auditor")
    user.email = "auditor@example.com"
    user.save()
    tampered()
    assert notify_of_findings(check=check_log(now=NOW), now=NOW)
    with unguarded():
        Entry.objects.filter(pk=3).update(reason="")
    assert notify_of_findings(check=check_log(now=NOW), now=NOW) is None
    with unguarded():
        Entry.objects.filter(pk=3).update(reason="another")
    assert notify_of_findings(check=check_log(now=NOW), now=NOW)


@pytest.mark.parametrize(("role", "sees"), [("Auditor", True), ("Administrator", True), ("NOC", False)])
def test_the_home_page_shows_what_was_found(role, sees):
    tampered()
    desk = signed_in(a_member(role))
    assert "failed its integrity check" not in text_of(desk.get(reverse("admin:index")))
    check_log(now=NOW)
    check_tail(now=NOW)
    page = text_of(desk.get(reverse("admin:index")))
    assert ("failed its integrity check" in page) == ("Entry 3 was altered" in page) == sees


def test_a_check_of_the_tail_does_not_hide_what_the_whole_check_found():
    tampered()
    check_log(now=NOW)
    assert check_tail(now=NOW).findings == []
    assert [one.entry for one in present_findings()] == [3]
    with unguarded():
        Entry.objects.filter(pk=3).update(reason="")
    check_log(now=NOW)
    assert present_findings() == []


def test_the_page_shows_the_checks_and_the_faults():
    tampered()
    check_log(now=NOW)
    check_tail(now=NOW)
    page = text_of(signed_in(a_member("Auditor")).get(reverse("admin:check_integrity")))
    assert "Entry 3 was altered: its hash does not match its content." in page
    assert "whole log, 5 entries: ■ broken" in page
    assert "since the newest checkpoint, 2 entries: ✓ intact" in page


# The command


def checkaudit(*arguments: str) -> tuple[int, str]:
    said = StringIO()
    try:
        call_command("checkaudit", *arguments, stdout=said)
    except SystemExit as end:
        return end.code, said.getvalue().strip()
    return 0, said.getvalue().strip()


def test_the_command_says_what_it_found_and_ends_with_one():
    a_log(5, 2)
    assert checkaudit() == (0, "The audit log is intact: 5 entries verified.")
    assert checkaudit("--tail") == (0, "The audit log is intact: 4 entries verified.")
    with unguarded():
        Entry.objects.filter(pk=3).update(reason="another")
    assert checkaudit() == (1, "Entry 3 was altered: its hash does not match its content.")
    assert Check.objects.count() == 3


def test_the_command_compares_the_log_with_what_was_kept_outside():
    a_log(5, 2, 5)
    kept = [f"{one.entry}:{one.hash}" for one in Checkpoint.objects.order_by("number")]
    assert checkaudit("--against", *kept)[0] == 0
    with unguarded():
        Entry.objects.filter(pk__gt=3).delete()
        Checkpoint.objects.filter(number=2).delete()
        set_head()
    assert checkaudit()[0] == 0
    assert checkaudit("--against", *kept) == (
        1, "The end of the log was cut off: entries 4 to 5, recorded outside the portal."
    )  # fmt: skip
    with unguarded():
        Entry.objects.filter(pk=1).update(reason="another")
        Checkpoint.objects.all().delete()
        hash_anew(1)
    assert checkaudit("--against", kept[0]) == (
        1, "The log was hashed anew: entry 2 is not the one that was recorded outside the portal."
    )  # fmt: skip


# Checkpoints to addresses outside


def test_new_checkpoints_are_mailed_outside_once(settings):
    settings.CHECKPOINT_ADDRESSES = ["notary@example.org", "Archive@example.net"]
    assert mail_checkpoints(now=NOW) is None
    a_log(5, 2, 4)
    notice = mail_checkpoints(now=NOW)
    assert {delivery.email for delivery in notice.deliveries.all()} == {"notary@example.org", "Archive@example.net"}
    assert all(made.hash in notice.wording("en").text for made in Checkpoint.objects.all())
    assert mail_checkpoints(now=NOW) is None
    with transaction.atomic():
        record(actor=Actor.system("test"), action="added", subject=a_region(), now=NOW)
    newest = make_daily_checkpoint(now=NOW)
    second = mail_checkpoints(now=NOW)
    assert newest.hash in second.wording("zh-hans").text
    assert Checkpoint.objects.get(number=1).hash not in second.wording("en").text
    assert Delivery.objects.filter(notice=second).count() == 2


def test_without_addresses_nothing_is_mailed():
    a_log(5, 2)
    assert mail_checkpoints(now=NOW) is None
    assert not Notice.objects.exists()
