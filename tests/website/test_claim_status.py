"""The page of a claim for its claimant: content, actions and access."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from claims.models import Claim, ClaimLink
from claims.operations import ask_customer, decide, revoke_links, submit_held_claims
from claims.operations.applying import mail_requested
from claims.queries.applying import newest_token
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Notice
from sla_portal.notices.private import token
from tests.support.builders import at
from tests.support.claim_form import picture
from tests.support.claimants import (
    OPEN,
    PORTAL,
    a_claim,
    a_claimant,
    a_missed_september,
    granted,
    recommended,
    support,
    undone,
)
from tests.support.desk import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(OPEN, tick=False) as clock:
        yield clock


@pytest.fixture
def claim() -> Claim:
    a_missed_september()
    return a_claim(a_claimant())


def a_reviewer() -> Actor:
    return Actor.staff(support())


def address(claim: Claim) -> str:
    return f"/claims/{newest_token(claim, OPEN)}/"


def read(claim: Claim) -> str:
    answered = Client().get(address(claim))
    assert answered.status_code == 200
    return text_of(answered)


def refused(claim: Claim) -> None:
    wanted = recommended(claim, outcome="refuse", clause="3.3.2")
    decide(actor=Actor.staff(support()), claim=claim, recommendation=wanted.pk, key=uuid4(), now=OPEN)
    claim.refresh_from_db()


# What it says


def test_a_claim_under_review_shows_its_details_and_the_next_step(claim):
    words = read(claim)
    for expected in (
        claim.number, "September 2026", "Under review", "One person recommends a decision, another approves it",
        "2026-09-10 03:00 Berlin SLA 2026-09-10 09:00 Shanghai", "30 min", "Affected functions all", "Nothing worked",
        "screen.png", "Claim C-2026-0001 for September 2026: received", "The link is valid until 2027-04-18",
    ):  # fmt: skip
        assert expected in words
    assert "Please do not forward it" not in words


def test_a_claim_of_a_month_that_is_not_closed_yet_says_what_it_waits_for(claim):
    assert "once the month is closed" not in read(claim)
    of_august = a_claim(
        a_claimant(),
        closed=False,
        month=ServiceMonth(2026, 8),
        times=[(at("2026-08-10 01:00"), at("2026-08-10 01:30"))],
    )
    assert "A decision is possible once we have closed the month." in read(of_august)


def test_an_early_claim_shows_when_it_is_submitted_automatically(today):
    today.move_to(at("2026-10-09 08:00"))
    a_missed_september()
    claim = a_claim(a_claimant(), now=at("2026-10-09 08:00"))
    words = read(claim)
    assert "Not open yet" in words
    assert (
        "The claim period for this month opens at 2026-10-13 18:00 Berlin SLA 2026-10-14 00:00 Shanghai (clause 3.3.1)"
        in words
    )
    submit_held_claims(now=OPEN)
    assert "Under review" in read(claim)


def test_a_granted_claim_shows_the_new_end_of_the_contract_and_the_voucher_code(claim):
    compensation = granted(claim, voucher_minutes=30)
    words = read(claim)
    assert "Your claim is granted." in words
    assert "7 minutes: contract" in words
    assert "now runs until 1 January 2027" in words
    assert compensation.voucher.code in words
    assert "0.03 EUR" in words
    assert "Valid until" in words
    assert "Withdraw claim" not in words


def test_a_void_voucher_does_not_show_its_code(claim):
    compensation = granted(claim, voucher_minutes=30)
    undone(compensation.entries.get(step="issued"), now=OPEN + timedelta(hours=1))
    words = read(claim)
    assert compensation.voucher.code not in words
    assert "void; see the reason in the e-mail below" in words


def test_the_page_is_available_in_chinese(claim):
    page = Client().get(address(claim), headers={"accept-language": "zh-hans"})
    assert '<html lang="zh-hans">' in page.content.decode()


# What can be done there


def test_proof_is_added_and_the_audit_log_names_the_claimant(claim):
    answered = Client().post(f"{address(claim)}proof/", {"files": [picture()]})
    assert answered["Location"] == f"{address(claim)}#proof"
    assert "door.png" in read(claim)
    assert Entry.objects.filter(action="added proof to", actor_name=f"claimant {claim.email}").exists()


def test_a_file_that_is_refused_is_named_and_the_others_stay(claim):
    answered = Client().post(f"{address(claim)}proof/", {"files": [picture(), picture("x.png", "blue")]})
    assert answered.status_code == 302
    answered = Client().post(f"{address(claim)}proof/", {})
    assert (answered.status_code, "Choose a file first." in text_of(answered)) == (422, True)


def test_an_answer_puts_the_claim_under_review_again(claim):
    ask_customer(actor=a_reviewer(), claim=claim, question="Which door was it?", now=OPEN)
    assert "Which door was it?" in read(claim)
    empty = Client().post(f"{address(claim)}answer/", {"text": " \0 "})
    assert (empty.status_code, "waiting" in Claim.objects.get().status) == (422, True)
    answered = Client().post(f"{address(claim)}answer/", {"text": "The one at the harbour."})
    assert answered.status_code == 302
    assert Claim.objects.get().status == "submitted"
    assert "Which door was it?" in read(claim)  # in the letter
    again = Client().post(f"{address(claim)}answer/", {"text": "The one at the harbour."})
    assert again.status_code == 422


@pytest.mark.parametrize("step", ["answer", "appeal"])
def test_files_go_with_an_answer_and_with_an_appeal(claim, step):
    """A refused file is named, what was typed and the accepted files stay, and nothing is sent before all is right."""
    if step == "answer":
        ask_customer(actor=a_reviewer(), claim=claim, question="Which door was it?", now=OPEN)
    else:
        refused(claim)
    status, proofs = Claim.objects.get().status, claim.proofs.count()
    film = SimpleUploadedFile("door.mp4", b"\0\0\0\x18ftypmp42" + bytes(99))
    answered = Client().post(f"{address(claim)}{step}/", {"text": "It was the harbour.", "files": [picture(), film]})
    words = text_of(answered)
    assert answered.status_code == 422
    assert "door.mp4: This is a video or sound recording" in words
    assert f"You can add {10 - proofs - 1} more files. 58 uploads are left within the hour." in words
    assert ">It was the harbour.</textarea>" in answered.content.decode()
    assert (Claim.objects.get().status, claim.proofs.count()) == (status, proofs + 1)
    empty = Client().post(f"{address(claim)}{step}/", {"text": "", "files": [picture("second.png", "blue")]})
    assert (empty.status_code, claim.proofs.count()) == (422, proofs + 2)
    Client().post(f"{address(claim)}{step}/", {"text": "It was the harbour.", "files": [picture("third.png", "lime")]})
    assert (Claim.objects.get().status, claim.proofs.count()) == ("submitted", proofs + 3)
    assert "third.png" in read(claim)


def test_no_file_is_added_to_a_claim_that_is_decided_for_good(claim):
    Claim.objects.update(status="refused", appealed_at=OPEN)
    answered = Client().post(f"{address(claim)}proof/", {"files": [picture()]})
    assert answered.status_code == 422
    assert "door.png: This claim is decided." in text_of(answered)


def test_a_claim_is_withdrawn_after_confirmation(claim):
    page = Client().get(f"{address(claim)}withdraw/")
    assert "We will not process a withdrawn claim." in text_of(page)
    assert Claim.objects.get().status == "submitted"
    Client().post(f"{address(claim)}withdraw/", {"reason": "We found it was our router."})
    assert Claim.objects.get().status == "withdrawn"
    assert "Your claim is withdrawn." in read(claim)
    again = Client().post(f"{address(claim)}withdraw/", {"reason": ""})
    assert again.status_code == 422
    assert "already decided or withdrawn" in text_of(Client().get(f"{address(claim)}withdraw/"))


def test_an_invisible_character_in_the_reason_of_a_withdrawal_is_refused(claim):
    answer = Client().post(f"{address(claim)}withdraw/", {"reason": "Our \u202erouter"})
    assert answer.status_code == 422
    assert "U+202E RIGHT-TO-LEFT OVERRIDE" in text_of(answer)
    assert Claim.objects.get().status == "submitted"


def test_a_refusal_is_appealed_once(claim):
    refused(claim)
    assert "You can appeal once." in read(claim)
    assert Client().post(f"{address(claim)}appeal/", {"text": "x" * 6000}).status_code == 422
    assert Client().post(f"{address(claim)}appeal/", {"text": "Look at minute 12."}).status_code == 302
    words = read(claim)
    assert "We are reviewing your claim again." in words
    assert "Your appeal Look at minute 12." in words
    assert Client().post(f"{address(claim)}appeal/", {"text": "And again."}).status_code == 422


def test_viewing_the_page_changes_nothing(claim):
    before = (Entry.objects.count(), Notice.objects.count(), Claim.objects.values().get())
    for path in ("", "proof/", "answer/", "appeal/", "withdraw/"):
        assert Client().get(f"{address(claim)}{path}").status_code in {200, 302}
    assert (Entry.objects.count(), Notice.objects.count(), Claim.objects.values().get()) == before


# Who may see it


def test_the_page_is_not_cached_and_sends_no_referrer(claim):
    page = Client().get(address(claim))
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["X-Robots-Tag"] == "noindex, nofollow"
    assert not page.cookies
    assert newest_token(claim, OPEN) not in str(
        [*ClaimLink.objects.values(), *Notice.objects.values(), *Entry.objects.values()]
    )
    assert 'rel="canonical"' not in page.content.decode()


@pytest.mark.parametrize("wrong", ["7-" + "x" * 32, "0", "%00", "x" * 4000, "%ED%A0%80", "1-", "٣-" + "x" * 32])
def test_a_wrong_link_gets_an_error_page_with_a_new_link_form(claim, wrong):
    for path in ("", "proof/", "answer/", "appeal/", "withdraw/"):
        answered = Client().post(f"/claims/{wrong}/{path}", {"text": "x"})
        assert answered.status_code == 404
        assert "This link is not valid" in text_of(answered)
        assert "/claim/new-link/" in answered.content.decode()


def test_an_expired_or_revoked_link_is_gone(claim, today):
    old = address(claim)
    today.move_to(OPEN + timedelta(days=180))
    assert Client().get(old).status_code == 410
    assert "This link is no longer valid" in text_of(Client().post(f"{old}withdraw/", {}))
    today.move_to(OPEN)
    revoke_links(actor=PORTAL, claim=claim, now=OPEN)
    assert Client().get(old).status_code == 410
    assert newest_token(claim, OPEN) is None


def test_a_link_is_valid_for_its_own_claim_only(claim):
    other = a_claim(a_claimant())
    assert claim.number not in read(other)


# A new link


def ask_for_link(claim: Claim, **data):
    given = {"reference": claim.contract.reference, "email": claim.email, **data}
    answered = Client().post("/claim/new-link/", given)
    mail_requested(now=OPEN)
    return answered


def test_a_new_link_is_sent_and_the_earlier_ones_are_revoked(claim):
    old = address(claim)
    assert "If claims for this contract were made from this address" in text_of(ask_for_link(claim))
    mailed = Delivery.objects.filter(notice__about=claim.number).order_by("-id").first()
    assert Client().get(f"/claims/{token(mailed)}/").status_code == 200
    assert Client().get(old).status_code == 410


def test_a_claimant_whose_address_changed_gets_the_new_link_at_the_new_one(claim):
    claim.contact.email = "new@example.com"
    claim.contact.save()
    ask_for_link(claim, email="new@example.com")
    assert Delivery.objects.latest("id").email == "new@example.com"


def test_the_response_does_not_reveal_whether_there_is_a_claim(claim):
    pages = {
        re.sub(r"\s+", " ", text_of(ask_for_link(claim, **data)))
        for data in ({}, {"email": "nobody@example.com"}, {"reference": "K-NONE"})
    }
    assert len(pages) == 1
    assert Delivery.objects.filter(notice__about=claim.number).count() == 2


def test_the_number_of_sent_links_is_limited(claim):
    for _ in range(6):
        ask_for_link(claim)
    assert Delivery.objects.filter(notice__about=claim.number).count() == 3
    for _ in range(5):
        answered = ask_for_link(claim)
    assert answered.status_code == 429


@pytest.mark.parametrize("data", [{"email": "nobody"}, {"reference": ""}, {"reference": "\0"}, {"email": "x" * 9000}])
def test_a_request_for_a_link_needs_contract_and_address(claim, data):
    assert ask_for_link(claim, **data).status_code == 422


# Cost


def test_a_page_takes_as_many_queries_for_a_hundred_times_as_for_one(claim):
    def taken() -> int:
        with CaptureQueriesContext(connection) as queries:
            read(claim)
        return len(queries)

    taken()  # what is asked for all pages together, every few seconds
    few = taken()
    for number in range(100):
        start = at("2026-09-11 01:00") + timedelta(hours=number)
        claim.times.create(starts_at=start, ends_at=start + timedelta(minutes=5))
    for _ in range(8):
        ask_customer(actor=a_reviewer(), claim=claim, question="And?", now=OPEN)
    assert taken() == few
