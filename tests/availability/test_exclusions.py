"""Exclusions (section 4): one person proposes, another decides."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User

from incidents.operations import IncidentResolved, resolve_incident
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import NotAllowed
from sla_portal.audit.queries import entries_about
from sla_portal.availability.models import Exclusion, Status
from sla_portal.availability.operations import (
    ExclusionAlreadyDecided,
    ExclusionOutsideIncident,
    IncidentHasExclusions,
    NoticeCoversNothing,
    ReasonMissing,
    SecondPersonNeeded,
    ThirdPartyNotNamed,
    attribute_incident,
    confirm_exclusion,
    propose_exclusion,
    reject_exclusion,
    revoke_exclusion,
)
from sla_portal.availability.queries import region_month
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_region, a_window, an_incident, an_outage, at

pytestmark = pytest.mark.django_db

NOW = at("2026-09-20 12:00")
SEPTEMBER = ServiceMonth(2026, 9)
RIGHTS = ("propose_exclusion", "decide_exclusion", "classify_incident")


def somebody(name: str, *rights: str) -> Actor:
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights or RIGHTS))
    return Actor.staff(User.objects.get(pk=user.pk))


@pytest.fixture
def noc():
    return somebody("noc", "propose_exclusion", "classify_incident")


@pytest.fixture
def legal():
    return somebody("legal")


@pytest.fixture
def incident():
    """Half an hour without the service in Europe: 02:00 to 02:30 UTC."""
    found = an_incident(detected_at=at("2026-09-10 02:01"), resolved_at=at("2026-09-10 02:30"))
    an_outage(a_region(), "2026-09-10 02:00", "2026-09-10 02:30", incident=found)
    return found


def counted() -> tuple[int, int]:
    judged = region_month(a_region(), SEPTEMBER, NOW).figures
    return judged.unavailable_minutes, judged.excluded_minutes


def proposed(noc, incident, **values) -> Exclusion:
    return propose_exclusion(
        actor=noc, incident=incident, **{"clause": "4.10", "reason": "By order of the regulator", "now": NOW, **values}
    )


def test_a_proposal_excludes_nothing_until_another_person_confirms_it(noc, legal, incident):
    exclusion = proposed(noc, incident)
    assert counted() == (30, 0)
    confirm_exclusion(actor=legal, exclusion=exclusion, reason="", now=NOW)
    assert counted() == (0, 30)
    revoke_exclusion(actor=legal, exclusion=exclusion, reason="The order was for another service", now=NOW)
    assert counted() == (30, 0)
    assert Exclusion.objects.get().status == Status.REVOKED


def test_nobody_decides_what_they_proposed(legal, incident):
    exclusion = proposed(legal, incident)
    with pytest.raises(SecondPersonNeeded):
        confirm_exclusion(actor=legal, exclusion=exclusion, reason="", now=NOW)
    with pytest.raises(SecondPersonNeeded):
        reject_exclusion(actor=legal, exclusion=exclusion, reason="no", now=NOW)
    assert Exclusion.objects.get().status == Status.PROPOSED


def test_a_proposal_is_decided_once(noc, legal, incident):
    exclusion = proposed(noc, incident)
    reject_exclusion(actor=legal, exclusion=exclusion, reason="It was our own switch", now=NOW)
    for decide in (confirm_exclusion, reject_exclusion, revoke_exclusion):
        with pytest.raises(ExclusionAlreadyDecided):
            decide(actor=legal, exclusion=exclusion, reason="again", now=NOW)


def test_an_incident_is_unclassified_again_without_its_last_exclusion(noc, legal, incident):
    first, second = proposed(noc, incident), proposed(noc, incident, clause="4.2")
    incident.refresh_from_db()
    assert incident.attributable is False
    confirm_exclusion(actor=legal, exclusion=first, reason="", now=NOW)
    reject_exclusion(actor=legal, exclusion=second, reason="not theirs", now=NOW)
    incident.refresh_from_db()
    assert incident.attributable is False
    revoke_exclusion(actor=legal, exclusion=first, reason="withdrawn", now=NOW)
    incident.refresh_from_db()
    assert incident.attributable is None


def test_an_incident_with_an_exclusion_cannot_be_classified_as_attributable(noc, legal, incident):
    exclusion = proposed(noc, incident)
    with pytest.raises(IncidentHasExclusions):
        attribute_incident(actor=noc, incident=incident, reason="", now=NOW)
    reject_exclusion(actor=legal, exclusion=exclusion, reason="no", now=NOW)
    attribute_incident(actor=noc, incident=incident, reason="Our own switch", now=NOW)
    incident.refresh_from_db()
    assert incident.attributable is True


def test_operations_check_permissions(noc, incident):
    exclusion = proposed(noc, incident)
    nobody = Actor.staff(User.objects.create_user("nobody"))
    for decide in (confirm_exclusion, reject_exclusion, revoke_exclusion):
        for actor in (noc, nobody):
            with pytest.raises(NotAllowed):
                decide(actor=actor, exclusion=exclusion, reason="why not", now=NOW)
    with pytest.raises(NotAllowed):
        proposed(nobody, incident)
    with pytest.raises(NotAllowed):
        attribute_incident(actor=nobody, incident=incident, reason="", now=NOW)


@pytest.mark.parametrize("reason", ["", "  "])
def test_proposal_rejection_and_revocation_need_a_reason(noc, legal, incident, reason):
    with pytest.raises(ReasonMissing):
        proposed(noc, incident, reason=reason)
    exclusion = proposed(noc, incident)
    with pytest.raises(ReasonMissing):
        reject_exclusion(actor=legal, exclusion=exclusion, reason=reason, now=NOW)
    confirm_exclusion(actor=legal, exclusion=exclusion, reason=reason, now=NOW)
    with pytest.raises(ReasonMissing):
        revoke_exclusion(actor=legal, exclusion=exclusion, reason=reason, now=NOW)


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        ("2026-09-10 01:59", None),
        (None, "2026-09-10 02:31"),
        ("2026-09-10 02:30", None),
        (None, "2026-09-10 02:00"),
        ("2026-09-10 02:20", "2026-09-10 02:10"),
        ("2026-09-10 02:20", "2026-09-10 02:20"),
    ],
)
def test_an_exclusion_lies_within_its_incident(noc, incident, starts_at, ends_at):
    with pytest.raises(ExclusionOutsideIncident):
        proposed(noc, incident, starts_at=starts_at and at(starts_at), ends_at=ends_at and at(ends_at))
    assert not Exclusion.objects.exists()


def test_an_exclusion_of_an_open_incident_reaches_no_further_than_now(noc):
    incident = an_incident()
    an_outage(a_region(), "2026-09-20 11:00", None, incident=incident)
    with pytest.raises(ExclusionOutsideIncident):
        proposed(noc, incident, ends_at=NOW + timedelta(minutes=1))
    proposed(noc, incident, ends_at=NOW)


@pytest.mark.parametrize(
    "notices",
    [
        (),
        (("2026-09-10 02:45", "2026-09-10 02:00", "2026-09-10 03:00"),),
        (
            ("2026-09-01 08:00", "2026-09-10 02:00", "2026-09-10 03:00"),
            ("2026-09-02 08:00", None, None),
        ),
        (("2026-09-01 08:00", "2026-09-11 02:00", "2026-09-11 03:00"),),
    ],
    ids=["never announced", "announced afterwards", "cancelled", "announced for another day"],
)
def test_4_1_without_notice_that_covers_some_of_it_is_refused(noc, incident, notices):
    window = a_window("2026-09-10 02:00", "2026-09-10 03:00", *notices)
    with pytest.raises(NoticeCoversNothing):
        proposed(noc, incident, clause="4.1", maintenance=window)
    with pytest.raises(NoticeCoversNothing):
        proposed(noc, incident, clause="4.1")


def test_4_1_of_a_window_for_another_function_is_refused(noc):
    incident = an_incident()
    an_outage(a_region(), "2026-09-10 02:00", "2026-09-10 02:30", incident=incident, functions=("login",))
    notice = ("2026-09-01 08:00", "2026-09-10 02:00", "2026-09-10 03:00")
    window = a_window("2026-09-10 02:00", "2026-09-10 03:00", notice)
    window.functions.set([window.functions.model.objects.get(code="door")])
    with pytest.raises(NoticeCoversNothing):
        proposed(noc, incident, clause="4.1", maintenance=window)


def test_4_1_excludes_only_what_was_announced_in_time(noc, legal, incident):
    late = a_window(
        "2026-09-10 02:00", "2026-09-10 03:00", ("2026-09-10 02:10", "2026-09-10 02:00", "2026-09-10 03:00")
    )
    exclusion = proposed(noc, incident, clause="4.1", maintenance=late)
    confirm_exclusion(actor=legal, exclusion=exclusion, reason="", now=NOW)
    assert counted() == (10, 20)


@pytest.mark.parametrize("named", [{}, {"third_party": "Example Cloud"}, {"third_party_incident": "EC-77"}])
def test_4_11_names_the_third_party_and_its_own_incident(noc, incident, named):
    with pytest.raises(ThirdPartyNotNamed):
        proposed(noc, incident, clause="4.11", **named)
    proposed(noc, incident, clause="4.11", third_party="Example Cloud", third_party_incident="EC-77")


def test_every_step_is_in_the_audit_log_with_person_and_reason(noc, legal, incident):
    exclusion = proposed(noc, incident)
    confirm_exclusion(actor=legal, exclusion=exclusion, reason="Order seen", now=NOW)
    entries = [(entry.actor_name, entry.action, entry.reason) for entry in reversed(entries_about(exclusion))]
    assert entries == [("noc", "proposed", "By order of the regulator"), ("legal", "confirmed", "Order seen")]


def test_a_resolved_incident_is_not_resolved_again(incident):
    with pytest.raises(IncidentResolved):
        resolve_incident(actor=Actor.system("test"), incident=incident, at=NOW, now=NOW)
