"""The first version is set by page until a month is closed by it or an amendment announced; then it stands still."""

from datetime import date
from threading import Event

import pytest
from django.db import IntegrityError, transaction
from time_machine import travel

from sla_portal.agreements.models import AgreementVersion, Clause, Preamble
from sla_portal.agreements.operations import TextLocked, load_wording, replace_wording, set_first_version, wording
from sla_portal.agreements.queries import missing_in_first_version, stands_still
from sla_portal.agreements.wording import ClauseText, numbered_text, read_numbered_text
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import ClosedMonth, Entry
from sla_portal.audit.operations import close_record, lock_chain
from sla_portal.kernel.months import ServiceMonth
from tests.support.amendments import a_draft, announced
from tests.support.builders import a_version, at, on
from tests.support.desk import Forms, a_member, signed_in, text_of
from tests.support.races import outcomes
from tests.support.unguarded import unguarded

pytestmark = pytest.mark.django_db
NOW = at("2026-11-30 08:00")
SYSTEM = Actor.system("test")
ENGLISH = """The Lighthouse Agreement

Read this before you sail.

1. Words

1.1 The lamp

The lamp is what shines.

1.2 The night is dark.

2. Promises

The lamp shines.
"""
CHINESE = ENGLISH.replace("The Lighthouse Agreement", "灯塔协议").replace("The lamp shines.", "灯塔发光。")
ADDRESS = "/admin/setup/agreement/"


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


def send(desk, **typed):
    page = desk.get(ADDRESS)
    sent = next(sent for _action, sent in Forms(page.content.decode()).forms if "english" in sent or "chinese" in sent)
    return desk.post(ADDRESS, {**sent, **typed})


def first() -> AgreementVersion:
    return AgreementVersion.objects.get(version="1.0")


def closed(month: str) -> None:
    ClosedMonth.objects.create(month=on(month))


def test_day_terms_and_both_texts_are_set_by_page():
    desk = signed_in(a_member("Administrator"))
    assert "The day since which it is in force is not set." in text_of(desk.get(ADDRESS))
    done = send(desk, effective_on="2026-01-01", availability_target="99.9", english=ENGLISH, chinese=CHINESE)
    assert done.status_code == 302
    version = first()
    assert (version.effective_on, str(version.availability_target)) == (date(2026, 1, 1), "99.90000")
    assert list(version.clauses.values_list("number", "heading", "wording", "wording_zh")) == [
        ("1", "Words", "", ""),
        ("1.1", "The lamp", "The lamp is what shines.", "The lamp is what shines."),
        ("1.2", "Service period", "The night is dark.", "The night is dark."),
        ("2", "Promises", "The lamp shines.", "灯塔发光。"),
    ]
    preamble = Preamble.objects.get()
    assert (preamble.title, preamble.title_zh, preamble.text) == (
        "The Lighthouse Agreement", "灯塔协议", "Read this before you sail.",
    )  # fmt: skip
    assert missing_in_first_version(version) == []
    entry = Entry.objects.latest("id")
    assert entry.action == "set up"
    assert entry.changes["effective_on"] == ["2000-01-01", "2026-01-01"]
    assert entry.changes["clause 5.2"] == [{"heading": "Amendments"}, {}]
    # What stands on record stands in the form; sent unchanged, it changes nothing.
    assert send(desk).status_code == 302
    assert Entry.objects.latest("id") == entry
    with_title = text_of(desk.get("/agreement/"))
    assert with_title.count("The Lighthouse Agreement") == 1
    assert with_title.count("The lamp is what shines.") == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"effective_on": ""}, "This field is required."),
        ({"availability_target": "101"}, "less than or equal to 100"),
        ({"english": "Only prose."}, "No line of the text begins with the number of a first clause"),
        ({"english": "1. One\n1.1 A.\n1.3 C."}, "Line 3 begins with 1.3, which does not follow 1.1"),
        (
            {"english": ENGLISH.replace("The lamp is what shines.", "")},
            "The English text has no wording of clause 1.1.",
        ),
        ({"chinese": CHINESE + "\n3. 其他\n\n另。"}, "The English text has no wording of clause 3."),
        ({"chinese": "1. 术语\n\n1.1 灯\n\n灯。"}, "The Chinese text has no wording of clause 1.2, 2."),
    ],
)
def test_what_could_not_be_published_is_refused_at_the_field(typed, sentence):
    desk = signed_in(a_member("Legal"))
    given = {"effective_on": "2026-01-01", "english": ENGLISH, "chinese": CHINESE}
    refused = send(desk, **{**given, **typed})
    assert refused.status_code == 422
    assert sentence in text_of(refused)
    assert first().effective_on == date(2000, 1, 1)
    assert not Clause.objects.exclude(wording="").exists()


def test_it_takes_effect_before_the_next():
    a_version("2.0", "2026-06-01")
    refused = send(signed_in(a_member("Administrator")), effective_on="2026-06-01")
    assert "The first version takes effect before it." in text_of(refused)


def test_a_text_is_written_as_it_is_read():
    text = read_numbered_text(ENGLISH)
    clauses = [(clause.number, clause.heading, clause.wording) for clause in text.clauses]
    assert numbered_text(text.title, text.opening, clauses) == ENGLISH


# Standing still


def test_it_stands_still_from_the_first_closing_on():
    set_first_version(actor=SYSTEM, effective_on=on("2026-01-01"), texts={"en": read_numbered_text(ENGLISH)}, now=NOW)
    version = first()
    closed("2025-12-01")
    assert not stands_still(version)
    set_first_version(actor=SYSTEM, terms={"voucher_valid_months": 6}, now=NOW)
    closed("2026-10-01")
    assert stands_still(version)
    for refused in (
        lambda: set_first_version(actor=SYSTEM, terms={"voucher_valid_months": 7}, now=NOW),
        lambda: replace_wording(
            actor=SYSTEM, version=version, clauses=[ClauseText("1.1", "Other.")], reason="So", now=NOW
        ),
    ):
        with pytest.raises(TextLocked):
            refused()
    refused_by_the_database(version)
    desk = signed_in(a_member("Administrator"))
    page = text_of(desk.get(ADDRESS))
    assert "not changed any more" in page
    assert "In force since" not in page
    # A language that is missing is still loaded, once.
    assert send(desk, chinese=CHINESE).status_code == 302
    assert Clause.objects.get(number="2").wording_zh == "灯塔发光。"
    with pytest.raises(IntegrityError, match="a_version_in_use_stands_still"), transaction.atomic():
        Clause.objects.filter(number="2").update(wording_zh="灭。")


def refused_by_the_database(version: AgreementVersion) -> None:
    rows = AgreementVersion.objects.filter(pk=version.pk)
    for write in (
        lambda: rows.update(effective_on=on("2026-11-01")),
        lambda: rows.update(availability_target="99.9"),
        lambda: rows.update(published_at=None),
        lambda: rows._raw_delete("default"),
        lambda: version.clauses.filter(number="1.1").update(wording="Other."),
        lambda: version.clauses.filter(number="1.1").update(heading="Other"),
        lambda: version.clauses.filter(number="1.1").update(number="9"),
        lambda: version.clauses.filter(number="1.1")._raw_delete("default"),
        lambda: Preamble.objects.update(title="Other"),
        lambda: Preamble.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError, match="a_version_in_use_stands_still"), transaction.atomic():
            write()
    # A write that changes nothing passes, and a later version by which nothing was closed is free.
    rows.update(effective_on=version.effective_on)
    later = a_version("3.0", "2026-11-01")
    AgreementVersion.objects.filter(pk=later.pk).update(effective_on=on("2026-12-01"))
    later.delete()


def test_without_the_triggers_it_would_move():
    """The twin."""
    set_first_version(actor=SYSTEM, effective_on=on("2026-01-01"), now=NOW)
    closed("2026-10-01")
    with unguarded():
        AgreementVersion.objects.update(effective_on=on("2026-11-01"))
    assert first().effective_on == on("2026-11-01")


def test_it_stands_still_from_the_first_announcement_on():
    version = announced(a_draft(first_is_worded=False))
    assert stands_still(first())
    with pytest.raises(TextLocked):
        set_first_version(actor=SYSTEM, effective_on=on("2026-01-01"), now=NOW)
    with pytest.raises(IntegrityError, match="a_version_in_use_stands_still"), transaction.atomic():
        AgreementVersion.objects.filter(version="1.0").update(effective_on=on("2026-01-01"))
    with pytest.raises(IntegrityError, match="a_version_in_use_stands_still"), transaction.atomic():
        Preamble.objects.create(agreement_version=version, title="Slipped in")
    text = read_numbered_text(ENGLISH)
    load_wording(actor=SYSTEM, version=first(), clauses=text.clauses, title=text.title, opening=text.opening, now=NOW)
    assert Preamble.objects.get().agreement_version == first()


def test_an_amendment_begins_with_title_and_preamble():
    set_first_version(actor=SYSTEM, texts={"en": read_numbered_text(ENGLISH)}, now=NOW)
    draft = a_draft()
    assert draft.preamble.title == "The Lighthouse Agreement"
    assert draft.content()["preamble"]["text"] == "Read this before you sail."


# At the same moment as a closing


def set_while_a_month_is_closed(monkeypatch) -> tuple[list[str], date | None]:
    """Return what became of both, and the day of the version as the closing saw it."""
    checked, over, seen = Event(), Event(), []

    def check_slowly(version: AgreementVersion) -> bool:
        found = stands_still(version)
        checked.set()
        over.wait(0.5)
        return found

    def close() -> None:
        checked.wait(10)
        with transaction.atomic():
            lock_chain()
            close_record(ServiceMonth(2026, 10))
            seen.append(first().effective_on)
        over.set()

    monkeypatch.setattr(wording, "stands_still", check_slowly)
    day = on("2026-02-01")
    return outcomes(lambda: set_first_version(actor=SYSTEM, effective_on=day, now=NOW), close), seen[0]


@pytest.mark.django_db(transaction=True)
def test_a_month_is_closed_by_the_version_as_it_stays(monkeypatch):
    assert set_while_a_month_is_closed(monkeypatch) == (["done", "done"], date(2026, 2, 1))
    assert first().effective_on == date(2026, 2, 1)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_database_refuses_to_move_it(monkeypatch):
    """The twin: SQLite locks the whole database anyway."""
    monkeypatch.setattr(wording, "lock_chain", lambda: None)
    assert set_while_a_month_is_closed(monkeypatch) == (["IntegrityError", "done"], date(2000, 1, 1))
    assert first().effective_on == date(2000, 1, 1)
