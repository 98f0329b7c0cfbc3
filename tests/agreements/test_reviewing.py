"""The review of a draft: comments, approval in order, sending back; a submission waits for both."""

import pytest

from sla_portal.agreements.models import ClauseComment
from sla_portal.agreements.operations import (
    CommentResolved,
    NotAcceptable,
    NotYourTurn,
    ReviewOpen,
    approve_draft,
    change_draft,
    comment_on_clause,
    name_reviewers,
    resolve_comment,
    send_back_review,
    submit_draft,
)
from sla_portal.agreements.queries import asked_to_review
from tests.support.amendments import ANNOUNCED, EFFECTIVE, a_draft, legal
from tests.support.builders import on
from tests.support.races import at_once

pytestmark = pytest.mark.django_db
NOW = {"now": ANNOUNCED}


@pytest.fixture
def draft():
    return a_draft()


def submit(draft) -> None:
    submit_draft(actor=legal("ann"), draft=draft, effective_on=EFFECTIVE, **NOW)


def named(draft, *names: str) -> None:
    reviewers = [(legal(name).user, on("2026-06-05")) for name in names]
    name_reviewers(actor=legal("ann"), draft=draft, reviewers=reviewers, **NOW)


def test_reviewers_approve_in_their_order_and_then_it_can_be_submitted(draft):
    named(draft, "bob", "cy")
    asked = [list(asked_to_review(legal(name).user).values_list("due_on", flat=True)) for name in ("bob", "cy")]
    assert asked == [[on("2026-06-05")], []]
    with pytest.raises(NotYourTurn):
        approve_draft(actor=legal("cy"), draft=draft, **NOW)
    with pytest.raises(ReviewOpen, match="Bob has not approved"):
        submit(draft)
    for name in ("bob", "cy"):
        approve_draft(actor=legal(name), draft=draft, **NOW)
    submit(draft)


def test_a_change_asks_everyone_again(draft):
    named(draft, "bob")
    approve_draft(actor=legal("bob"), draft=draft, **NOW)
    change_draft(actor=legal("ann"), draft=draft, terms={"voucher_valid_months": 6}, **NOW)
    assert asked_to_review(legal("bob").user).count() == 1
    with pytest.raises(ReviewOpen):
        submit(draft)


def test_a_draft_is_sent_back_with_a_reason_that_stays_open_until_it_is_resolved(draft):
    named(draft, "bob", "cy")
    approve_draft(actor=legal("bob"), draft=draft, **NOW)
    send_back_review(actor=legal("cy"), draft=draft, reason="Clause 2 is too high", **NOW)
    assert asked_to_review(legal("bob").user).count() == 1
    for name in ("bob", "cy"):
        approve_draft(actor=legal(name), draft=draft, **NOW)
    with pytest.raises(ReviewOpen, match="open comments"):
        submit(draft)
    comment = ClauseComment.objects.get()
    resolve_comment(actor=legal("ann"), comment=comment, **NOW)
    with pytest.raises(CommentResolved):
        resolve_comment(actor=legal("ann"), comment=comment, **NOW)
    submit(draft)


@pytest.mark.parametrize(("clause", "text"), [("9.9", "Where?"), ("2", ""), ("2", "x" * 2001)])
def test_a_comment_is_on_a_clause_of_the_draft_and_says_something(draft, clause, text):
    with pytest.raises(NotAcceptable):
        comment_on_clause(actor=legal("bob"), draft=draft, clause=clause, text=text, **NOW)


def test_a_person_reviews_once(draft):
    with pytest.raises(NotAcceptable):
        named(draft, "bob", "bob")


@pytest.mark.django_db(transaction=True)
def test_two_who_resolve_a_comment_at_once_resolve_it_once():
    comment = comment_on_clause(actor=legal("bob"), draft=a_draft(), clause="2", text="Why?", **NOW)

    def resolve() -> str:
        try:
            resolve_comment(actor=legal("ann"), comment=comment, **NOW)
        except CommentResolved:
            return "refused"
        return "resolved"

    assert sorted(at_once(resolve, resolve)) == ["refused", "resolved"]
