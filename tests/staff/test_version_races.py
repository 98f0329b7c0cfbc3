"""Two people decide at the same moment from pages that show the same: one is refused and shown what the other did.

Without the check both go through, and what the first of them wrote is gone.
"""

from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from unittest.mock import patch

import pytest
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from claims.operations import ask_customer
from incidents.models import Incident
from maintenance.models import MaintenanceWindow
from maintenance.operations import announce_window
from sla_portal.agreements.operations import change_draft, write_entry
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import ChangedMeanwhile
from sla_portal.audit.queries import first_broken_link
from sla_portal.availability.operations import propose_exclusion
from tests.support.amendments import ANNOUNCED, a_draft
from tests.support.builders import a_region, a_window, an_incident, an_outage, at
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september
from tests.support.desk import Opened, a_member, looking, signed_in
from tests.support.races import outcomes

pytestmark = pytest.mark.django_db(transaction=True)
NOW = at("2026-09-10 03:00")
Two = list[Callable[[], object]]


def answered(response: HttpResponse) -> None:
    """Raise the refusal of a page that has not saved."""
    if response.status_code == 409:
        raise ChangedMeanwhile([*Entry.objects.all()])
    assert response.status_code == 302


def two(role: str) -> list[Actor]:
    return [looking(Actor.staff(a_member(role, name))) for name in ("anna", "ben")]


def an_open_incident() -> Incident:
    incident = an_incident("INC-1", detected_at=at("2026-09-10 01:00"))
    an_outage(a_region(), "2026-09-10 01:00", None, incident=incident)
    return incident


def proposals() -> Two:
    incident = an_open_incident()
    return [
        partial(propose_exclusion, actor=actor, incident=incident, clause=clause, reason="As it was", now=NOW)
        for actor, clause in zip(two("Legal"), ("4.10", "4.2"), strict=True)
    ]


def announcements() -> Two:
    window = a_window("2026-09-12 01:00", "2026-09-12 02:00")
    starts_at, ends_at = window.starts_at, window.ends_at
    return [
        partial(
            announce_window, actor=actor, window=window, starts_at=starts_at, ends_at=ends_at + later, now=NOW + later
        )
        for actor, later in zip(two("NOC"), (timedelta(0), timedelta(minutes=30)), strict=True)
    ]


def questions() -> Two:
    a_missed_september()
    claim = a_claim(a_claimant())
    return [
        partial(ask_customer, actor=actor, claim=claim, question=question, now=OPEN)
        for actor, question in zip(two("Support"), ("Which door?", "Which phone?"), strict=True)
    ]


def edits_of_a_draft() -> Two:
    draft = a_draft()
    return [
        partial(change_draft, actor=actor, draft=draft, terms={"voucher_valid_months": months}, now=ANNOUNCED)
        for actor, months in zip(two("Legal"), (6, 7), strict=True)
    ]


def edits_on_the_page_of_a_draft() -> Two:
    url = reverse("admin:amendment", args=[a_draft().pk])
    pages = [Opened(signed_in(a_member("Legal", name)), url) for name in ("anna", "ben")]

    def save(page: Opened, months: str) -> None:
        answered(page.fill("clauses-0-number", do="save", voucher_valid_months=months))

    return [partial(save, page, months) for page, months in zip(pages, ("6", "7"), strict=True)]


def edits_of_an_entry() -> Two:
    texts = {"clause": "4.1", "matter": "reading", "question": "How long?", "answer": "Any.", "why": "None is named."}
    entry = write_entry(actor=Actor.system("test"), now=NOW, **texts)
    return [
        partial(write_entry, actor=actor, entry=entry, answer=answer, now=NOW)
        for actor, answer in zip(two("Legal"), ("Three days.", "Four days."), strict=True)
    ]


def corrections(row: Incident | MaintenanceWindow) -> Two:
    """Two who press Save in the form of the same record."""
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])

    def save(page: Opened, title: str) -> None:
        answered(page.fill("title", title=title, why="A clearer title"))

    pages = [Opened(signed_in(a_member("NOC", name)), url) for name in ("anna", "ben")]
    return [partial(save, page, title) for page, title in zip(pages, ("One", "Two"), strict=True)]


def corrections_of_an_incident() -> Two:
    return corrections(an_open_incident())


def edits_of_a_window() -> Two:
    # No window in the past is planned, and threads have no time of their own.
    starts = timezone.now().replace(microsecond=0) + timedelta(days=10)
    return corrections(a_window(starts.isoformat(), (starts + timedelta(hours=1)).isoformat()))


PAIRS = [
    proposals, announcements, questions, edits_of_a_draft, edits_on_the_page_of_a_draft, edits_of_an_entry,
    corrections_of_an_incident, edits_of_a_window,
]  # fmt: skip


@contextmanager
def without_the_check():
    check = "sla_portal.audit.operations.entries_since"
    merging = "sla_portal.staff.amendments.drafts.entries_since"
    with patch(check, return_value=[]), patch(merging, return_value=[]):
        yield


@pytest.mark.parametrize("pair", PAIRS)
def test_of_two_who_decide_at_once_one_is_refused(pair):
    assert sorted(outcomes(*pair())) == ["ChangedMeanwhile", "done"]
    assert first_broken_link() is None


@pytest.mark.parametrize("pair", PAIRS)
def test_without_the_check_both_go_through(pair):
    doings = pair()
    with without_the_check():
        assert sorted(outcomes(*doings)) == ["done", "done"]
