"""Two at the same moment on one incident: its owner, and the review that is published.

Each protection has a twin without it, which must fail, or the test proves nothing.
"""

import threading
from functools import partial
from unittest.mock import patch

import pytest
from django.db import transaction

from incidents.models import Incident, Review
from incidents.operations import ReviewText, publish_review, take_incident, write_review
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import record
from sla_portal.audit.queries import first_broken_link
from tests.support.builders import an_incident, at, numbers
from tests.support.desk import a_member, looking
from tests.support.races import outcomes

pytestmark = pytest.mark.django_db(transaction=True)
WRITTEN, NOW = at("2026-09-20 11:00"), at("2026-09-20 12:00")
NOC = Actor.system("noc")
READ, UNREAD = ReviewText("As it was read"), ReviewText("As nobody read it")


def owners() -> list[list[str | None]]:
    return [entry.changes["owner"] for entry in Entry.objects.filter(action="took").order_by("id")]


def test_taken_by_two_at_once_each_entry_names_the_owner_before():
    incident = an_incident()
    people = [Actor.staff(a_member("NOC", name)) for name in ("nora", "otto", "pia")]
    for actor in people:
        actor.user.first_name = actor.user.username.title()
        actor.user.save()
    assert (
        outcomes(*(partial(take_incident, actor=actor, incident=incident, now=NOW) for actor in people)) == ["done"] * 3
    )
    taken = owners()
    assert [before for before, _after in taken] == [None, *(after for _before, after in taken[:-1])]
    incident.refresh_from_db()
    assert incident.acknowledged_at == NOW
    assert first_broken_link() is None


def test_a_twin_that_looks_and_locks_nothing_names_nobody_before():
    incident = an_incident()
    looked = threading.Barrier(2)

    def take(actor: Actor) -> None:
        found = Incident.objects.get(pk=incident.pk)
        looked.wait(timeout=30)
        with transaction.atomic():
            Incident.objects.filter(pk=incident.pk).update(owner=actor.user)
            record(actor=actor, action="took", subject=found, changes={"owner": [found.owner, actor.name]}, now=NOW)

    outcomes(*(partial(take, Actor.staff(a_member("NOC", name))) for name in ("nora", "otto")))
    assert [before for before, _after in owners()] == [None, None]


def reviewed() -> Incident:
    incident = an_incident(resolved_at=at("2026-09-10 02:00"))
    write_review(actor=NOC, incident=incident, text=READ, actions=[], now=WRITTEN)
    return incident


def two_who_read_it() -> tuple[Actor, Actor]:
    nora, otto = (looking(Actor.staff(a_member("NOC", f"{name}-{next(numbers)}"))) for name in ("nora", "otto"))
    return nora, otto


def test_published_while_it_is_written_only_what_was_read_is_published():
    for _round in range(3):
        incident = reviewed()
        nora, otto = two_who_read_it()
        published, written = outcomes(
            partial(publish_review, actor=nora, incident=incident, now=NOW),
            partial(write_review, actor=otto, incident=incident, text=UNREAD, actions=[], now=NOW),
        )
        review = Review.objects.get(incident=incident)
        if published == "done":
            assert (written, review.cause) == ("ChangedMeanwhile", READ.cause)
        else:
            assert (published, written, review.published_at) == ("ChangedMeanwhile", "done", None)


def test_without_the_check_what_nobody_read_is_published():
    incident = reviewed()
    nora, otto = two_who_read_it()
    written = threading.Event()

    def publish() -> None:
        written.wait(timeout=30)
        publish_review(actor=nora, incident=incident, now=NOW)

    def write() -> None:
        write_review(actor=otto, incident=incident, text=UNREAD, actions=[], now=NOW)
        written.set()

    with patch("sla_portal.audit.operations.entries_since", return_value=[]):
        assert outcomes(publish, write) == ["done", "done"]
    review = Review.objects.get(incident=incident)
    assert (review.cause, review.published_at) == (UNREAD.cause, NOW)
