"""Letters to claimants: their parts in order, written from saved replies, and sent as they were shown."""

from email import message_from_bytes, policy
from hashlib import sha256
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from time_machine import travel

from claims.first_replies import REPLIES
from claims.models import Claim, Decision, Entry, Letter, ReplyKind, SavedReply
from claims.operations import LetterChanged, decide, enclosing
from claims.operations.enclosing import TooMuchEnclosed, check_enclosed, enclose
from claims.replies import filled, unknown_fields
from sla_portal.audit.actors import Actor
from sla_portal.notices.mail.message import MailMessage
from sla_portal.notices.models import Attachment, Notice
from sla_portal.notices.private import completed, concealed, token
from sla_portal.operator.models import Identity
from sla_portal.reports.operations import print_due_letters
from tests.support.claimants import (
    OPEN,
    a_claim,
    a_claimant,
    a_missed_september,
    granted,
    proposed_undoing,
    recommended,
    support,
)
from tests.support.desk import signed_in, text_of
from tests.support.printed import sound, texts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now():
    with travel(OPEN, tick=False):
        yield


@pytest.fixture
def claim() -> Claim:
    a_missed_september()
    return a_claim(a_claimant())


@pytest.mark.parametrize(
    ("text", "kind", "unknown"),
    [
        ("{customer}, {month}: {minutes}, {voucher}", "grant", []),
        ("{voucher}", "refusal", ["{voucher}"]),
        ("{Customer} {customer.pk} {0} {}", "grant", ["{Customer}", "{customer.pk}", "{0}", "{}"]),
        ("{{claim}} or {claim", "question", ["{", "}", "{"]),
        *((text, kind, []) for kind, _name, _zh, *texts in REPLIES for text in texts),
    ],
)
def test_between_braces_stands_a_field_of_the_kind_and_nothing_else(text, kind, unknown):
    assert unknown_fields(text, kind) == unknown


def test_a_value_is_never_read_as_a_field():
    assert filled("{customer}: {claim}", {"customer": "{claim}", "claim": "C-1"}) == "{claim}: C-1"


def shown_to_the_second_person(claim: Claim):
    return signed_in(support()).get(reverse("admin:decide_claim", args=[claim.pk])).context["letter"]


def sent(claim: Claim) -> tuple[str, str]:
    """The salutation and the text of the newest e-mail, without the personal links."""
    notice = Notice.objects.filter(about=claim.number).latest("pk")
    delivery = notice.deliveries.get()
    wording = notice.wording(delivery.language)
    mail = MailMessage(notice, wording, []).source(delivery)
    body = message_from_bytes(mail, policy=policy.default).get_body(("plain",)).get_content()
    head, _blank, rest = body.replace("\r\n", "\n").partition("\n\n")
    assert rest.startswith(completed(wording.text, delivery) + "\n\n-- \n")
    return head, concealed(wording.text, wording.language)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("outcome", ["grant", "refuse"])
def test_a_letter_is_sent_as_the_second_person_saw_it(claim, language, outcome):
    claim.contract.customer.language = language
    claim.contract.customer.save()
    wanted = recommended(claim, outcome=outcome, voucher_minutes=30 if outcome == "grant" else 0)
    shown = shown_to_the_second_person(claim)
    signed_in(support()).post(
        reverse("admin:decide_claim", args=[claim.pk]),
        {"key": uuid4(), "recommendation": wanted.pk, "letter": shown.fingerprint},
    )
    assert sent(claim) == (shown.salutations[0], shown.text)
    with translation.override(language):
        closing = SavedReply.objects.get(kind=ReplyKind.CLOSING).wording.splitlines()[0]
        link = gettext("(personal link of the recipient)")
    parts = ["We looked at it.", *(["0.03 EUR"] if outcome == "grant" else []), link, closing]
    places = [shown.text.index(part) for part in parts]
    assert places == sorted(places)


def test_the_letter_of_a_reversal_is_sent_as_the_second_person_saw_it(claim):
    compensation = granted(claim)
    (entry,) = compensation.entries.all()
    proposed_undoing(entry, reason="Typed twice, our slip")
    desk, page = signed_in(support()), reverse("admin:extension", args=[compensation.pk])
    shown = desk.get(page).context["letter"]
    SavedReply.objects.filter(kind=ReplyKind.CLOSING).update(text="Bye")
    assert "The e-mail has changed since it was shown." in text_of(
        desk.post(page, {"act": "confirm", "letter": shown.fingerprint}, follow=True)
    )
    shown = desk.get(page).context["letter"]
    desk.post(page, {"act": "confirm", "letter": shown.fingerprint})
    assert sent(claim) == (shown.salutations[0], shown.text)
    assert "under review again" in shown.text
    assert shown.text.endswith("Bye")
    assert "our slip" not in shown.text


@pytest.mark.parametrize("looked", [True, False])
def test_a_letter_that_changed_after_it_was_shown_is_not_sent(claim, looked):
    wanted = recommended(claim)
    shown = shown_to_the_second_person(claim).fingerprint
    SavedReply.objects.filter(kind=ReplyKind.CLOSING).update(text="Bye")
    given = {"actor": Actor.staff(support()), "claim": claim, "recommendation": wanted.pk, "key": uuid4(), "now": OPEN}
    if looked:
        with pytest.raises(LetterChanged):
            decide(**given, letter=shown)
    else:
        decide(**given)
    assert Decision.objects.exists() == Entry.objects.exists() == (not looked)


def test_after_an_appeal_the_letter_offers_no_other(claim):
    claim.appealed_at = OPEN
    claim.save()
    recommended(claim, outcome="refuse")
    shown = shown_to_the_second_person(claim).text
    assert "no further appeal" in shown
    assert "you can appeal" not in shown


def test_a_letter_is_drafted_from_the_chosen_reply(claim):
    SavedReply.objects.create(
        kind=ReplyKind.GRANT, name="Short", text="{contact}: {voucher}, {extension}.", text_zh="{voucher}", position=1
    )
    desk, page = signed_in(support()), reverse("admin:recommend_claim", args=[claim.pk])
    form = {"key": uuid4(), "outcome": "grant", "reason": "So", "voucher_minutes": "30", "do": "draft"}
    first = desk.post(page, form).context["recommend"]["letter_text"].value()
    assert first.startswith(f"Your claim {claim.number} for contract {claim.contract} and September 2026 is granted.")
    chosen = SavedReply.objects.get(name="Short")
    drafted = desk.post(page, {**form, "reply": chosen.pk})
    assert drafted.context["recommend"]["letter_text"].value() == "Ada Hafen: 0.03 EUR, 7 minutes."
    assert drafted.context["preview"].text.startswith(
        "Ada Hafen: 0.03 EUR, 7 minutes.\n\nService extension: 7 minutes."
    )
    other = desk.post(page, {**form, "reply": chosen.pk, "outcome": "refuse", "clause": "2"})
    assert other.status_code == 422
    assert "This reply is for the other outcome." in text_of(other)


def test_a_question_is_drafted_previewed_and_sent_as_it_was_shown(claim):
    desk, page = signed_in(support()), reverse("admin:ask_claimant", args=[claim.pk])
    drafted = desk.post(page, {"key": uuid4(), "do": "draft"})
    question = drafted.context["ask"]["question"].value()
    assert question.startswith("Please send us a file")
    shown = desk.post(page, {"key": uuid4(), "question": question, "do": "show"}).context["question"]
    assert not Notice.objects.filter(about=claim.number, wordings__text__contains=question).exists()
    desk.post(page, {"key": uuid4(), "question": question, "do": "send"})
    assert sent(claim) == (shown.salutations[0], shown.text)


def test_a_saved_reply_with_an_unknown_field_is_refused_at_the_field():
    reply = {"kind": "question", "name": "Log", "text": "{voucher}", "text_zh": "{claim}", "position": "0"}
    desk, page = signed_in(support()), reverse("admin:claims_savedreply_add")
    refused = desk.post(page, reply)
    assert list(refused.context["adminform"].form.errors) == ["text"]
    assert "A reply of this kind has no field {voucher}." in text_of(refused)
    assert desk.post(page, {**reply, "text": "{claim}?"}).status_code == 302


def log_file(text: bytes = b"03:00 no answer\n", name: str = "gateway.txt") -> ContentFile:
    return ContentFile(text, name)


def test_an_attached_file_is_listed_in_the_preview_and_sent_with_the_letter(claim):
    desk, page = signed_in(support()), reverse("admin:recommend_claim", args=[claim.pk])
    form = {"key": uuid4(), "outcome": "refuse", "clause": "3.3.2", "reason": "So", "do": "draft"}
    drafted = desk.post(page, {**form, "files": [log_file(), log_file(b"MZ", "run.exe")]})
    assert drafted.status_code == 422
    assert "run.exe: " in drafted.context["recommend"].errors["files"][0]
    (kept,) = drafted.context["recommend"]["enclosed"].value()
    written = {"letter_subject": "Refused", "letter_text": "Sorry.", "enclosed": kept}
    shown = desk.post(page, {**form, **written, "do": "show"}).context["preview"]
    assert [file.name for file in shown.files] == ["gateway.txt"]
    assert desk.post(page, {**form, **written, "do": "recommend"}).status_code == 302
    assert [file.name for file in shown_to_the_second_person(claim).files] == ["gateway.txt"]
    wanted = claim.recommendations.get()
    decide(actor=Actor.staff(support()), claim=claim, recommendation=wanted.pk, key=uuid4(), now=OPEN)
    (sent_file,) = Attachment.objects.filter(notice__about=claim.number)
    assert (sent_file.name, bytes(sent_file.content)) == ("gateway.txt", b"03:00 no answer\n")


def test_no_more_is_attached_than_mail_servers_take_and_names_do_not_collide(claim, monkeypatch):
    agent = Actor.staff(support())
    files = [enclose(actor=agent, claim=claim, upload=log_file(b"%d" % n), now=OPEN) for n in range(2)]
    assert [file.name for file in files] == ["gateway.txt", "gateway-2.txt"]
    assert enclose(actor=agent, claim=claim, upload=log_file(b"1", "other.txt"), now=OPEN) == files[1]
    monkeypatch.setattr(enclosing, "MOST_BYTES", 1)
    with pytest.raises(TooMuchEnclosed):
        check_enclosed(claim, files)
    with pytest.raises(TooMuchEnclosed):
        enclose(actor=agent, claim=claim, upload=log_file(b"12"), now=OPEN)


def test_a_letter_is_printed_once_with_letterhead_and_without_personal_links(claim, client):
    Identity.objects.create(
        name="Harbour Cloud", address="1 Quay Road, Bremen", default_language="en", customer_language="en",
        valid_from=OPEN, saved_by_name="x",
    )  # fmt: skip
    granted(claim)
    assert print_due_letters(clock=lambda: OPEN) == 1
    assert print_due_letters(clock=lambda: OPEN) == 0
    letter = claim.letters.get()
    said = " ".join(" ".join(texts(sound(bytes(letter.pdf)))).split())
    parts = ["Harbour Cloud", "1 Quay Road", claim.contract.customer.name, "Dear Ada Hafen,", "We looked at it.",
             "Service extension", "Kind regards", "Harbour Cloud"]  # fmt: skip
    places = [said.index(parts[0])]
    for part in parts[1:]:
        places.append(said.index(part, places[-1]))
    assert "personal" not in said
    assert "%%" not in said

    delivery = letter.notice.deliveries.select_related("notice").get()
    address = reverse("claim_letter", args=[token(delivery), letter.notice.number])
    assert address in client.get(reverse("claim_status", args=[token(delivery)])).content.decode()
    assert sha256(client.get(address).content).hexdigest() == letter.sha256
    other = a_claim(a_claimant())
    elsewhere = token(Notice.objects.get(about=other.number).deliveries.select_related("notice").get())
    assert client.get(reverse("claim_letter", args=[elsewhere, letter.notice.number])).status_code == 404
    with pytest.raises(IntegrityError):
        Letter.objects.update(pdf=b"")
