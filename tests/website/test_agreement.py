"""The agreement in public: every version with its dates, word-by-word redlines, anchors and the hash."""

import hashlib
import re
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from sla_portal.agreements.models import CLAUSE_FIELDS, AgreementVersion, Clause
from sla_portal.agreements.operations import (
    change_draft,
    draft_version,
    publish_version,
    submit_draft,
)
from sla_portal.agreements.rules import DraftedClause
from sla_portal.audit.actors import Actor
from tests.conftest import forget_what_is_kept
from tests.support.amendments import withdraw_version, worded
from tests.support.builders import a_version, at, on
from tests.support.desk import a_member, text_of

pytestmark = pytest.mark.django_db

NOW = at("2026-11-22 10:00")
EFFECTIVE = on("2027-01-01")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def legal() -> tuple[Actor, Actor]:
    return Actor.staff(a_member("Legal", "drafter")), Actor.staff(a_member("Legal", "publisher"))


def a_draft(by: Actor, version: str = "2.0") -> AgreementVersion:
    """A draft that promises more: 99.995 %, a clause 1.4 of its own, no 2.2."""
    worded()
    draft = draft_version(actor=by, version=version, now=NOW)
    clauses = [
        replace(clause, summary=clause.summary.replace("cannot be used", "canarybird be used"))
        for clause in (drafted(row) for row in draft.clauses.all())
        if clause.number != "2.2"
    ]
    change_draft(
        actor=by, draft=draft, now=NOW, terms={"availability_target": "99.995"}, clauses=clauses,
        summary_of_changes="We promise more.", summary_of_changes_zh="我们承诺更多。",
    )  # fmt: skip
    draft.refresh_from_db()
    return draft


def drafted(row: Clause) -> DraftedClause:
    return DraftedClause(**{field: getattr(row, field) for field in CLAUSE_FIELDS})


@pytest.fixture
def announced(legal) -> AgreementVersion:
    drafter, publisher = legal
    draft = a_draft(drafter)
    submit_draft(actor=drafter, draft=draft, effective_on=EFFECTIVE, now=NOW)
    publish_version(actor=publisher, version=draft, now=NOW)
    draft.refresh_from_db()
    return draft


def read(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return text_of(response)


def test_every_version_is_listed_with_its_dates_and_what_it_changes(client, announced):
    words = read(client, "/agreement/")
    assert "Version 1.0" in words
    assert "Announced takes effect on 1 January 2027, at 00:00 in the SLA time zone" in words
    assert '<a href="/agreement/1.0/2.0/">' in client.get("/agreement/").content.decode()


def test_a_draft_leaks_nowhere_while_it_is_one(client, legal):
    draft = a_draft(legal[0])
    assert "canarybird" in draft.clauses.get(number="1.4").summary
    for address in ("/", "/agreement/", "/agreement/1.0/", "/notices/", "/feeds/announcements.atom"):
        assert "canarybird" not in client.get(address).content.decode()
        assert "2.0" not in client.get(address).content.decode().partition("</head>")[2]
    for address in ("/agreement/2.0/", "/agreement/1.0/2.0/", "/agreement/2.0/1.0/", "/agreement/2.0/text.json"):
        assert client.get(address).status_code == 404
    submit_draft(actor=legal[0], draft=draft, effective_on=EFFECTIVE, now=NOW)
    assert client.get("/agreement/1.0/2.0/").status_code == 404


def test_the_redline_marks_terms_and_text_and_says_what_stayed(client, announced):
    page = client.get("/agreement/1.0/2.0/").content.decode()
    words = read(client, "/agreement/1.0/2.0/")
    assert "We promise more." in words
    assert (
        "99.99 % 99.995 % 99.995 %: the downtime allowance (error budget) of a 30-day month (43200 minutes) is 2 min, previously 4 min."
        in words
    )
    assert re.search(r"<del>[^<]*<span[^>]*>\[deleted: </span>cannot<", page)
    assert re.search(r"<ins>[^<]*<span[^>]*>\[inserted: </span>canarybird<", page)
    assert "<del>2.2</del>" in page
    assert 'href="/agreement/2.0/#clause-4.11"' in page
    backwards = client.get("/agreement/2.0/1.0/").content.decode()
    assert "<ins>2.2</ins>" in backwards
    assert "我们承诺更多。" in read(client, "/agreement/1.0/2.0/?lang=zh-hans")


def test_a_version_beside_itself_says_that_nothing_changes(client):
    words = read(client, "/agreement/1.0/1.0/")
    assert "No term changed." in words
    assert "The text is identical." in words


def test_two_versions_are_chosen_and_compared_without_a_script(client, announced):
    assert client.get("/agreement/compare/?from=1.0&to=2.0")["Location"] == "/agreement/1.0/2.0/"
    for query in ("", "?from=1.0", "?from=1.0&to=a/b", "?from=%00&to=1.0", "?from=1.0&to="):
        assert client.get(f"/agreement/compare/{query}").status_code == 404
    for address in ("/agreement/1.0/9.9/", "/agreement/x%00/1.0/", "/agreement/1.0/%00/", "/agreement/%00/text.json"):
        assert client.get(address).status_code == 404


def test_what_a_version_says_of_its_changes_stands_only_beside_the_one_it_changes(client, announced, legal):
    drafter, publisher = legal
    later = draft_version(actor=drafter, version="3.0", now=NOW)
    change_draft(
        actor=drafter, draft=later, terms={"voucher_valid_months": 6}, summary_of_changes="Shorter.",
        summary_of_changes_zh="更短。", now=NOW,
    )  # fmt: skip
    submit_draft(actor=drafter, draft=later, effective_on=EFFECTIVE + timedelta(days=9), now=NOW)
    publish_version(actor=publisher, version=later, now=NOW)
    assert "Shorter." in read(client, "/agreement/2.0/3.0/")
    assert "Shorter." not in read(client, "/agreement/1.0/3.0/")


def test_the_announcement_leads_to_the_redline(client, announced):
    assert 'href="/agreement/1.0/2.0/"' in client.get(f"/notices/{announced.notice.number}/").content.decode()


def test_a_clause_keeps_its_anchor_in_every_version(client, announced):
    for address in ("/agreement/", "/agreement/2.0/"):
        page = client.get(address).content.decode()
        assert '<section id="clause-4.1" class="clause">' in page
        assert 'href="#clause-4.1"' in page


def test_the_hash_is_that_of_a_file_that_anyone_can_save(client, announced):
    page = client.get("/agreement/2.0/").content.decode()
    assert announced.sha256 in page
    assert 'href="/agreement/2.0/text.json"' in page
    saved = client.get("/agreement/2.0/text.json")
    assert hashlib.sha256(saved.content).hexdigest() == announced.sha256
    assert saved["Content-Disposition"] == 'attachment; filename="agreement-2.0.json"'
    # Nobody took a hash of what was in force before the portal was.
    assert client.get("/agreement/1.0/text.json").status_code == 404
    assert "How to verify" not in read(client, "/agreement/1.0/")


def test_the_front_page_and_the_feed_tell_of_an_amendment_until_it_takes_effect(client, announced, today):
    told = "The agreement changes: version 2.0 takes effect on 1 January 2027."
    assert told in read(client, "/")
    assert announced.notice.number in client.get("/feeds/announcements.atom").content.decode()
    assert f"/notices/{announced.notice.number}/" in client.get("/agreement/2.0/").content.decode()
    assert 'href="/agreement/2.0/"' in client.get(f"/notices/{announced.notice.number}/").content.decode()
    today.move_to(at("2026-12-31 16:00:01"))
    assert told not in read(client, "/")
    words = read(client, "/agreement/")
    assert "Version 2.0" in words
    assert "In force since 1 January 2027" in words
    assert "Superseded" in words


def test_what_is_kept_follows_a_publication_and_a_withdrawal(client, legal, today):
    drafter, publisher = legal
    draft = a_draft(drafter)
    submit_draft(actor=drafter, draft=draft, effective_on=EFFECTIVE, now=NOW)
    assert "2.0" not in read(client, "/agreement/")
    publish_version(actor=publisher, version=draft, now=NOW)
    today.move_to(NOW + timedelta(seconds=6))
    assert "takes effect on 1 January 2027" in read(client, "/agreement/")
    draft.refresh_from_db()
    withdraw_version(actor=publisher, version=draft, reason="A mistake.", now=NOW + timedelta(seconds=6))
    today.move_to(NOW + timedelta(seconds=12))
    assert "Withdrawn withdrawn" in read(client, "/agreement/")
    assert "it does not take effect" in read(client, "/agreement/2.0/")
    assert "The agreement changes" not in read(client, "/")
    told, taken_back = draft.notice, draft.withdrawal_notice
    sentence = "The version that this announces was withdrawn. It does not take effect."
    assert sentence in read(client, f"/notices/{told.number}/")
    assert sentence not in read(client, f"/notices/{taken_back.number}/")
    listed = client.get("/notices/").content.decode()
    assert listed.index(taken_back.number) < listed.index(told.number) < listed.index("<b>Withdrawn</b>")
    feed = client.get("/feeds/announcements.atom").content.decode()
    assert (feed.count("Withdrawn: "), feed.count(sentence)) == (1, 1)
    # It stays to be read: people were told of it.
    assert "We promise more." in read(client, "/agreement/1.0/2.0/")
    today.move_to(at("2027-01-02 00:00"))
    assert "Version 1.0" in read(client, "/agreement/")


def test_pages_of_the_agreement_ask_as_much_of_the_database_with_many_versions_as_with_few(
    client, announced, django_assert_max_num_queries
):
    for year in range(2001, 2020):
        a_version(f"0.{year}", f"{year}-06-01")
    for address in ("/agreement/", "/agreement/2.0/", "/agreement/1.0/2.0/"):
        forget_what_is_kept()
        client.get("/verify/")  # asks what is asked for all pages together, every few seconds
        with django_assert_max_num_queries(4):
            assert client.get(address).status_code == 200


def test_a_wording_is_shown_as_markdown_in_the_language_of_the_reader(client):
    version = a_version("1.1", "2026-06-01")
    version.clauses.create(
        number="1", heading="Words", summary="In brief.", wording="A **bold** <b>word</b>.", wording_zh="**粗体**字。"
    )
    page = client.get("/agreement/1.1/").content.decode()
    assert "<p>A <strong>bold</strong> &lt;b&gt;word&lt;/b&gt;.</p>" in page
    assert "In short: In brief." in read(client, "/agreement/1.1/")
    assert "<strong>粗体</strong>字。" in client.get("/agreement/1.1/?lang=zh-hans").content.decode()
