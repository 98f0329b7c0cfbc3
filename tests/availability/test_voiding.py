"""What was logged by mistake, or twice: it stays on record, counts for nothing and blocks no month."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.models import Incident, Outage
from incidents.operations import (
    IncidentNotResolved,
    IncidentResolved,
    IncidentVoided,
    OutageFacts,
    ReasonMissing,
    acknowledge_incident,
    add_outage,
    add_update,
    classify_incident,
    reopen_incident,
    resolve_incident,
)
from incidents.queries import possible_duplicates
from sla_portal.agreements.rules import Reading
from sla_portal.audit.actors import Actor
from sla_portal.audit.queries import entries_about
from sla_portal.availability.models import Deviation, Exclusion, RegionMonth
from sla_portal.availability.operations import (
    ExclusionAlreadyDecided,
    MergedIntoItself,
    ProposedByAnother,
    attribute_incident,
    close_month,
    confirm_exclusion,
    count_changed_outcomes,
    judge_due_months,
    merge_incident,
    propose_exclusion,
    revoke_exclusion,
    void_incident,
    withdraw_exclusion,
)
from sla_portal.availability.queries import customer_month, open_items, region_month, status_of
from sla_portal.availability.what_if import outages_to_judge
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth
from tests.support import plainest_count as plainest
from tests.support.builders import a_contract, a_customer, a_region, an_exclusion, an_incident, an_outage, at
from tests.support.desk import a_member

pytestmark = pytest.mark.django_db

SEPTEMBER = ServiceMonth(2026, 9)
NOW = at("2026-09-20 12:00")
LATER = at("2026-10-20 12:00")
PORTAL = Actor.system("test")
WHY = "It was the test system"


@pytest.fixture
def noc() -> Actor:
    return Actor.staff(a_member("NOC"))


def down(start: str = "2026-09-10 02:00", end: str | None = "2026-09-10 02:30", **values) -> Incident:
    incident = an_incident(detected_at=at(start), resolved_at=end and at(end), **values)
    an_outage(a_region(), start, end, incident=incident)
    return incident


def counted() -> tuple[int, int]:
    judged = region_month(a_region(), SEPTEMBER, NOW).figures
    return judged.unavailable_minutes, judged.excluded_minutes


def void(incident: Incident, actor: Actor = PORTAL) -> None:
    void_incident(actor=actor, incident=incident, reason=WHY, now=NOW)


def merge(incident: Incident, into: Incident, *outages: Outage, anew=(), actor: Actor = PORTAL) -> None:
    merge_incident(actor=actor, incident=incident, into=into, take_over=outages, propose_anew=anew, reason=WHY, now=NOW)


# Voiding


def test_a_voided_incident_stays_on_record_and_counts_for_nothing(noc):
    incident = down()
    assert counted() == (30, 0)
    void(incident, noc)
    assert counted() == (0, 0)
    assert incident.voided_at == NOW
    assert incident.outages.count() == 1
    (entry,) = entries_about(incident)
    assert (entry.action, entry.reason, entry.actor_name) == ("voided", WHY, noc.name)


def test_a_reason_is_asked():
    incident, other = down(), down()
    for reason in ("", "  "):
        with pytest.raises(ReasonMissing):
            void_incident(actor=PORTAL, incident=incident, reason=reason, now=NOW)
        with pytest.raises(ReasonMissing):
            merge_incident(
                actor=PORTAL, incident=incident, into=other, take_over=(), propose_anew=(), reason=reason, now=NOW
            )
        with pytest.raises(ReasonMissing):
            reopen_incident(actor=PORTAL, incident=incident, text="Down again", reason=reason, now=NOW)


def test_a_voided_incident_is_not_changed_any_more(noc):
    incident = down()
    exclusion = an_exclusion(incident)
    void(incident)
    facts = OutageFacts(region=a_region(), started_at=at("2026-09-11 01:00"), ended_at=at("2026-09-11 01:10"))
    for change in (
        lambda: acknowledge_incident(actor=PORTAL, incident=incident, now=NOW),
        lambda: add_outage(actor=PORTAL, incident=incident, facts=facts, now=NOW),
        lambda: add_update(actor=PORTAL, incident=incident, text="We look", public=True, now=NOW),
        lambda: resolve_incident(actor=PORTAL, incident=incident, at=NOW, now=NOW),
        lambda: reopen_incident(actor=PORTAL, incident=incident, text="Down again", reason=WHY, now=NOW),
        lambda: classify_incident(actor=PORTAL, incident=incident, attributable=None, reason=WHY, now=NOW),
        lambda: attribute_incident(actor=PORTAL, incident=incident, reason=WHY, now=NOW),
        lambda: propose_exclusion(actor=PORTAL, incident=incident, clause="4.10", reason=WHY, now=NOW),
        lambda: revoke_exclusion(actor=PORTAL, exclusion=exclusion, reason=WHY, now=NOW),
        lambda: void(incident),
        lambda: merge(incident, down()),
        lambda: merge(down(), incident),
    ):
        with pytest.raises(IncidentVoided):
            change()


def test_its_proposals_are_withdrawn_and_its_confirmed_exclusions_stay_and_exclude_nothing():
    incident = down()
    confirmed = an_exclusion(incident, ends_at=at("2026-09-10 02:10"))
    proposed = an_exclusion(incident, status="proposed", proposed_by=User.objects.create_user("clerk"))
    assert counted() == (20, 10)
    void(incident)
    assert counted() == (0, 0)
    confirmed.refresh_from_db()
    proposed.refresh_from_db()
    assert (confirmed.status, proposed.status, proposed.decision_reason) == ("confirmed", "withdrawn", WHY)
    with pytest.raises(IncidentVoided):
        confirm_exclusion(actor=PORTAL, exclusion=proposed, reason="", now=NOW)


def test_it_blocks_no_month():
    ongoing = down(end=None)
    unclassified = down()
    undecided = down(attributable=False)
    an_exclusion(undecided, status="proposed")
    region = a_region()
    pending = status_of(region, region_month(region, SEPTEMBER, LATER), LATER).pending
    assert len(pending) == 4
    for incident in (ongoing, unclassified, undecided):
        void(incident)
    assert not open_items(SEPTEMBER, LATER)
    judged = region_month(region, SEPTEMBER, LATER)
    assert [reason.value for reason in status_of(region, judged, LATER).pending] == ["not_closed"]
    assert close_month(actor=PORTAL, month=SEPTEMBER, now=LATER).revision == 1
    assert outages_to_judge() == 0


def test_a_month_that_only_a_voided_incident_had_put_on_record_waits_for_nobody():
    a_contract(a_customer(a_region()), "2026-08-01", "2027-07-31")
    mistyped = an_incident(detected_at=at("2025-03-10 01:00"))
    an_outage(a_region(), "2025-03-10 01:00", "2025-03-10 02:00", incident=mistyped)
    judge_due_months(now=NOW)
    assert RegionMonth.objects.count() == 19
    void(mistyped)
    judge_due_months(now=NOW)
    assert sorted(RegionMonth.objects.values_list("month__month", flat=True)) == [8, 9]


def test_a_closed_month_keeps_its_figures_and_is_listed_for_correction():
    incident = down("2026-08-10 02:00", "2026-08-10 02:30", attributable=True)
    august = ServiceMonth(2026, 8)
    close_month(actor=PORTAL, month=august, now=NOW)
    void(incident)
    judge_due_months(now=NOW)
    row = RegionMonth.objects.get(month=august.first_day)
    assert row.unavailable_minutes == 30
    assert Deviation.objects.get().month == august.first_day


# Merging


def test_outages_are_taken_over_or_dropped_one_by_one(noc):
    first = down("2026-09-10 02:00", "2026-09-10 02:10")
    duplicate = down("2026-09-10 02:05", "2026-09-10 02:20")
    dropped = an_outage(a_region(), "2026-09-10 03:00", "2026-09-10 03:30", incident=duplicate)
    taken = duplicate.outages.exclude(pk=dropped.pk).get()
    taken.functions.set([])
    assert counted() == (50, 0)
    merge(duplicate, first, taken, actor=noc)
    assert counted() == (20, 0)
    assert (duplicate.merged_into, duplicate.outages.count(), first.outages.count()) == (first, 2, 2)
    assert [(entry.action, entry.reason) for entry in entries_about(duplicate)] == [("merged", WHY)]
    assert [entry.action for entry in entries_about(first)] == ["added an outage to"]
    assert region_month(a_region(), SEPTEMBER, NOW).figures.events[0].incidents == (first.reference,)


def test_the_scope_of_an_outage_is_taken_over():
    first = down("2026-09-10 02:00", "2026-09-10 02:10")
    login = an_outage(
        a_region(), "2026-09-10 02:10", "2026-09-10 02:20", incident=an_incident(), functions=("login",),
        clients=("app", "web"),
    )  # fmt: skip
    merge(login.incident, first, login)
    taken = first.outages.latest("id")
    assert {function.code for function in taken.functions.all()} == {"login"}
    assert {client.code for client in taken.clients.all()} == {"app", "web"}


def test_an_ongoing_outage_is_not_taken_over_by_a_resolved_incident():
    first, ongoing = down(), down("2026-09-20 11:00", None)
    with pytest.raises(IncidentResolved):
        merge(ongoing, first, ongoing.outages.get())
    ongoing.refresh_from_db()
    assert ongoing.voided_at is None


def test_an_incident_is_not_merged_into_itself():
    incident = down()
    with pytest.raises(MergedIntoItself):
        merge(incident, incident)


def test_what_was_merged_follows_and_no_chain_is_left():
    first, second, third = down(), down(), down()
    merge(third, second)
    merge(second, first)
    third.refresh_from_db()
    assert (third.merged_into, second.merged_into) == (first, first)
    assert [entry.action for entry in entries_about(third)] == ["merged", "merged"]
    void(first)
    assert set(Incident.objects.values_list("voided_at", "merged_into")) == {(NOW, None)}
    assert [entry.action for entry in entries_about(second)] == ["voided", "merged"]


def test_exclusions_are_proposed_anew_for_the_same_time_with_their_evidence(noc):
    first = down("2026-09-10 02:00", "2026-09-10 03:00")
    duplicate = down("2026-09-10 02:10", "2026-09-10 02:40")
    old = an_exclusion(duplicate, "4.11", third_party_incident="EC-7", evidence="Their page")
    old.files.create(
        name="page.pdf", file=ContentFile(b"%PDF", name="x"), size=4, sha256="0" * 64, added_at=NOW,
        added_by_name="Ada",
    )  # fmt: skip
    other = an_exclusion(duplicate, "4.10")
    merge(duplicate, first, anew=[old], actor=noc)
    assert counted() == (60, 0)
    proposed = first.exclusions.get()
    assert (proposed.clause, proposed.status, proposed.proposed_by) == ("4.11", "proposed", noc.user)
    assert (proposed.starts_at, proposed.ends_at) == (at("2026-09-10 02:10"), at("2026-09-10 02:40"))
    assert proposed.files.get().file == old.files.get().file
    confirm_exclusion(actor=PORTAL, exclusion=proposed, reason="", now=NOW)
    assert counted() == (30, 30)
    assert set(duplicate.exclusions.all()) == {old, other}


def test_the_figures_shown_before_a_merge_are_those_after_it():
    a_contract(a_customer(a_region()), "2026-09-01", "2027-08-31")
    first = down("2026-09-10 02:00", "2026-09-10 02:03")
    an_exclusion(first)
    duplicate = down("2026-09-10 04:00", "2026-09-10 04:06")
    dropped = an_outage(a_region(), "2026-09-10 05:00", "2026-09-10 05:02", incident=duplicate)
    taken = duplicate.outages.exclude(pk=dropped.pk).get()
    as_if = {dropped.pk: None, taken.pk: Outage(incident=first, ended_at=taken.ended_at)}
    region = a_region()
    shown = region_month(region, SEPTEMBER, NOW, as_if_outages=as_if).figures
    assert count_changed_outcomes(region=region, month=SEPTEMBER, now=NOW, as_if_outages=as_if) == 1
    assert counted() == (8, 3)
    merge(duplicate, first, taken)
    assert region_month(region, SEPTEMBER, NOW).figures == shown
    assert counted() == (0, 9)


# Reopening and withdrawing


def test_a_resolved_incident_is_reopened_with_a_reason_and_the_public_reads_it(noc):
    incident = down(attributable=True)
    reopen_incident(actor=noc, incident=incident, text="It is down again.", reason="Resolved too early", now=NOW)
    assert incident.resolved_at is None
    assert [(update.text, update.public, update.at) for update in incident.updates.all()] == [
        ("It is down again.", True, NOW)
    ]
    updated, reopened = entries_about(incident)
    assert (updated.action, reopened.action, reopened.reason) == ("updated", "reopened", "Resolved too early")
    assert counted() == (30, 0)
    assert open_items(SEPTEMBER, LATER).open == [incident]
    with pytest.raises(IncidentNotResolved):
        reopen_incident(actor=noc, incident=incident, text="Again", reason="Again", now=NOW)


def test_only_the_proposer_withdraws_a_proposal_which_then_waits_for_nobody(noc):
    incident = down()
    exclusion = propose_exclusion(actor=noc, incident=incident, clause="4.10", reason="By order", now=NOW)
    with pytest.raises(ProposedByAnother):
        withdraw_exclusion(actor=Actor.staff(a_member("Legal")), exclusion=exclusion, reason="No such order", now=NOW)
    withdraw_exclusion(actor=noc, exclusion=exclusion, reason="No such order", now=NOW)
    assert (exclusion.status, exclusion.decided_by, exclusion.decision_reason) == ("withdrawn", None, "No such order")
    incident.refresh_from_db()
    assert incident.attributable is None
    withdrew, _proposed = entries_about(exclusion)
    assert (withdrew.action, withdrew.reason) == ("withdrew", "No such order")
    with pytest.raises(ExclusionAlreadyDecided):
        confirm_exclusion(actor=PORTAL, exclusion=exclusion, reason="", now=NOW)
    with pytest.raises(ExclusionAlreadyDecided):
        withdraw_exclusion(actor=noc, exclusion=exclusion, reason="Twice", now=NOW)


# Possible duplicates


@pytest.mark.parametrize(
    ("start", "end", "offered"),
    [
        ("2026-09-10 02:25", "2026-09-10 02:50", True),
        ("2026-09-10 02:44", "2026-09-10 02:50", True),
        ("2026-09-10 02:46", "2026-09-10 02:50", False),
        ("2026-09-10 01:40", "2026-09-10 01:46", True),
        ("2026-09-10 01:40", "2026-09-10 01:44", False),
        ("2026-09-10 02:20", None, False),
    ],
)
def test_a_possible_duplicate_overlaps_or_lies_within_minutes(start, end, offered):
    down()
    found = possible_duplicates([a_region()], at(start), at(end) if end else None)
    assert found.exists() is offered


def test_an_ongoing_incident_is_no_duplicate_of_what_was_over_hours_before_it():
    ongoing = down("2026-09-20 08:00", None)
    asked = [a_region()], at("2026-09-20 02:00")
    assert not possible_duplicates(*asked, at("2026-09-20 03:00")).exists()
    assert possible_duplicates(*asked, None).exists()
    void(ongoing)
    assert not possible_duplicates(*asked, None).exists()


# Whatever the record: a voided or merged incident counts nowhere

INCIDENTS = ("A", "B", "C")
START = at("2026-09-10 02:00")
FUNCTIONS, CLIENTS = ("login", "calls", "preview", "door"), ("app", "device", "web")
FROM_PORTAL = {"max_examples": 40, "suppress_health_check": [HealthCheck.function_scoped_fixture]}

spans = st.tuples(st.integers(0, 600), st.integers(1, 400)).map(
    lambda span: (START + timedelta(seconds=span[0]), START + timedelta(seconds=sum(span)))
)
scopes = st.tuples(
    st.one_of(st.just(()), st.sets(st.sampled_from(FUNCTIONS), min_size=1).map(tuple)),
    st.one_of(st.just(()), st.sets(st.sampled_from(CLIENTS), min_size=1).map(tuple)),
)
outages = st.lists(st.tuples(st.sampled_from(INCIDENTS), spans, scopes), min_size=1, max_size=6)
exclusions = st.lists(st.tuples(st.sampled_from(INCIDENTS), spans), max_size=3)


class Undone(Exception):
    pass


@settings(**FROM_PORTAL)
@given(outages, exclusions, spans, st.sets(st.sampled_from(INCIDENTS), min_size=1, max_size=2), st.booleans())
def test_every_figure_equals_that_of_the_record_without_it(down_at, excluded, own, mistakes, merged):
    try:
        with transaction.atomic():
            region = a_region()
            customer = a_customer(region)
            a_contract(customer, "2026-09-01", "2027-08-31")
            Exclusion.objects.create(
                customer=customer, clause="4.5", status="confirmed", starts_at=own[0], ends_at=own[1], reason="Theirs"
            )
            incidents = {name: an_incident() for name in INCIDENTS}
            for name, (start, end), (functions, clients) in down_at:
                an_outage(
                    region, f"{start:%Y-%m-%d %H:%M:%S}", f"{end:%Y-%m-%d %H:%M:%S}", incident=incidents[name],
                    functions=functions, clients=clients,
                )  # fmt: skip
            for name, (start, end) in excluded:
                an_exclusion(incidents[name], starts_at=start, ends_at=end)
            target = next(name for name in INCIDENTS if name not in mistakes)
            for name in mistakes:
                merge(incidents[name], incidents[target]) if merged else void(incidents[name])
            found = [
                region_month(region, SEPTEMBER, NOW).figures,
                customer_month(customer, SEPTEMBER, NOW).figures,
            ]
            Outage.objects.filter(incident__in=[incidents[name] for name in mistakes]).delete()
            assert [
                region_month(region, SEPTEMBER, NOW).figures,
                customer_month(customer, SEPTEMBER, NOW).figures,
            ] == found
            raise Undone
    except Undone:
        pass
    history = plain(down_at, excluded, mistakes)
    mine = replace(history, exclusions=[*history.exclusions, an_own_one(own)])
    for reading in Reading:
        for figures, record in zip(found, (history, mine), strict=True):
            count = plainest.count(record, reading.value)
            under = figures.under[reading]
            assert (under.unavailable_minutes, under.excluded_minutes) == (len(count.counted), len(count.excluded))


def plain(down_at, excluded, mistakes) -> plainest.History:
    """The record without its mistakes, for the plainest count."""
    everything = frozenset((f, c) for f in range(len(FUNCTIONS)) for c in range(len(CLIENTS)))
    return plainest.History(
        zone=ZoneInfo("Asia/Shanghai"),
        now=epoch(NOW),
        functions=len(FUNCTIONS),
        clients=len(CLIENTS),
        versions=[plainest.Version(0, "all", 0)],
        outages=[
            plainest.Outage(
                name,
                epoch(start),
                epoch(end),
                frozenset(
                    (FUNCTIONS.index(f), CLIENTS.index(c)) for f in functions or FUNCTIONS for c in clients or CLIENTS
                ),
            )
            for name, (start, end), (functions, clients) in down_at
            if name not in mistakes
        ],
        exclusions=[
            plainest.Exclusion(name, "4.10", epoch(start), epoch(end), everything)
            for name, (start, end) in excluded
            if name not in mistakes
        ],
        service_days=set(SEPTEMBER.days),
    )


def an_own_one(span) -> plainest.Exclusion:
    return plainest.Exclusion(None, "4.5", epoch(span[0]), epoch(span[1]), frozenset())
