"""Two editors in any order over one incident, its exclusions, a window and a month: nobody undoes what was not shown to them.

After every step the record is what the accepted steps make of it one after another. A step that rests on something that
the other changed after this editor's page was made goes through only if the change was shown when it was first refused.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import models, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from incidents.operations import OutageFacts, acknowledge_incident, add_outage, add_update, resolve_incident
from maintenance.operations import announce_window, cancel_window, finish_work, start_work
from sla_portal.audit.actors import Actor, Seen
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import ChangedMeanwhile
from sla_portal.availability.models import ClosingRequest, Exclusion, MonthClosing
from sla_portal.availability.operations import (
    attribute_incident,
    confirm_exclusion,
    confirm_request,
    propose_exclusion,
    reject_exclusion,
    request_closing,
    revoke_exclusion,
    withdraw_request,
)
from sla_portal.availability.queries import record_of
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_region, a_window, an_incident, an_outage, at

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("EDITORS_EXAMPLES", "12"))
NOW = at("2026-10-05 03:00")
SEPTEMBER = ServiceMonth(2026, 9)
EDITORS = st.sampled_from(["anna", "ben"])
HOURS = st.integers(1, 4)


@dataclass
class Editor:
    """Somebody with a page open, and the audit log entries that they have seen."""

    user: User
    seen: Seen
    known: set[int] = field(default_factory=set)


class TwoEditors(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.region = a_region()
        self.incident = an_incident("INC-1", detected_at=at("2026-09-10 01:00"))
        an_outage(self.region, "2026-09-10 01:00", None, incident=self.incident)
        self.window = a_window("2026-09-20 01:00", "2026-09-20 02:00", reference="MW-1")
        self.editors = {user.username: Editor(user, Seen(0)) for user in User.objects.all()}
        self.expected: dict[str, Any] = {
            "acknowledged": None, "resolved": None, "attributable": None, "outages": 1, "notes": [],
            "announced": None, "cancelled": False, "started": False, "completed": False, "exclusions": {}, "closed": 0,
            "requests": {},
        }  # fmt: skip
        self.steps = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def take(
        self, name: str, do: Callable[..., Any], rests_on: list[models.Model], then: Callable[[Any], Any], **given: Any
    ) -> None:
        """Let an editor take a step; check that nothing unseen was under it, and what the record is after it."""
        editor = self.editors[name]
        self.steps += 1
        given |= {"actor": Actor.staff(editor.user, editor.seen), "now": NOW + timedelta(minutes=self.steps)}
        before = self.unseen(editor, rests_on)
        newest = self.newest()
        try:
            with transaction.atomic():
                made = do(**given)
        except ChangedMeanwhile as refused:
            shown = {entry.pk for entry in refused.entries}
            assert shown & before, "Refused, and nothing new was shown."
            editor.known |= shown
            editor.seen.shown |= shown
        except Refused:
            pass
        else:
            assert not before, f"{name} undid what was never shown: {before}"
            editor.known |= set(Entry.objects.filter(pk__gt=newest).values_list("pk", flat=True))
            editor.seen.own.clear()
            editor.seen.shown |= editor.known
            self.expected |= then(made)
        assert self.recorded() == self.expected

    def unseen(self, editor: Editor, rests_on: list[models.Model]) -> set[int]:
        about = [(row._meta.label_lower, str(row.pk)) for row in rests_on]
        return {
            entry.pk
            for entry in Entry.objects.exclude(pk__in=editor.known).exclude(action="updated")
            if (entry.subject_type, entry.subject_id) in about
        }

    def newest(self) -> int:
        return Entry.objects.aggregate(models.Max("pk"))["pk__max"] or 0

    def recorded(self) -> dict[str, Any]:
        for row in (self.incident, self.window):
            row.refresh_from_db()
        last = self.window.notices.last()
        return {
            "acknowledged": self.incident.acknowledged_at,
            "resolved": self.incident.resolved_at,
            "attributable": self.incident.attributable,
            "outages": self.incident.outages.count(),
            "notes": list(self.incident.updates.values_list("text", flat=True)),
            "announced": (last and last.ends_at) or (self.window.cancelled_at and self.window.ends_at),
            "cancelled": self.window.cancelled_at is not None,
            "started": self.window.started_at is not None,
            "completed": self.window.completed_at is not None,
            "exclusions": dict(Exclusion.objects.values_list("pk", "status")),
            "closed": MonthClosing.objects.count(),
            "requests": dict(ClosingRequest.objects.values_list("pk", "status")),
        }

    @property
    def exclusions(self) -> list[Exclusion]:
        return list(Exclusion.objects.order_by("pk"))

    @rule(name=EDITORS)
    def look(self, name: str) -> None:
        editor = self.editors[name]
        editor.seen = Seen(self.newest())
        editor.known = set(Entry.objects.values_list("pk", flat=True))

    # Incident

    @rule(name=EDITORS)
    def acknowledge(self, name: str) -> None:
        def then(_made: None) -> dict[str, Any]:
            at_ = self.expected["acknowledged"] or NOW + timedelta(minutes=self.steps)
            return {"acknowledged": at_}

        self.take(name, acknowledge_incident, [self.incident], then, incident=self.incident)

    @rule(name=EDITORS, hours=HOURS)
    def resolve(self, name: str, hours: int) -> None:
        end = at("2026-09-10 01:00") + timedelta(hours=hours)
        self.take(name, resolve_incident, [self.incident], lambda _: {"resolved": end}, incident=self.incident, at=end)

    @rule(name=EDITORS)
    def note(self, name: str) -> None:
        text = f"{name} {self.steps}"
        notes = [*self.expected["notes"], text]
        self.take(name, add_update, [], lambda _: {"notes": notes}, incident=self.incident, text=text, public=False)

    @rule(name=EDITORS, hours=HOURS)
    def another_outage(self, name: str, hours: int) -> None:
        start = at("2026-09-10 01:00") + timedelta(hours=hours)
        facts = OutageFacts(self.region, start, start + timedelta(minutes=30))
        more = self.expected["outages"] + 1
        self.take(name, add_outage, [], lambda _: {"outages": more}, incident=self.incident, facts=facts)

    @rule(name=EDITORS)
    def attribute(self, name: str) -> None:
        self.take(
            name, attribute_incident, [self.incident, *self.exclusions], lambda _: {"attributable": True},
            incident=self.incident, reason="Ours",
        )  # fmt: skip

    # Exclusions

    @rule(name=EDITORS, clause=st.sampled_from(["4.2", "4.10"]))
    def propose(self, name: str, clause: str) -> None:
        def then(made: Exclusion) -> dict[str, Any]:
            return {"exclusions": {**self.expected["exclusions"], made.pk: "proposed"}, "attributable": False}

        self.take(
            name, propose_exclusion, [self.incident, *self.exclusions], then, incident=self.incident, clause=clause,
            reason="As it was",
        )  # fmt: skip

    @rule(
        name=EDITORS,
        place=st.integers(0, 2),
        decision=st.sampled_from([confirm_exclusion, reject_exclusion, revoke_exclusion]),
    )
    def decide(self, name: str, place: int, decision: Callable[..., None]) -> None:
        if place >= len(self.exclusions):
            return
        exclusion = self.exclusions[place]

        def then(_made: None) -> dict[str, Any]:
            status = {confirm_exclusion: "confirmed", reject_exclusion: "rejected", revoke_exclusion: "revoked"}[
                decision
            ]
            now_ = {**self.expected["exclusions"], exclusion.pk: status}
            stands = any(one in ("proposed", "confirmed") for one in now_.values())
            return {"exclusions": now_, "attributable": self.expected["attributable"] if stands else None}

        self.take(name, decision, [exclusion, self.incident], then, exclusion=exclusion, reason="As it was")

    # Window

    @rule(name=EDITORS, hours=HOURS)
    def announce(self, name: str, hours: int) -> None:
        end = at("2026-10-20 01:00") + timedelta(hours=hours)
        self.take(
            name, announce_window, [self.window], lambda _: {"announced": end}, window=self.window,
            starts_at=at("2026-10-20 01:00"), ends_at=end,
        )  # fmt: skip

    @rule(name=EDITORS)
    def cancel(self, name: str) -> None:
        self.take(
            name, cancel_window, [self.window], lambda _: {"cancelled": True}, window=self.window, reason="Not needed"
        )

    @rule(name=EDITORS)
    def start(self, name: str) -> None:
        self.take(name, start_work, [self.window], lambda _: {"started": True}, window=self.window)

    @rule(name=EDITORS)
    def finish(self, name: str) -> None:
        self.take(name, finish_work, [self.window], lambda _: {"completed": True}, window=self.window)

    # Month

    @property
    def under_the_month(self) -> list[models.Model]:
        windows = [self.window] if self.window.starts_at < at("2026-09-30 16:00") else []
        return [
            self.incident, *self.exclusions, *windows, *MonthClosing.objects.all(), *ClosingRequest.objects.all(),
        ]  # fmt: skip

    @rule(name=EDITORS)
    def request(self, name: str) -> None:
        def then(made: ClosingRequest) -> dict[str, Any]:
            return {"requests": {**self.expected["requests"], made.pk: "pending"}}

        # The digest is always that of the present record, so that it refuses nothing here.
        digest = record_of(SEPTEMBER, NOW + timedelta(minutes=self.steps + 1)).digest
        self.take(name, request_closing, self.under_the_month, then, month=SEPTEMBER, shown=digest)

    @rule(name=EDITORS, step=st.sampled_from([confirm_request, withdraw_request]))
    def decide_closing(self, name: str, step: Callable[..., Any]) -> None:
        pending = ClosingRequest.objects.filter(status="pending").first()
        if pending is None:
            return
        confirms = step is confirm_request

        def then(_made: Any) -> dict[str, Any]:
            status = "confirmed" if confirms else "withdrawn"
            return {
                "requests": {**self.expected["requests"], pending.pk: status},
                "closed": self.expected["closed"] + confirms,
            }

        self.take(name, step, self.under_the_month if confirms else [pending], then, request=pending)


SIZE = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def editors() -> None:
    for name in ("anna", "ben"):
        User.objects.create(username=name, is_staff=True, is_superuser=True)


def test_nobody_undoes_what_was_not_shown_to_them():
    run_state_machine_as_test(TwoEditors, settings=SIZE)


def test_without_the_check_somebody_does():
    found = settings(SIZE, max_examples=200, derandomize=True, phases=[Phase.generate], database=None)
    with (
        patch("sla_portal.audit.operations.entries_since", return_value=[]),
        pytest.raises(AssertionError, match="undid"),
    ):
        run_state_machine_as_test(TwoEditors, settings=found)
