"""What an announced version changes stays as it was shown, whatever wording is loaded later (5.2)."""

import pytest
from django.core.cache import caches
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from sla_portal.agreements.changes import Changes, text_changes
from sla_portal.agreements.models import AgreementVersion, PublishedChanges
from sla_portal.agreements.operations import freeze_earlier_changes, load_wording
from sla_portal.agreements.wording import ClauseText
from sla_portal.audit.actors import Actor
from sla_portal.staff.amendments.comparison import version_changes
from tests.support.amendments import ANNOUNCED, a_draft, announced
from tests.support.builders import at
from tests.support.desk import a_member, signed_in, text_of
from tests.support.races import at_once
from tests.support.unguarded import unguarded

LATER = at("2026-06-10 04:00")
WORDING = [ClauseText("2", "The lamp shines all night.", [])]


def load_first_wording() -> None:
    first = AgreementVersion.objects.get(version="1.0")
    assert load_wording(actor=Actor.system("loadagreement"), version=first, clauses=WORDING, now=LATER) == 1


@pytest.fixture
def shown(db, monkeypatch):
    """Return the redline on the website in both languages, and on the page of the desk, without what is cached."""
    desk = signed_in(a_member("Legal"))

    def pages(version: AgreementVersion) -> list[str]:
        monkeypatch.setattr("sla_portal.website.caching._near", {})
        for name in ("public", "pages"):
            caches[name].clear()
        redline = reverse("agreement_redline", args=["1.0", version.version])
        public = [Client().get(redline, {"lang": language}) for language in ("en", "zh-hans")]
        own = desk.get(reverse("admin:amendment", args=[version.pk]))
        assert {page.status_code for page in (*public, own)} == {200}
        return [text_of(page) for page in public] + [text_of(own).partition("Changed terms")[2]]

    return pages


@pytest.mark.django_db
def test_a_wording_loaded_later_changes_nothing_that_was_shown(shown):
    version = announced(a_draft(first_is_worded=False))
    before = shown(version)
    load_first_wording()
    assert shown(version) == before
    assert {row.frozen_at for row in PublishedChanges.objects.all()} == {version.published_at}


@pytest.mark.django_db
def test_without_what_is_frozen_it_would(shown):
    version = announced(a_draft(first_is_worded=False))
    before = shown(version)
    load_first_wording()
    with unguarded():
        PublishedChanges.objects.all().delete()
    assert not any(now == then for now, then in zip(shown(version), before, strict=True))


@pytest.mark.django_db
def test_what_an_earlier_build_announced_is_frozen_as_it_is_at_the_upgrade_and_says_so(shown):
    version = announced(a_draft(first_is_worded=False))
    with unguarded():
        PublishedChanges.objects.all().delete()
    before = shown(version)
    # Whatever comes first, the schedule or a wording: neither changes what is shown.
    load_first_wording()
    assert freeze_earlier_changes(now=LATER) == 0
    english, chinese, desk = shown(version)
    assert "The changes are shown as they were on 2026-06-10 12:00" in english
    assert "lamp" not in english + chinese + desk
    assert before[0].partition("Terms")[2] == english.partition("Terms")[2]
    assert {row.frozen_at for row in PublishedChanges.objects.all()} == {LATER}
    assert version_changes(version)["frozen_later_at"] == LATER


@pytest.mark.django_db
def test_the_database_refuses_to_change_what_is_frozen():
    announced(a_draft())
    rows = PublishedChanges.objects.all()
    for change in (rows.delete, lambda: rows.update(content={})):
        with pytest.raises(IntegrityError, match="agreements_publishedchanges_is_only_added_to"), transaction.atomic():
            change()
    row = rows[0]
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_two_freeze_it_once():
    announced(a_draft())
    with unguarded():
        PublishedChanges.objects.all().delete()
    frozen = at_once(*[lambda: freeze_earlier_changes(now=LATER)] * 3)
    assert sorted(frozen) == [0, 0, 1]
    assert PublishedChanges.objects.count() == 2


def test_changes_are_read_as_they_were_stored():
    class Clause:
        number, heading_zh, summary, summary_zh, wording_zh = "2", "", "", "", ""

        def __init__(self, wording: str) -> None:
            self.wording, self.heading = wording, "Target"

    changes = Changes(text_changes([Clause("At least 99.9 %.")], [Clause("At least 99.99 %, always.")], "en"), ())
    assert Changes.read(changes.stored()) == changes
    assert ANNOUNCED < LATER
