"""Colleagues at one claim: who takes it, who looks at it, notes and mentions; and what happens where two do it at once."""

import threading
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import transaction
from django.urls import reverse
from time_machine import travel

from claims.models import Claim, Mention, Note, Viewer
from claims.operations.working import (
    AlreadyAssigned,
    CannotReview,
    NoSuchColleague,
    assign_claim,
    forget_viewers,
    look_at_claim,
    note_claim,
    read_mention,
    take_claim,
)
from claims.queries.working import viewers_of
from claims.rules import mentions
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from tests.support.claimants import OPEN, a_claim, a_claimant, support
from tests.support.desk import Opened, a_member, signed_in, text_of
from tests.support.races import outcomes

QUEUE = reverse("admin:claims")


@pytest.mark.parametrize(
    ("text", "found", "unknown"),
    [
        ("@anna please look", ["anna"], []),
        ("(@Anna, @otto.) 请@anna看", ["anna", "otto"], []),
        ("mail to ops@anna.example", [], []),
        ("@nobody and @anna", ["anna"], ["nobody"]),
    ],
)
def test_a_note_mentions_the_names_after_an_at_sign_and_no_address(text, found, unknown):
    assert mentions(text, {"anna", "otto"}) == (found, unknown)


@pytest.mark.django_db(transaction=True)
def test_of_several_who_take_a_claim_at_once_one_has_it():
    for _round in range(3):
        claim, agents = a_claim(a_claimant(), closed=False), [support() for _n in range(3)]
        taking = [partial(take_claim, actor=Actor.staff(one), claim=claim, now=OPEN) for one in agents]
        assert sorted(outcomes(*taking)) == ["AlreadyAssigned", "AlreadyAssigned", "done"]
        claim.refresh_from_db()
        taken = Entry.objects.filter(action="took", subject_id=str(claim.pk))
        assert [entry.actor for entry in taken] == [claim.assigned_to]


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_looks_and_locks_nothing_gives_it_to_two():
    claim, looked = a_claim(a_claimant(), closed=False), threading.Barrier(2)

    def take(user) -> None:
        holder = Claim.objects.get(pk=claim.pk).assigned_to
        looked.wait(timeout=30)
        if holder:
            raise AlreadyAssigned
        with transaction.atomic():
            Claim.objects.filter(pk=claim.pk).update(assigned_to=user)

    assert outcomes(*(partial(take, support()) for _n in range(2))) == ["done", "done"]


@pytest.mark.django_db(transaction=True)
def test_two_who_open_a_claim_at_once_each_see_the_other():
    claim, nora, otto = a_claim(a_claimant(), closed=False), support("nora"), support("otto")
    looking = [partial(look_at_claim, user=user, claim=claim, now=OPEN) for user in (nora, otto, nora)]
    assert outcomes(*looking) == ["done"] * 3
    assert [one.user for one in viewers_of(claim, nora, OPEN)] == [otto]
    assert [one.user for one in viewers_of(claim, otto, OPEN)] == [nora]


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_asks_before_it_writes_is_refused_by_the_constraint():
    claim, nora, looked = a_claim(a_claimant(), closed=False), support("nora"), threading.Barrier(2)

    def look() -> None:
        known = Viewer.objects.filter(claim=claim, user=nora).exists()
        looked.wait(timeout=30)
        if not known:
            Viewer.objects.create(claim=claim, user=nora, seen_at=OPEN)

    assert sorted(outcomes(look, look)) == ["IntegrityError", "done"]


@pytest.mark.django_db
def test_who_looks_at_a_claim_is_named_on_its_page_until_the_page_is_closed():
    claim, nora = a_claim(a_claimant()), support("nora")
    page = reverse("admin:claim", args=[claim.pk])
    other = signed_in(a_member("Legal"))
    with travel(OPEN, tick=False):
        assert "Also looking" not in text_of(other.get(page))
        assert "Also looking at this claim now: Legal" in text_of(signed_in(nora).get(page, {"part": "looking"}))
    with travel(OPEN + timedelta(minutes=3), tick=False):
        assert "Also looking" not in text_of(other.get(page))
    forget_viewers(now=OPEN + timedelta(minutes=4))
    assert [one.user.username for one in Viewer.objects.all()] == ["legal"]


@pytest.mark.django_db
def test_a_claim_is_taken_from_the_queue_and_assigned_to_colleagues_who_may_review():
    claim, nora, otto, legal = a_claim(a_claimant()), support("nora"), support("otto"), a_member("Legal")
    with travel(OPEN, tick=False):
        desk = signed_in(nora)
        assert f"Take {claim.number}" in desk.get(QUEUE).content.decode()
        queue = Opened(desk, QUEUE)
        queue.send(reverse("admin:take_claim"), claim=claim.pk)
        assert claim.number in text_of(desk.get(QUEUE, {"tab": "assigned"}))
        late = signed_in(otto).post(reverse("admin:take_claim"), {"claim": claim.pk}, follow=True)
        assert f"Support has taken claim {claim.number}." in text_of(late)
    with pytest.raises(CannotReview):
        assign_claim(actor=Actor.staff(nora), claim=claim, to=legal, now=OPEN)
    assign_claim(actor=Actor.staff(nora), claim=claim, to=otto, now=OPEN)
    assign_claim(actor=Actor.staff(nora), claim=claim, to=None, now=OPEN)
    claim.refresh_from_db()
    assert claim.assigned_to is None


@pytest.mark.django_db
def test_a_mentioned_colleague_finds_the_note_at_home_until_it_is_read():
    claim, nora, legal = a_claim(a_claimant()), support("nora"), a_member("Legal", "lena")
    a_member("NOC", "noc")
    with pytest.raises(NoSuchColleague, match="@noc"):
        note_claim(actor=Actor.staff(nora), claim=claim, text="@noc look", now=OPEN)
    with travel(OPEN, tick=False):
        desk = signed_in(nora)
        page = reverse("admin:claim", args=[claim.pk])
        refused = Opened(desk, page).send(
            reverse("admin:note_claim", args=[claim.pk]), key=uuid4(), text="@nobody look"
        )
        assert refused.status_code == 422 and "@nobody look</textarea>" in refused.content.decode()
        note_claim(actor=Actor.staff(nora), claim=claim, text="@Lena is 4.5 right? @nora", now=OPEN)
        home = reverse("admin:index")
        assert "@Lena is 4.5 right?" in text_of(signed_in(legal).get(home))
        assert "mentions you" in text_of(signed_in(legal).get(page))
        mention = Mention.objects.get(user=legal)
        read_mention(actor=Actor.staff(nora), mention=mention, now=OPEN)
        assert signed_in(legal).get(home).context["mentions"].count() == 1
        signed_in(legal).post(reverse("admin:read_mention", args=[mention.pk]))
        assert "@Lena is 4.5 right?" not in text_of(signed_in(legal).get(home))
    assert Note.objects.get().text.startswith("@Lena")
