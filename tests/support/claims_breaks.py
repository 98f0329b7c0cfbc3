"""What each constraint of the claims forbids."""

from uuid import uuid4

from claims.models import (
    Application,
    Claim,
    ClaimedTime,
    ClaimLink,
    Compensation,
    CreditNote,
    Decision,
    Enclosure,
    Entry,
    Invitation,
    Letter,
    Mention,
    Note,
    Recommendation,
    RefusedApplication,
    SavedReply,
    Undoing,
    Viewer,
    Voucher,
)
from sla_portal.notices.models import Notice

from .builders import at, numbers, on
from .claimants import DUE, OPEN, Claimant, a_claimant, a_proof, support


def claim(of: Claimant | None = None, **values) -> Claim:
    given = {
        "number": f"C-{next(numbers)}", "contract": (of or a_claimant()).contract, "month": on("2026-09-01"),
        "email": "ops@example.com", "time_zone": "UTC", "source": "form", "received_at": OPEN, "status": "submitted",
        **DUE,
    }  # fmt: skip
    return Claim.objects.create(**{**given, **values})


def saved_reply(**values) -> SavedReply:
    return SavedReply.objects.create(
        **{"kind": "grant", "name": "Short", "text": "Granted.", "text_zh": "准予。", **values}
    )


def enclosure(**values) -> Enclosure:
    given = {
        "name": "log.txt", "kind": "txt", "size": 1, "sha256": "0" * 64, "content": b"x", "scan": "clean", "added_at": OPEN,
        **values,
    }  # fmt: skip
    given.setdefault("claim", claim())
    return Enclosure.objects.create(added_by=support(), **given)


def letter(**values) -> Letter:
    notice = Notice.objects.create(
        number=f"N-{next(numbers)}", kind="claim", given_at=OPEN, given_by="x", sha256="0" * 64
    )
    return Letter.objects.create(claim=claim(), notice=notice, language="en", **values)


def application(**values) -> Application:
    given = {"key_hash": "0" * 64, "language": "en", "started_at": OPEN, "expires_at": OPEN}
    return Application.objects.create(**{**given, **values})


def recommendation(**values) -> Recommendation:
    given = {
        "outcome": "grant", "clause": "3.2", "reason": "So", "letter_subject": "S", "letter_text": "T", "facts": {},
        "recommended_at": OPEN, **values,
    }  # fmt: skip
    given.setdefault("recommended_by", support())
    given.setdefault("claim", claim())
    return Recommendation.objects.create(**given)


def decision(**values) -> Decision:
    given = {"key": uuid4(), "agreed": True, "decided_at": OPEN, **values}
    given.setdefault("recommendation", recommendation())
    given.setdefault("recommended_by", given["recommendation"].recommended_by)
    given.setdefault("decided_by", support())
    return Decision.objects.create(**given)


def decided_by_the_recommender() -> None:
    agent = support()
    decision(recommended_by=agent, decided_by=agent)


def appeal_decided_by_the_refuser() -> None:
    agent = support()
    decision(refused_by=agent, refusal_recommended_by=support(), decided_by=agent)


def compensation(**values) -> Compensation:
    made = decision()
    given = {
        "claim": made.recommendation.claim, "decision": made, "contract": made.recommendation.claim.contract,
        "counted_minutes": 37, "total_minutes": 43200, "voucher_minutes": 37, "extension_minutes": 0, "cut_minutes": 0,
        "cut_value": 0, "currency": "EUR", "granted_at": OPEN, "granted_by": made.decided_by,
    }  # fmt: skip
    return Compensation.objects.create(**{**given, **values})


def voucher(**values) -> Voucher:
    given = {"code": f"V-{next(numbers)}", "value": 1, "currency": "EUR", "expires_on": on("2027-09-30"), **values}
    return Voucher.objects.create(compensation=given.pop("compensation", None) or compensation(), **given)


def line(of: Compensation | None = None, **values) -> Entry:
    of = of or compensation()
    given = {
        "compensation": of, "contract": of.contract, "number": 1, "step": "extended", "extended": of.contract,
        "minutes": 37, "value": 1, "currency": "EUR", "total": 1, "cap": 100, "at": OPEN, "by": of.granted_by,
    }  # fmt: skip
    return Entry.objects.create(**{**given, **values})


def extended_twice() -> None:
    of = compensation()
    line(of)
    line(of, number=2)


def numbered_twice() -> None:
    given = voucher()
    issued = line(given.compensation, step="issued", voucher=given, extended=None)
    line(given.compensation, step="redeemed", voucher=given, extended=None, follows=issued)


def undoing(of: Compensation | None = None, **values) -> Undoing:
    given = {"reason": "So", "reopens": False, "proposed_at": OPEN, **values}
    given.setdefault("proposed_by", support())
    return Undoing.objects.create(compensation=of or compensation(), **given)


def undone(of: Compensation, **values) -> Entry:
    return line(of, **{"step": "shortened", "undoing": undoing(of), "value": -1, "number": 2, "reason": "So", **values})


def reversed_without_reason() -> None:
    of = compensation()
    undone(of, follows=line(of), reason="")


def undoing_confirmed_by_its_proposer() -> None:
    agent = support()
    undoing(outcome="confirmed", proposed_by=agent, closed_by=agent, closed_at=OPEN)


def note(**values) -> Note:
    given = {"text": "Called back", "at": OPEN, **values}
    return Note.objects.create(claim=claim(), author=support(), **given)


def invitation(of: Claimant | None = None, **values) -> Invitation:
    given = {
        "contract": (of or a_claimant()).contract, "month": on("2026-09-01"), "claims_close_at": at("2026-11-30 16:00"),
        "proposed_at": OPEN, **values,
    }  # fmt: skip
    given.setdefault("proposed_by", support())
    return Invitation.objects.create(**given)


def sent(**values) -> Invitation:
    notice = Notice.objects.create(
        number="N-1", kind="invitation", about="K", given_at=OPEN, given_by="ann", sha256="0" * 64
    )
    given = {"outcome": "sent", "closed_at": OPEN, "notice": notice, **values}
    given.setdefault("closed_by", support())
    return invitation(**given)


def invitation_confirmed_by_its_proposer() -> None:
    agent = support()
    sent(proposed_by=agent, closed_by=agent)


BREAKS = {
    "an_application_asks_for_something_known": lambda: application(asked="moon"),
    "an_application_is_late_after_the_closing": lambda: RefusedApplication.objects.create(
        contract=a_claimant().contract,
        month=on("2026-09-01"),
        email="ops@example.com",
        source="form",
        at=at("2026-11-30 15:59"),
        closed_at=at("2026-11-30 16:00"),
    ),
    "one_open_or_granted_claim_for_a_contract_and_month": lambda: [
        claim(of, status=status) for of in [a_claimant()] for status in ("granted", "held")
    ],
    "a_claim_has_a_known_status": lambda: claim(status="lost"),
    "a_claim_comes_in_by_a_known_way": lambda: claim(source="pigeon", entered_by=support()),
    "a_claim_by_ticket_has_the_tickets_number": lambda: claim(source="ticket", entered_by=support()),
    "a_claim_not_by_form_was_entered_by_somebody": lambda: claim(source="phone"),
    "an_open_claim_has_its_date": lambda: claim(due_on=None),
    "the_first_answer_is_due_then_the_decision": lambda: claim(first_answered_at=OPEN),
    "a_claim_pending_approval_names_who_recommended_it": lambda: claim(status="recommended"),
    "a_person_looks_at_a_claim_once": lambda: [
        Viewer.objects.create(claim=made, user=user, seen_at=OPEN) for made, user in [(claim(), support())] * 2
    ],
    "a_note_says_something": lambda: note(text=""),
    "a_note_mentions_a_person_once": lambda: [
        Mention.objects.create(note=made, user=user) for made, user in [(note(), support())] * 2
    ],
    "a_credit_is_proposed_granted_or_withdrawn": lambda: claim(source="credit", status="held", entered_by=support()),
    "a_contract_is_invited_once_for_a_month": lambda: [invitation(of) for of in [a_claimant()] * 2],
    "a_closed_invitation_has_its_time_and_person": lambda: invitation(outcome="withdrawn"),
    "an_invitation_is_sent_with_its_notice": lambda: sent(notice=None),
    "an_invitation_is_confirmed_by_another_person": invitation_confirmed_by_its_proposer,
    "nobody_is_invited_after_the_claim_period": lambda: sent(closed_at=at("2026-11-30 16:00")),
    "a_declined_invitation_says_why": lambda: invitation(outcome="declined", closed_at=OPEN, closed_by=support()),
    "a_claimed_time_ends_after_it_starts": lambda: ClaimedTime.objects.create(
        claim=claim(), starts_at=OPEN, ends_at=OPEN
    ),
    "a_file_proves_a_claim_once": lambda: [a_proof(claim=made) for made in [claim()] * 2],
    "a_proof_belongs_to_an_application_or_to_a_claim": lambda: a_proof(claim=claim(), application=application()),
    "a_scan_found_nothing_or_was_not": lambda: a_proof(claim=claim(), scan="found"),
    "a_link_expires_after_it_is_made": lambda: ClaimLink.objects.create(
        claim=claim(), token_hash="0" * 64, created_at=OPEN, expires_at=OPEN
    ),
    "a_recommendation_is_to_grant_or_to_refuse": lambda: recommendation(outcome="wait"),
    "a_recommendation_names_a_clause_and_a_reason": lambda: recommendation(reason=""),
    "a_refusal_gives_nothing": lambda: recommendation(outcome="refuse", extension_minutes=1),
    "a_claim_is_decided_by_another_person": decided_by_the_recommender,
    "an_appeal_is_decided_by_a_third_person": appeal_decided_by_the_refuser,
    "what_is_returned_says_why": lambda: decision(agreed=False),
    "what_is_cut_is_not_negative": lambda: compensation(cut_value=-1),
    "a_voucher_is_worth_something": lambda: voucher(value=0),
    "a_contracts_entries_are_numbered": numbered_twice,
    "compensation_never_exceeds_the_fees_paid": lambda: line(total=101),
    "an_entry_is_a_known_step": lambda: line(step="lost", follows=line()),
    "an_entry_is_of_a_voucher_or_of_an_extension": lambda: line(extended=None),
    "every_entry_but_the_first_follows_one": lambda: undone(compensation(), number=1),
    "a_compensation_gives_each_part_once": extended_twice,
    "a_reversal_states_its_reason": reversed_without_reason,
    "a_saved_reply_is_of_a_known_kind": lambda: saved_reply(kind="joke"),
    "a_saved_reply_has_a_name_and_a_text_in_each_language": lambda: saved_reply(text_zh=""),
    "a_file_is_enclosed_with_a_claim_once": lambda: [enclosure(claim=made, name=n) for made in [claim()] for n in "ab"],
    "the_enclosures_of_a_claim_have_names_of_their_own": lambda: [
        enclosure(claim=made, sha256=one * 64) for made in [claim()] for one in "ab"
    ],
    "a_scan_of_an_enclosure_found_nothing_or_was_not": lambda: enclosure(scan="found"),
    "a_printed_letter_has_its_file_and_hash": lambda: letter(printed_at=OPEN),
    "a_grant_has_one_open_undoing": lambda: [undoing(of) for of in [compensation()] * 2],
    "a_closed_undoing_has_its_time_and_person": lambda: undoing(outcome="declined"),
    "an_undoing_is_confirmed_by_another_person": undoing_confirmed_by_its_proposer,
    "an_undoing_states_its_reason": lambda: undoing(reason=""),
    "a_printed_credit_note_has_a_file_with_a_hash": lambda: CreditNote.objects.create(
        number="CN-2026-0001", entry=line(), statement={}, issued_at=OPEN, pdf="a.pdf"
    ),
}
