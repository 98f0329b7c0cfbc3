"""Concurrent actions on the same claim, voucher or form: one succeeds, the others are refused."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from claims.models import Application, Claim, ClaimLink, Decision, Entry, Proof, Source, Status, Step, Voucher
from claims.operations import (
    appeal_refusal,
    confirm_undoing,
    decide,
    receive_claim,
    redeem_voucher,
    send_back_claim,
    send_link,
    withdraw_claim,
)
from claims.operations.applying import FORM, ask_for_links, mail_requested, start_application, submit_application
from claims.operations.proofs import remove_proof
from claims.queries.applying import application_behind
from sla_portal.agreements.models import Contract
from sla_portal.audit.actors import Actor
from sla_portal.availability.operations import close_month
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.claimants import (
    OPEN,
    PORTAL,
    SEPTEMBER,
    Claimant,
    a_claim,
    a_claimant,
    a_missed_september,
    a_proof,
    close_september,
    granted,
    proposed_undoing,
    recommended,
    support,
)
from tests.support.races import outcomes

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 3
AUGUST = ServiceMonth(2026, 8)
TIMES = [(at("2026-09-10 01:00"), at("2026-09-10 01:30"))]
CUSTOMER = Actor.system("claimant")


@pytest.fixture
def claimants() -> list[Claimant]:
    """One for each round, with August and September missed and closed."""
    made = [a_claimant() for _n in range(ROUNDS)]
    a_missed_september()
    incident = an_incident(detected_at=at("2026-08-10 01:00"), resolved_at=at("2026-08-10 01:37"), attributable=True)
    an_outage(a_region(), "2026-08-10 01:00", "2026-08-10 01:37", incident=incident)
    close_month(actor=PORTAL, month=AUGUST, now=at("2026-09-08 02:00"))
    close_september()
    return made


def a_claim_for_august(of: Claimant) -> Claim:
    return a_claim(of, month=AUGUST, times=[(at("2026-08-10 01:00"), at("2026-08-10 01:30"))])


def agent() -> Actor:
    return Actor.staff(support())


def deciding(claim: Claim, wanted: int, actor: Actor, key=None) -> Callable[[], object]:
    return partial(decide, actor=actor, claim=claim, recommendation=wanted, key=key or uuid4(), now=OPEN)


def receiving(of: Claimant, actor: Actor) -> Callable[[], object]:
    return partial(
        receive_claim, actor=actor, contract=of.contract, month=SEPTEMBER, contact=of.contact, times=TIMES,
        functions=(), clients=(), description="", time_zone="UTC", source=Source.PHONE, now=OPEN,
    )  # fmt: skip


def submitting(application: Application) -> Callable[[], Claim]:
    return partial(
        submit_application, application=application, month=SEPTEMBER, times=TIMES, time_zone="UTC", functions=(),
        clients=(), description="", now=OPEN,
    )  # fmt: skip


def a_confirmed_application(of: Claimant) -> Application:
    application = application_behind(start_application(language="en", answers={}, now=OPEN))
    Application.objects.filter(pk=application.pk).update(contact=of.contact, contract=of.contract, confirmed_at=OPEN)
    return application


def test_of_several_agents_who_decide_at_once_one_decides(claimants):
    for of in claimants:
        claim = a_claim(of)
        wanted = recommended(claim, voucher_minutes=30)
        returning = partial(
            send_back_claim, actor=agent(), claim=claim, recommendation=wanted.pk, reason="Again", key=uuid4(), now=OPEN
        )
        went = sorted(outcomes(*[deciding(claim, wanted.pk, agent()) for _n in range(3)], returning))
        assert went == ["ClaimNotOpen"] * 3 + ["done"]
        decision = Decision.objects.get(recommendation=wanted)
        assert Voucher.objects.filter(compensation__claim=claim).count() == (1 if decision.agreed else 0)


def test_a_double_click_decides_once(claimants):
    claim = a_claim(claimants[0])
    wanted = recommended(claim, voucher_minutes=30)
    assert sorted(outcomes(*[deciding(claim, wanted.pk, agent(), key=uuid4())] * 4)) == ["done"] * 4
    assert Entry.objects.filter(compensation__claim=claim).count() == 2


def test_a_claim_withdrawn_and_granted_at_once_is_either_withdrawn_or_granted(claimants):
    for of in claimants:
        claim = a_claim(of)
        wanted = recommended(claim)
        withdrawing = partial(withdraw_claim, actor=CUSTOMER, claim=claim, reason="", now=OPEN)
        assert sorted(outcomes(deciding(claim, wanted.pk, agent()), withdrawing)) == ["ClaimNotOpen", "done"]
        claim.refresh_from_db()
        assert Entry.objects.filter(compensation__claim=claim).exists() == (claim.status == Status.GRANTED)


def test_a_grant_and_a_reversal_of_one_contract_at_once_are_both_in_the_ledger(claimants):
    for of in claimants:
        granted(a_claim(of), voucher_minutes=30)
        newer = a_claim_for_august(of)
        wanted = recommended(newer, voucher_minutes=10)
        extended = Entry.objects.get(contract=of.contract, step=Step.EXTENDED)
        reversing = partial(confirm_undoing, actor=agent(), undoing=proposed_undoing(extended), now=OPEN)
        assert sorted(outcomes(deciding(newer, wanted.pk, agent()), reversing)) == ["done", "done"]
        lines = list(Entry.objects.filter(contract=of.contract).order_by("number"))
        assert [line.number for line in lines] == [1, 2, 3, 4, 5]
        assert lines[-1].total == sum(line.value for line in lines)
        assert Contract.objects.get(pk=of.contract.pk).extended_minutes == 27


def test_a_voucher_is_redeemed_or_voided_once_however_many_do_it_at_once(claimants):
    for of in claimants:
        voucher = granted(a_claim(of), voucher_minutes=30).voucher
        redeeming = partial(redeem_voucher, voucher=voucher, reference="INV-1", now=OPEN)
        voiding = partial(confirm_undoing, actor=agent(), undoing=proposed_undoing(voucher.entries.get()), now=OPEN)
        went = sorted(outcomes(*[partial(redeeming, actor=agent()) for _n in range(3)], voiding))
        assert went.count("done") == 1
        assert set(went) <= {"done", "NotRedeemable", "NothingToReverse"}
        assert voucher.entries.count() == 2


def test_a_reversal_is_posted_once_however_many_confirm_it_at_once(claimants):
    for of in claimants:
        undoing = proposed_undoing(granted(a_claim(of), voucher_minutes=30).voucher.entries.get())
        confirming = [partial(confirm_undoing, actor=agent(), undoing=undoing, now=OPEN) for _n in range(4)]
        assert sorted(outcomes(*confirming)) == ["AlreadyClosed"] * 3 + ["done"]


def test_of_several_claims_for_a_month_at_once_one_is_received(claimants):
    for of in claimants:
        assert sorted(outcomes(*[receiving(of, agent())] * 4)) == ["AlreadyClaimed"] * 3 + ["done"]


def test_a_form_submitted_twice_at_once_is_one_claim(claimants):
    of = claimants[0]
    application = a_confirmed_application(of)
    a_proof(application=application)
    assert sorted(outcomes(*[submitting(application)] * 4)) == ["done"] * 4
    assert Claim.objects.get().contract == of.contract


def test_a_file_removed_during_submission_is_either_removed_or_in_the_claim(claimants):
    for of in claimants:
        application = a_confirmed_application(of)
        kept = a_proof(application=application)
        removed = a_proof(application=application, sha256="1" * 64)
        removing = partial(remove_proof, actor=FORM, proof=removed, now=OPEN)
        went = sorted(outcomes(submitting(application), removing, removing))
        assert went in (["done"] * 3, ["ClaimDecided", "ClaimDecided", "done"])
        claim = Claim.objects.get(contract=of.contract)
        assert set(Proof.objects.filter(claim=claim)) == ({kept} if went == ["done"] * 3 else {kept, removed})


def test_of_an_appeal_and_a_new_claim_at_once_one_is_accepted(claimants):
    for of in claimants:
        claim = a_claim(of)
        deciding(claim, recommended(claim, outcome="refuse").pk, agent())()
        appealing = partial(appeal_refusal, actor=CUSTOMER, claim=claim, text="It was down", now=OPEN)
        assert sorted(outcomes(appealing, receiving(of, agent()))) in (
            ["AlreadyClaimed", "done"],
            ["AppealNotPossible", "done"],
        )


def test_links_requested_by_customer_and_staff_at_once_do_not_deadlock(claimants):
    later = OPEN + timedelta(hours=2)
    for of in claimants:
        claims = [a_claim(of), a_claim_for_august(of)]
        named = {"reference": [of.contract.reference], "email": [of.contact.email]}
        ask_for_links(language="en", answers=named, now=later)
        sending = [partial(send_link, actor=agent(), claim=claim, now=later) for claim in claims]
        assert sorted(outcomes(partial(mail_requested, now=later), *sending)) == ["done"] * 3
        assert not Application.objects.exclude(asked="").exists()
        for claim in claims:
            assert ClaimLink.objects.filter(claim=claim, revoked_at__isnull=True).count() == 1
