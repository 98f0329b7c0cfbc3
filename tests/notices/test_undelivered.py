"""Undelivered mail: addresses corrected, mails sent again, recipients told by letter; each told once."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from claims.queries.applying import link_behind, newest_token
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import NotAllowed
from sla_portal.audit.queries import entries_about
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Bounce, Delivery, FailureReason, Notice, Status
from sla_portal.notices.operations import (
    NotALetter,
    NotAnAddress,
    NotOpen,
    confirm_delivery,
    correct_address,
    deliver_chunk,
    reached_by_letter,
    send_again,
)
from sla_portal.notices.private import delivery_of, token
from sla_portal.notices.queries import progress
from sla_portal.staff.roles import ROLES
from tests.support.builders import at
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september
from tests.support.desk import a_member, signed_in, text_of

from .test_giving import NOW, a_contact, given

pytestmark = pytest.mark.django_db

LATER = at("2026-11-22 12:00")
SYSTEM = Actor.system("test")
MAY = {"NOC", "Support", "Legal"}
STATUSES = {
    "failed": {"status": Status.FAILED, "trouble": FailureReason.NO_SUCH_ADDRESS, "last_error": "550 5.1.1 <i>No</i>"},
    "bounced": {"status": Status.BOUNCED, "trouble": FailureReason.RETURNED, "sent_at": NOW, "handed_over_at": NOW},
    "unknown": {"status": Status.UNKNOWN, "trouble": FailureReason.UNANSWERED, "handed_over_at": NOW},
    "sent": {"status": Status.SENT, "sent_at": NOW},
}


def a_notice(*names: str, **values) -> Notice:
    """A notice whose mails are in the statuses that their addresses tell."""
    notice = given(*(a_contact(f"{name}@example.com") for name in names or STATUSES), **values)
    for name, came in STATUSES.items():
        notice.deliveries.filter(email__startswith=name).update(**came)
    return notice


def one(status: str = "bounced") -> Delivery:
    return a_notice(status).deliveries.get()


def corrected(delivery: Delivery, email: str = "right@example.com", actor: Actor = SYSTEM) -> Delivery:
    return correct_address(actor=actor, delivery=delivery, email=email, reason="They told us", now=LATER)


def counts(notice: Notice) -> dict:
    return progress([notice])[notice.pk].counts


# What is decided


@pytest.mark.parametrize("status", ["failed", "bounced", "unknown"])
def test_a_corrected_address_is_told_and_the_wrong_one_keeps_what_became_of_it(status):
    wrong = one(status)
    right = corrected(wrong)
    wrong.refresh_from_db()
    assert (wrong.status, wrong.replacement, wrong.trouble) == (Status.CORRECTED, right, STATUSES[status]["trouble"])
    assert (right.email, right.name, right.contact, right.status) == (
        "right@example.com",
        "Ada Byron",
        wrong.contact,
        "pending",
    )
    deliver_chunk(clock=lambda: LATER)
    right.refresh_from_db()
    assert right.status == Status.SENT
    came = progress([wrong.notice])[wrong.notice_id]
    assert (came.total, came.reached, came.open) == (1, 1, 0)


def test_the_customers_contact_is_corrected_too_and_both_are_in_the_trail():
    wrong = one()
    corrected(wrong)
    contact = Contact.objects.get()
    assert contact.email == "right@example.com"
    entry = entries_about(contact).get()
    assert (entry.action, entry.changes, entry.reason) == (
        "corrected",
        {"email": ["bounced@example.com", "right@example.com"]},
        "They told us",
    )
    assert entries_about(wrong).get().changes == {
        "status": ["bounced", "corrected"],
        "email": ["bounced@example.com", "right@example.com"],
    }


@pytest.mark.parametrize("change", ["gone", "another address", "the right one is there"])
def test_a_contact_that_says_something_else_by_now_is_left_alone(change):
    wrong = one()
    contact = wrong.contact
    if change == "gone":
        contact.delete()
    elif change == "another address":
        Contact.objects.update(email="new@example.com")
    else:
        contact.customer.contacts.create(email="Right@example.com")
    before = list(Contact.objects.order_by("pk").values_list("email", flat=True))
    corrected(Delivery.objects.get())
    assert list(Contact.objects.order_by("pk").values_list("email", flat=True)) == before


def test_where_the_right_address_was_told_already_nobody_is_told_twice():
    notice = a_notice("bounced", "sent")
    bounced, sent = notice.deliveries.order_by("email")
    assert corrected(bounced, "SENT@example.com") == sent
    assert counts(notice) == {"corrected": 1, "sent": 1}
    assert notice.deliveries.count() == 2


def test_an_address_that_was_right_after_all_is_told_again():
    first = one("bounced")
    second = corrected(first, "other@example.com")
    Delivery.objects.filter(pk=second.pk).update(status=Status.FAILED)
    assert corrected(second, first.email) == first
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.replacement, first.attempts) == (Status.PENDING, None, 0)
    assert (second.status, second.replacement) == (Status.CORRECTED, first)


def test_the_link_that_went_to_a_wrong_address_leads_nowhere():
    wrong = one()
    old = token(wrong)
    assert delivery_of(old) == wrong
    right = corrected(wrong)
    assert delivery_of(old) is None
    assert delivery_of(token(right)) == right


def test_a_claim_is_followed_by_the_link_in_the_mail_to_the_right_address_and_no_longer_by_the_other():
    with time_machine.travel(OPEN, tick=False):
        a_missed_september()
        claim = a_claim(a_claimant())
        wrong = Delivery.objects.get(notice__kind="claim")
        Delivery.objects.update(status=Status.BOUNCED)
        old = newest_token(claim, OPEN)
        assert link_behind(old).claim == claim
        right = correct_address(actor=SYSTEM, delivery=wrong, email="new@example.com", reason="x", now=OPEN)
        assert link_behind(old) is None
        assert newest_token(claim, OPEN) == token(right)
        assert link_behind(token(right)).claim == claim


@pytest.mark.parametrize(
    "email",
    ["", "x", "a b@example.com", "ä@example.com", "a@b\0.com", "BOUNCED@example.com", "x" * 250 + "@b.com"],
)
def test_what_no_mail_can_go_to_is_no_correction(email):
    wrong = one()
    with pytest.raises(NotAnAddress):
        corrected(wrong, email)
    wrong.refresh_from_db()
    assert wrong.status == Status.BOUNCED


def test_a_letter_has_a_date_since_the_notice_and_a_reference():
    delivery = one("failed")

    def told(letter_on: date, reference: str = "L-7") -> None:
        reached_by_letter(
            actor=SYSTEM, delivery=delivery, letter_on=letter_on, reference=reference, reason="Posted", now=LATER
        )

    for wrong in (date(2026, 11, 21), date(2026, 11, 23), date.max):
        with pytest.raises(NotALetter, match="between the date of the notice and today"):
            told(wrong)
    with pytest.raises(NotALetter, match="reference"):
        told(date(2026, 11, 22), " ")
    told(date(2026, 11, 22))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.letter_on, delivery.letter_reference) == ("letter", date(2026, 11, 22), "L-7")
    came = progress([delivery.notice])[delivery.notice_id]
    assert (came.reached, came.open, came.left) == (1, 0, 0)


def test_a_mail_that_came_back_is_sent_again_as_the_same_mail_or_confirmed():
    first, second = a_notice("bounced", "unknown").deliveries.order_by("email")
    message_id = first.message_id
    send_again(actor=SYSTEM, delivery=first, reason="The mailbox is there again", now=LATER)
    confirm_delivery(actor=SYSTEM, delivery=second, reason="They answered it", now=LATER)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.handed_over_at, first.message_id) == (Status.PENDING, None, message_id)
    assert (second.status, second.sent_at) == (Status.SENT, NOW)


def test_what_is_settled_is_not_decided_again():
    delivery = one("sent")
    for decide in (
        lambda: corrected(delivery),
        lambda: send_again(actor=SYSTEM, delivery=delivery, reason="x", now=LATER),
        lambda: confirm_delivery(actor=SYSTEM, delivery=delivery, reason="x", now=LATER),
        lambda: reached_by_letter(
            actor=SYSTEM, delivery=delivery, letter_on=NOW.date(), reference="L", reason="x", now=LATER
        ),
    ):
        with pytest.raises(NotOpen):
            decide()


@pytest.mark.parametrize("role", ROLES)
def test_only_who_may_resolve_corrects_an_address(role):
    delivery, actor = one(), Actor.staff(a_member(role))
    if role in MAY:
        corrected(delivery, actor=actor)
    else:
        with pytest.raises(NotAllowed):
            corrected(delivery, actor=actor)
    assert Contact.objects.filter(email="right@example.com").exists() == (role in MAY)


# The pages


def test_the_list_says_why_and_whose_and_of_which_notice():
    notice = a_notice(kind="amendment")
    desk = signed_in(a_member("Legal"))
    seen = text_of(desk.get(reverse("admin:undelivered")))
    for words in ("failed@example.com", "bounced@example.com", "unknown@example.com", "The address does not exist.",
                  "550 5.1.1 <i>No</i>", "The e-mail was accepted and bounced later.", notice.number, "Customer C-"):  # fmt: skip
        assert words in seen
    assert "sent@example.com" not in seen
    assert "Customer C-" not in text_of(signed_in(a_member("NOC")).get(reverse("admin:undelivered")))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"status": "bounced"}, {"bounced"}),
        ({"kind": "report"}, {"unknown"}),
        ({"q": "failed"}, {"failed"}),
        ({"q": "nothing"}, set()),
        ({"status": "sent"}, {"failed", "bounced", "unknown"}),
        ({"notice": "999"}, {"failed", "bounced", "unknown"}),
    ],
)
def test_the_list_is_narrowed_and_what_it_does_not_offer_is_said(asked, found):
    a_notice("failed", "bounced", kind="amendment")
    a_notice("unknown", kind="report")
    seen = text_of(signed_in(a_member("Support")).get(reverse("admin:undelivered"), asked, follow=True))
    assert {name for name in ("failed", "bounced", "unknown") if f"{name}@example.com" in seen} == found


def test_the_list_of_one_notice_is_asked_for_by_its_page():
    first, second = a_notice("failed"), a_notice("bounced")
    desk = signed_in(a_member("Support"))
    address = f"{reverse('admin:undelivered')}?notice={second.pk}"
    assert address in desk.get(reverse("admin:notices_notice_change", args=[second.pk])).content.decode()
    seen = text_of(desk.get(address))
    assert "bounced@example.com" in seen
    assert "failed@example.com" not in seen
    assert first.number in seen


def test_an_empty_list_says_what_would_be_there():
    assert "every e-mail was accepted by the mail server" in text_of(
        signed_in(a_member("Support")).get(reverse("admin:undelivered"))
    )


def test_the_list_costs_as_many_queries_with_many_as_with_few():
    desk = signed_in(a_member("Legal"))
    costs = []
    for number in (2, 30):
        a_notice(*(f"failed{number}-{n}" for n in range(number)))
        with CaptureQueriesContext(connection) as asked:
            desk.get(reverse("admin:undelivered"))
        costs.append(len(asked))
    assert costs[0] == costs[1]


def post(desk, door: str, delivery: Delivery, **typed):
    return desk.post(reverse(f"admin:{door}", args=[delivery.pk]), typed, follow=True)


def test_a_person_corrects_an_address_on_its_page():
    delivery = one()
    Bounce.objects.create(delivery=delivery, key="k", noted_at=NOW, permanent=True, said="5.1.1 <b>Gone</b>")
    desk = signed_in(a_member("Legal"))
    page = reverse("admin:notices_delivery_change", args=[delivery.pk])
    seen = text_of(desk.get(page))
    for words in ("Wrong address", "5.1.1 <b>Gone</b>", delivery.message_id, "Customer C-"):
        assert words in seen
    refused = post(desk, "correct_delivery", delivery, email="nonsense", reason="They told us")
    assert (refused.status_code, "is not an e-mail address" in text_of(refused)) == (422, True)
    assert 'value="nonsense"' in refused.content.decode()
    answer = post(desk, "correct_delivery", delivery, email="right@example.com", reason="They told us")
    assert "Replaced by right@example.com" in text_of(answer)
    assert "Resolve this delivery" not in text_of(answer)
    right = Delivery.objects.get(email="right@example.com")
    assert "Replaces bounced@example.com" in text_of(
        desk.get(reverse("admin:notices_delivery_change", args=[right.pk]))
    )


def test_a_person_says_by_which_letter_a_recipient_was_told():
    delivery = one("failed")
    desk = signed_in(a_member("Support"))
    today = delivery.notice.given_at.date()
    for typed in ({}, {"letter_on": "yesterday"}, {"letter_on": "0001-01-01"}, {"letter_on": today, "reference": "\0"}):
        refused = post(desk, "delivery_by_letter", delivery, **{"reference": "L-7", "reason": "Posted", **typed})
        assert refused.status_code == 422
    assert post(desk, "delivery_by_letter", delivery, letter_on=today, reference="L-7").status_code == 422
    answer = post(desk, "delivery_by_letter", delivery, letter_on=today, reference="L-7", reason="Posted")
    assert f"Letter {today} L-7" in text_of(answer)
    assert "notified by letter" in text_of(answer)
    again = post(desk, "delivery_by_letter", delivery, letter_on=today, reference="L-7", reason="Posted")
    assert (again.status_code, "There is nothing to resolve" in text_of(again)) == (422, True)


@pytest.mark.parametrize("door", ["correct_delivery", "delivery_by_letter", "confirm_delivery", "send_delivery_again"])
def test_who_only_looks_is_offered_nothing_and_decides_nothing(door):
    delivery, desk = one(), signed_in(a_member("Auditor"))
    assert "Resolve this delivery" not in text_of(
        desk.get(reverse("admin:notices_delivery_change", args=[delivery.pk]))
    )
    assert post(desk, door, delivery, email="a@example.com", reason="x").status_code == 403


def test_a_page_of_no_delivery_is_not_found():
    desk = signed_in(a_member("Legal"))
    assert desk.get(reverse("admin:notices_delivery_change", args=[999])).status_code == 404
    assert desk.post(reverse("admin:correct_delivery", args=[999]), {}).status_code == 404


def test_the_days_of_a_letter_are_those_of_the_sla_clock():
    late = at("2026-11-22 17:00")  # the 23rd in Shanghai
    delivery = one("failed")
    reached_by_letter(
        actor=SYSTEM, delivery=delivery, letter_on=date(2026, 11, 23), reference="L", reason="x", now=late
    )
    assert late - NOW == timedelta(hours=7)
