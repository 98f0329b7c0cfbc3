"""Two at the same moment on one incident: one voids it, merges it or resolves it, and the other is told.

Each protection has a twin without it, which must fail, or the test proves nothing.
"""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import transaction

from incidents.models import Incident
from incidents.operations import add_outage, reopen_incident, resolve_incident
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record
from sla_portal.audit.queries import entries_about, first_broken_link
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import (
    facts_of,
    merge_incident,
    propose_exclusion,
    reject_exclusion,
    void_incident,
    withdraw_exclusion,
)
from tests.support.builders import a_region, an_exclusion, an_incident, an_outage, at
from tests.support.desk import a_member
from tests.support.races import outcomes

pytestmark = pytest.mark.django_db(transaction=True)

NOW = at("2026-09-20 12:00")
ONE, OTHER = Actor.system("one"), Actor.system("other")
ROUNDS = 3


def ongoing() -> Incident:
    return an_outage(a_region(), "2026-09-10 01:00", None).incident


def voiding(incident: Incident, actor: Actor = ONE) -> Callable[[], object]:
    return partial(void_incident, actor=actor, incident=incident, reason="A test", now=NOW)


def merging(incident: Incident, into: Incident) -> Callable[[], object]:
    return partial(
        merge_incident, actor=OTHER, incident=incident, into=into, take_over=list(incident.outages.all()),
        propose_anew=(), reason="Twice", now=NOW,
    )  # fmt: skip


def test_voided_by_two_at_once_it_is_voided_once():
    incident = ongoing()
    assert sorted(outcomes(*[voiding(incident)] * 4)) == ["IncidentVoided"] * 3 + ["done"]
    assert len(list(entries_about(incident))) == 1
    assert first_broken_link() is None


def test_a_twin_that_looks_and_locks_nothing_voids_twice():
    incident = ongoing()
    looked = threading.Barrier(2)

    def void() -> None:
        found = Incident.objects.get(pk=incident.pk)
        looked.wait(timeout=30)
        if found.voided_at is None:
            with transaction.atomic():
                Incident.objects.filter(pk=incident.pk).update(voided_at=NOW)
                record(actor=ONE, action="voided", subject=incident, now=NOW)

    outcomes(void, void)
    assert len(list(entries_about(incident))) == 2


def test_voided_and_merged_at_once_it_is_either():
    for _round in range(ROUNDS):
        incident, other = ongoing(), ongoing()
        assert sorted(outcomes(voiding(incident), merging(incident, other))) == ["IncidentVoided", "done"]
        incident.refresh_from_db()
        assert (incident.merged_into == other) == (other.outages.count() == 2)


def test_two_merged_into_each_other_at_once_leave_one_that_counts():
    for _round in range(ROUNDS):
        first, second = ongoing(), ongoing()
        assert sorted(outcomes(merging(first, second), merging(second, first))) == ["IncidentVoided", "done"]
        assert Incident.objects.valid().filter(pk__in=[first.pk, second.pk]).count() == 1


def test_what_is_merged_into_an_incident_that_is_voided_at_once_is_voided_with_it_or_stays():
    for _round in range(ROUNDS):
        duplicate, target = ongoing(), ongoing()
        void, merge = outcomes(voiding(target), merging(duplicate, target))
        assert void == "done"
        duplicate.refresh_from_db()
        assert duplicate.merged_into is None
        assert (duplicate.voided_at is not None) == (merge == "done")


def test_voided_while_it_is_resolved_reopened_or_added_to_it_is_voided():
    for _round in range(ROUNDS):
        incident, resolved = ongoing(), an_incident(resolved_at=at("2026-09-10 02:00"))
        outage = an_outage(a_region(), "2026-09-10 01:00", "2026-09-10 02:00", incident=resolved)
        for one, change in (
            (incident, partial(resolve_incident, at=NOW)),
            (resolved, partial(reopen_incident, text="Again", reason="Again")),
            (resolved, partial(add_outage, facts=facts_of(outage))),
        ):
            if Incident.objects.get(pk=one.pk).voided_at is None:
                void, changed = outcomes(voiding(one), partial(change, actor=OTHER, incident=one, now=NOW))
                assert void == "done"
                assert changed in ("done", "IncidentVoided")
        assert Incident.objects.valid().count() == 0
    assert first_broken_link() is None


def test_proposed_while_it_is_voided_no_proposal_waits():
    for _round in range(ROUNDS):
        incident = ongoing()
        proposing = partial(
            propose_exclusion, actor=OTHER, incident=incident, clause="4.10", reason="By order", now=NOW
        )
        void, _proposed = outcomes(voiding(incident), proposing)
        assert void == "done"
        assert not Exclusion.objects.filter(status="proposed").exists()


def test_a_twin_that_looks_before_it_proposes_leaves_a_proposal_on_a_voided_incident():
    incident = ongoing()
    looked, voided = threading.Event(), threading.Event()

    def propose() -> None:
        found = Incident.objects.get(pk=incident.pk)
        looked.set()
        voided.wait(timeout=30)
        if found.voided_at is None:
            an_exclusion(incident, status="proposed")

    def void() -> None:
        looked.wait(timeout=30)
        voiding(incident)()
        voided.set()

    outcomes(propose, void)
    assert Exclusion.objects.get().status == "proposed"


def test_decided_or_withdrawn_while_its_incident_is_voided_none_waits_for_the_other():
    noc = Actor.staff(a_member("NOC"))
    for _round in range(ROUNDS):
        incident = ongoing()
        exclusion = an_exclusion(incident, status="proposed", proposed_by=noc.user)
        void, rejected, withdrawn = outcomes(
            voiding(incident),
            partial(reject_exclusion, actor=OTHER, exclusion=exclusion, reason="No", now=NOW),
            partial(withdraw_exclusion, actor=noc, exclusion=exclusion, reason="A slip", now=NOW),
        )
        assert void == "done"
        assert {rejected, withdrawn} <= {"done", "IncidentVoided", "ExclusionAlreadyDecided"}
        exclusion.refresh_from_db()
        assert exclusion.status == ("rejected" if rejected == "done" else "withdrawn")
