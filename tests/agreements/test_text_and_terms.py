"""Text and terms are one in what is submitted and published, and what was published stays as it was printed (5.2)."""

from dataclasses import replace

import pytest

from sla_portal.agreements.models import AgreementVersion, Clause, MailedPdf
from sla_portal.agreements.operations import (
    NotAcceptable,
    TextAndTermsDiffer,
    change_draft,
    load_wording,
    publish_version,
    submit_draft,
)
from sla_portal.agreements.queries import missing_in_first_version
from sla_portal.agreements.wording import ClauseText
from sla_portal.audit.actors import Actor
from sla_portal.notices.models import Attachment
from sla_portal.reports.operations import print_for_mail
from tests.support.amendments import ANNOUNCED, EFFECTIVE, a_draft, announced, legal, submitted, worded

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("loadagreement")


def reworded(draft: AgreementVersion, number: str, **texts: str) -> None:
    clauses = [replace(one.drafted, **texts) if one.number == number else one.drafted for one in draft.clauses.all()]
    change_draft(actor=legal("ann"), draft=draft, clauses=clauses, now=ANNOUNCED)


def submit(draft: AgreementVersion) -> None:
    submit_draft(actor=legal("ann"), draft=draft, effective_on=EFFECTIVE, now=ANNOUNCED)


@pytest.mark.parametrize(
    ("number", "texts", "sentence"),
    [
        ("2", {"wording": "At least 99.9 %.", "wording_zh": "不低于 99.9%。"}, "Clause 2, English: “99.9 %” is typed, but"),
        ("2", {"wording": "Always.", "wording_zh": "始终。"}, "Availability target changes, but no wording carries"),
        ("4.3", {"wording": "", "wording_zh": ""}, "missing in clause 4.3. Enter it, or load .*“manage.py loadagreement”"),
        ("5.2", {"wording_zh": "通知。"}, "Clause 5.2: English and Chinese have different markers"),
    ],
)  # fmt: skip
def test_what_says_two_things_is_not_submitted(number, texts, sentence):
    draft = a_draft()
    reworded(draft, number, **texts)
    with pytest.raises(TextAndTermsDiffer, match=sentence):
        submit(draft)


def test_what_an_earlier_build_let_through_is_not_published():
    version = submitted()
    Clause.objects.filter(agreement_version=version, number="2").update(wording="At least 99.9 %.")
    with pytest.raises(TextAndTermsDiffer, match="is typed"):
        publish_version(actor=legal("bob"), version=version, now=ANNOUNCED)
    version.refresh_from_db()
    assert version.published_at is None


def test_an_unknown_marker_is_refused_at_its_field_when_it_is_saved():
    draft = a_draft()
    with pytest.raises(NotAcceptable) as refused:
        reworded(draft, "2", wording="At least {{availabilty}}.", heading="{{availability_target}}")
    assert set(refused.value.errors) == {"clauses.2.wording", "clauses.2.heading"}


def test_what_was_published_stays_as_it_was_printed_and_its_hash_covers_that():
    version = announced()
    clause = version.clauses.get(number="2")
    assert "{{availability_target}}" in clause.wording
    assert clause.printed["wording"].endswith("99.995 %")
    other = replace(version.terms, target_text="1")
    assert clause.as_printed(other).wording == clause.printed["wording"]
    assert version.sha256 == version.expected_sha256()
    assert {"printed": clause.printed}.items() <= version.content()["clauses"][8].items()
    (shown,) = (one for one in version.published_changes.get(language="en").changes.text.changed if one.number == "2")
    assert "".join(run.text for run in shown.text).endswith("99.9999.995 %")


def test_the_first_redline_from_typed_numbers_to_markers_shows_the_printed_text():
    first = AgreementVersion.objects.get(version="1.0")
    text = [ClauseText("5.2", "Told thirty (30) days before."), ClauseText("2", "At least 99.99 %.")]
    load_wording(actor=SYSTEM, version=first, clauses=text, now=ANNOUNCED)
    draft = a_draft(first_is_worded=False)
    reworded(
        draft, "5.2", wording="Told {{amendment_notice_days}} before.", wording_zh="提前{{amendment_notice_days}}。"
    )
    reworded(
        draft,
        "2",
        wording="At least {{availability_target}}.",
        wording_zh="{{availability_target}}。",
        summary="",
        summary_zh="",
    )
    changes = announced(draft).published_changes.get(language="en").changes
    marked = {one.number: [run.text for run in one.text] for one in changes.text.clauses}
    assert marked["5.2"] == ["Told thirty (30) days before."]
    assert marked["2"] == ["At least ", "99.99", "99.995", " %."]


def test_a_loaded_text_takes_markers_and_says_where_it_is_not_what_the_terms_say():
    first = AgreementVersion.objects.get(version="1.0")
    with pytest.raises(NotAcceptable, match="no_term"):
        load_wording(actor=SYSTEM, version=first, clauses=[ClauseText("2", "At {{no_term}}.")], now=ANNOUNCED)
    said = [ClauseText("2", "At least {{availability_target}}."), ClauseText("5.2", "Told 14 days before.")]
    load_wording(actor=SYSTEM, version=first, clauses=said, now=ANNOUNCED)
    assert next(one.wording for one in first.printed_clauses() if one.number == "2") == "At least 99.99 %."
    assert any(
        "Clause 5.2, English: “14 days” is not what the terms say." in one for one in missing_in_first_version(first)
    )


def test_text_and_redline_are_attached_to_the_announcement_as_pdf():
    worded()
    version = submitted()
    assert print_for_mail(version=version, now=ANNOUNCED)
    assert not print_for_mail(version=version, now=ANNOUNCED)
    publish_version(actor=legal("bob"), version=version, now=ANNOUNCED)
    files = Attachment.objects.filter(notice=version.notice)
    assert {one.name: bytes(one.content[:5]) for one in files} == {
        f"{what}-2.0.{language}.pdf": b"%PDF-" for what in ("agreement", "changes-1.0") for language in ("en", "zh-hans")
    }  # fmt: skip
    assert not MailedPdf.objects.exists()
    text = version.notice.wording("en").text
    assert "- Availability target (clause 2): 99.99 % -> 99.995 %" in text
    assert "both as PDF attachments" in text
