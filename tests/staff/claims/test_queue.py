"""The queue of claims by closing date and age, recommendations for several claims, and the search."""

from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from claims.models import Claim, Decision, Recommendation, Voucher
from claims.operations import ask_customer, withdraw_recommendation
from sla_portal.audit.actors import Actor
from sla_portal.availability.operations import propose_own_exclusion
from sla_portal.staff.claims import queue as queue_view
from sla_portal.staff.roles import ROLES
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.claimants import (
    DUE,
    OPEN,
    a_claim,
    a_claimant,
    a_missed_september,
    granted,
    recommended,
    support,
)
from tests.support.desk import Opened, a_member, filled, signed_in, text_of

pytestmark = pytest.mark.django_db
QUEUE = reverse("admin:claims")
TOGETHER = reverse("admin:recommend_together")
DECIDE = reverse("admin:decide_together")


@pytest.fixture(autouse=True)
def now():
    with travel(OPEN, tick=False):
        yield


def on_record(number: str, month: str, received: str, status: str = "submitted", region: str = "eu", **values) -> Claim:
    contract = a_contract(a_customer(a_region(region)), "2026-01-01", "2026-12-31")
    given = {
        "email": "ops@example.com", "time_zone": "UTC", "source": "form", "region": a_region(region), **DUE, **values,
    }  # fmt: skip
    if status == "recommended":
        given.setdefault("recommended_by", support())
    if status in ("granted", "refused", "withdrawn"):
        given["due_on"] = None
    return Claim.objects.create(
        number=number, contract=contract, month=month, received_at=at(received), status=status, **given
    )


def numbers_on(page: str, *numbers: str) -> list[str]:
    return sorted((number for number in numbers if number in page), key=page.index)


def promised(answer: str, decision: str, *, answered: str = "") -> dict[str, object]:
    due = decision if answered else answer
    return {
        "answer_due_on": on(answer), "decision_due_on": on(decision), "due_on": on(due),
        "first_answered_at": at(answered) if answered else None,
    }  # fmt: skip


def test_claims_are_sorted_and_marked_by_the_date_that_the_customer_was_told_then_by_age():
    on_record("Q-1", "2026-08-01", "2026-10-15 01:00", **promised("2026-10-22", "2026-11-12"))
    on_record("Q-2", "2026-09-01", "2026-10-01 01:00", **promised("2026-10-16", "2026-11-03"))
    on_record(
        "Q-3", "2026-09-01", "2026-09-20 01:00", **promised("2026-10-09", "2026-10-29", answered="2026-10-02 08:00")
    )
    page = text_of(signed_in(support()).get(QUEUE))
    assert numbers_on(page, "Q-1", "Q-2", "Q-3") == ["Q-2", "Q-1", "Q-3"]
    assert "First answer by 2026-10-16 ● 4 days overdue" in page
    assert "First answer by 2026-10-22 ◔ 2 days left" in page
    assert "Decision by 2026-10-29 · 9 days left" in page
    assert "30 days ago web form" in page and "2026-10-31" not in page


def test_each_tab_shows_its_own_claims():
    a_missed_september()
    me = support()
    mine, colleagues, asked = [a_claim(one) for one in [a_claimant() for _n in range(3)]]
    recommended(mine, me)
    recommended(colleagues)
    ask_customer(actor=Actor.staff(me), claim=asked, question="Which door?", now=OPEN)
    on_record("Q-held", "2026-10-01", "2026-10-20 01:00", status="held")
    on_record("Q-done", "2026-07-01", "2026-09-20 01:00", status="refused")
    on_record("Q-todo", "2026-09-01", "2026-10-15 01:00")
    desk = signed_in(me)
    every = [mine.number, colleagues.number, asked.number, "Q-held", "Q-done", "Q-todo"]
    found = {}
    for tab in ("review", "customer", "second", "own", "held", "today", "decided"):
        found[tab] = numbers_on(text_of(desk.get(QUEUE, {"tab": tab})), *every)
    assert found["review"] == ["Q-todo"]
    assert found["customer"] == [asked.number]
    assert found["second"] == [colleagues.number]
    assert found["own"] == [mine.number]
    assert found["held"] == ["Q-held"]
    assert set(found["today"]) == {mine.number, colleagues.number, asked.number, "Q-held"}
    assert found["decided"] == ["Q-done"]
    page = text_of(desk.get(QUEUE))
    assert (
        "My queue 1 Assigned to me 0 Waiting on customer 1 Pending approval 1 Recommended by me 1 Not open yet 1"
        in page
    )


def test_a_recommendation_withdrawn_and_made_by_another_person_is_theirs():
    a_missed_september()
    me, colleague = support(), support()
    claim = a_claim(a_claimant())
    recommended(claim, me)
    withdraw_recommendation(actor=Actor.staff(me), claim=claim, reason="A slip", now=OPEN)
    recommended(claim, colleague)
    assert claim.number in text_of(signed_in(me).get(QUEUE, {"tab": "second"}))
    assert claim.number in text_of(signed_in(colleague).get(QUEUE, {"tab": "own"}))


def test_the_queue_is_filtered_by_month_and_region():
    on_record("Q-1", "2026-09-01", "2026-10-15 01:00")
    on_record("Q-2", "2026-09-01", "2026-10-15 01:00", region="us")
    on_record("Q-3", "2026-08-01", "2026-10-15 01:00", region="us")
    desk = signed_in(support())
    page = text_of(desk.get(QUEUE, {"month": "2026-09", "region": "us"}))
    assert numbers_on(page, "Q-1", "Q-2", "Q-3") == ["Q-2"]


@pytest.mark.parametrize("tab", ["review", "decided"])
def test_pages_follow_one_another_without_a_gap(monkeypatch, tab):
    monkeypatch.setattr(queue_view, "SHOWN", 3)
    status = "submitted" if tab == "review" else "refused"
    for number in range(8):
        # Three received at the same moment stand across the edge of a page.
        on_record(f"Q-{number}.", f"2026-0{8 + number // 6}-01", f"2026-10-1{number // 3} 01:00", status=status)
    desk, url, seen = signed_in(support()), f"{QUEUE}?tab={tab}", []
    while url:
        response = desk.get(url)
        seen += numbers_on(text_of(response), *(f"Q-{number}." for number in range(8)))
        url = response.context["next"]
    assert len(seen) == 8
    assert set(seen) == {f"Q-{number}." for number in range(8)}


@pytest.mark.parametrize(
    "asked",
    [{"tab": "x"}, {"month": "2026-13"}, {"region": "\0"}, {"after": "9" * 40}, {"after": "１"}, {"after": "x"}],
)
def test_invalid_parameters_are_ignored(asked):
    on_record("Q-1", "2026-09-01", "2026-10-15 01:00")
    response = signed_in(support()).get(QUEUE, asked)
    assert response.status_code == 200
    assert "Q-1" in text_of(response)


def test_roles_that_only_view_claims_have_no_queue_of_their_own():
    page = text_of(signed_in(a_member("Auditor")).get(QUEUE))
    assert "Under review 0" in page
    assert "My queue" not in page


def test_an_empty_queue_explains_itself():
    assert "No claims to review." in text_of(signed_in(support()).get(QUEUE))


@pytest.mark.parametrize("tab", ["review", "second", "decided", "today"])
def test_the_queue_takes_a_fixed_number_of_queries(tab):
    agent = signed_in(support())
    status = {"second": "recommended", "decided": "granted"}.get(tab, "submitted")

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            agent.get(QUEUE, {"tab": tab})
        return len(counted)

    on_record("Q-0", "2026-01-01", "2026-10-20 01:00", status=status)
    queries()
    before = queries()
    for number in range(1, 10):
        on_record(f"Q-{number}", f"2026-0{number}-01", "2026-10-20 01:00", status=status)
    assert queries() == before <= 25


def test_the_queue_needs_the_permission():
    found = {role: signed_in(a_member(role)).get(QUEUE).status_code for role in ROLES}
    assert found == {role: 403 if role == "NOC" else 200 for role in ROLES}
    for role in ROLES:
        status = signed_in(a_member(role, f"{role}-2")).get(TOGETHER, {"claim": "1"}).status_code
        assert (status == 403) == (role != "Support")


def outcome(*claims: Claim, **values) -> dict[str, object]:
    given = {"claim": [claim.pk for claim in claims], "outcome": "grant", "reason": "The outage of 10 September"}
    return {**given, "part": "extension", **values}


def test_several_claims_of_one_outage_are_recommended_together_and_checked_separately():
    a_missed_september()
    claimants = [a_claimant() for _n in range(3)]
    good, other = a_claim(claimants[0]), a_claim(claimants[1])
    unproved = a_claim(claimants[2], proofs=0)
    me = signed_in(support())
    page = text_of(me.get(TOGETHER, {"claim": [good.pk, other.pk, unproved.pk]}))
    assert page.count("✓ All passed") == 2
    assert "No file attached yet." in page
    result = text_of(me.post(TOGETHER, outcome(good, other, unproved)))
    assert "2 of 3 claims are recommended." in result
    assert "Not recommended The claim cannot be granted: No file attached yet." in result
    assert set(Recommendation.objects.values_list("claim__number", flat=True)) == {good.number, other.number}
    unproved.refresh_from_db()
    assert unproved.status == "submitted"
    again = text_of(me.post(TOGETHER, outcome(good)))
    assert "0 of 1 claim is recommended." in again
    assert Recommendation.objects.count() == 2


def test_several_claims_are_refused_on_one_clause_with_an_email_each():
    a_missed_september()
    one, other = a_claim(a_claimant()), a_claim(a_claimant())
    me = signed_in(support())
    assert me.post(TOGETHER, outcome(one, other, outcome="refuse")).status_code == 422
    assert not Recommendation.objects.exists()
    me.post(TOGETHER, outcome(one, other, outcome="refuse", clause="3.3.2"))
    letters = dict(Recommendation.objects.values_list("claim__number", "letter_text"))
    assert all(number in text for number, text in letters.items())
    assert len(letters) == 2


def test_several_claims_of_which_one_has_changed_are_refused_and_the_change_is_shown():
    a_missed_september()
    claims = [a_claim(a_claimant()) for _n in range(2)]
    me, other = signed_in(support()), support("otto")
    page = Opened(me, f"{TOGETHER}?claim={claims[0].pk}&claim={claims[1].pk}")
    ask_customer(actor=Actor.staff(other), claim=claims[1], question="Which door?", now=OPEN)
    refused = page.fill("claim", outcome="refuse", clause="3.3.2", reason="Of 10 September")
    assert refused.status_code == 409
    shown = text_of(refused)
    assert f"Support changed “{claims[1].number}” after this page was opened. Nothing was saved." in shown
    assert f"Support asked the customer about {claims[1].number}" in shown
    assert "Of 10 September</textarea>" in refused.content.decode()
    assert not Recommendation.objects.exists()
    done = filled(me, refused, TOGETHER, "claim")
    assert "2 of 2 claims are recommended." in text_of(done)


@pytest.mark.parametrize("claims", [[], ["x"], ["9" * 30], ["0"]])
def test_an_empty_selection_redirects_with_a_message(claims):
    response = signed_in(support()).get(TOGETHER, {"claim": claims}, follow=True)
    assert "Select at least one claim in the list." in text_of(response)


def test_claims_of_two_months_are_recommended_together():
    claims = [
        on_record("Q-1", "2026-09-01", "2026-10-15 01:00"),
        on_record("Q-2", "2026-08-01", "2026-10-15 01:00"),
    ]
    page = text_of(signed_in(support()).get(TOGETHER, {"claim": [claim.pk for claim in claims]}))
    assert "August 2026" in page and "September 2026" in page and "Recommend all" in page


def test_several_grants_are_decided_together_each_by_itself_and_never_by_who_recommended():
    a_missed_september()
    me, colleague = support(), support()
    claims = [a_claim(of) for of in [a_claimant() for _n in range(5)]]
    good, other, mine, refusal, late = claims
    recommended(mine, me)
    recommended(refusal, colleague, outcome="refuse")
    for claim in (good, other, late):
        recommended(claim, colleague)
    desk = signed_in(me)
    opened = Opened(desk, f"{DECIDE}?{urlencode({'claim': [claim.pk for claim in claims]}, doseq=True)}")
    page = text_of(opened.response)
    assert "Grant 3 claims" in page and "You made this recommendation." in page and "A refusal is decided on" in page
    sent = {"key": uuid4(), "claim": [claim.pk for claim in claims]}
    sent |= {f"recommendation-{claim.pk}": claim.recommendations.get().pk for claim in claims}
    withdraw_recommendation(actor=Actor.staff(colleague), claim=late, reason="A slip", now=OPEN)
    for _press in range(2):
        said = text_of(desk.post(DECIDE, sent))
        assert "2 of 5 claims are granted." in said and "The status of this claim is now “under review”." in said
    assert set(Claim.objects.filter(status="granted")) == {good, other}
    assert Decision.objects.filter(agreed=True).count() == 2


def test_the_search_finds_a_claim_and_a_voucher():
    a_missed_september()
    # A voucher of one minute is worth nothing, and is none.
    claim = a_claim(a_claimant())
    granted(claim, voucher_minutes=37)
    voucher = Voucher.objects.get()
    agent = signed_in(support())
    found = reverse("admin:claim", args=[claim.pk])
    contact = claim.contact.email
    for text in (claim.number, claim.number.lower(), claim.contract.reference, contact, claim.contract.customer.code):
        assert found in agent.get("/admin/search/", {"q": text}).content.decode(), text
    for text in (voucher.code, voucher.code.lower(), voucher.code.replace("-", " "), voucher.code.replace("-", "")):
        assert voucher.code in text_of(agent.get("/admin/search/", {"q": text}))
    assert claim.number not in text_of(agent.get("/admin/search/", {"q": claim.number[:-1]}))
    assert "No results for" in text_of(signed_in(a_member("NOC")).get("/admin/search/", {"q": voucher.code}))


def test_supports_home_page_shows_the_tabs_of_the_queue():
    a_missed_september()
    me = support()
    mine, colleagues, asked = [a_claim(one) for one in [a_claimant() for _n in range(3)]]
    recommended(colleagues)
    ask_customer(actor=Actor.staff(me), claim=asked, question="Which door?", now=OPEN)
    home = text_of(signed_in(me).get("/admin/"))
    assert home.index("Enter a claim") < home.index("Claims in my queue 1")
    assert f"{mine.number} {mine.contract.customer.name} 2026-09 · First answer by 2026-10-27 · received today" in home
    for said in ("Claims pending approval 1", "Claims waiting on customer 1", "Claims received today 3"):
        assert said in home
    for role in ("NOC", "Legal", "Auditor", "Administrator"):
        assert "Claims in my queue" not in text_of(signed_in(a_member(role)).get("/admin/"))


def test_home_takes_a_fixed_number_of_queries_however_many_claims_wait():
    agent = signed_in(support())

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            agent.get("/admin/")
        return len(counted)

    on_record("Q-0", "2026-01-01", "2026-10-20 01:00")
    queries()
    before = queries()
    for number in range(1, 10):
        on_record(f"Q-{number}", f"2026-0{number}-01", "2026-10-20 01:00")
    assert queries() == before


def test_a_proposed_exclusion_of_a_customer_is_on_supports_home_page_with_its_claim():
    a_missed_september()
    claim = a_claim(a_claimant())
    me, colleague = support(), support()
    own = propose_own_exclusion(
        actor=Actor.staff(me),
        customer=claim.contract.customer,
        clause="4.5",
        starts_at=at("2026-09-10 01:00"),
        ends_at=at("2026-09-10 01:30"),
        reason="Router",
        evidence="Log",
        now=OPEN,
    )
    door = reverse("admin:claim_of_exclusion", args=[own.pk])
    assert door not in signed_in(me).get("/admin/").content.decode()
    assert door in signed_in(colleague).get("/admin/").content.decode()
    assert door in signed_in(colleague).get(reverse("admin:queue")).content.decode()


def test_a_customers_month_and_page_lead_to_its_claims():
    a_missed_september()
    claim = a_claim(a_claimant())
    customer = claim.contract.customer
    agent = signed_in(support())
    month = agent.get(reverse("admin:month", args=["2026-09", "customer", customer.code])).content.decode()
    assert reverse("admin:claim", args=[claim.pk]) in month
    assert f"?contract={claim.contract.pk}&amp;month=2026-09" in month
    page = agent.get(reverse("admin:customers_customer_change", args=[customer.pk])).content.decode()
    assert f"{reverse('admin:enter_claim')}?customer={customer.pk}" in page
    auditor = signed_in(a_member("Auditor"))
    month = auditor.get(reverse("admin:month", args=["2026-09", "customer", customer.code])).content.decode()
    assert reverse("admin:claim", args=[claim.pk]) in month
    assert "Enter a claim for" not in month
