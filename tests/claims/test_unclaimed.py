"""A breached month that nobody claimed: inviting the customer, and crediting without a claim (3), each by two people."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction

from claims.models import Claim, Entry, Invitation, Source
from claims.operations import (
    AlreadyClaimed,
    ChecksNotPassed,
    SecondPersonNeeded,
    confirm_undoing,
    decide,
    receive_claim,
    send_back_claim,
    send_link,
    withdraw_recommendation,
)
from claims.operations.receiving import NotToldYet
from claims.operations.unclaimed import (
    AlreadyInvited,
    InvitationClosed,
    NotEntitled,
    PeriodOver,
    SamePerson,
    confirm_invitation,
    decline_invitation,
    propose_credit,
    propose_invitation,
    withdraw_invitation,
)
from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Contact
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Notice
from sla_portal.notices.operations import give_notice
from sla_portal.notices.wording import Words
from tests.support.builders import a_version, at
from tests.support.claimants import (
    OPEN,
    PORTAL,
    SEPTEMBER,
    Claimant,
    a_claim,
    a_claimant,
    a_missed_september,
    close_september,
    proposed_undoing,
    support,
)
from tests.support.races import outcomes

pytestmark = pytest.mark.django_db
CLOSED = at("2026-11-30 16:00")
ANN, BEN = "ann", "ben"
COME = [Words(language, "Come", "Claim it.") for language, _name in settings.LANGUAGES]


def agent(name: str = "") -> Actor:
    return Actor.staff(support(name))


@pytest.fixture
def of() -> Claimant:
    """A customer whose September was missed and closed, under an agreement that credits without a claim."""
    a_version("2.0", "2026-01-01", credit_without_claim=True)
    made = a_claimant()
    a_missed_september()
    close_september()
    return made


def proposed(of: Claimant, by: Actor | None = None, now=OPEN) -> Invitation:
    return propose_invitation(actor=by or agent(), contract=of.contract, month=SEPTEMBER, now=now)


def credited(of: Claimant, by: Actor | None = None, *, as_voucher: bool = True, now=OPEN):
    """Propose a credit; returns its recommendation."""
    return propose_credit(
        actor=by or agent(), contract=of.contract, month=SEPTEMBER, as_voucher=as_voucher, reason="Nobody claimed", now=now
    )  # fmt: skip


def decided(recommendation, by: Actor | None = None):
    return decide(
        actor=by or agent(), claim=recommendation.claim, recommendation=recommendation.pk, key=uuid4(), now=OPEN
    )  # fmt: skip


def claiming(of: Claimant):
    return partial(
        receive_claim, actor=agent(), contract=of.contract, month=SEPTEMBER, contact=of.contact, functions=(), clients=(),
        times=[(at("2026-09-10 01:00"), at("2026-09-10 01:30"))], description="", time_zone="UTC", source=Source.PHONE,
        now=OPEN,
    )  # fmt: skip


# Invitations


def test_a_customer_is_invited_by_two_people_in_every_language(of):
    Contact.objects.create(customer=of.customer, email="other@example.com")
    invitation = proposed(of)
    assert not Notice.objects.exists()
    confirm_invitation(actor=agent(), invitation=invitation, now=OPEN)
    notice = Notice.objects.get()
    assert (notice.kind, notice.about, notice.public) == ("invitation", of.contract.reference, False)
    assert set(notice.deliveries.values_list("email", flat=True)) == {of.contact.email, "other@example.com"}
    english, chinese = notice.wording("en"), notice.wording("zh-hans")
    assert english.subject == "You can claim compensation for September 2026"
    assert "was unavailable for 37 minutes" in english.text
    assert "until 2026-12-01 00:00 Shanghai (clause 3.3.1)" in english.text
    assert "/claim/#2026-09" in english.text
    assert chinese.subject == "您可以就2026年9月申请补偿"


def test_only_those_who_may_claim_are_invited(of):
    Contact.objects.create(customer=of.customer, email="chief@example.com", may_claim=True)
    confirm_invitation(actor=agent(), invitation=proposed(of), now=OPEN)
    assert Delivery.objects.get().email == "chief@example.com"


def test_an_invitation_is_confirmed_by_another_person_and_closed_once(of):
    ann, ben = agent(ANN), agent(BEN)
    invitation = proposed(of, ann)
    with pytest.raises(SamePerson):
        confirm_invitation(actor=ann, invitation=invitation, now=OPEN)
    with pytest.raises(SamePerson):
        withdraw_invitation(actor=ben, invitation=invitation, now=OPEN)
    with pytest.raises(AlreadyInvited):
        proposed(of, ben)
    decline_invitation(actor=ben, invitation=invitation, reason="They know", now=OPEN)
    with pytest.raises(InvitationClosed):
        confirm_invitation(actor=ben, invitation=invitation, now=OPEN)
    again = proposed(of, ann)
    withdraw_invitation(actor=ann, invitation=again, now=OPEN)
    confirm_invitation(actor=ben, invitation=proposed(of, ann), now=OPEN)
    with pytest.raises(AlreadyInvited):
        proposed(of, ben)
    assert Notice.objects.count() == 1


@pytest.mark.parametrize("step", ["propose", "confirm"])
def test_nobody_is_invited_who_claimed_or_after_the_claim_period(of, step):
    waiting = proposed(of) if step == "confirm" else None

    def act(now=OPEN):
        return confirm_invitation(actor=agent(), invitation=waiting, now=now) if waiting else proposed(of, now=now)

    with pytest.raises(PeriodOver):
        act(CLOSED)
    a_claim(of)
    with pytest.raises(AlreadyClaimed):
        act()
    assert not Notice.objects.filter(kind="invitation").exists()


def test_nobody_is_invited_to_a_month_that_was_kept_or_is_open(of):
    with pytest.raises(NotEntitled):
        propose_invitation(
            actor=agent(), contract=of.contract, month=ServiceMonth(2026, 10), now=at("2026-11-02 08:00")
        )


# Credits


def test_a_credit_takes_two_people_a_letter_and_the_cap(of):
    of.contract.payments.update(amount="0.03")
    ann = agent(ANN)
    recommendation = credited(of, ann)
    credit = recommendation.claim
    assert (credit.source, credit.status, credit.contact, credit.number) == (
        "credit",
        "recommended",
        None,
        "C-2026-0001",
    )
    assert "without a claim from you (credit C-2026-0001)" in recommendation.letter_text
    assert not Notice.objects.exists()
    with pytest.raises(SecondPersonNeeded):
        decided(recommendation, ann)
    compensation = decided(recommendation).compensation
    # 37 minutes of 49.00 in 43 200 are worth 0.04, of which 0.03 were paid.
    entry = Entry.objects.get()
    assert (entry.step, entry.value, entry.cap) == ("issued", Decimal("0.03"), Decimal("0.03"))
    assert compensation.cut_value == Decimal("0.01")
    letter = Notice.objects.get().wording("en")
    assert "without a claim from you" in letter.text
    assert "See the credit, with the code of its voucher" in letter.text
    assert Delivery.objects.get().email == of.contact.email


def test_without_the_term_nothing_is_credited():
    of = a_claimant()
    a_missed_september()
    close_september()
    with pytest.raises(ChecksNotPassed, match="does not provide for a credit without a claim"):
        credited(of)
    assert not Claim.objects.exists()


def test_a_credit_and_a_claim_of_one_month_exclude_each_other(of):
    decided(credited(of))
    with pytest.raises(AlreadyClaimed, match="already credited without a claim"):
        claiming(of)()
    with pytest.raises(AlreadyClaimed):
        credited(of)
    other = a_claimant()
    a_claim(other)
    with pytest.raises(AlreadyClaimed):
        credited(other)


def test_a_claim_takes_the_place_of_a_credit_that_is_only_proposed(of):
    credit = credited(of).claim
    with pytest.raises(AlreadyInvited):
        credited(of)
    assert Claim.objects.told().count() == 0
    with pytest.raises(NotToldYet):
        send_link(actor=agent(), claim=credit, now=OPEN)
    claim = claiming(of)()
    credit.refresh_from_db()
    assert (credit.status, claim.status) == ("withdrawn", "submitted")
    assert not Notice.objects.filter(about=credit.number).exists()


@pytest.mark.parametrize("how", ["sent back", "taken back"])
def test_a_credit_that_is_not_granted_leaves_the_month_to_be_claimed(of, how):
    ann = agent(ANN)
    recommendation = credited(of, ann)
    said = {"claim": recommendation.claim, "reason": "Not yet", "now": OPEN}
    if how == "sent back":
        send_back_claim(actor=agent(), recommendation=recommendation.pk, key=uuid4(), **said)
    else:
        withdraw_recommendation(actor=ann, **said)
    recommendation.claim.refresh_from_db()
    assert recommendation.claim.status == "withdrawn"
    assert credited(of).claim.number == "C-2026-0002"


def test_a_reversed_credit_is_over_and_is_not_reviewed_again(of):
    decided(credited(of))
    undoing = proposed_undoing(Entry.objects.get())
    assert undoing.reopens is False
    confirm_undoing(actor=agent(), undoing=undoing, now=OPEN)
    assert Claim.objects.get().status == "withdrawn"
    assert Claim.objects.told().count() == 1
    assert claiming(of)().status == "submitted"


# Races


@pytest.mark.django_db(transaction=True)
def test_an_invitation_that_several_confirm_at_once_is_mailed_once(of):
    invitation = proposed(of)
    confirming = [partial(confirm_invitation, actor=agent(), invitation=invitation, now=OPEN) for _n in range(3)]
    assert sorted(outcomes(*confirming)) == ["InvitationClosed", "InvitationClosed", "done"]
    assert Notice.objects.filter(kind="invitation").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_looks_before_it_mails_and_locks_nothing_is_refused_by_the_database(of):
    invitation = proposed(of)
    values = {"outcome": "sent", "closed_at": OPEN, "closed_by": support()}

    def mail(seen: Invitation) -> None:
        assert not seen.outcome
        with transaction.atomic():
            notice = give_notice(
                actor=PORTAL, kind="invitation", about="K", wordings=COME, audience=Contact.objects.all(),
                public=False, now=OPEN,
            )  # fmt: skip
            Invitation.objects.filter(pk=seen.pk).update(notice=notice, **values)

    seen = [Invitation.objects.get(pk=invitation.pk) for _n in range(2)]
    assert sorted(outcomes(*[partial(mail, one) for one in seen])) == ["IntegrityError", "done"]
    assert Notice.objects.filter(kind="invitation").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_month_claimed_and_credited_at_once_is_either_claimed_or_credited(of):
    recommendation = credited(of)
    deciding = partial(
        decide, actor=agent(), claim=recommendation.claim, recommendation=recommendation.pk, key=uuid4(), now=OPEN
    )
    went = sorted(outcomes(deciding, claiming(of)))
    assert went in (["AlreadyClaimed", "done"], ["ClaimNotOpen", "done"])
    assert Claim.objects.exclude(status="withdrawn").count() == 1
    assert Entry.objects.exists() == ("AlreadyClaimed" in went)
