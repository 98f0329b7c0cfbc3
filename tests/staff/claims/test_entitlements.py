"""Customers entitled to claim, and claims affected by the correction of a closed month, compared with the assessment of each claim."""

import csv
from decimal import Decimal
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from claims.models import Claim, Entry, Invitation, Status
from claims.operations import decide, withdraw_claim
from claims.queries import assess
from claims.queries.entitlements import Month, affected_claims, below_target, entitled_contracts
from claims.rules import worth
from incidents.models import Incident, Outage
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry as TrailEntry
from sla_portal.availability.operations import confirm_exclusion, correct_month, propose_own_exclusion
from tests.support.builders import a_contract, a_region, a_version, an_incident, an_outage, at
from tests.support.claimants import (
    OPEN,
    PORTAL,
    SEPTEMBER,
    Claimant,
    a_claim,
    a_claimant,
    a_missed_september,
    close_september,
    granted,
    recommended,
    support,
)
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:entitled_contracts_in", args=["2026-09"])
AFFECTED = reverse("admin:affected_claims", args=["2026-09"])


@pytest.fixture(autouse=True)
def now():
    with travel(OPEN, tick=False):
        yield


@pytest.fixture
def desk():
    return signed_in(a_member("Support"))


def lines(**asked) -> dict[str, tuple[int, str, str]]:
    customers = list(below_target(SEPTEMBER, **asked).values_list("customer", flat=True))
    return {
        line.entitled.contract.reference: (
            line.entitled.minutes,
            str(line.entitled.worth),
            line.claim.status if line.claim else "",
        )
        for line in entitled_contracts(Month(SEPTEMBER, OPEN), customers, **asked)
    }


# Customers entitled to claim


def test_every_contract_of_a_breached_month_is_listed_with_minutes_amount_and_claim():
    a_missed_september()
    claimed, other = a_claimant(reference="K-A", monthly_charge="43.20"), a_claimant(reference="K-B")
    a_claimant(reference="K-OVER", ends_on="2026-08-31")
    a_claim(claimed)
    assert lines() == {"K-A": (37, "0.04", "submitted"), "K-B": (37, "0.04", "")}
    assert lines(unclaimed=True) == {"K-B": (37, "0.04", "")}
    assert other.customer.pk in below_target(SEPTEMBER, unclaimed=True).values_list("customer", flat=True)


def test_a_withdrawn_or_refused_claim_leaves_the_month_open_to_claim():
    a_missed_september()
    of = a_claimant(reference="K-A")
    claim = a_claim(of)
    withdraw_claim(actor=Actor.staff(support()), claim=claim, reason="A mistake", now=OPEN)
    assert lines(unclaimed=True) == {"K-A": (37, "0.04", "withdrawn")}
    a_claim(of)
    assert lines()["K-A"][2] == "submitted"
    assert lines(unclaimed=True) == {}


def test_a_month_with_sla_met_entitles_no_contract():
    a_missed_september(end="2026-09-10 01:04")
    a_claimant()
    close_september()
    assert lines() == {}


@pytest.mark.parametrize("trial_days", [0, 10, 266])
def test_two_contracts_of_a_customer_have_the_minutes_of_their_own_days(trial_days):
    a_missed_september()
    an_outage(
        a_region(), "2026-09-25 01:00", "2026-09-25 01:20", incident=an_incident(attributable=True, resolved_at=OPEN)
    )
    of = a_claimant(reference="K-OLD", ends_on="2026-09-19", trial_days=trial_days)
    a_contract(of.customer, "2026-09-20", "2027-09-19", reference="K-NEW")
    close_september()
    found = lines()
    assert {reference: minutes for reference, (minutes, _worth, _claim) in found.items()} == {"K-OLD": 37, "K-NEW": 20}


def test_the_list_agrees_with_the_assessment_of_the_claim():
    """With a contract renewed in the month, a trial, an own exclusion and a suspension."""
    a_version("2.0", "2026-01-01", compensated_minutes_per_minute=2)
    a_missed_september()
    plain = a_claimant(monthly_charge="99.90")
    in_trial = a_claimant(trial_days=255, monthly_charge="99.90")
    renewed = a_claimant(ends_on="2026-09-09")
    renewal = a_contract(renewed.customer, "2026-09-10", "2027-09-09")
    own = a_claimant()
    proposed = propose_own_exclusion(
        actor=Actor.staff(support()), customer=own.customer, clause="4.5", starts_at=at("2026-09-10 01:00"),
        ends_at=at("2026-09-10 01:20"), reason="Its line was cut", evidence="Letter of its provider", now=OPEN,
    )  # fmt: skip
    confirm_exclusion(actor=Actor.staff(support()), exclusion=proposed, reason="So it was", now=OPEN)
    suspended = a_claimant()
    suspended.contract.suspensions.create(starts_on="2026-09-10", ends_on="2026-09-12")
    renewing = Claimant(renewed.customer, renewed.contact, renewal)
    claims = [a_claim(of) for of in (plain, in_trial, renewing, own, suspended)]
    entitled = Month(SEPTEMBER, OPEN).entitled([claim.contract.customer_id for claim in claims])
    by_contract = {one.contract.pk: one for customer in entitled.values() for one in customer}
    for number in [claim.number for claim in claims]:
        judged = assess(Claim.objects.get(number=number), OPEN)
        one = by_contract[judged.contract.pk]
        assert one.entitlement == judged.entitlement, number
        assert one.met == judged.judged.figures.met
        assert one.worth == (worth(judged.entitlement.paid, judged.entitlement) if one.met is False else 0)


def test_the_list_is_paged_and_exported_whole(desk, monkeypatch):
    a_missed_september()
    references = [a_claimant(reference=f"K-{n}").contract.reference for n in range(5)]
    close_september()
    monkeypatch.setattr("sla_portal.staff.claims.entitlements.SHOWN", 2)
    monkeypatch.setattr("claims.queries.entitlements.CHUNK", 2)
    seen, following = [], PAGE
    while following:
        response = desk.get(following if following == PAGE else PAGE + following)
        seen += [line["contract"].reference for line in response.context["lines"]]
        following = response.context["next"]
    assert seen == references
    taken = desk.post(reverse("admin:export_entitled_contracts", args=["2026-09"]))
    rows = list(csv.DictReader(StringIO(b"".join(taken.streaming_content).decode("utf-8-sig"), newline="")))
    assert [row["contract"] for row in rows] == references
    assert {row["figure_status"] for row in rows} == {"final"}
    assert (rows[0]["counted_minutes"], rows[0]["worth"], rows[0]["closes_at"]) == (
        "37",
        "0.04",
        "2026-11-30T16:00:00Z",
    )
    assert TrailEntry.objects.latest("id").action == "exported who could have claimed as"


def test_the_number_of_queries_does_not_depend_on_the_number_of_customers(desk, django_assert_max_num_queries):
    a_missed_september()
    for _n in range(2):
        a_claimant(trial_days=300)
    close_september()
    desk.get(PAGE)
    with django_assert_max_num_queries(60) as few:
        desk.get(PAGE)
    for n in range(20):
        a_claimant(trial_days=300 if n % 2 else 0)
    correct_month(actor=PORTAL, month=SEPTEMBER, reason="Customers were missing", now=OPEN)
    with django_assert_max_num_queries(len(few)):
        assert len(desk.get(PAGE).context["lines"]) == 22


def test_the_page_says_when_claims_close_and_leads_to_the_newest_closed_month(desk):
    a_missed_september()
    a_claimant(reference="K-A")
    assert "The month is not closed yet." in text_of(desk.get(PAGE))
    assert desk.post(reverse("admin:export_entitled_contracts", args=["2026-09"])).status_code == 404
    close_september()
    response = desk.get(reverse("admin:entitled_contracts"), follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    said = text_of(response)
    assert "to 2026-12-01 00:00" in said
    assert "K-A" in said and "not claimed" in said


@pytest.mark.parametrize("month", ["2026-13", "abc", "9998-12", "1900-01"])
def test_an_invalid_month_is_not_found(desk, month):
    for page in ("entitled_contracts_in", "affected_claims"):
        assert desk.get(reverse(f"admin:{page}", args=[month])).status_code == 404


@pytest.mark.parametrize(
    "asked", ["?after=x", "?after=-1", "?after=99999999999999999999", "?unclaimed=%00", "?after=%00"]
)
def test_invalid_parameters_are_ignored(desk, asked):
    close_september()
    assert desk.get(PAGE + asked).status_code == 200
    assert desk.get(AFFECTED + asked).status_code == 200


def test_a_month_before_any_agreement_says_so(desk):
    said = text_of(desk.get(reverse("admin:entitled_contracts_in", args=["1999-12"])))
    assert "No agreement version is in force" in said


@pytest.mark.parametrize(("role", "allowed"), [("Support", 200), ("Legal", 200), ("Auditor", 200), ("NOC", 403)])
def test_the_lists_open_for_those_who_may_see_customers_months(role, allowed):
    close_september()
    client = signed_in(a_member(role))
    assert client.get(PAGE).status_code == allowed
    assert client.get(AFFECTED).status_code == allowed
    assert client.post(reverse("admin:export_entitled_contracts", args=["2026-09"])).status_code == allowed


# What a correction touches


def refused(claim, clause="3.3.2"):
    wanted = recommended(claim, outcome="refuse", clause=clause)
    decide(
        actor=Actor.staff(support()),
        claim=claim,
        recommendation=wanted.pk,
        key=wanted.claim.links.get().token_hash[:32],
        now=OPEN,
    )


def correct(reason: str = "The logs say otherwise") -> None:
    correct_month(actor=PORTAL, month=SEPTEMBER, reason=reason, now=OPEN)


def test_a_correction_lists_affected_claims_and_reopens_none(desk):
    a_missed_september()
    one, other = a_claimant(monthly_charge="43200"), a_claimant()
    claim = a_claim(one)
    granted(claim, voucher_minutes=37)
    a_claim(other)
    assert "This month has not been corrected." in text_of(desk.get(AFFECTED))
    Outage.objects.update(ended_at=at("2026-09-10 01:20"))
    correct()
    said = text_of(desk.get(AFFECTED))
    assert "revision 2: The logs say otherwise" in said
    assert "voucher 37 min, service extension 0 min, 37.00 EUR" in said
    assert "20 min, 20.00 EUR 20 unavailable min" in said
    assert [one["claim"] for one in desk.get(AFFECTED).context["affected"]] == [claim]
    claim.refresh_from_db()
    assert claim.status == Status.GRANTED
    assert Entry.objects.count() == 1


def test_the_page_on_which_a_month_is_corrected_shows_them_too():
    a_missed_september()
    claim = a_claim(a_claimant(monthly_charge="43200"))
    granted(claim, voucher_minutes=37)
    legal = signed_in(a_member("Legal"))
    page = reverse("admin:close_month", args=["2026-09"])
    assert "Claims affected by the correction" not in text_of(legal.get(page))
    Outage.objects.update(ended_at=at("2026-09-10 01:20"))
    correct()
    said = text_of(legal.get(page))
    assert "Claims affected by the correction" in said
    assert f"{claim.number} ✓ granted" in said and "20 min, 20.00 EUR" in said


def test_support_finds_a_corrected_month_at_home_for_two_months():
    a_missed_september()
    granted(a_claim(a_claimant()))
    Outage.objects.update(ended_at=at("2026-09-10 01:20"))
    home = reverse("admin:index")
    assert AFFECTED not in signed_in(a_member("Support", "before")).get(home).content.decode()
    correct()
    for moment, shown in ((OPEN, True), (at("2026-12-20 08:00"), False)):
        with travel(moment, tick=False):
            said = signed_in(a_member("Support", f"at-{moment:%m}")).get(home).content.decode()
        assert (AFFECTED in said) is shown


def test_a_grant_without_entitlement_at_current_figures_is_listed(desk):
    a_missed_september()
    granted(a_claim(a_claimant(monthly_charge="43200")), voucher_minutes=37)
    Outage.objects.update(ended_at=at("2026-09-10 01:04"))
    correct()
    assert "none 4 unavailable min" in text_of(desk.get(AFFECTED))


def test_a_refusal_that_would_be_granted_now_is_listed(desk):
    a_missed_september(end="2026-09-10 01:04")
    refused(a_claim(a_claimant()))
    assert affected_claims(Month(SEPTEMBER, OPEN)) == ([], 0)
    Incident.objects.update(resolved_at=at("2026-09-10 01:30"))
    Outage.objects.update(ended_at=at("2026-09-10 01:30"))
    correct()
    assert "Refused" in text_of(desk.get(AFFECTED)).title()
    (one,) = desk.get(AFFECTED).context["affected"]
    assert (one["minutes_now"], one["granted"]) == (30, None)


def test_a_correction_of_another_region_affects_no_claim(desk):
    a_missed_september()
    granted(a_claim(a_claimant()))
    an_outage(
        a_region("us"),
        "2026-09-12 01:00",
        "2026-09-12 01:30",
        incident=an_incident(attributable=True, resolved_at=OPEN),
    )
    a_claimant()
    correct()
    assert desk.get(AFFECTED).context["affected"] == []
    assert "No claim checked is affected by the correction." in text_of(desk.get(AFFECTED))


def test_claims_are_checked_a_thousand_at_a_time(desk, monkeypatch, django_assert_max_num_queries):
    a_missed_september()
    claimants = [a_claimant() for _n in range(5)]
    claims = [a_claim(of) for of in claimants]
    for claim in claims:
        granted(claim)
    Outage.objects.update(ended_at=at("2026-09-10 01:30"))
    correct()
    monkeypatch.setattr("claims.queries.entitlements.CHUNK", 2)
    seen, following = [], "?"
    while following:
        with django_assert_max_num_queries(30):
            response = desk.get(AFFECTED + following)
        seen += [one["claim"] for one in response.context["affected"]]
        following = response.context["next"]
    assert seen == claims
    assert Decimal(0) < Entry.objects.latest("id").value


# Inviting, and crediting without a claim


def test_contracts_are_invited_and_credited_from_the_list_by_two_people():
    a_version("2.0", "2026-01-01", credit_without_claim=True)
    a_missed_september()
    first, second, claimed = a_claimant(), a_claimant(), a_claimant()
    a_claim(claimed)
    chosen = {"contract": [one.contract.pk for one in (first, second, claimed)]}
    ann, ben = (signed_in(a_member("Support", name)) for name in ("ann", "ben"))
    invite, credit = (
        reverse(f"admin:{name}", args=["2026-09"]) for name in ("invite_to_claim", "credit_without_claim")
    )
    waiting = reverse("admin:invitations", args=["2026-09"])
    page = text_of(ann.get(invite, chosen))
    assert "2 contracts selected" in page
    assert f"under your contract {first.contract} was unavailable for 37 minutes" in page
    assert first.contact.email in page
    assert "2 invitations are submitted for approval." in text_of(ann.post(invite, chosen))
    assert "Another person who may decide claims confirms them here." in text_of(ann.get(waiting))
    keys = list(Invitation.objects.order_by("pk").values_list("pk", flat=True))
    assert "Sent" in text_of(ben.post(waiting, {"invitation": keys[:1]}))
    assert ben.post(reverse("admin:decline_invitation", args=[keys[1]]), {"reason": " "}).status_code == 422
    ben.post(reverse("admin:decline_invitation", args=[keys[1]]), {"reason": "They know"})
    assert [one.outcome for one in Invitation.objects.order_by("pk")] == ["sent", "declined"]
    assert "Invited" in text_of(ann.get(PAGE))
    nothing = ann.post(credit, {**chosen, "part": "extension", "reason": ""})
    assert (nothing.status_code, "Enter a reason." in text_of(nothing)) == (422, True)
    done = text_of(ann.post(credit, {**chosen, "part": "extension", "reason": "Nobody claimed"}))
    assert "2 credits are submitted for approval." in done
    assert Claim.objects.filter(source="credit", status="recommended").count() == 2
    assert ann.get(invite, follow=True).redirect_chain == [(PAGE, 302)], "nothing is chosen"


def test_the_pages_of_unclaimed_months_take_as_many_queries_for_ten_contracts_as_for_two(desk):
    a_version("2.0", "2026-01-01", credit_without_claim=True)
    a_missed_september()
    keys = [a_claimant().contract.pk for _n in range(10)]
    close_september()

    def queries(count: int) -> list[int]:
        counted = []
        for name in ("invite_to_claim", "credit_without_claim"):
            with CaptureQueriesContext(connection) as made:
                assert (
                    desk.get(reverse(f"admin:{name}", args=["2026-09"]), {"contract": keys[:count]}).status_code == 200
                )
            counted.append(len(made))
        return counted

    assert queries(2) == queries(10)
