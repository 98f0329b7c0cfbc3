"""loadagreement: the operator's numbered text becomes the wording of clauses."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from sla_portal.agreements.models import AgreementVersion, Clause, Preamble
from sla_portal.agreements.wording import NotAnAgreement, read_numbered_text
from sla_portal.audit.models import Entry

TEXT = """A Lighthouse Agreement

Read this before you sail.

1. Words

1.1 The Lamp

The lamp is what shines.

1.2 The Night

1.2The night lasts from dusk to dawn, 24 hours less the day,
99.9% of it dark.
It is long.

2. Promises
The lamp shines.

2.1 Except in fog.

2.2 Claims

2.2.1 Within 2.5 days, that is soon.

2.2.2 With a drawing.

Buy a boat!
Now

Error: no boat
"""


def test_clauses_are_found_by_their_numbers():
    text = read_numbered_text(TEXT)
    assert [(clause.number, clause.heading, clause.wording) for clause in text.clauses] == [
        ("1", "Words", ""),
        ("1.1", "The Lamp", "The lamp is what shines."),
        (
            "1.2",
            "The Night",
            "The night lasts from dusk to dawn, 24 hours less the day,\n99.9% of it dark.\nIt is long.",
        ),
        ("2", "Promises", "The lamp shines."),
        ("2.1", "", "Except in fog."),
        ("2.2", "Claims", ""),
        ("2.2.1", "", "Within 2.5 days, that is soon."),
        ("2.2.2", "", "With a drawing."),
    ]
    assert (text.title, text.opening) == ("A Lighthouse Agreement", "Read this before you sail.")
    assert text.left_over == ("Buy a boat!\nNow", "Error: no boat")


def test_chinese_text_and_other_line_ends_are_read():
    text = read_numbered_text("1. 术语\r\n\r\n1.1灯塔\r\n灯塔会发光。\r\n1.2 夜晚很长。\r\n")
    assert [(clause.number, clause.heading, clause.wording) for clause in text.clauses] == [
        ("1", "术语", ""),
        ("1.1", "灯塔", "灯塔会发光。"),
        ("1.2", "", "夜晚很长。"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "No line of the text begins with the number of a first clause"),
        ("Only prose.\n2. Later", "No line of the text begins with the number of a first clause"),
        ("1. One\n1.1 A.\n1.3 C.", "Line 3 begins with 1.3, which does not follow 1.1"),
        ("1. One\n1.1 A.\n1.1 B.", "Line 3 begins with 1.1, which does not follow 1.1"),
        ("1. One\n1.1 A.\n3. Three", "Line 3 begins with 3, which does not follow 1.1"),
        ("1. One\n1.1 A.\n1.1.1.1.1.1 B.", "Line 3 begins with 1.1.1.1.1.1, which is too long for a clause's number"),
    ],
)
def test_numbers_that_do_not_follow_are_refused(text, sentence):
    with pytest.raises(NotAnAgreement, match=sentence):
        read_numbered_text(text)


def loaded(folder, text: str, *options: str) -> str:
    file = folder / "agreement.txt"
    file.write_text(text)
    output = StringIO()
    call_command("loadagreement", str(file), *options, stdout=output)
    return output.getvalue()


def wordings() -> dict:
    return dict(Clause.objects.exclude(wording="").values_list("number", "wording"))


@pytest.mark.django_db
def test_the_wording_stands_beside_our_summary(tmp_path):
    printed = loaded(tmp_path, TEXT)
    assert wordings()["2.2.1"] == "Within 2.5 days, that is soon."
    clause = Clause.objects.get(number="1.1")
    assert (clause.heading, clause.wording) == ("The Lamp", "The lamp is what shines.")
    assert clause.summary
    # Where the text has no heading, the summary's stays.
    assert Clause.objects.get(number="2.1").heading == "Availability"
    assert Preamble.objects.get().title == "A Lighthouse Agreement"
    assert printed.splitlines()[1] == "1.1    The Lamp The lamp is what shines."
    assert "Left out, after the last clause: Buy a boat! Now" in printed
    assert printed.splitlines()[-1] == "Read 8 clauses; 8 written to version 1.0."


@pytest.mark.django_db
def test_a_clause_without_a_summary_is_added(tmp_path):
    assert not Clause.objects.filter(number="2.2.1").exists()
    loaded(tmp_path, TEXT)
    assert Clause.objects.get(number="2.2.1").summary == ""


@pytest.mark.django_db
def test_a_second_load_changes_nothing(tmp_path):
    loaded(tmp_path, TEXT)
    before = list(Clause.objects.values()), Entry.objects.count()
    assert "0 written" in loaded(tmp_path, TEXT)
    assert (list(Clause.objects.values()), Entry.objects.count()) == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "other", [TEXT.replace("fog", "rain"), TEXT.split("2. Promises", maxsplit=1)[0]], ids=["reworded", "shortened"]
)
def test_another_text_is_refused_unless_it_replaces_with_a_reason(tmp_path, other):
    loaded(tmp_path, TEXT)
    before = wordings()
    for options in ([], ["--replace"], ["--replace", "--reason", " "]):
        with pytest.raises(CommandError):
            loaded(tmp_path, other, *options)
    assert wordings() == before
    loaded(tmp_path, other, "--replace", "--reason", "A misprint")
    clauses = read_numbered_text(other).clauses
    assert wordings() == {clause.number: clause.wording for clause in clauses if clause.wording}
    entry = Entry.objects.first()
    assert (entry.action, entry.reason) == ("replaced the wording of", "A misprint")
    assert entry.changes["2.1"][0] == "Except in fog."


@pytest.mark.django_db
def test_a_version_of_ones_own_is_loaded(tmp_path):
    AgreementVersion.objects.create(version="2.0", effective_on="2027-01-01")
    loaded(tmp_path, TEXT, "--version", "2.0")
    assert AgreementVersion.objects.get(version="2.0").clauses.count() == 8
    assert not AgreementVersion.objects.get(version="1.0").clauses.exclude(wording="").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        (TEXT.encode(), ["--version", "9"], "There is no agreement version 9."),
        (b"\xff", [], "is not UTF-8: byte 1 cannot be read."),
        (b"1. A\x00", [], "is not a text: it holds the character 0."),
        (b"", [], "Nothing was loaded."),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_a_sentence(tmp_path, content, options, sentence):
    file = tmp_path / "agreement.txt"
    file.write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        call_command("loadagreement", str(file), *options)


@pytest.mark.django_db
def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("loadagreement", str(tmp_path / "none.txt"))
