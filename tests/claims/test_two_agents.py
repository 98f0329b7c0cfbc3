"""Two agents at the same voucher, with stale pages and double presses: the record is what one of them after the other made it."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from claims.models import CreditNote, Entry, Status, Undoing, Voucher
from claims.operations import (
    confirm_undoing,
    decline_undoing,
    mark_exported,
    propose_undoing,
    redeem_voucher,
    withdraw_undoing,
)
from claims.queries.ledger import balances
from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused
from tests.support.builders import at, on
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, granted

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("AGENTS_EXAMPLES", "8"))
AGENTS = st.sampled_from(["anna", "ben"])
PARTS = st.sampled_from([None, 1, 3, 4, 12])
VALUE = 12
AFTER_THE_LAST_DAY = at("2027-10-20 16:00")


class TwoAgents(RuleBasedStateMachine):
    """`standing` is what is redeemed by the record of one after the other: the plainest ledger there is."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.voucher = Voucher.objects.get()
        self.agents = {name: Actor.staff(User.objects.get(username=name)) for name in ("anna", "ben")}
        self.pages: dict[str, Entry] = dict.fromkeys(self.agents, self.last)
        self.sent: dict[str, dict[str, Any]] = {}
        self.standing: list[int] = []
        self.voided, self.now = False, OPEN
        self.proposed: tuple[str, Entry] | None = None
        self.redemptions = self.notes = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    @property
    def last(self) -> Entry:
        return Entry.objects.filter(voucher=self.voucher).select_related("voucher", "compensation").latest("number")

    @property
    def left(self) -> int:
        return 0 if self.voided else VALUE - sum(self.standing)

    def take(self, do: Callable[..., Any], *, possible: bool, **given: Any) -> bool:
        """Let an agent do something; check that it went where the plain ledger allows it, and what is on record after it."""
        try:
            with transaction.atomic():
                do(now=self.now, **given)
        except Refused:
            assert not possible, f"{do.__name__} was refused."
            return False
        assert possible, f"{do.__name__} went, and should not."
        return True

    def check(self) -> None:
        entries = list(Entry.objects.filter(voucher=self.voucher).select_related("voucher").order_by("number"))
        assert entries[-1].left == self.left
        assert sum(entry.taken for entry in entries) == sum(self.standing)
        assert sum(entry.value for entry in entries) == (0 if self.voided else VALUE)
        assert Entry.objects.filter(contract=entries[0].contract_id).latest("number").total == 25 + (
            0 if self.voided else VALUE
        )
        numbers = CreditNote.objects.order_by("number").values_list("number", flat=True)
        assert [int(number[-4:]) for number in numbers] == list(range(1, self.notes + 1))
        (balance,) = balances(on("2026-11-01"))
        assert (balance.issued, balance.redeemed, balance.outstanding) == (VALUE, sum(self.standing), self.left)
        assert self.voucher.compensation.claim.status == Status.GRANTED

    @rule(name=AGENTS)
    def open_the_page(self, name: str) -> None:
        self.pages[name] = self.last

    @rule(name=AGENTS, part=PARTS)
    def redeem(self, name: str, part: int | None) -> None:
        self.sent[name] = {"part": part and Decimal(part), "after": self.pages[name]}
        self.send(name)

    @rule(name=AGENTS)
    def press_twice(self, name: str) -> None:
        if name in self.sent:
            self.send(name)

    def send(self, name: str) -> None:
        said = self.sent[name]
        taken = self.left if said["part"] is None else int(said["part"])
        fresh = said["after"] == self.last and self.now == OPEN
        if self.take(
            redeem_voucher,
            possible=fresh and 0 < taken <= self.left,
            actor=self.agents[name],
            voucher=self.voucher,
            reference="INV-1",
            **said,
        ):
            self.standing.append(taken)
            self.notes += 1
        self.check()

    @rule(name=AGENTS)
    def propose(self, name: str) -> None:
        shown = self.pages[name]
        possible = self.proposed is None and shown == self.last and not self.voided
        said = {"reason": "Wrong", "letter_subject": "Corrected", "letter_text": "We correct it."}
        if self.take(propose_undoing, possible=possible, actor=self.agents[name], entries=[shown], **said):
            self.proposed = name, shown
        self.check()

    @rule(name=AGENTS, step=st.sampled_from([confirm_undoing, confirm_undoing, decline_undoing, withdraw_undoing]))
    def close(self, name: str, step: Callable[..., Any]) -> None:
        undoing = Undoing.objects.order_by("id").last()
        if undoing is None:
            return
        by, entry = self.proposed or ("", None)
        possible = {
            confirm_undoing: name != by and entry == self.last,
            decline_undoing: True,
            withdraw_undoing: name == by,
        }[step]
        reason = {"reason": "Right as it was"} if step is decline_undoing else {}
        if self.take(step, possible=bool(by) and possible, actor=self.agents[name], undoing=undoing, **reason):
            self.proposed = None
            if step is confirm_undoing and self.standing:
                self.standing.pop()
                self.notes += 1
            elif step is confirm_undoing:
                self.voided = True
        self.check()

    @rule(name=AGENTS)
    def export(self, name: str) -> None:
        new = Entry.objects.filter(billed=None).exists()
        self.take(mark_exported, possible=new, actor=self.agents[name])
        assert not Entry.objects.filter(billed=None).exists()

    @rule()
    def let_it_expire(self) -> None:
        self.now = AFTER_THE_LAST_DAY


SIZE = settings(max_examples=EXAMPLES, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def agents() -> None:
    for name in ("anna", "ben"):
        User.objects.create(username=name, is_staff=True, is_superuser=True)
    a_missed_september()
    granted(a_claim(a_claimant(monthly_charge=Decimal(43200))), voucher_minutes=VALUE)


def test_no_state_arises_that_one_after_the_other_could_not_give():
    run_state_machine_as_test(TwoAgents, settings=SIZE)


def test_without_the_check_of_what_was_shown_a_second_press_redeems_again():
    found = settings(SIZE, max_examples=200, derandomize=True, phases=[Phase.generate], database=None)

    really = redeem_voucher

    def redeem(*, after: Entry | None = None, **given: Any) -> Entry:
        return really(**given)

    with patch(f"{__name__}.redeem_voucher", redeem), pytest.raises(AssertionError, match="should not"):
        run_state_machine_as_test(TwoAgents, settings=found)
