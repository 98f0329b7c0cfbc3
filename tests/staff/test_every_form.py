"""Every form of the staff pages only adds, or refuses what was decided on a page that has become stale."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.urls import URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern
from time_machine import travel

from claims.models import CalendarYear, Claim, Entry, Invitation, OwnDay, SavedReply, Voucher
from claims.operations import ask_customer, decide, redeem_voucher
from claims.operations.unclaimed import propose_invitation
from incidents.models import IncidentTemplate, Review, UpdateTemplate
from maintenance.operations import request_announcement
from sla_portal.agreements.models import AgreementVersion, Answer, Contract, RegisterEntry
from sla_portal.agreements.operations import register_answer, request_withdrawal, write_entry
from sla_portal.agreements.rules import AnswerKind
from sla_portal.audit import models as audit
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record
from sla_portal.audit.queries import newest_entry
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import request_closing
from sla_portal.availability.queries import record_of
from sla_portal.customers.models import Client, Contact, CoreFunction
from sla_portal.kernel.intervals import epoch
from sla_portal.notices.models import Delivery, Kind, Status
from sla_portal.notices.operations import give_notice
from sla_portal.notices.operations.throttling import pause_notice
from sla_portal.operator.models import Opening
from tests.support.amendments import a_draft, announced, legal, submitted, withdraw_version
from tests.support.builders import (
    a_contract,
    a_customer,
    a_region,
    a_version,
    a_window,
    an_exclusion,
    an_incident,
    an_outage,
    at,
    on,
)
from tests.support.claimants import (
    OPEN,
    SEPTEMBER,
    a_claim,
    a_claimant,
    a_missed_september,
    close_september,
    granted,
    proposed_undoing,
    recommended,
    support,
)
from tests.support.desk import Forms, a_member, rows_on_record, signed_in, text_of
from tests.support.operators import GMBH, an_operator
from tests.support.unguarded import unguarded

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
PORTAL = Actor.system("somebody else")
REASON = {"reason": "As the record says"}

ADDS = {
    "log_outage": "a new incident, or an outage of one that was chosen",
    "hand_over": "a note for the next shift",
    "keep_typed": "what one typed, for oneself",
    "add_outage": "an outage",
    "update_incident": "a note or a public update",
    "add_evidence": "a file",
    "bring_proof": "a file",
    "enter_claim": "a new claim",
    "note_claim": "a note",
    "read_mention": "that one has read one's own mention",
    "propose_own": "a proposal, which another person decides",
    "invite_to_claim": "invitations, one for a contract and month, which another person sends",
    "credit_without_claim": "credits, one for a contract and month, which another person decides",
    "invitations": "the e-mails of invitations, each once",
    "send_claim_link": "a link; earlier links are of no further use",
    "revoke_claim_links": "nothing that anyone typed",
    "start_amendment": "a new draft",
    "notify_of_amendment": "e-mails to those who got none",
    "bundles": "a request for a bundle",
    "claim_bundles": "a request for a bundle",
    "month_bundles": "a request for a bundle",
    "amendment_answer": "a response; where it ends a contract, the contract refuses what is stale",
    "add_register_entry": "a new entry, to be approved by another person",
    "issue_reports": "revisions of reports",
    "import_customers": "customers; one that is on record is refused",
    "test_mail": "an e-mail to oneself",
    "set_first_password": "one's own password",
    "export_ledger": "nothing",
    "export_balances": "nothing",
    "export_billing": "nothing",
    "billing": "an export of what is new; sent twice, nothing is new",
    "report_looked_at": "that somebody looked at it",
    "export_entitled_contracts": "nothing",
    "rehearsal": "a rehearsal, once",
    "clock": "the reader's own time zone",
    "legal_calendar": "one's own private address",
    "password_change": "one's own password",
    "login": "nothing", "logout": "nothing",
}  # fmt: skip
"""URLs of forms that only add, with what they add."""

Case = tuple[Sequence[models.Model], str, dict[str, Any]]


def to(name: str, row: models.Model, *more: Any) -> str:
    return reverse(f"admin:{name}", args=[row.pk, *more])


def keyed(**values: Any) -> dict[str, Any]:
    return {"key": str(uuid4()), **values}


def on_incident(name: str, **sent: Any) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        incident = an_incident("INC-1", detected_at=at("2026-10-20 07:00"))
        an_outage(a_region(), "2026-10-20 07:00", None, incident=incident)
        return [incident], to(name, incident), sent

    return make


def on_exclusion(name: str, status: str) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        incident = an_incident("INC-1", detected_at=at("2026-10-20 07:00"))
        an_outage(a_region(), "2026-10-20 07:00", None, incident=incident)
        exclusion = an_exclusion(incident, status=status)
        return [exclusion, incident], to(name, exclusion), REASON

    return make


def on_contract(name: str, terminated_on=None, **sent: Any) -> Callable[[Any], Case]:
    def make(desk) -> Case:
        contract = a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31", terminated_on=terminated_on)
        return [contract], to(name, contract), previewed(desk, to(name, contract), **sent)

    return make


def previewed(desk, url: str, **sent: Any) -> dict[str, Any]:
    """What is sent once the consequences were seen."""
    sent = {**REASON, **sent}
    return {**sent, "previewed": desk.post(url, sent).context["form"]["previewed"].value()}


def renewed(_desk) -> Case:
    contract = a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    sent = {"reference": "K-new", "ends_on": "2027-12-31", "monthly_charge": "49", "currency": "EUR"}
    return [contract], to("renew_contract", contract), sent


def withdrawn_renewal(desk) -> Case:
    contract = a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    renewal = a_contract(contract.customer, "2027-01-01", "2027-12-31", renews=contract)
    return [renewal], to("withdraw_renewal", renewal), previewed(desk, to("withdraw_renewal", renewal))


PLANNED = ("2026-10-20 07:30", "2026-10-20 09:00")
SENT = {"send": "1", "starts": epoch(at(PLANNED[0])), "ends": epoch(at("2026-10-20 09:30"))}


def on_window(name: str, *, draft: bool = False, started: bool = False, **sent: Any) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        notices = [] if draft else [("2026-10-10 07:00", *PLANNED)]
        window = a_window(*PLANNED, *notices, started_at=at("2026-10-20 07:30") if started else None)
        return [window], to(name, window), keyed(**sent)

    return make


def a_claim_of(prepare: Callable[[Claim], object] = lambda _claim: None) -> Claim:
    a_missed_september()
    claim = a_claim(a_claimant())
    prepare(claim)
    return claim


def on_claim(name: str, prepare: Callable[[Claim], object] = lambda _claim: None, **sent: Any) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        claim = a_claim_of(prepare)
        last = claim.recommendations.order_by("-id").first()
        return [claim], to(name, claim), keyed(recommendation=last.pk if last else "", **sent)

    return make


def ask(claim: Claim) -> None:
    ask_customer(actor=Actor.staff(support()), claim=claim, question="Which door?", now=OPEN)


def refuse(claim: Claim) -> None:
    wanted = recommended(claim, outcome="refuse", clause="3.3.2")
    decide(actor=Actor.staff(support()), claim=claim, recommendation=wanted.pk, key=uuid4(), now=OPEN)


def together(_desk) -> Case:
    a_missed_september()
    claims = [a_claim(a_claimant()) for _n in range(2)]
    sent = {"claim": [claim.pk for claim in claims], "outcome": "refuse", "clause": "3.3.2", **REASON}
    return claims, reverse("admin:recommend_together"), sent


def decided_together(_desk) -> Case:
    a_missed_september()
    claims = [a_claim(of) for of in [a_claimant() for _n in range(2)]]
    shown = {f"recommendation-{claim.pk}": recommended(claim).pk for claim in claims}
    return claims, reverse("admin:decide_together"), keyed(claim=[claim.pk for claim in claims], **shown)


def taken(_desk) -> Case:
    claim = a_claim_of()
    return [claim], reverse("admin:take_claim"), {"claim": claim.pk}


def assigned(desk) -> Case:
    claim = a_claim_of()
    return [claim], to("assign_claim", claim), keyed(to=desk.user.pk)


def withdrawn(desk) -> Case:
    claim = a_claim_of(lambda claim: recommended(claim, desk.user))
    return [claim], to("withdraw_recommendation", claim), REASON


def on_own(name: str, status: str) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        claim = a_claim_of()
        own = an_exclusion(
            None, "4.5", status, customer=claim.contract.customer, evidence="A log",
            starts_at=at("2026-09-10 01:00"), ends_at=at("2026-09-10 01:30"),
        )  # fmt: skip
        return [own], to(name, claim, own.pk), REASON

    return make


def withdrawn_own(desk) -> Case:
    subjects, url, sent = on_own("withdraw_own", "proposed")(desk)
    Exclusion.objects.update(proposed_by=desk.user)
    return subjects, url, sent


def redeemed(_desk) -> Case:
    voucher = granted_voucher()
    sent = {"act": "redeem", "redeem-reference": "R-1", "redeem-sure": "on"}
    return [voucher.entries.get()], to("voucher", voucher), sent


def taken_back(_desk) -> Case:
    voucher = granted_voucher()
    redeem_voucher(actor=Actor.staff(support()), voucher=voucher, reference="R-1", now=OPEN)
    return [voucher.entries.latest("number")], to("voucher", voucher), reversal(voucher.entries.latest("number"))


def shortened(_desk) -> Case:
    a_missed_september()
    given = granted(a_claim(a_claimant()))
    entry = Entry.objects.get()
    return [entry], to("extension", given), reversal(entry)


def granted_voucher() -> Voucher:
    a_missed_september()
    granted(a_claim(a_claimant()), voucher_minutes=7)
    return Voucher.objects.get()


def reversal(entry: Entry) -> dict[str, Any]:
    letter = {"reverse-letter_subject": "Corrected", "reverse-letter_text": "It was a slip."}
    return {"act": "reverse", "reverse-entry": entry.pk, "reverse-reason": "A slip", **letter}


def reversal_confirmed(_desk) -> Case:
    entry = granted_voucher().entries.get()
    proposed_undoing(entry)
    return [entry], to("voucher", entry.voucher), {"act": "confirm"}


def on_resolved(name: str, **sent: Any) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        row = an_incident("INC-1", detected_at=at("2026-10-20 06:00"), resolved_at=at("2026-10-20 07:00"))
        an_outage(a_region(), "2026-10-20 06:00", "2026-10-20 07:00", incident=row)
        return [row], to(name, row), sent

    return make


def handed_over(desk) -> Case:
    subjects, url, _sent = on_incident("hand_over_incident")(desk)
    return subjects, url, {"to": a_member("NOC", "ned").pk}


REVIEW = {"cause": "A bad release", "actions-TOTAL_FORMS": "0", "actions-INITIAL_FORMS": "0"}


def on_review(name: str, *, published_at: datetime | None = None, **sent: Any) -> Callable[[Any], Case]:
    def make(desk) -> Case:
        [incident], url, _sent = on_resolved(name)(desk)
        Review.objects.create(incident=incident, cause="A bad release", written_at=OPEN, published_at=published_at)
        return [incident], url, sent

    return make


def completed_action(desk) -> Case:
    [incident], _url, _sent = on_review("publish_review")(desk)
    action = Review.objects.get().actions.create(text="Add a canary")
    return [incident], to("complete_action", action), {}


def merged(desk) -> Case:
    subjects, url, sent = on_resolved("merge_incident")(desk)
    other = an_incident("INC-2", detected_at=at("2026-10-20 06:00"), resolved_at=at("2026-10-20 07:00"))
    outage = str(subjects[0].outages.get().pk)
    sent = {"into": "other", "reference": "INC-2", "outages": [outage], "previewed": f"INC-2,{outage},", **REASON}
    return [*subjects, other], url, sent


def withdrawn_proposal(desk) -> Case:
    subjects, _url, sent = on_exclusion("withdraw_exclusion", "proposed")(desk)
    exclusion = subjects[0]
    exclusion.proposed_by = desk.user
    exclusion.save()
    return subjects, to("withdraw_exclusion", exclusion), sent


def on_request(name: str, *, own: bool = False) -> Callable[[Any], Case]:
    def make(desk) -> Case:
        window = a_window("2026-10-21 01:00", "2026-10-23 01:00")
        by = Actor.staff(desk.user if own else a_member("NOC", "cora"))
        request = request_announcement(
            actor=by, window=window, starts_at=window.starts_at, ends_at=window.ends_at, why="A long move", now=OPEN
        )
        return [window], to(name, window, request.pk), keyed(**REASON)

    return make


WORKED = {
    "started_at_0": "2026-10-20", "started_at_1": "07:30:00", "completed_at_0": "2026-10-20", "completed_at_1": "07:50:00"
}  # fmt: skip


def a_month_to_close() -> list[models.Model]:
    over = {"resolved_at": at("2026-09-10 02:00"), "attributable": True}
    incident = an_incident("INC-1", detected_at=at("2026-09-10 01:00"), **over)
    an_outage(a_region(), "2026-09-10 01:00", "2026-09-10 02:00", incident=incident)
    return [incident, a_window("2026-09-11 01:00", "2026-09-11 02:00")]


def closed(desk) -> Case:
    rests_on, url = a_month_to_close(), reverse("admin:close_month", args=["2026-09"])
    return rests_on, url, shown(desk, url, "shown")


def on_closing(name: str, *, own: bool = False) -> Callable[[Any], Case]:
    def make(desk) -> Case:
        rests_on = a_month_to_close()
        by = Actor.staff(desk.user if own else a_member("Legal", "cora"))
        digest = record_of(SEPTEMBER, OPEN).digest
        request = request_closing(actor=by, month=SEPTEMBER, shown=digest, now=OPEN)
        subjects = [request, *rests_on] if name == "confirm_closing" else [request]
        return subjects, reverse(f"admin:{name}", args=["2026-09", request.pk]), REASON

    return make


def on_version(name: str, make_version: Callable[..., AgreementVersion], **sent: Any) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        version = make_version(now=OPEN)
        return [version], to(name, version), keyed(**sent)

    return make


LATER = on("2026-12-24")


def asked_for(*, now) -> AgreementVersion:
    return submitted(None, LATER, now)


def given_notice(*, now) -> AgreementVersion:
    return announced(None, LATER, now)


def drafted(desk) -> Case:
    version = a_draft(now=OPEN)
    return (
        [version],
        to("amendment", version),
        shown(desk, to("amendment", version), "clauses-0-number", do="save", voucher_valid_months="7"),
    )


def answered(_desk) -> Case:
    customer = a_customer(a_region())
    a_contract(customer, "2026-01-01", "2027-12-31")
    row = register_answer(
        actor=PORTAL, version=given_notice(now=OPEN), customer=customer, kind=AnswerKind.OBJECTION, by_name="Ada",
        text="No", now=OPEN + timedelta(minutes=1),
    )  # fmt: skip
    return [row], to("withdraw_answer", row), REASON


def withdrawing(desk) -> Case:
    version = given_notice(now=OPEN)
    sent = keyed(reason="A slip", reason_zh="笔误")
    shown = desk.post(to("withdraw_amendment", version), sent)
    return (
        [version],
        to("withdraw_amendment", version),
        {**sent, "previewed": shown.context["form"]["previewed"].value()},
    )


def on_withdrawal(step: str, *, own: bool = False, **sent: Any) -> Callable[[Any], Case]:
    def make(desk) -> Case:
        version = given_notice(now=OPEN)
        actor = Actor.staff(desk.user) if own else legal("cleo")
        row = request_withdrawal(actor=actor, version=version, reason="A slip", reason_zh="笔误", now=OPEN)
        return [version], reverse("admin:decide_withdrawal", args=[version.pk, row.pk, step]), keyed(**sent)

    return make


def a_response(kind: AnswerKind) -> Answer:
    customer = a_customer(a_region())
    a_contract(customer, "2026-01-01", "2027-12-31")
    return register_answer(
        actor=PORTAL, version=given_notice(now=OPEN), customer=customer, kind=kind, by_name="Ada", text="No",
        now=OPEN + timedelta(minutes=1),
    )  # fmt: skip


def on_ended(**sent: Any) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        row = a_response(AnswerKind.TERMINATION)
        withdraw_version(actor=legal("bob"), version=row.version, reason="A slip", now=OPEN + timedelta(minutes=2))
        contract = row.ended.get()
        return [contract], to("ended_contracts", row.version), keyed(contract=[contract.pk], **sent)

    return make


def objection_assigned(_desk) -> Case:
    row = a_response(AnswerKind.OBJECTION)
    return [row], to("objection", row), {"do": "assign", "owner": "", "due_on": "2026-11-30"}


def replied(desk) -> Case:
    row = a_response(AnswerKind.OBJECTION)
    sent = keyed(reply="We know.", reply_zh="知道了。")
    shown = desk.post(to("objection", row), {**sent, "do": "show"})
    return [row], to("objection", row), {**sent, "previewed": shown.context["reply"]["previewed"].value()}


TEXTS = {
    "clause": "4.1", "matter": "reading", "question": "How long is notice?", "answer": "Any prior moment.",
    "why": "No length is named.", "proposed_wording": "Announced 72 hours before.",
}  # fmt: skip


def on_entry(name: str, **sent: Any) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        row = write_entry(actor=PORTAL, now=OPEN, **TEXTS)
        return [row], to(name, row), sent

    return make


def copied(_desk) -> Case:
    version, row = a_draft(now=OPEN), write_entry(actor=PORTAL, now=OPEN, **TEXTS)
    return [version], to("copy_wording", RegisterEntry.objects.get(pk=row.pk)), {"draft": version.pk}


def on_notice(name: str, *, paused: bool = False, **sent: Any) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        notice = a_delivery().notice
        if paused:
            pause_notice(actor=PORTAL, notice=notice, reason="Stop", now=OPEN)
        return [notice], to(name, notice), {**REASON, **sent}

    return make


def on_delivery(name: str, **sent: Any) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        delivery = a_delivery()
        return [delivery], to(name, delivery), {**REASON, **sent}

    return make


def a_delivery() -> Delivery:
    contact = Contact.objects.create(customer=a_customer(a_region()), email="ops@example.com")
    notice = give_notice(
        actor=PORTAL, kind=Kind.AMENDMENT, about="A", wordings=wordings(),
        audience=Contact.objects.filter(pk=contact.pk), public=False, now=OPEN,
    )  # fmt: skip
    delivery = notice.deliveries.get()
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.BOUNCED)
    delivery.refresh_from_db()
    return delivery


def wordings():
    from sla_portal.agreements import emails

    return emails.words(AgreementVersion.objects.get(version="1.0"), emails.Step.ANNOUNCEMENT)


def shown(desk, url: str, having: str, **typed: Any) -> dict[str, Any]:
    """What the form of a page that has a field would send, with some of it typed over."""
    forms = Forms(desk.get(url).content.decode()).forms
    return {**next(sent for _action, sent in forms if having in sent), **typed}


def changed(make_row: Callable[[], models.Model], **typed: Any) -> Callable[[Any], Case]:
    def make(desk) -> Case:
        row = make_row()
        url = to(f"{row._meta.app_label}_{row._meta.model_name}_change", row)
        return [row], url, shown(desk, url, "why", why="A correction", **typed)

    return make


def with_password(desk) -> Case:
    member = a_member("NOC", "ned")
    new = {"password1": "a longer word of ned", "password2": "a longer word of ned", "usable_password": "true"}
    return [member], to("auth_user_password_change", member), new


def a_past_incident() -> models.Model:
    incident = an_incident("INC-1", detected_at=at("2026-10-20 07:00"))
    an_outage(a_region(), "2026-10-20 07:00", None, incident=incident)
    return incident


LETTER = {
    "outcome": "grant", "reason": "Down, and proved", "voucher_minutes": "0", "letter_subject": "Granted",
    "letter_text": "Your claim is granted.", "do": "recommend",
}  # fmt: skip


def identified(_desk) -> Case:
    sent = {**GMBH, "contact_phone": "+49 40 1", "languages": GMBH["languages"].split(",")}
    return [an_operator(OPEN)], reverse("admin:operator_identity"), sent


def breached() -> Contract:
    """The contract of a customer who did not claim a September that was missed and is closed."""
    a_version("2.0", "2026-01-01", credit_without_claim=True)
    of = a_claimant()
    a_missed_september()
    close_september()
    return of.contract


def for_september(name: str) -> str:
    return reverse(f"admin:{name}", args=[SEPTEMBER])


def unclaimed(name: str, **sent: Any) -> Callable[[Any], Case]:
    return lambda _desk: ([], for_september(name), {"contract": [breached().pk], **sent})


def invited(by: Actor) -> Invitation:
    return propose_invitation(actor=by, contract=breached(), month=SEPTEMBER, now=OPEN)


def invitation_sent(_desk) -> Case:
    return [], for_september("invitations"), {"invitation": [invited(Actor.staff(support())).pk]}


def invitation_declined(_desk) -> Case:
    row = invited(Actor.staff(support()))
    return [row], to("decline_invitation", row), REASON


def invitation_withdrawn(desk) -> Case:
    row = invited(Actor.staff(desk.user))
    return [row], to("withdraw_invitation", row), {}


def to_open(_desk) -> Case:
    with unguarded():
        Opening.objects.all().delete()
    return [Opening(pk=Opening.ONLY)], reverse("admin:opening"), {}


def named_day(desk) -> Case:
    subjects, url, _sent = to_open(desk)
    return subjects, url, {"reported_from": "2027-01-01"}


def first_version(desk) -> Case:
    url = reverse("admin:first_version")
    return (
        [AgreementVersion.objects.get(version="1.0")],
        url,
        shown(desk, url, "effective_on", effective_on="2026-01-01"),
    )


REFUSES: dict[str, Sequence[Callable[[Any], Case]]] = {
    "acknowledge_incident": [on_incident("acknowledge_incident")],
    "resolve_incident": [on_incident("resolve_incident", end="now")],
    "attribute_incident": [on_incident("attribute_incident", **REASON)],
    "propose_exclusion": [
        on_incident("propose_exclusion", key="00000000-0000-4000-8000-000000000001", clause="4.10", stretch="whole", **REASON)
    ],
    "set_severity": [on_incident("set_severity", severity="minor", **REASON)],
    "take_incident": [on_incident("take_incident")],
    "hand_over_incident": [handed_over],
    "link_incident": [on_incident("link_incident", ticket_number="T-1")],
    "incident_review": [on_resolved("incident_review", **REVIEW)],
    "publish_review": [on_review("publish_review")],
    "withdraw_review": [on_review("withdraw_review", published_at=OPEN, **REASON)],
    "complete_action": [completed_action],
    "reopen_incident": [on_resolved("reopen_incident", text="Down again", **REASON)],
    "void_incident": [on_resolved("void_incident", **REASON)],
    "merge_incident": [merged],
    "withdraw_exclusion": [withdrawn_proposal],
    "confirm_exclusion": [on_exclusion("confirm_exclusion", "proposed")],
    "reject_exclusion": [on_exclusion("reject_exclusion", "proposed")],
    "revoke_exclusion": [on_exclusion("revoke_exclusion", "confirmed")],
    "announce_window": [on_window("announce_window", **SENT), on_window("announce_window", draft=True, **SENT)],
    "extend_window": [on_window("extend_window", **SENT)],
    "cancel_window": [on_window("cancel_window", send="1", **REASON)],
    "start_work": [on_window("start_work")],
    "finish_work": [on_window("finish_work", started=True)],
    "record_work": [on_window("record_work", **WORKED)],
    "not_carried_out": [on_window("not_carried_out", **REASON)],
    "discard_window": [on_window("discard_window", draft=True, **REASON)],
    "confirm_announcement": [on_request("confirm_announcement")],
    "return_announcement": [on_request("return_announcement")],
    "withdraw_announcement": [on_request("withdraw_announcement", own=True)],
    "recommend_claim": [on_claim("recommend_claim", **LETTER)],
    "withdraw_recommendation": [withdrawn],
    "send_back_claim": [on_claim("send_back_claim", recommended, **REASON)],
    "decide_claim": [on_claim("decide_claim", recommended)],
    "recommend_together": [together],
    "decide_together": [decided_together],
    "take_claim": [taken],
    "assign_claim": [assigned],
    "ask_claimant": [on_claim("ask_claimant", question="Which door?")],
    "claimant_answered": [on_claim("claimant_answered", ask, text="The garage")],
    "appeal_claim": [on_claim("appeal_claim", refuse, text="Look again")],
    "withdraw_claim": [on_claim("withdraw_claim", **REASON)],
    "confirm_own": [on_own("confirm_own", "proposed")],
    "reject_own": [on_own("reject_own", "proposed")],
    "revoke_own": [on_own("revoke_own", "confirmed")],
    "withdraw_own": [withdrawn_own],
    "voucher": [redeemed, taken_back, reversal_confirmed],
    "extension": [shortened],
    "close_month": [closed],
    "confirm_closing": [on_closing("confirm_closing")],
    "return_closing": [on_closing("return_closing")],
    "withdraw_closing": [on_closing("withdraw_closing", own=True)],
    "amendment": [drafted],
    "discard_amendment": [on_version("discard_amendment", a_draft, **REASON)],
    "review_amendment": [on_version("review_amendment", a_draft, do="name")],
    "submit_amendment": [on_version("submit_amendment", a_draft, effective_on=LATER.isoformat())],
    "publish_amendment": [on_version("publish_amendment", asked_for)],
    "send_back_amendment": [on_version("send_back_amendment", asked_for, **REASON)],
    "withdraw_amendment": [withdrawing],
    "decide_withdrawal": [
        on_withdrawal("confirm"), on_withdrawal("return", **REASON), on_withdrawal("cancel", own=True),
    ],
    "ended_contracts": [
        on_ended(do="reinstate", by_name="Ada", consent="By telephone"), on_ended(do="leave", **REASON),
    ],
    "objection": [objection_assigned, replied],
    "withdraw_answer": [answered],
    "change_register_entry": [on_entry("change_register_entry", **{**TEXTS, "why": "Literal."})],
    "approve_register_entry": [on_entry("approve_register_entry")],
    "copy_wording": [copied],
    "pause_notice": [on_notice("pause_notice")],
    "resume_notice": [on_notice("resume_notice", paused=True)],
    "limit_notice": [on_notice("limit_notice", per_minute="60")],
    "confirm_delivery": [on_delivery("confirm_delivery")],
    "send_delivery_again": [on_delivery("send_delivery_again")],
    "correct_delivery": [on_delivery("correct_delivery", email="right@example.com")],
    "delivery_by_letter": [on_delivery("delivery_by_letter", letter_on="2026-10-20", reference="L-1")],
    "renew_contract": [renewed],
    "end_contract": [on_contract("end_contract", last_day="2026-12-10")],
    "resume_contract": [on_contract("resume_contract", terminated_on=on("2026-11-30"))],
    "agree_later_end": [on_contract("agree_later_end", ends_on="2027-06-30")],
    "correct_contract": [
        on_contract("correct_contract", starts_on="2026-01-02", ends_on="2026-12-31", trial_days="0", renews="")
    ],
    "change_charge": [on_contract("change_charge", from_month="2026-12", monthly_charge="59")],
    "withdraw_renewal": [withdrawn_renewal],
    "incidents_incident_change": [changed(a_past_incident, title="Gateway 2 lost")],
    "maintenance_maintenancewindow_change": [
        changed(lambda: a_window("2026-10-21 01:00", "2026-10-21 02:00"), title="Another title")
    ],
    "opening": [to_open, named_day],
    "first_version": [first_version],
    "auth_user_change": [changed(lambda: a_member("NOC", "ned"), first_name="Ned")],
    "auth_user_password_change": [with_password],
    "operator_identity": [identified],
    "decline_invitation": [invitation_declined],
    "withdraw_invitation": [invitation_withdrawn],
}  # fmt: skip
"""URLs of forms that replace or decide something, each with cases: the records on which it rests, and what is sent."""
RESULTS = {"recommend_together", "decide_together", "invite_to_claim", "credit_without_claim", "invitations"}
"""URLs of forms that answer with the result of each record."""

RECORDS: dict[str, tuple[Callable[[], models.Model], dict[str, str]]] = {
    "customers_region": (a_region, {"name": "Europe 2"}),
    "customers_corefunction": (lambda: CoreFunction.objects.create(code="x", name="X", position=9), {"name": "Y"}),
    "customers_client": (lambda: Client.objects.create(code="x", name="X", position=9), {"name": "Y"}),
    "customers_customer": (lambda: a_customer(a_region()), {"name": "Harbour"}),
    "customers_contact": (lambda: a_claimant().contact, {"name": "Bo Hafen"}),
    "agreements_contract": (
        lambda: a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31"),
        {"trial_days": "10"},
    ),
    "incidents_incidenttemplate": (lambda: IncidentTemplate.objects.create(title="Outage"), {"title": "Major outage"}),
    "incidents_updatetemplate": (lambda: UpdateTemplate.objects.create(name="First", text="We look."), {"name": "1st"}),
    "claims_savedreply": (SavedReply.objects.first, {"text": "We grant {claim}."}),
    "claims_ownday": (lambda: OwnDay.objects.create(day=on("2026-10-02"), working=True), {"note": "As published"}),
    "claims_calendaryear": (lambda: CalendarYear.objects.create(year=2027, source="A site"), {"source": "Another"}),
}
"""Records that may be changed and deleted, and what is typed into their forms."""


def deleted(make_row: Callable[[], models.Model]) -> Callable[[Any], Case]:
    def make(_desk) -> Case:
        row = make_row()
        return [row], to(f"{row._meta.app_label}_{row._meta.model_name}_delete", row), {"post": "yes", "why": "A slip"}

    return make


for record_name, (a_row, its_values) in RECORDS.items():
    REFUSES |= {f"{record_name}_change": [changed(a_row, **its_values)], f"{record_name}_delete": [deleted(a_row)]}
REFUSES["auth_user_delete"] = [deleted(lambda: a_member("NOC", "ned"))]


@pytest.fixture(autouse=True)
def the_present(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    with travel(OPEN, tick=False):
        yield


@pytest.fixture
def desk():
    user = a_member("Legal", "ben")
    user.is_superuser = True
    user.save()
    client = signed_in(user)
    client.user = user
    client.post(reverse("admin:clock"), {"zone": "UTC"})
    return client


@pytest.mark.parametrize(
    ("name", "make"), [pytest.param(name, make, id=f"{name}-{n}") for name, cases in REFUSES.items() for n, make in enumerate(cases)]
)  # fmt: skip
def test_what_is_decided_on_a_stale_page_is_refused_and_goes_through_once_it_was_shown(desk, name, make):
    subjects, url, sent = make(desk)
    for subject in subjects:
        seen = f"{newest_entry()} /admin/"
        record(actor=PORTAL, action="changed", subject=subject, now=OPEN, changes={"title": ["Then", "Now"]})
        written = audit.Entry.objects.count()
        refused = desk.post(url, {**sent, "seen": seen})
        assert refused.status_code == 409, text_of(refused)[:3000]
        assert "somebody else changed" in text_of(refused)
        assert audit.Entry.objects.count() == written
    again = max((given for _action, given in Forms(refused.content.decode()).forms if "seen" in given), key=len)
    done = desk.post(url, {**sent, "seen": again["seen"]})
    assert done.status_code == (200 if name in RESULTS else 302), text_of(done)[:3000]
    assert audit.Entry.objects.count() > written


# Sent twice


def brought(_desk) -> Case:
    claim = a_claim_of()
    return [], to("bring_proof", claim), {"files": [SimpleUploadedFile("log.txt", b"2026-09-10 03:00 no answer\n")]}


def entered(_desk) -> Case:
    a_missed_september()
    close_september()
    caller = a_claimant()
    sent = keyed(
        month="2026-09", contact=caller.contact.pk, source="phone", zone="UTC", description="No door opened",
        from_day="2026-09-10", from_time="01:00", until_day="", until_time="01:30",
    )  # fmt: skip
    return [], f"{reverse('admin:enter_claim')}?contract={caller.contract.pk}", sent


def proposed_own(_desk) -> Case:
    claim = a_claim_of()
    sent = keyed(clause="4.5", stretch=claim.times.get().pk, reason="The router was off", evidence="Its log")
    return [], to("propose_own", claim), sent


def notified(_desk) -> Case:
    version = given_notice(now=OPEN)
    a_claimant(ends_on="2027-12-31")
    return [], to("notify_of_amendment", version), keyed()


def asked_for_a_bundle(_desk) -> Case:
    return [], to("bundles", given_notice(now=OPEN)), keyed(language="en", email="")


def asked_for_a_months_bundle(_desk) -> Case:
    a_missed_september()
    close_september()
    return [], reverse("admin:month_bundles", args=[SEPTEMBER]), keyed(language="en")


def objected(desk) -> Case:
    customer = a_customer(a_region())
    a_contract(customer, "2026-01-01", "2027-12-31")
    url = reverse("admin:amendment_answer", args=[given_notice(now=OPEN).pk, customer.code])
    sent = {"kind": "objection", "channel": "letter", "received_on": "2026-10-20", "by_name": "Li Wei"}
    return [], url, {**sent, "previewed": desk.post(url, sent).context["form"]["previewed"].value()}


def together(_desk) -> Case:
    claim = a_claim_of()
    sent = {"claim": claim.pk, "outcome": "grant", "reason": "Down, and proved", "part": "extension"}
    return [], reverse("admin:recommend_together"), sent


def noted(_desk) -> Case:
    return [], reverse("admin:hand_over"), keyed(text="Watch the gateway")


def imported(desk) -> Case:
    a_region("eu")
    url, table = reverse("admin:import_customers"), "customer_code,name,region\nC-9,Harbour,eu"
    forms = Forms(desk.post(url, {"table": table, "do": "check"}).content.decode()).forms
    return [], url, {**next(sent for _action, sent in forms if "checked" in sent), "do": "all"}


def mailed(desk) -> Case:
    desk.user.email = "ben@example.com"
    desk.user.save()
    return [], reverse("admin:test_mail"), keyed()


def templated(_desk) -> Case:
    sent = {"name": "First", "text": "We look.", "position": "1"}
    return [], reverse("admin:incidents_updatetemplate_add"), sent


def unopened(_desk) -> Case:
    with unguarded():
        Opening.objects.all().delete()
    return [], reverse("admin:rehearsal"), {"sure": "yes"}


ADDED: dict[str, Callable[[Any], Case]] = {
    "hand_over": noted,
    "rehearsal": unopened,
    "bring_proof": brought,
    "enter_claim": entered,
    "propose_own": proposed_own,
    "note_claim": on_claim("note_claim", text="Called back"),
    "invite_to_claim": unclaimed("invite_to_claim"),
    "credit_without_claim": unclaimed("credit_without_claim", part="voucher", **REASON),
    "invitations": invitation_sent,
    "send_claim_link": on_claim("send_claim_link"),
    "revoke_claim_links": on_claim("revoke_claim_links"),
    "notify_of_amendment": notified,
    "bundles": asked_for_a_bundle,
    "claim_bundles": on_claim("claim_bundles", language="en"),
    "month_bundles": asked_for_a_months_bundle,
    "amendment_answer": objected,
    "recommend_together": together,
    "incidents_updatetemplate_add": templated,
    "import_customers": imported,
    "test_mail": mailed,
}
"""URLs of forms that add, with what is sent; `test_sending` sends the others twice."""
ADDED_ELSEWHERE = {
    "log_outage", "add_outage", "update_incident", "add_evidence", "start_amendment", "add_register_entry",
    "issue_reports", "billing",
}  # fmt: skip
ADDS_NOTHING = {
    "keep_typed", "export_ledger", "export_balances", "export_billing",
    "export_entitled_contracts", "clock", "password_change", "login", "logout",
    "set_first_password", "report_looked_at", "legal_calendar", "read_mention",
}  # fmt: skip


def test_every_form_that_adds_is_sent_twice():
    assert ADDS.keys() - ADDS_NOTHING == (ADDED.keys() | ADDED_ELSEWHERE) & ADDS.keys()


SENT_TWICE = [
    pytest.param(name, make, id=f"{name}-{n}")
    for name, cases in [*REFUSES.items(), *((name, [make]) for name, make in ADDED.items())]
    for n, make in enumerate(cases)
]


def sent_twice(desk, make: Callable[[Any], Case], **origin: str) -> tuple[Any, Any, list[dict[str, int]]]:
    """Send a form twice as it was made; return both answers, and the rows on record before, between and after."""
    _subjects, url, sent = make(desk)
    sent = {"seen": f"{newest_entry()} /admin/", **sent, **origin}
    # The second has another key of the inner form, as if only the outer one held.
    answers, rows = [], [rows_on_record()]
    for key in (sent.get("key"), str(uuid4())):
        for upload in sent.get("files", ()):
            upload.seek(0)
        answers.append(desk.post(url, {**sent, **({"key": key} if key else {})}))
        rows.append(rows_on_record())
    return answers[0], answers[1], rows


@pytest.mark.parametrize(("name", "make"), SENT_TWICE)
def test_a_form_that_is_sent_twice_does_once_what_it_does(desk, name, make):
    first, second, (before, once, twice) = sent_twice(desk, make, desk_form=made_on_a_page(desk))
    assert first.status_code == (200 if name in RESULTS else 302), text_of(first)[:3000]
    assert once != before
    assert twice == once
    if name not in RESULTS:  # its answer is the list of results; the second is that of refusals
        assert second.url == first.url


def made_on_a_page(desk) -> str:
    """The signed field by which a form is known when it comes again."""
    forms = Forms(desk.get(reverse("admin:clock")).content.decode()).forms
    return next(sent["desk_form"][0] for _action, sent in forms if "desk_form" in sent)


READS = {"check_integrity", "index", "search", "undelivered"}
"""Pages that answer a form as they answer a link, and write nothing."""


def test_every_url_of_the_staff_pages_that_takes_a_form_is_listed(desk):
    staff = next(one for one in get_resolver().url_patterns if str(one.pattern) == "admin/")
    arguments = {
        "month": "2026-09",
        "form": "csv",
        "scope": "region",
        "code": "eu",
        "name": "x",
        "pk": 0,
        "exclusion": 0,
        "number": 0,
    }
    listed, unlisted = ADDS.keys() | REFUSES.keys() | READS, {}
    for pattern in walk(staff):
        if not isinstance(pattern.pattern, RoutePattern) or not pattern.name:
            continue
        name, names = pattern.name, pattern.pattern.converters.keys()
        if name in listed or name.endswith(("_changelist", "_add")) or not names <= arguments.keys():
            continue  # the last two are Django's own: lists, forms that add a record, and forms of `RECORDS`
        answer = desk.post(reverse(f"admin:{name}", kwargs={n: arguments[n] for n in names}), {})
        if answer.status_code != 405:
            unlisted[name] = answer.status_code
    assert unlisted == {}


def test_every_record_that_an_administrator_may_change_or_delete_is_listed(rf, desk):
    request = rf.get("/")
    request.user = desk.user
    possible = {
        f"{model._meta.app_label}_{model._meta.model_name}_{what}"
        for model, its in admin.site._registry.items()
        for what in ("change", "delete")
        if getattr(its, f"has_{what}_permission")(request)
    }
    assert possible - REFUSES.keys() == set()


def walk(resolver: URLResolver):
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern)
        else:
            yield pattern
