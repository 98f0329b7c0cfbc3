"""From the claim to the grant: two people, the checks with their clauses, the ledger and the e-mails."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from claims.models import Claim, ClaimLink, Decision, Entry, OwnDay, RefusedApplication, Status, Undoing, Voucher
from claims.operations import (
    AlreadyClaimed,
    AlreadyClosed,
    AlreadyDecided,
    AlreadyProposed,
    AppealNotPossible,
    ChecksNotPassed,
    ClaimNotOpen,
    ContactOfAnother,
    FiguresChanged,
    NobodyToNotify,
    NoLetter,
    NothingToReverse,
    NotRedeemable,
    NotUnderContract,
    ProofMissing,
    ReasonMissing,
    SamePerson,
    SecondPersonNeeded,
    TicketNumberMissing,
    TimesOutsideMonth,
    TookPart,
    TooLate,
    UnknownClause,
    VoucherNotPossible,
    appeal_refusal,
    ask_customer,
    confirm_undoing,
    customer_answered,
    decide,
    decline_undoing,
    notify_moved_openings,
    redeem_voucher,
    return_recommendations_of_earlier_rule,
    send_back_claim,
    send_link,
    submit_held_claims,
    withdraw_claim,
    withdraw_recommendation,
    withdraw_undoing,
)
from claims.operations.receiving import receive_claim
from claims.queries import assess, cap_balance_of
from claims.queries.entitlements import Month, affected_claims
from claims.rules import Check
from sla_portal.agreements.models import Contract, Payment
from sla_portal.agreements.operations import change_charge
from sla_portal.audit import models as audit
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import NotAllowed
from sla_portal.availability.models import Deviation
from sla_portal.availability.operations import confirm_exclusion, correct_month, judge_due_months, propose_own_exclusion
from sla_portal.customers.models import Contact
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Notice
from tests.support.builders import a_region, a_version, an_outage, at, on
from tests.support.claimants import (
    OPEN,
    PORTAL,
    SEPTEMBER,
    a_claim,
    a_claimant,
    a_missed_september,
    a_proof,
    granted,
    proposed_undoing,
    recommended,
    support,
    undone,
)
from tests.support.desk import a_member

pytestmark = pytest.mark.django_db

LATE = at("2026-11-30 16:00")
"""Claims for September close as December begins in the SLA time zone."""


def letters(claim):
    return [notice.wording("en").text for notice in Notice.objects.filter(about=claim.number).order_by("id")]


def stands(assessment):
    return {finding.check: finding.passed for finding in assessment.findings}


def decided(claim, wanted, by=None, key=None):
    return decide(
        actor=Actor.staff(by or support()), claim=claim, recommendation=wanted.pk, key=key or uuid4(), now=OPEN
    )


# Receiving


def test_a_claim_in_time_is_under_review_and_the_claimant_is_notified():
    of = a_claimant()
    claim = a_claim(of)
    assert (claim.number, claim.status) == ("C-2026-0001", Status.SUBMITTED)
    assert Delivery.objects.get().email == of.contact.email
    assert "C-2026-0001" in letters(claim)[0] and "%%private-link:/claims/%%" in letters(claim)[0]
    assert ClaimLink.objects.filter(claim=claim).count() == 1


def test_an_early_claim_is_submitted_automatically_when_the_claim_period_opens():
    claim = a_claim(a_claimant(), now=at("2026-10-13 15:59"))
    assert claim.status == Status.HELD
    assert "2026-10-14 00:00" in letters(claim)[0]
    assert submit_held_claims(now=at("2026-10-13 15:59:59")) == 0
    assert submit_held_claims(now=at("2026-10-13 16:00")) == 1
    assert submit_held_claims(now=at("2026-10-13 16:00")) == 0
    claim.refresh_from_db()
    assert claim.status == Status.SUBMITTED and len(letters(claim)) == 2


def test_a_changed_opening_date_notifies_the_claimant_of_an_early_claim_once():
    claim = a_claim(a_claimant(), now=at("2026-10-12 08:00"))
    assert notify_moved_openings(now=at("2026-10-12 09:00")) == 0
    OwnDay.objects.create(day=on("2026-10-13"), working=False)
    assert notify_moved_openings(now=at("2026-10-12 09:00")) == 1
    assert notify_moved_openings(now=at("2026-10-12 09:05")) == 0
    assert "2026-10-15 00:00" in letters(claim)[-1] and len(letters(claim)) == 2


def test_the_last_moment_is_the_last_second_of_the_second_month():
    assert a_claim(a_claimant(), now=at("2026-11-30 15:59:59")).status == Status.SUBMITTED


def test_a_late_claim_is_refused_with_the_date_and_the_attempt_recorded():
    of = a_claimant()
    with pytest.raises(TooLate, match="2026-12-01 00:00"):
        a_claim(of, now=LATE)
    assert not Claim.objects.exists()
    assert RefusedApplication.objects.get().email == of.contact.email


def test_one_claim_for_a_contract_and_month_is_open_or_granted():
    of = a_claimant()
    first = a_claim(of)
    with pytest.raises(AlreadyClaimed, match=first.number) as refused:
        a_claim(of)
    assert refused.value.claim == first
    withdraw_claim(actor=PORTAL, claim=first, reason="", now=OPEN)
    assert a_claim(of).status == Status.SUBMITTED


@pytest.mark.parametrize(
    ("times", "refused"),
    [
        ([], "at least one"),
        ([(at("2026-09-10 01:30"), at("2026-09-10 01:30"))], "ends before it starts"),
        ([(at("2026-08-31 15:59"), at("2026-08-31 17:00"))], "is not within this month"),
        ([(at("2026-09-30 15:00"), at("2026-09-30 16:01"))], "is not within this month"),
        (
            [(at("2026-09-10 01:00"), at("2026-09-10 01:30")), (at("2026-09-10 01:29"), at("2026-09-10 01:40"))],
            "overlap",
        ),
    ],
)
def test_claimed_outages_are_within_the_month_and_do_not_overlap(times, refused):
    with pytest.raises(TimesOutsideMonth, match=refused):
        a_claim(a_claimant(), times=times)


def test_a_month_in_which_the_contract_was_not_in_force_cannot_be_claimed():
    a_claimant()  # whose contract puts the month on record
    with pytest.raises(NotUnderContract, match=r"clause 1\.2"):
        a_claim(a_claimant(starts_on="2026-10-01"))


def test_an_address_of_another_customer_cannot_claim():
    of = a_claimant()
    of.contact = a_claimant().contact
    with pytest.raises(ContactOfAnother):
        a_claim(of)


def test_a_claim_by_ticket_has_its_number_and_one_by_form_its_proof():
    with pytest.raises(TicketNumberMissing):
        a_claim(a_claimant(), source="ticket")
    with pytest.raises(ProofMissing, match=r"3\.3\.2"):
        a_claim(a_claimant(), source="form")


def test_entering_a_claim_needs_the_permission():
    of = a_claimant()
    with pytest.raises(NotAllowed):
        receive_claim(
            actor=Actor.staff(a_member("NOC")), contract=of.contract, month=SEPTEMBER, contact=of.contact,
            times=[(at("2026-09-10 01:00"), at("2026-09-10 01:30"))], functions=(), clients=(), description="",
            time_zone="UTC", source="phone", now=OPEN,
        )  # fmt: skip


# What a claim is decided by


def test_a_claim_is_checked_in_the_order_of_the_agreement():
    a_missed_september()
    assessment = assess(a_claim(a_claimant()), OPEN)
    assert stands(assessment) == dict.fromkeys([check for check in Check if check is not Check.CREDITED], True)
    assert [finding.clause for finding in assessment.findings] == [
        "3.3.1",
        "1.2",
        "3.2",
        "3.3.2",
        "2.1",
        "4",
        "2",
        "3.1",
        "5.1",
    ]
    assert (assessment.entitlement.minutes, assessment.entitlement.month_minutes) == (37, 43200)
    assert assessment.facts()["overlap_minutes"] == 30


def test_failed_checks_prevent_a_grant():
    assessment = assess(a_claim(a_claimant(paid=""), proofs=0, closed=False), OPEN)
    found = stands(assessment)
    assert found[Check.PROVED] is None and found[Check.FIGURES_FINAL] is None
    assert found[Check.BELOW_TARGET] is False and found[Check.COUNTED_MINUTES] is False


def test_without_payments_the_liability_cap_is_zero():
    a_missed_september()
    assert stands(assess(a_claim(a_claimant(paid="")), OPEN))[Check.CAP_LEFT] is False


def test_figures_changed_since_the_closing_must_be_corrected_before_a_grant():
    a_missed_september()
    claim = a_claim(a_claimant())
    an_outage(a_region(), "2026-09-20 01:00", "2026-09-20 01:10")
    assert stands(assess(claim, OPEN))[Check.FIGURES_FINAL] is None


def test_time_caused_by_the_customer_is_excluded_for_this_customer_only():
    a_missed_september()
    mine, other = a_claimant(), a_claimant()
    claim, unlike = a_claim(mine), a_claim(other)
    exclusion = propose_own_exclusion(
        actor=Actor.staff(support()), customer=mine.customer, clause="4.5", starts_at=at("2026-09-10 01:00"),
        ends_at=at("2026-09-10 01:20"), reason="Their access point was off", evidence="Log in ticket 12", now=OPEN,
    )  # fmt: skip
    assert assess(claim, OPEN).entitlement.counted_minutes == 37
    confirm_exclusion(actor=Actor.staff(support()), exclusion=exclusion, reason="Seen", now=OPEN)
    assert assess(claim, OPEN).entitlement.counted_minutes == 17
    assert assess(unlike, OPEN).entitlement.counted_minutes == 37


def test_an_exclusion_confirmed_after_the_closing_needs_a_correction_of_the_month():
    a_missed_september()
    of = a_claimant()
    claim = a_claim(of)
    exclusion = propose_own_exclusion(
        actor=Actor.staff(support()), customer=of.customer, clause="4.5", starts_at=at("2026-09-10 01:00"),
        ends_at=at("2026-09-10 01:20"), reason="Their access point was off", evidence="Log in ticket 12", now=OPEN,
    )  # fmt: skip
    confirm_exclusion(actor=Actor.staff(support()), exclusion=exclusion, reason="Seen", now=OPEN)
    assert stands(assess(claim, OPEN))[Check.FIGURES_FINAL] is None
    judge_due_months(now=OPEN)
    assert Deviation.objects.get().month == on("2026-09-01")
    correct_month(actor=PORTAL, month=SEPTEMBER, reason="4.5 found in a claim", now=OPEN)
    assert stands(assess(claim, OPEN))[Check.FIGURES_FINAL] is True
    assert granted(claim).extension_minutes == 17


def test_free_trial_minutes_have_no_value_and_are_extension_only():
    a_missed_september()
    claim = a_claim(a_claimant(starts_on="2026-09-01", trial_days=30))
    entitlement = assess(claim, OPEN).entitlement
    assert (entitlement.trial, entitlement.paid) == (37, 0)
    with pytest.raises(VoucherNotPossible):
        recommended(claim, voucher_minutes=1)
    assert granted(claim).extension_minutes == 37
    assert Entry.objects.get().value == 0


def test_each_contract_is_compensated_for_its_own_days():
    a_missed_september()
    of = a_claimant(ends_on="2026-09-15")
    renewed = a_claimant()
    Contract.objects.filter(pk=renewed.contract.pk).update(
        customer=of.customer, starts_on=on("2026-09-16"), renews=of.contract
    )
    renewed.contract.refresh_from_db()
    renewed.contact = of.contact
    first, second = a_claim(of), a_claim(renewed)
    assert assess(first, OPEN).entitlement.counted_minutes == 37
    assert assess(first, OPEN).entitlement.month_minutes == 43200
    assert assess(second, OPEN).entitlement.counted_minutes == 0
    assert assess(first, OPEN).extendable == renewed.contract


# Recommending and deciding


def test_one_person_recommends_another_grants_and_the_email_is_sent():
    a_missed_september()
    of = a_claimant()
    claim = a_claim(of)
    given = granted(claim, voucher_minutes=27)
    claim.refresh_from_db()
    of.contract.refresh_from_db()
    voucher = Voucher.objects.get()
    assert claim.status == Status.GRANTED
    assert (given.voucher_minutes, given.extension_minutes, given.cut_minutes) == (27, 10, 0)
    # 49.00 × 27 ÷ 43200 and × 10
    assert (voucher.value, Entry.objects.get(step="extended").value) == (Decimal("0.03"), Decimal("0.01"))
    assert (of.contract.extended_minutes, of.contract.last_day) == (10, on("2027-01-01"))
    assert voucher.expires_on == on("2027-10-20")
    assert "0.03 EUR" in letters(claim)[-1] and "2027-01-01" in letters(claim)[-1]
    assert voucher.code not in "".join(letters(claim))


def test_a_voucher_below_the_smallest_of_the_months_version_becomes_extension():
    a_version("1.9", "2026-09-01", smallest_voucher="5.00")
    a_missed_september()
    of, other = a_claimant(monthly_charge="43200.00"), a_claimant(monthly_charge="43200.00")
    assert divided(granted(a_claim(of), voucher_minutes=4)) == (0, 37, [("extended", 37, 37)])
    assert divided(granted(a_claim(other), voucher_minutes=5)) == (5, 32, [("extended", 32, 32), ("issued", 5, 5)])


def divided(given):
    entries = given.entries.order_by("number").values_list("step", "minutes", "value")
    return given.voucher_minutes, given.extension_minutes, list(entries)


def test_the_recommender_cannot_decide():
    a_missed_september()
    claim, agent = a_claim(a_claimant()), support()
    wanted = recommended(claim, agent)
    with pytest.raises(SecondPersonNeeded):
        decided(claim, wanted, agent)
    assert not Decision.objects.exists()


def test_a_double_click_grants_once():
    a_missed_september()
    claim = a_claim(a_claimant())
    wanted, agent, key = recommended(claim), support(), uuid4()
    assert decided(claim, wanted, agent, key) == decided(claim, wanted, agent, key)
    assert Entry.objects.count() == 1
    with pytest.raises(ClaimNotOpen):
        decided(claim, wanted, agent)


def test_a_recommendation_sent_back_can_be_renewed_but_the_old_one_not_decided():
    a_missed_september()
    claim, agent = a_claim(a_claimant()), support()
    old = recommended(claim, agent)
    send_back_claim(
        actor=Actor.staff(support()), claim=claim, recommendation=old.pk, reason="Which proof?", key=uuid4(), now=OPEN
    )
    new = recommended(claim, agent)
    with pytest.raises(AlreadyDecided):
        decided(claim, old)
    assert decided(claim, new).agreed


def test_only_the_recommender_can_withdraw_a_recommendation():
    a_missed_september()
    claim, agent = a_claim(a_claimant()), support()
    recommended(claim, agent)
    with pytest.raises(SecondPersonNeeded):
        withdraw_recommendation(actor=Actor.staff(support()), claim=claim, reason="", now=OPEN)
    withdraw_recommendation(actor=Actor.staff(agent), claim=claim, reason="A slip", now=OPEN)
    claim.refresh_from_db()
    assert claim.status == Status.SUBMITTED


def test_a_recommendation_with_changed_figures_cannot_be_granted():
    a_missed_september()
    claim = a_claim(a_claimant())
    wanted = recommended(claim)
    Contract.objects.update(monthly_charge="98.00")
    with pytest.raises(FiguresChanged):
        decided(claim, wanted)
    claim.refresh_from_db()
    assert claim.status == Status.RECOMMENDED and not Decision.objects.exists()


def test_a_charge_typed_from_december_leaves_what_september_was_worth():
    a_missed_september()
    of = a_claimant(monthly_charge="4900.00")
    claim = a_claim(of)
    said = {"actor": PORTAL, "contract": of.contract, "reason": "New price list", "now": OPEN}
    change_charge(from_month=ServiceMonth(2026, 12), monthly_charge=Decimal(49000), **said)
    wanted = recommended(claim, voucher_minutes=37)
    assert (wanted.facts["monthly_charge"], wanted.facts["total_minutes"]) == ("4900.000", 43200)
    change_charge(from_month=ServiceMonth(2026, 11), monthly_charge=Decimal(4800), **said)
    # 4900 × 37 ÷ 43200
    assert decided(claim, wanted).compensation.voucher.value == Decimal("4.20")
    # The price of September itself is a correction: it names the closed month, and what was granted stays.
    change_charge(from_month=SEPTEMBER, monthly_charge=Decimal(49), **said)
    assert audit.Entry.objects.latest("id").changes["closed_months"] == [None, ["2026-09"]]
    assert Voucher.objects.get().value == Decimal("4.20")
    (affected,), _more = affected_claims(Month(SEPTEMBER, OPEN))
    assert (affected.claim, affected.charge_now) == (claim, 49)


@pytest.mark.parametrize(("total", "status"), [(43200, Status.RECOMMENDED), (21600, Status.SUBMITTED)])
def test_an_undecided_grant_valued_by_service_days_goes_back_to_the_reviewer(total, status):
    """As an earlier build valued it. Recommendations are only added to, so this one is put on record as it was."""
    a_missed_september()
    claim = a_claim(a_claimant())
    wanted = recommended(claim)
    wanted.pk, wanted.facts = None, {**wanted.facts, "total_minutes": total}
    wanted.save(force_insert=True)
    assert [return_recommendations_of_earlier_rule(now=OPEN) for _n in range(2)] == [int(status == Status.SUBMITTED), 0]
    claim.refresh_from_db()
    assert claim.status == status


def test_a_claim_without_proof_cannot_be_granted_but_its_date_is_kept():
    a_missed_september()
    claim = a_claim(a_claimant(), proofs=0)
    with pytest.raises(ChecksNotPassed, match=r"3\.3\.2"):
        recommended(claim)
    a_proof(claim=claim)
    assert recommended(claim).outcome == "grant"


def test_a_refusal_names_its_clause():
    claim = a_claim(a_claimant())
    with pytest.raises(UnknownClause):
        recommended(claim, outcome="refuse", clause="9.9")
    decided(claim, recommended(claim, outcome="refuse", clause="2"))
    claim.refresh_from_db()
    assert claim.status == Status.REFUSED and not Entry.objects.exists()


def test_a_refusal_is_appealed_once_and_decided_by_a_third_person():
    a_missed_september()
    claim, first, second = a_claim(a_claimant()), support(), support()
    decided(claim, recommended(claim, first, outcome="refuse", clause="3.3.2"), second)
    with pytest.raises(ReasonMissing):
        appeal_refusal(actor=PORTAL, claim=claim, text=" ", now=OPEN)
    appeal_refusal(actor=PORTAL, claim=claim, text="The screenshot shows it", now=OPEN)
    wanted = recommended(claim, support())
    for person in (first, second):
        with pytest.raises(SecondPersonNeeded, match="third"):
            decided(claim, wanted, person)
    decided(claim, wanted, support())
    claim.refresh_from_db()
    assert claim.status == Status.GRANTED
    with pytest.raises(AppealNotPossible):
        appeal_refusal(actor=PORTAL, claim=claim, text="Again", now=OPEN)


def test_a_claim_waits_on_the_customer_until_the_answer():
    claim = a_claim(a_claimant())
    ask_customer(actor=Actor.staff(support()), claim=claim, question="Which door?", now=OPEN)
    claim.refresh_from_db()
    assert claim.status == Status.WAITING and "Which door?" in letters(claim)[-1]
    customer_answered(actor=PORTAL, claim=claim, text="The front door", now=OPEN)
    claim.refresh_from_db()
    assert claim.status == Status.SUBMITTED


# The ledger


def test_what_exceeds_the_fees_paid_is_cut_and_the_claimant_notified():
    a_missed_september("2026-09-10 01:00", "2026-09-20 01:00")
    claim = a_claim(a_claimant(paid="10.00"))
    given = granted(claim, voucher_minutes=7200)
    # 14400 minutes are worth 16.33: 8.17 as voucher and the rest, 8.16, as extension
    assert (given.extension_minutes, Voucher.objects.get().value, given.cut_value) == (
        7200,
        Decimal("1.84"),
        Decimal("6.33"),
    )
    assert "6.33 EUR" in letters(claim)[-1] and "5.1" in letters(claim)[-1]
    assert cap_balance_of(claim.contract, assess(claim, OPEN).terms).left == 0


def test_a_voucher_is_redeemed_once_and_mistakes_are_reversed_by_an_entry():
    a_missed_september()
    claim = a_claim(a_claimant())
    granted(claim, voucher_minutes=37)
    voucher, agent = Voucher.objects.get(), Actor.staff(support())
    redeemed = redeem_voucher(actor=agent, voucher=voucher, reference="Order 7", now=OPEN)
    with pytest.raises(NotRedeemable):
        redeem_voucher(actor=agent, voucher=voucher, reference="Order 8", now=OPEN)
    issued = Entry.objects.get(step="issued")
    with pytest.raises(NothingToReverse):
        undone(issued)
    told = len(letters(claim))
    (returned,) = undone(redeemed, reason="Order 7 was cancelled")
    assert len(letters(claim)) == told
    (voided,) = undone(returned, reason="Granted by mistake", text="The voucher is void.")
    assert (voided.step, voided.value, voided.total) == ("voided", -voucher.value, Decimal(0))
    with pytest.raises(NothingToReverse):
        undone(voided)
    assert "The voucher is void." in letters(claim)[-1]
    assert "Granted by mistake" not in letters(claim)[-1]


def test_who_recommended_or_decided_a_claim_does_not_redeem_its_voucher():
    a_missed_september()
    given = granted(a_claim(a_claimant()), voucher_minutes=37)
    for one in (given.decision.recommended_by, given.decision.decided_by):
        with pytest.raises(TookPart):
            redeem_voucher(actor=Actor.staff(one), voucher=given.voucher, reference="Order 7", now=OPEN)
    assert Entry.objects.count() == 1


@pytest.fixture
def both_parts():
    a_missed_september()
    given = granted(a_claim(a_claimant()), voucher_minutes=12)
    return given, list(given.entries.order_by("step"))


def test_what_was_given_is_undone_by_two_people_with_one_letter(both_parts):
    given, entries = both_parts
    one, other = support(), support()
    undoing = proposed_undoing(*entries, by=one, reason="Typed twice")
    assert undoing.reopens
    assert Entry.objects.count() == 2
    with pytest.raises(SamePerson):
        confirm_undoing(actor=Actor.staff(one), undoing=undoing, now=OPEN)
    told = len(letters(given.claim))
    reversals = confirm_undoing(actor=Actor.staff(other), undoing=undoing, now=OPEN)
    assert [(entry.step, entry.by, entry.reason) for entry in reversals] == [
        ("shortened", other, "Typed twice"), ("voided", other, "Typed twice")
    ]  # fmt: skip
    assert [told + 1, True, False] == [
        len(letters(given.claim)), "We correct it." in letters(given.claim)[-1], "Typed twice" in letters(given.claim)[-1]
    ]  # fmt: skip
    given.claim.refresh_from_db()
    assert given.claim.status == Status.SUBMITTED
    for again in (confirm_undoing, withdraw_undoing):
        with pytest.raises((AlreadyClosed, SamePerson)):
            again(actor=Actor.staff(other), undoing=undoing, now=OPEN)


def test_a_reversal_that_was_declined_or_withdrawn_reverses_nothing_and_can_be_proposed_again(both_parts):
    given, entries = both_parts
    one, other = support(), support()
    undoing = proposed_undoing(entries[0], by=one)
    with pytest.raises(AlreadyProposed):
        proposed_undoing(entries[1])
    with pytest.raises(SamePerson):
        withdraw_undoing(actor=Actor.staff(other), undoing=undoing, now=OPEN)
    with pytest.raises(ReasonMissing):
        decline_undoing(actor=Actor.staff(other), undoing=undoing, reason=" ", now=OPEN)
    decline_undoing(actor=Actor.staff(other), undoing=undoing, reason="It is owed", now=OPEN)
    withdraw_undoing(actor=Actor.staff(one), undoing=proposed_undoing(entries[0], by=one), now=OPEN)
    outcomes = given.undoings.values_list("outcome", "answer")
    assert (list(outcomes), Entry.objects.count()) == ([("declined", "It is owed"), ("withdrawn", "")], 2)


def test_a_reversal_of_what_is_not_the_last_any_more_does_nothing(both_parts):
    given, entries = both_parts
    issued = next(entry for entry in entries if entry.step == "issued")
    undoing = proposed_undoing(issued)
    redeem_voucher(actor=Actor.staff(support()), voucher=given.voucher, reference="Order 7", now=OPEN)
    with pytest.raises(NothingToReverse):
        confirm_undoing(actor=Actor.staff(support()), undoing=undoing, now=OPEN)
    assert [entry.step for entry in given.entries.order_by("id")][-1] == "redeemed"


@pytest.mark.parametrize(
    ("missing", "error"), [("reason", ReasonMissing), ("letter_text", NoLetter), ("letter_subject", NoLetter)]
)
def test_a_reversal_needs_a_reason_and_a_letter(both_parts, missing, error):
    with pytest.raises(error):
        proposed_undoing(both_parts[1][0], **{missing: " "})


def test_the_database_refuses_a_reversal_that_one_person_makes_alone(both_parts):
    given, entries = both_parts
    undoing = proposed_undoing(entries[0])
    values = {"contract": given.contract, "compensation": given, "step": "voided", "voucher": given.voucher,
              "follows": entries[1], "minutes": 0, "value": 0, "currency": "EUR", "total": 0, "cap": 1, "number": 9,
              "reason": "x", "at": OPEN}  # fmt: skip
    for proposal, by in ((None, support()), (undoing, undoing.proposed_by)):
        with pytest.raises(IntegrityError, match="a_reversal_was_proposed_by_another_person"), transaction.atomic():
            Entry.objects.create(**values, undoing=proposal, by=by)
    with pytest.raises(IntegrityError), transaction.atomic():
        Undoing.objects.filter(pk=undoing.pk).update(reason="Another")


def test_after_a_full_reversal_the_right_amount_can_be_granted():
    a_missed_september()
    of = a_claimant()
    claim = a_claim(of)
    granted(claim, voucher_minutes=27)
    undone(Entry.objects.get(step="issued"))
    claim.refresh_from_db()
    assert claim.status == Status.GRANTED
    undone(Entry.objects.get(step="extended"))
    claim.refresh_from_db()
    assert claim.status == Status.SUBMITTED
    assert granted(claim).extension_minutes == 37
    of.contract.refresh_from_db()
    assert of.contract.extended_minutes == 37
    assert Entry.objects.order_by("id").last().total == Decimal("0.04")


def test_an_expired_voucher_is_not_redeemed():
    a_missed_september()
    granted(a_claim(a_claimant()), voucher_minutes=37)
    with pytest.raises(NotRedeemable):
        redeem_voucher(
            actor=Actor.staff(support()), voucher=Voucher.objects.get(), reference="Order 7", now=at("2027-10-20 16:00")
        )


def test_a_reversed_extension_moves_the_contracts_end_back():
    a_missed_september()
    of = a_claimant()
    granted(a_claim(of))
    undone(Entry.objects.get())
    of.contract.refresh_from_db()
    assert (of.contract.extended_minutes, of.contract.last_day) == (0, on("2026-12-31"))


def test_a_contract_that_has_ended_is_not_extended_into_the_past():
    a_missed_september()
    claim = a_claim(a_claimant(ends_on="2026-09-30"))
    with pytest.raises(VoucherNotPossible, match="ended"):
        recommended(claim, voucher_minutes=10)
    assert granted(claim, voucher_minutes=37).extension_minutes == 0


@pytest.mark.parametrize("table", ["entry", "voucher", "compensation", "decision", "recommendation"])
def test_the_database_only_adds_to_the_ledger(table):
    a_missed_september()
    granted(a_claim(a_claimant()), voucher_minutes=37)
    for statement in (f"UPDATE claims_{table} SET id = id", f"DELETE FROM claims_{table}"):
        with pytest.raises(IntegrityError, match="only_added_to"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_new_link_revokes_the_earlier_ones():
    claim = a_claim(a_claimant())
    send_link(actor=PORTAL, claim=claim, now=OPEN)
    assert ClaimLink.objects.filter(revoked_at__isnull=True).count() == 1
    assert ClaimLink.objects.count() == 2


def test_a_repayment_lowers_the_cap():
    a_missed_september()
    of = a_claimant(paid="10.00")
    Payment.objects.create(contract=of.contract, reference="P-2", paid_on=on("2026-02-01"), amount="-10.00")
    assert stands(assess(a_claim(of), OPEN))[Check.CAP_LEFT] is False


# Nobody to tell


def test_actions_that_send_an_email_need_a_contact_on_record():
    a_missed_september()
    of = a_claimant()
    claim = a_claim(of)
    of_august = a_claim(of, month=SEPTEMBER + -1, times=[(at("2026-08-10 01:00"), at("2026-08-10 01:30"))])
    wanted = recommended(of_august, outcome="refuse")
    of.contact.delete()
    claim.refresh_from_db()
    agent = Actor.staff(support())
    for do in (
        lambda: ask_customer(actor=agent, claim=claim, question="A screenshot, please", now=OPEN),
        lambda: send_link(actor=agent, claim=claim, now=OPEN),
        lambda: decided(wanted.claim, wanted),
    ):
        with pytest.raises(NobodyToNotify, match="Add a contact first"):
            do()
    assert ClaimLink.objects.filter(claim=claim, revoked_at__isnull=True).count() == 1
    Contact.objects.create(customer=of.customer, email="new@example.com", name="Lin")
    decided(wanted.claim, wanted)
    assert Delivery.objects.latest("id").email == "new@example.com"
