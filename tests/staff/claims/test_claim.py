"""The page of a claim: checks, recommendation and decision."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from claims.models import Claim, ClaimLink, Decision, Recommendation, Status
from claims.operations.reviewing import decide
from incidents.models import Incident
from sla_portal.agreements.models import AgreementVersion
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import merge_incident, void_incident
from sla_portal.notices.models import Notice
from sla_portal.staff.roles import ROLES
from tests.support.builders import a_region, an_exclusion, an_incident, an_outage, at
from tests.support.claimants import (
    OPEN,
    PORTAL,
    a_claim,
    a_claimant,
    a_missed_september,
    a_proof,
    recommended,
    support,
)
from tests.support.desk import a_member, signed_in, text_of
from tests.support.unguarded import unguarded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now():
    with travel(OPEN, tick=False):
        yield


@pytest.fixture
def claim() -> Claim:
    a_missed_september()
    return a_claim(a_claimant())


def page_of(claim: Claim, door: str = "claim", *more: int) -> str:
    return reverse(f"admin:{door}", args=[claim.pk, *more])


def letter(**values) -> dict[str, object]:
    given = {
        "key": uuid4(),
        "outcome": "grant",
        "reason": "Down for 37 minutes, and proved",
        "voucher_minutes": "7",
        "letter_subject": "Granted",
        "letter_text": "Your claim is granted.",
        "do": "recommend",
    }
    return {**given, **values}


def decision_of(claim: Claim) -> dict[str, object]:
    return {"key": uuid4(), "recommendation": claim.recommendations.latest("id").pk}


def test_the_page_shows_claimant_checks_and_compensation(claim):
    page = text_of(signed_in(support()).get(page_of(claim)))
    for said in (
        claim.number,
        "Received in time",
        "Availability below the target",
        "Availability was 99.91435 %",
        "1 file attached.",
        "490.00 EUR",
        "Claimed: 30 minutes. Of these, unavailable: 30 minutes; excluded: 0 minutes; no outage on record: 0 minutes.",
        "Unavailable but not claimed: 7 minutes.",
        "The outcome is the same under all three counting rules.",
        "49.00 EUR × 37 ÷ 43200 minutes of the month = 0.04 EUR.",
        "2026-09-10 03:00 Berlin – 2026-09-10 03:30 Berlin",
    ):
        assert said in page


def test_a_claim_without_proof_offers_only_a_refusal_and_says_why():
    a_missed_september()
    claim = a_claim(a_claimant(), proofs=0)
    response = signed_in(support()).get(page_of(claim))
    assert "The claim cannot be granted at present; only a refusal can be recommended" in text_of(response)
    assert b'value="refuse"' in response.content
    assert b'value="grant"' not in response.content


def test_the_amounts_of_a_division_are_computed_by_the_server(claim):
    agent = signed_in(support())
    part = text_of(agent.get(page_of(claim) + "?part=worth&voucher_minutes=30"))
    assert "Service extension 7 0.01 EUR Voucher 30 0.03 EUR Total 0.04 EUR" in part
    for nonsense in ("-1", "9" * 40, "x", "", "１"):
        assert agent.get(page_of(claim), {"part": "worth", "voucher_minutes": nonsense}).status_code == 200


def test_the_cut_by_the_liability_cap_is_shown():
    a_missed_september()
    claim = a_claim(a_claimant(paid="0.02"))
    page = text_of(signed_in(support()).get(page_of(claim)))
    assert "The liability cap (5.1) cuts 0.02 EUR: the balance for this contract period is 0.02 EUR." in page


def test_minutes_of_the_free_trial_are_explained():
    a_missed_september()
    claim = a_claim(a_claimant(starts_on="2026-09-01", ends_on="2027-08-31", trial_days=30))
    page = text_of(signed_in(support()).get(page_of(claim)))
    assert "37 minutes fall in the free trial, carry no charge (1.3) and are granted as service extension only." in page


def test_the_email_is_drafted_in_the_customers_language_and_previewed(claim):
    claim.contract.customer.language = "zh-hans"
    claim.contract.customer.save()
    response = signed_in(support()).post(
        page_of(claim, "recommend_claim"), letter(letter_subject="", letter_text="", do="draft")
    )
    page = text_of(response)
    assert response.status_code == 200
    assert "Preview" in page
    assert claim.number in response.context["recommend"].cleaned_data["letter_subject"]
    assert not Recommendation.objects.exists()


def test_one_person_recommends_and_another_grants(claim):
    one, other = signed_in(support()), signed_in(support())
    assert one.post(page_of(claim, "recommend_claim"), letter()).status_code == 302
    claim.refresh_from_db()
    assert claim.status == Status.RECOMMENDED
    shown = text_of(other.get(page_of(claim, "decide_claim")))
    assert "Service extension of 30 minutes (0.03 EUR): the last service day of contract" in shown
    assert "moves from 2026-12-31 to 2027-01-01" in shown
    assert "A voucher of 0.01 EUR is issued for 7 minutes." in shown
    assert other.post(page_of(claim, "decide_claim"), decision_of(claim)).status_code == 302
    claim.refresh_from_db()
    claim.contract.refresh_from_db()
    assert claim.status == Status.GRANTED
    assert str(claim.contract.last_day) == "2027-01-01"
    page = text_of(other.get(page_of(claim)))
    assert "Approved" in page
    assert Notice.objects.filter(about=claim.number).latest("id").number in page


def test_a_double_click_decides_once(claim):
    recommended(claim)
    other, sent = signed_in(support()), decision_of(claim)
    first, second = (other.post(page_of(claim, "decide_claim"), sent) for _n in range(2))
    assert first.status_code == second.status_code == 302
    assert Decision.objects.count() == 1


def test_a_double_click_recommends_once(claim):
    agent, sent = signed_in(support()), letter()
    first, second = (agent.post(page_of(claim, "recommend_claim"), sent) for _n in range(2))
    assert first.status_code == second.status_code == 302
    assert Recommendation.objects.count() == 1


def test_the_recommender_cannot_decide_and_the_page_says_so(claim):
    me = support()
    recommended(claim, me)
    mine = signed_in(me)
    page = text_of(mine.get(page_of(claim)))
    assert "You made this recommendation. Another person must approve it." in page
    assert "Review and decide" not in page
    response = mine.post(page_of(claim, "decide_claim"), decision_of(claim))
    assert response.status_code == 422
    assert not Decision.objects.exists()


def test_a_refusal_names_its_clause(claim):
    agent = signed_in(support())
    response = agent.post(page_of(claim, "recommend_claim"), letter(outcome="refuse"))
    assert response.status_code == 422
    assert "Choose the clause on which the refusal is based." in text_of(response)
    response = agent.post(page_of(claim, "recommend_claim"), letter(outcome="refuse", clause="3.1"))
    assert "On the record the claim does not fail under this clause." in text_of(response)
    assert agent.post(page_of(claim, "recommend_claim"), letter(outcome="refuse", clause="3.3.2")).status_code == 302
    other = signed_in(support())
    page = text_of(other.get(page_of(claim, "decide_claim")))
    for shown in (
        "No compensation is granted.",
        "Availability below the target 2 ✓ Pass",
        "Unavailable and claimed 30 min",
        "By these figures a grant would give:",
    ):
        assert shown in page
    other.post(page_of(claim, "decide_claim"), decision_of(claim))
    claim.refresh_from_db()
    assert claim.status == Status.REFUSED


def test_a_recommendation_is_sent_back_with_a_reason_and_withdrawn(claim):
    me = support()
    recommended(claim, me)
    other = signed_in(support())
    sent = {**decision_of(claim), "reason": ""}
    assert other.post(page_of(claim, "send_back_claim"), sent).status_code == 422
    assert other.post(page_of(claim, "send_back_claim"), {**sent, "reason": "Say more"}).status_code == 302
    assert "Say more" in text_of(other.get(page_of(claim)))
    recommended(claim, me)
    assert other.post(page_of(claim, "withdraw_recommendation"), {"reason": "Not mine"}).status_code == 422
    assert signed_in(me).post(page_of(claim, "withdraw_recommendation"), {"reason": "A slip"}).status_code == 302
    claim.refresh_from_db()
    assert claim.status == Status.SUBMITTED


def test_an_appeal_is_decided_by_a_third_person(claim):
    one, other, third = support(), support(), support()
    recommended(claim, one, outcome="refuse", clause="3.3.2")
    decide(actor=Actor.staff(other), claim=claim, now=OPEN, **decision_of(claim))
    desk = signed_in(other)
    assert f"{other.get_full_name() or other} cannot" in text_of(desk.get(page_of(claim)))
    assert desk.post(page_of(claim, "appeal_claim"), {"key": uuid4(), "text": "Look again"}).status_code == 302
    recommended(claim, third)
    page = text_of(desk.get(page_of(claim)))
    assert "You decided the refusal that was appealed. A third person must decide the appeal." in page
    assert desk.post(page_of(claim, "decide_claim"), decision_of(claim)).status_code == 422
    mine = signed_in(one)
    assert "You recommended the refusal that was appealed." in text_of(mine.get(page_of(claim)))
    fourth = signed_in(support())
    assert fourth.post(page_of(claim, "decide_claim"), decision_of(claim)).status_code == 302
    claim.refresh_from_db()
    assert claim.status == Status.GRANTED


def test_the_customer_is_asked_by_email_and_answers_by_phone(claim):
    agent = signed_in(support())
    assert agent.post(page_of(claim, "ask_claimant"), {"key": uuid4(), "question": "Which door?"}).status_code == 302
    assert "Question to the customer: Which door?" in text_of(agent.get(page_of(claim)))
    assert Notice.objects.filter(about=claim.number).count() == 2
    answer = {"key": uuid4(), "text": "The garage"}
    assert agent.post(page_of(claim, "claimant_answered"), answer).status_code == 302
    claim.refresh_from_db()
    assert claim.status == Status.SUBMITTED


def test_time_caused_by_the_customer_is_proposed_and_confirmed_by_another_person(claim):
    proposer, other = signed_in(support()), signed_in(support())
    time = claim.times.get()
    sent = {
        "key": uuid4(),
        "clause": "4.5",
        "stretch": str(time.pk),
        "reason": "The router was off",
        "evidence": "Its log in ticket T-7",
    }
    assert proposer.post(page_of(claim, "propose_own"), sent).status_code == 302
    assert proposer.post(page_of(claim, "propose_own"), sent).status_code == 302
    own = Exclusion.objects.get()
    assert (own.starts_at, own.ends_at, own.customer) == (time.starts_at, time.ends_at, claim.contract.customer)
    assert "You proposed this exclusion. Another person must decide it." in text_of(proposer.get(page_of(claim)))
    page = text_of(other.get(page_of(claim)))
    assert "All functions on all clients in force 37 minutes ■ SLA breached 7 minutes ■ SLA breached" in page
    assert "37 minutes · 0.04 EUR 7 minutes · 0.01 EUR" in page
    assert proposer.post(page_of(claim, "confirm_own", own.pk), {}).status_code == 422
    assert other.post(page_of(claim, "confirm_own", own.pk), {}).status_code == 302
    assert "Claimed: 30 minutes. Of these, unavailable: 0 minutes; excluded: 30 minutes" in text_of(
        other.get(page_of(claim))
    )
    assert other.post(page_of(claim, "revoke_own", own.pk), {"reason": ""}).status_code == 422
    assert other.post(page_of(claim, "revoke_own", own.pk), {"reason": "The log was another's"}).status_code == 302
    own.refresh_from_db()
    assert own.status == "revoked"


def test_whoever_proposed_it_withdraws_it_with_a_reason(claim):
    agent, other = support(), signed_in(support())
    times = claim.times.get()
    own = an_exclusion(
        None, "4.5", "proposed", customer=claim.contract.customer, starts_at=times.starts_at, ends_at=times.ends_at,
        proposed_by=agent,
    )  # fmt: skip
    proposer = signed_in(agent)
    assert b"Withdraw proposal" in proposer.get(page_of(claim)).content
    assert b"Withdraw proposal" not in other.get(page_of(claim)).content
    assert proposer.post(page_of(claim, "withdraw_own", own.pk), {"reason": ""}).status_code == 422
    assert other.post(page_of(claim, "withdraw_own", own.pk), {"reason": "No"}).status_code == 422
    assert proposer.post(page_of(claim, "withdraw_own", own.pk), {"reason": "Another router"}).status_code == 302
    own.refresh_from_db()
    assert own.status == "withdrawn"
    assert "Another router" in text_of(other.get(page_of(claim)))


def test_what_was_voided_within_the_reported_times_is_named(claim):
    missed = Incident.objects.get()
    agent = signed_in(support())
    assert "overlaps the reported times" not in text_of(agent.get(page_of(claim)))
    slip = an_incident("INC-SLIP")
    an_outage(a_region(), "2026-09-10 01:05", "2026-09-10 01:10", incident=slip)
    void_incident(actor=PORTAL, incident=slip, reason="A test", now=OPEN)
    duplicate = an_incident("INC-TWICE")
    an_outage(a_region(), "2026-09-10 01:05", "2026-09-10 01:10", incident=duplicate)
    merge_incident(
        actor=PORTAL, incident=duplicate, into=missed, take_over=(), propose_anew=(), reason="Twice", now=OPEN
    )
    elsewhere = an_incident("INC-ELSEWHERE")
    an_outage(a_region("asia"), "2026-09-10 01:05", "2026-09-10 01:10", incident=elsewhere)
    void_incident(actor=PORTAL, incident=elsewhere, reason="A test", now=OPEN)
    page = text_of(agent.get(page_of(claim)))
    assert "INC-SLIP Gateway lost : overlaps the reported times, but was voided and does not count." in page
    assert f"INC-TWICE Gateway lost : overlaps the reported times, but was merged into {missed.reference}" in page
    assert "INC-ELSEWHERE" not in page
    assert "37 min" in page


@pytest.mark.parametrize("without", ["clause", "stretch", "reason", "evidence"])
def test_a_proposed_exclusion_needs_all_fields(claim, without):
    sent = {
        "key": uuid4(),
        "clause": "4.5",
        "stretch": str(claim.times.get().pk),
        "reason": "Router",
        "evidence": "Log",
    }
    response = signed_in(support()).post(page_of(claim, "propose_own"), {**sent, without: ""})
    assert response.status_code == 422
    assert not Exclusion.objects.exists()


def test_an_exclusion_caused_by_a_customer_leads_to_the_claim(claim):
    own = Exclusion.objects.create(
        customer=claim.contract.customer,
        clause="4.5",
        starts_at=at("2026-09-10 01:00"),
        ends_at=at("2026-09-10 01:30"),
        reason="Router",
    )
    response = signed_in(support()).get(reverse("admin:claim_of_exclusion", args=[own.pk]))
    assert response.url == f"{page_of(claim)}#exclusion-{own.pk}"


def test_links_are_revoked_and_new_ones_sent(claim):
    agent = signed_in(support())
    assert ClaimLink.objects.filter(revoked_at=None).count() == 1
    assert agent.post(page_of(claim, "revoke_claim_links"), {"key": uuid4()}).status_code == 302
    assert not ClaimLink.objects.filter(revoked_at=None).exists()
    agent.post(page_of(claim, "send_claim_link"), {"key": uuid4()})
    assert ClaimLink.objects.filter(revoked_at=None).count() == 1


def test_a_claim_is_withdrawn_with_a_reason(claim):
    agent = signed_in(support())
    assert agent.post(page_of(claim, "withdraw_claim"), {"reason": ""}).status_code == 422
    assert agent.post(page_of(claim, "withdraw_claim"), {"reason": "Called again"}).status_code == 302
    claim.refresh_from_db()
    assert claim.status == Status.WITHDRAWN


DOORS = (
    "recommend_claim", "withdraw_recommendation", "send_back_claim", "ask_claimant", "claimant_answered", "appeal_claim",
    "withdraw_claim", "send_claim_link", "revoke_claim_links", "bring_proof", "propose_own",
)  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "nonsense",
    [{}, {"key": "x", "outcome": "bribe", "clause": "9.9", "voucher_minutes": "-3", "reason": "\0", "text": "\0"}],
    ids=["nothing", "nonsense"],
)
def test_invalid_input_is_refused_and_changes_nothing(claim, door, nonsense):
    response = signed_in(support()).post(page_of(claim, door), nonsense)
    assert response.status_code == 422
    claim.refresh_from_db()
    assert claim.status == Status.SUBMITTED


@pytest.mark.parametrize("most", ["38", "9" * 30])
def test_no_more_minutes_become_a_voucher_than_carry_a_charge(claim, most):
    response = signed_in(support()).post(page_of(claim, "recommend_claim"), letter(voucher_minutes=most))
    assert response.status_code == 422
    assert not Recommendation.objects.exists()


def test_without_an_agreement_version_the_page_says_so_and_nothing_is_recommended(claim):
    recommended(claim)
    with unguarded():
        AgreementVersion.objects.update(published_at=None)
    agent = signed_in(support())
    sent = {
        "key": uuid4(),
        "clause": "4.5",
        "stretch": str(claim.times.get().pk),
        "reason": "Router",
        "evidence": "Log",
    }
    for answer in (
        agent.get(page_of(claim)),
        agent.get(page_of(claim) + "?part=worth", follow=True),
        agent.get(page_of(claim, "decide_claim"), follow=True),
        agent.post(page_of(claim, "decide_claim"), decision_of(claim), follow=True),
        agent.post(page_of(claim, "recommend_claim"), letter(), follow=True),
        agent.post(page_of(claim, "propose_own"), sent, follow=True),
    ):
        assert answer.status_code == 200
        assert "No agreement version is in force" in text_of(answer)
    assert agent.get(reverse("admin:claims")).status_code == 200
    assert not Decision.objects.exists()


def test_roles_that_only_view_claims_have_no_buttons(claim):
    may_send = {
        "recommend_claim": {"Support"},
        "decide_claim": {"Support"},
        "send_back_claim": {"Support"},
        "ask_claimant": {"Support"},
        "withdraw_claim": {"Support"},
        "bring_proof": {"Support"},
        "propose_own": {"Support", "Legal"},
    }
    for role in ROLES:
        desk = signed_in(a_member(role))
        response = desk.get(page_of(claim))
        assert response.status_code == (403 if role == "NOC" else 200)
        if role in {"Auditor", "Administrator"}:
            assert "Your role can only view claims." in text_of(response)
            assert b'<form method="post" action="/admin/claims/' not in response.content
        for door, roles in may_send.items():
            status = desk.post(page_of(claim, door), {}).status_code
            assert (status == 403) == (role not in roles), (role, door)


def test_the_page_takes_a_fixed_number_of_queries(claim):
    agent = signed_in(support())

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            assert agent.get(page_of(claim)).status_code == 200
        return len(counted)

    queries()
    before = queries()
    for number in range(1, 9):
        a_proof(claim=claim, sha256=f"{number:064}")
        claim.times.create(starts_at=at(f"2026-09-1{number} 05:00"), ends_at=at(f"2026-09-1{number} 06:00"))
        claim.contract.payments.create(reference=f"P-{number + 1}", paid_on="2026-02-05", amount="49")
    assert queries() == before
