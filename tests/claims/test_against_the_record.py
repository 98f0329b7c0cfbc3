"""Decisions against the record do not slip through: refusals rest on it, grants wait for it, and somebody can decide (3)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from time_machine import travel

from claims.models import Status
from claims.operations import (
    ChecksNotPassed,
    GroundNotOnRecord,
    NobodyLeftToDecide,
    appeal_refusal,
    decide,
)
from claims.queries import assess, deciders_of_appeal
from claims.rules import Check, Finding, grounds
from sla_portal.audit.actors import Actor
from sla_portal.availability.operations import (
    confirm_exclusion,
    correct_month,
    propose_exclusion,
    propose_own_exclusion,
    reject_exclusion,
)
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.claimants import (
    OPEN,
    PORTAL,
    SEPTEMBER,
    a_claim,
    a_claimant,
    a_missed_september,
    recommended,
    support,
)
from tests.support.desk import a_member, signed_in, text_of


@pytest.mark.parametrize(
    ("failed", "excluded", "only_trial", "possible"),
    [
        ([], [], False, ["3.3.2"]),
        ([Check.BELOW_TARGET, Check.COUNTED_MINUTES], [], False, ["2", "3.1", "3.3.2"]),
        ([Check.IN_TIME, Check.CAP_LEFT], ["4.5"], False, ["3.3.1", "3.3.2", "4.5", "5.1"]),
        ([], ["4.11", "4.1"], True, ["1.3", "3.3.2", "4.1", "4.11"]),
    ],
)
def test_a_refusal_rests_on_a_failed_check_an_exclusion_or_on_proof(failed, excluded, only_trial, possible):
    findings = [Finding(check, check not in failed) for check in Check]
    assert list(grounds(findings, excluded, only_trial=only_trial)) == possible


def test_a_pending_check_is_no_ground():
    assert grounds([Finding(check, None) for check in Check], (), only_trial=False) == ("3.3.2",)


def own_making(of, by, *, start="2026-09-10 01:00", end="2026-09-10 01:20", clause="4.5"):
    return propose_own_exclusion(
        actor=Actor.staff(by), customer=of.customer, clause=clause, starts_at=at(start), ends_at=at(end),
        reason="Their access point was off", evidence="Log", now=OPEN,
    )  # fmt: skip


@pytest.mark.django_db
def test_a_refusal_under_section_4_needs_a_confirmed_exclusion_that_covers_claimed_minutes():
    a_missed_september()
    of, me, other = a_claimant(), support(), support()
    claim = a_claim(of)
    # The seven minutes after 01:30 were down, but not claimed.
    beside = own_making(of, me, start="2026-09-10 01:31", end="2026-09-10 01:37")
    covering = own_making(of, me, clause="4.6")
    confirm_exclusion(actor=Actor.staff(other), exclusion=beside, reason="Seen", now=OPEN)
    for clause in ("4.5", "4.6", "3.1"):
        with pytest.raises(GroundNotOnRecord, match=clause):
            recommended(claim, outcome="refuse", clause=clause)
    confirm_exclusion(actor=Actor.staff(other), exclusion=covering, reason="Seen", now=OPEN)
    assert recommended(claim, outcome="refuse", clause="4.6").clause == "4.6"


@pytest.mark.django_db
def test_a_refusal_whose_ground_is_gone_is_not_decided():
    of = a_claimant()
    claim = a_claim(of)
    wanted = recommended(claim, outcome="refuse", clause="2")
    an_outage(a_region(), "2026-09-20 01:00", "2026-09-20 01:10", incident=an_incident(attributable=True))
    with pytest.raises(GroundNotOnRecord):
        decide(actor=Actor.staff(support()), claim=claim, recommendation=wanted.pk, key=uuid4(), now=OPEN)


@pytest.mark.django_db
def test_a_grant_waits_for_an_undecided_exclusion_of_its_minutes_and_for_no_other():
    a_missed_september()
    of, me, legal = a_claimant(), support(), a_member("Legal")
    claim = a_claim(of)
    elsewhere = an_incident(detected_at=at("2026-09-20 01:00"), resolved_at=at("2026-09-20 01:10"))
    an_outage(a_region(), "2026-09-20 01:00", "2026-09-20 01:00:30", incident=elsewhere)
    propose_exclusion(
        actor=Actor.staff(legal), incident=elsewhere, clause="4.10", starts_at=None, ends_at=None, reason="Law",
        evidence="Gazette", now=OPEN,
    )  # fmt: skip
    proposed = own_making(of, me)
    assert assess(claim, OPEN).undecided == [proposed]
    with pytest.raises(ChecksNotPassed, match=r"4\.5 .* undecided|undecided: 4\.5"):
        recommended(claim)
    reject_exclusion(actor=Actor.staff(support()), exclusion=proposed, reason="It was on", now=OPEN)
    assert recommended(claim).outcome == "grant"


@pytest.mark.django_db
def test_the_only_person_who_may_decide_an_appeal_does_not_recommend_in_it():
    a_missed_september()
    claim, first, second, third = a_claim(a_claimant()), support(), support(), support()
    wanted = recommended(claim, first, outcome="refuse")
    decide(actor=Actor.staff(second), claim=claim, recommendation=wanted.pk, key=uuid4(), now=OPEN)
    appeal_refusal(actor=PORTAL, claim=claim, text="Look again", now=OPEN)
    claim.refresh_from_db()
    for other in deciders_of_appeal(claim):
        if other != third:
            other.groups.clear()
    with pytest.raises(NobodyLeftToDecide):
        recommended(claim, third)
    wanted = recommended(claim, first)
    decide(actor=Actor.staff(third), claim=claim, recommendation=wanted.pk, key=uuid4(), now=OPEN)
    claim.refresh_from_db()
    assert claim.status == Status.GRANTED


@pytest.mark.django_db
def test_own_making_confirmed_after_the_closing_tells_what_follows_and_again_when_it_is_done():
    a_missed_september()
    of, me, other = a_claimant(), support(), support()
    a_member("Legal")
    claim = a_claim(of)
    row = own_making(of, me)
    with travel(OPEN, tick=False):
        desk = signed_in(other)
        page = reverse("admin:confirm_own", args=[claim.pk, row.pk])
        said = text_of(desk.post(page, {"reason": "Seen"}, follow=True))
        assert "One of these requests the correction and another confirms it: Legal." in said
        home = reverse("admin:index")
        assert "waiting for Legal" in text_of(desk.get(home)) and "waiting for Legal" in text_of(
            signed_in(me).get(home)
        )
    correct_month(actor=PORTAL, month=SEPTEMBER, reason="4.5 found in a claim", now=OPEN + timedelta(hours=1))
    with travel(OPEN + timedelta(hours=2), tick=False):
        assert "September 2026 was corrected by test" in text_of(signed_in(me).get(home))
        recommended(claim, me)
        granting = claim.recommendations.get()
        decide(actor=Actor.staff(other), claim=claim, recommendation=granting.pk, key=uuid4(), now=OPEN)
        assert "was corrected" not in text_of(signed_in(me).get(home))


@pytest.mark.django_db
def test_a_proposal_stands_on_legals_home_with_the_date_of_the_claim_that_waits_for_it():
    a_missed_september()
    of = a_claimant()
    claim = a_claim(of)
    own_making(of, support())
    with travel(OPEN, tick=False):
        home = text_of(signed_in(a_member("Legal")).get(reverse("admin:index")))
    assert f"{claim.number} waits for it, received 2026-10-20" in home
