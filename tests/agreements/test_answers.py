"""What customers answer to an amendment, and how each stands to it (5.2)."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sla_portal.agreements.models import AgreementVersion, Answer, Contract
from sla_portal.agreements.operations import (
    AnsweredAlready,
    AnswerOutOfTime,
    LastDayNotPossible,
    NameMissing,
    NotAcceptable,
    NotAuthorised,
    NotConcerned,
    ObjectionClosed,
    assign_objection,
    register_answer,
    reply_to_objection,
    sign_contract,
    terminate_contract,
    withdraw_answer,
)
from sla_portal.agreements.queries import (
    acceptance,
    acceptance_counts,
    concerned,
    customers_answering,
    open_objections,
)
from sla_portal.agreements.rules import Acceptance, AnswerKind, last_day_of_stopping
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import NotAllowed, snapshot
from sla_portal.customers.models import Customer
from sla_portal.notices.models import Delivery
from tests.support.amendments import ANNOUNCED, EFFECTIVE, a_draft, announced, legal, submitted, withdraw_version
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.desk import a_member

pytestmark = pytest.mark.django_db
OBJECTION, TERMINATION = AnswerKind.OBJECTION, AnswerKind.TERMINATION
BEFORE, AFTER = at("2026-06-10 04:00"), at("2026-07-02 04:00")
SYSTEM = Actor.system("test")


def customer(code: str, *contracts: tuple[str, str], **values) -> Customer:
    found = a_customer(a_region(), code)
    found.contacts.create(email=f"{code.lower()}@example.com")
    for starts_on, ends_on in contracts or [("2026-01-01", "2026-12-31")]:
        a_contract(found, starts_on, ends_on, **values)
    return found


def answer(version, of: Customer, kind=OBJECTION, **values) -> Answer:
    given = {"actor": SYSTEM, "by_name": "Li Wei", "now": BEFORE, **values}
    return register_answer(version=version, customer=of, kind=kind, **given)


def states(version, now) -> dict[str, str]:
    return dict(acceptance(version, now).values_list("code", "state"))


# The rule


@pytest.mark.parametrize(
    ("today", "last_day"), [("2026-06-10", "2026-07-01"), ("2026-07-01", "2026-07-01"), ("2026-07-05", "2026-07-05")]
)
def test_who_stops_using_the_service_does_so_the_day_before_or_where_that_is_over_today(today, last_day):
    assert last_day_of_stopping(EFFECTIVE, on(today)) == on(last_day)


# Deemed acceptance


def test_every_customer_concerned_stands_to_the_amendment_in_one_way():
    silent, objects, ends = customer("C-silent"), customer("C-objects"), customer("C-ends")
    objects_and_ends = customer("C-objects-and-ends")
    customer("C-runs-out", ("2026-01-01", "2026-07-01"))
    customer("C-renews", ("2026-01-01", "2026-07-01"), ("2026-07-02", "2027-07-01"))
    customer("C-one-of-two", ("2026-01-01", "2026-12-31"), ("2026-01-01", "2026-12-31"))
    customer("C-gone", ("2026-01-01", "2026-05-31"))
    customer("C-comes-later", ("2026-07-02", "2027-07-01"))
    version = announced()
    answer(version, objects)
    answer(version, ends, TERMINATION)
    answer(version, objects_and_ends)
    answer(version, objects_and_ends, TERMINATION)
    terminate_contract(
        actor=SYSTEM, contract=Contract.objects.filter(customer__code="C-one-of-two").first(), last_day=on("2026-06-20"),
        reason="Moved away", now=BEFORE,
    )  # fmt: skip
    expected = {
        "C-silent": "no_response", "C-objects": "objected", "C-ends": "terminated", "C-objects-and-ends": "terminated",
        "C-runs-out": "expired", "C-renews": "no_response", "C-one-of-two": "no_response",
    }  # fmt: skip
    assert states(version, BEFORE) == expected
    assert acceptance_counts(version, BEFORE) == {
        "agreed": 0,
        "accepted": 0,
        "no_response": 3,
        "objected": 1,
        "terminated": 2,
        "expired": 1,
    }
    silent_then = {code: "accepted" if state == "no_response" else state for code, state in expected.items()}
    assert states(version, AFTER) == silent_then
    assert silent in concerned(version)


def plainly(contracts: list[Contract], *, objected: bool, in_force: bool) -> str | None:
    """How a customer stands, read off its contracts day by day; None where the version does not concern it."""
    before = [on("2026-06-01") + timedelta(days=n) for n in range((EFFECTIVE - on("2026-06-01")).days)]
    if not any(one.starts_on <= day <= one.last_day for one in contracts for day in before):
        return None
    if any(one.starts_on <= EFFECTIVE <= one.last_day for one in contracts):
        return "objected" if objected else "accepted" if in_force else "no_response"
    ended = any(
        one.terminated_on and before[0] <= one.terminated_on < EFFECTIVE <= (one.extended_to or one.ends_on)
        for one in contracts
    )
    return "terminated" if ended else "expired"


@pytest.mark.parametrize("seed", range(4))
def test_how_customers_stand_is_what_reading_their_contracts_day_by_day_says(seed):
    chance = Random(seed)
    day = lambda: on("2026-05-20") + timedelta(days=chance.randrange(60))  # noqa: E731
    everyone = []
    for _ in range(60):
        who = a_customer(a_region())
        contracts = []
        for _ in range(chance.randrange(4)):
            starts_on, ends_on = sorted((day(), day()))
            extended = (
                {"extended_minutes": 1, "extended_to": ends_on + timedelta(days=3)} if chance.random() < 0.3 else {}
            )
            ended = starts_on + (ends_on - starts_on) * chance.random()
            early = {"terminated_on": ended} if chance.random() < 0.4 else {}
            contracts.append(a_contract(who, starts_on.isoformat(), ends_on.isoformat(), **extended, **early))
        everyone.append((who, contracts))
    version = announced()
    objecting = set()
    for who in chance.sample(list(concerned(version)), 10):
        answer(version, who)
        objecting.add(who)
    for now, in_force in ((BEFORE, False), (AFTER, True)):
        expected = {
            who.code: plain
            for who, contracts in everyone
            if (plain := plainly(contracts, objected=who in objecting, in_force=in_force))
        }
        assert states(version, now) == expected
        assert acceptance_counts(version, now) == {one.value: 0 for one in Acceptance} | Counter(expected.values())
        for state in Acceptance:
            of_state = set(acceptance(version, now, state.value).values_list("code", flat=True))
            assert of_state == {code for code, plain in expected.items() if plain == state.value}


def test_a_contract_ended_after_the_effective_date_was_accepted_before():
    customer("C-1")
    version = announced()
    terminate_contract(
        actor=SYSTEM, contract=Contract.objects.get(), last_day=on("2026-07-10"), reason="Moved away", now=AFTER
    )
    assert states(version, AFTER) == {"C-1": "accepted"}


def test_a_contract_extended_beyond_its_end_runs_on():
    customer("C-1", ("2026-01-01", "2026-06-30"), extended_minutes=3 * 1440, extended_to=on("2026-07-03"))
    version = announced()
    assert states(version, BEFORE) == {"C-1": "no_response"}
    answer(version, Customer.objects.get(), TERMINATION)
    assert Contract.objects.get().terminated_on == on("2026-07-01")
    assert states(version, BEFORE) == {"C-1": "terminated"}


def test_nobody_is_deemed_to_have_accepted_what_was_withdrawn():
    a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    version = announced()
    withdraw_version(actor=legal("bob"), version=version, reason="A slip", now=at("2026-06-10 04:00"))
    after = at("2026-08-01 04:00")
    assert acceptance_counts(version, after)["accepted"] == 0
    assert [customer.state for customer in acceptance(version, after)] == ["no_response"]


def test_counting_how_customers_stand_asks_as_often_for_many_as_for_few():
    version = announced()

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            acceptance_counts(version, BEFORE)
            list(acceptance(version, BEFORE, "no_response")[:25])
        return len(captured)

    customer("C-0")
    few = asked()
    for number in range(1, 40):
        customer(f"C-{number}")
    assert (asked(), acceptance_counts(version, BEFORE)["no_response"]) == (few, 40)


# An objection


def test_an_objection_is_shown_and_changes_no_contract():
    who = customer("C-1")
    version = announced()
    said = answer(version, who, text="We do not agree.", actor=Actor.staff(a_member("Support")))
    assert (said.via, said.text, said.last_day, said.registered_by.username) == (
        "staff", "We do not agree.", None, "support",
    )  # fmt: skip
    assert Contract.objects.get().terminated_on is None
    entry = Entry.objects.get(action="registered")
    assert entry.changes["by_name"] == [None, "Li Wei"]
    assert states(version, AFTER) == {"C-1": "objected"}


def test_an_objection_is_given_once_and_can_be_taken_back_and_given_again():
    who = customer("C-1")
    version = announced()
    said = answer(version, who)
    with pytest.raises(AnsweredAlready):
        answer(version, who)
    withdraw_answer(actor=SYSTEM, answer=said, reason="They agree after all", now=BEFORE)
    with pytest.raises(AnsweredAlready):
        withdraw_answer(actor=SYSTEM, answer=said, reason="They agree after all", now=BEFORE)
    assert states(version, AFTER) == {"C-1": "accepted"}
    answer(version, who)
    assert states(version, AFTER) == {"C-1": "objected"}


def test_what_was_received_in_time_can_be_registered_later_and_nothing_received_later():
    who = customer("C-1")
    version = announced()
    answer(version, who, received_at=at("2026-07-01 15:59:59"), now=AFTER)
    with pytest.raises(AnswerOutOfTime, match="deemed to have accepted"):
        answer(version, customer("C-2"), received_at=at("2026-07-01 16:00"), now=AFTER)
    with pytest.raises(AnswerOutOfTime, match="after the announcement"):
        answer(version, customer("C-3"), received_at=at("2026-06-01 03:59:59"))
    with pytest.raises(AnswerOutOfTime, match="not in the future"):
        answer(version, customer("C-4"), received_at=at("2026-06-10 04:00:01"))


def test_there_is_nothing_to_answer_to_a_draft_or_to_what_was_withdrawn():
    who = customer("C-1")
    waiting = submitted()
    with pytest.raises(AnswerOutOfTime):
        answer(waiting, who)
    version = announced(a_draft("2.1"))
    withdraw_version(actor=legal("ann"), version=version, reason="A slip", now=BEFORE)
    with pytest.raises(AnswerOutOfTime):
        answer(version, who)


def test_whom_a_version_does_not_concern_has_nothing_to_answer():
    gone = customer("C-1", ("2026-01-01", "2026-05-31"))
    with pytest.raises(NotConcerned):
        answer(announced(), gone)


def test_an_answer_says_who_gave_it_in_words_that_can_be_kept():
    who = customer("C-1")
    version = announced()
    with pytest.raises(NameMissing):
        answer(version, who, by_name=" ")
    with pytest.raises(NotAcceptable, match="invisible character"):
        answer(version, who, text="So\0there")
    with pytest.raises(NotAcceptable, match=r"5001 characters\. At most 5000"):
        answer(version, who, text="x" * 5001)
    assert not Answer.objects.exists()


@pytest.mark.parametrize("role", ["NOC", "Auditor", "Administrator"])
def test_other_desks_register_no_answers(role):
    who = customer("C-1")
    with pytest.raises(NotAllowed):
        answer(announced(), who, actor=Actor.staff(a_member(role)))


# By the link in the mail


def test_an_answer_by_the_link_names_the_mail_it_came_from():
    who = customer("C-1")
    version = announced()
    mail = version.notice.deliveries.get()
    assert list(customers_answering(mail, version)) == [who]
    said = answer(version, who, delivery=mail, actor=Actor.system(f"{mail.email} (link)"))
    assert (said.via, said.delivery, said.registered_by) == ("link", mail, None)


def test_an_address_of_two_customers_may_answer_for_both_and_for_no_third():
    one, two = customer("C-1"), customer("C-2")
    two.contacts.create(email="C-1@Example.com")
    customer("C-3")
    version = announced()
    mail = version.notice.deliveries.get(email__iexact="c-1@example.com")
    assert set(customers_answering(mail, version)) == {one, two}


# A termination


def test_a_termination_ends_every_contract_concerned_the_day_before_the_version_takes_effect():
    who = customer("C-1", ("2026-01-01", "2026-12-31"), ("2026-06-15", "2027-06-14"), ("2026-01-01", "2026-06-20"))
    version = announced()
    said = answer(version, who, TERMINATION)
    ended = {contract.starts_on.isoformat(): contract.terminated_on for contract in said.ended.all()}
    assert ended == {"2026-01-01": on("2026-07-01"), "2026-06-15": on("2026-07-01")}
    assert Contract.objects.filter(terminated_on=None).get().ends_on == on("2026-06-20")
    assert Entry.objects.filter(action="terminated").count() == 2


def test_a_termination_can_name_one_contract_and_an_earlier_day_that_is_not_past():
    who = customer("C-1", ("2026-01-01", "2026-12-31"), ("2026-01-01", "2027-12-31"))
    version = announced()
    one = Contract.objects.get(ends_on="2027-12-31")
    for day in ("2026-06-09", "2026-07-02"):
        with pytest.raises(LastDayNotPossible, match="between 2026-06-10 and 2026-07-01"):
            answer(version, who, TERMINATION, contract=one, last_day=on(day))
    answer(version, who, TERMINATION, contract=one, last_day=on("2026-06-10"))
    assert list(Contract.objects.filter(terminated_on=on("2026-06-10"))) == [one]
    assert states(version, AFTER) == {"C-1": "accepted"}


def test_a_contract_does_not_end_before_it_starts():
    who = customer("C-1", ("2026-06-20", "2027-06-19"))
    version = announced()
    with pytest.raises(LastDayNotPossible, match="between 2026-06-20 and 2026-07-01"):
        answer(version, who, TERMINATION, last_day=on("2026-06-19"))


def test_a_termination_received_in_time_and_registered_late_ends_the_contract_today():
    who = customer("C-1")
    version = announced()
    answer(version, who, TERMINATION, received_at=BEFORE, now=AFTER)
    assert Contract.objects.get().terminated_on == on("2026-07-02")


def test_where_no_contract_runs_on_there_is_none_to_end():
    who = customer("C-1", ("2026-01-01", "2026-07-01"))
    with pytest.raises(NotConcerned, match="there is none to terminate"):
        answer(announced(), who, TERMINATION)


def test_a_termination_taken_back_in_time_lets_the_contract_run_on_as_agreed():
    who = customer("C-1")
    version = announced()
    said = answer(version, who, TERMINATION, last_day=on("2026-06-15"))
    with pytest.raises(LastDayNotPossible, match="ended on 2026-06-15"):
        withdraw_answer(actor=SYSTEM, answer=said, reason="They stay", now=at("2026-06-15 16:00"))
    withdraw_answer(actor=SYSTEM, answer=said, reason="They stay", now=at("2026-06-15 15:59"))
    assert Contract.objects.get().terminated_on is None
    assert states(version, BEFORE) == {"C-1": "no_response"}
    assert Entry.objects.get(action="resumed").changes == {"terminated_on": ["2026-06-15", None]}


def test_once_the_version_is_in_force_what_was_answered_stays():
    who = customer("C-1")
    said = answer(announced(), who)
    with pytest.raises(AnswerOutOfTime):
        withdraw_answer(actor=SYSTEM, answer=said, reason="They agree", now=AFTER)


def test_a_termination_because_of_a_version_that_was_withdrawn_is_undone_with_consent_alone():
    who = customer("C-1")
    version = announced(now=ANNOUNCED)
    said = answer(version, who, TERMINATION)
    withdraw_version(actor=legal("ann"), version=version, reason="A slip", now=BEFORE)
    with pytest.raises(AnswerOutOfTime, match="with the customer's consent"):
        withdraw_answer(actor=SYSTEM, answer=said, reason="They stay", now=BEFORE)


# Acceptance in words, and what is confirmed


def by_link(version, of: Customer, kind, email: str, **values) -> Answer:
    return answer(version, of, kind, delivery=version.notice.deliveries.get(email=email), **values)


def told(kind: str = "response") -> list[tuple[str, str]]:
    """Addresses and subjects of what was confirmed, in order."""
    return [
        (delivery.email, delivery.notice.wording("en").subject)
        for delivery in Delivery.objects.filter(notice__kind=kind).order_by("notice", "email")
    ]


def test_who_accepts_is_on_record_by_person_version_time_and_address_and_no_other_answer_stands_beside_it():
    who = customer("C-1")
    who.contacts.create(email="boss@example.com")
    version = announced()
    said = by_link(version, who, AnswerKind.ACCEPTANCE, "c-1@example.com")
    assert (said.by_name, said.version, said.received_at, said.email) == ("Li Wei", version, BEFORE, "c-1@example.com")
    by_link(version, who, AnswerKind.ACCEPTANCE, "boss@example.com", by_name="Wang Fang")
    with pytest.raises(AnsweredAlready, match="already given"):
        by_link(version, who, AnswerKind.ACCEPTANCE, "c-1@example.com", by_name="li wei")
    assert states(version, BEFORE) == states(version, AFTER) == {"C-1": "agreed"}
    other = customer("C-2")
    answer(version, other)
    with pytest.raises(AnsweredAlready, match="responded otherwise: objection"):
        answer(version, other, AnswerKind.ACCEPTANCE)


def test_a_response_is_confirmed_to_its_sender_and_the_contacts_for_legal_notices_and_a_termination_to_who_may_undo_it():
    who = customer("C-1")
    who.contacts.create(email="law@example.com", legal_notices=True)
    who.contacts.create(email="boss@example.com", may_terminate=True, legal_notices=True)
    version = announced()
    sender = Delivery(notice=version.notice, email="c-1@example.com", language="en", next_attempt_at=BEFORE)
    sender.save()
    answer(version, who, delivery=sender)
    subject = "Your objection to version 2.0 of the service level agreement"
    assert told() == [(email, subject) for email in ("boss@example.com", "c-1@example.com", "law@example.com")]
    with pytest.raises(NotAuthorised):
        answer(version, who, TERMINATION, delivery=sender)
    by_link(version, who, TERMINATION, "boss@example.com")
    assert [line for line in told() if "undo" in line[1]] == [
        ("boss@example.com", "Your contract ends: you can undo it until then")
    ]


def test_a_renewal_and_an_earlier_end_come_back_with_a_termination_that_is_undone():
    who = customer("C-1", ("2026-01-01", "2026-12-31"), terminated_on=on("2026-09-30"))
    a_contract(who, "2026-10-01", "2027-09-30", reference="K-next", renews=who.contracts.get())
    before = [snapshot(one) for one in who.contracts.order_by("reference")]
    said = answer(announced(), who, TERMINATION)
    assert who.contracts.get().terminated_on == on("2026-07-01")
    withdraw_answer(actor=SYSTEM, answer=said, reason="They stay", now=at("2026-06-30 04:00"))
    assert [snapshot(one) for one in who.contracts.order_by("reference")] == before


# Objections as cases


def test_an_objection_is_due_within_a_week_and_replied_to_once_in_the_languages_of_its_readers():
    who = customer("C-1")
    said = answer(announced(), who)
    assert said.due_on == on("2026-06-17")
    late = answer(AgreementVersion.objects.get(version="2.0"), customer("C-2"), now=at("2026-06-28 04:00"))
    assert late.due_on == on("2026-07-01")
    assert list(open_objections()) == [said, late]
    assign_objection(actor=SYSTEM, answer=said, owner=None, due_on=on("2026-07-05"), now=BEFORE)
    assert list(open_objections()) == [late, said]
    with pytest.raises(NotAcceptable) as refused:
        reply_to_objection(actor=SYSTEM, answer=said, reply=" ", reply_zh="知道了。", now=BEFORE)
    assert list(refused.value.errors) == ["reply"]
    notice = reply_to_objection(actor=SYSTEM, answer=said, reply="We know.", reply_zh="", now=BEFORE)
    assert "We know." in notice.wording("en").text
    assert "We know." not in notice.wording("zh-hans").text
    with pytest.raises(ObjectionClosed):
        reply_to_objection(actor=SYSTEM, answer=said, reply="Again", reply_zh="", now=BEFORE)
    assert list(open_objections()) == [late]


# On any day


def test_how_everyone_stood_on_a_day_is_what_was_on_record_then():
    objects, ends, stays = customer("C-objects"), customer("C-ends"), customer("C-stays")
    version = announced()
    silent = {one.code: "no_response" for one in (ends, objects, stays)}
    answer(version, objects, now=at("2026-06-05 04:00"))
    said = answer(version, ends, TERMINATION, now=at("2026-06-06 04:00"))
    answer(version, stays, AnswerKind.ACCEPTANCE, now=at("2026-06-07 04:00"))
    withdraw_answer(actor=SYSTEM, answer=said, reason="They stay", now=at("2026-06-09 04:00"))
    latecomer = a_customer(a_region(), "C-late")
    sign_contract(
        actor=SYSTEM, customer=latecomer, reference="K-late", starts_on=on("2026-06-08"), ends_on=on("2027-06-30"),
        monthly_charge=49, currency="EUR", now=at("2026-06-08 04:00"),
    )  # fmt: skip

    def on_day(day: str) -> dict[str, str]:
        return dict(acceptance(version, AFTER, recorded_at=at(f"{day} 16:00")).values_list("code", "state"))

    assert on_day("2026-06-04") == silent
    assert on_day("2026-06-05") == silent | {"C-objects": "objected"}
    assert on_day("2026-06-06") == silent | {"C-objects": "objected", "C-ends": "terminated"}
    assert on_day("2026-06-08") == {
        "C-objects": "objected", "C-ends": "terminated", "C-stays": "agreed", "C-late": "no_response",
    }  # fmt: skip
    assert on_day("2026-06-09")["C-ends"] == "no_response"
    assert states(version, AFTER)["C-ends"] == "accepted"
