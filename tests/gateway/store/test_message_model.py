"""One table of what a message becomes, told once more, against the store: every step has exactly one outcome.

`test_any_order` asks whether a message ever makes a move that is not in the table; here each message has a
number and carrier's ids of its own, so that its state, its hold and what its sender is told can be foretold.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Engine

from gateway.message import ENDS, TRANSITIONS, Message, State
from gateway.store import schema
from ledger.schema import ledger_transfer
from ledger.transfer import Kind, Stage
from smpp.message_state import MessageState
from tests.gateway.store import samples
from tests.gateway.store.database import wipe
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import Rig

MESSAGES_MAX = 12
ANSWERS = ("accepted", "refused", "temporary")
KINDS = st.sampled_from([*ANSWERS, "parked", "resent", "not sent"])
BEGINNINGS = st.sampled_from([State.SUBMITTING, State.QUEUED])
PICKS = st.integers(0, 11)
FINAL = [state for state in MessageState if state.is_final]
STATS = {State(state): state.stat for state in MessageState if state != MessageState.ACCEPTED}


@dataclass
class Known:
    """What we know of a message: as its latest attempt has it, and as it should be in the store."""

    latest: Message
    state: State
    hold: Kind | None = None
    given_up: list[Message] = field(default_factory=list)
    """Attempts without an answer, whose answers may still come."""

    @property
    def number(self) -> str:
        return self.latest.destination_addr

    def id_of(self, attempt: Message) -> str:
        """What the carrier calls the message, in that attempt."""
        return f"c{attempt.message_id}-{attempt.attempts}"

    def become(self, state: State, hold: Kind | None = None) -> None:
        """The first end wins, and so does the first word on the hold."""
        self.hold = self.hold or hold
        if self.state in ENDS:
            return
        assert state is self.state or state in TRANSITIONS[self.state]
        self.state = state


class MessageMachine(RuleBasedStateMachine):
    engine: ClassVar[Engine]

    @initialize()
    def open(self) -> None:
        wipe(self.engine)
        self.rig = Rig(self.engine)
        self.rig.recover()
        self.known: list[Known] = []
        self.parked: dict[str, State] = {}
        self.given_out: set[str] = set()
        self.heard: set[tuple[str, State]] = set()
        self.silent: set[str] = set()

    def of_state(self, *states: State) -> list[Known]:
        return [known for known in self.known if known.state in states]

    @rule(
        states=st.lists(BEGINNINGS, max_size=2),
        words=st.lists(st.tuples(KINDS, st.booleans(), PICKS), max_size=4),
        receipts=st.lists(st.tuples(st.sampled_from(FINAL), PICKS, st.booleans()), max_size=2),
        rare=st.integers(0, 9),
        pick=PICKS,
    )
    def turn(
        self,
        states: list[State],
        words: list[tuple[str, bool, int]],
        receipts: list[tuple[MessageState, int, bool]],
        rare: int,
        pick: int,
    ) -> None:
        """A little of everything: of several rules Hypothesis would leave some out of a whole life."""
        for state in states[: MESSAGES_MAX - len(self.known)]:
            self.admit(state)
        if not self.known:
            return
        self.claim()
        for kind, late, which in words:
            self.hear_the_carrier(kind, late, which)
        for final, which, earlier in receipts:
            self.hear_a_receipt(self.known[which % len(self.known)], final, earlier)
        if rare == 9:
            self.let_time_go_by()
        elif rare >= 7:
            self.crash(resend=pick % 2 == 0)
        elif rare == 6:
            self.opt_out(self.known[pick % len(self.known)])

    def hear_the_carrier(self, kind: str, late: bool, pick: int) -> None:
        """An answer to what is being submitted, or to what was given up."""
        submitting = self.of_state(State.SUBMITTING)
        given_up = [known for known in self.known if known.given_up]
        if late and given_up and kind in ANSWERS:
            known = given_up[pick % len(given_up)]
            attempt = known.given_up.pop(pick % len(known.given_up))
            self.answer(known, attempt, kind, late=True)
        elif submitting and kind in ANSWERS:
            known = submitting[pick % len(submitting)]
            self.answer(known, known.latest, kind, late=False)
        elif submitting:
            self.do_not_answer(submitting[pick % len(submitting)], kind)

    def hear_a_receipt(self, known: Known, final: MessageState, earlier: bool) -> None:
        """Known by its id, alone in doubt at its number, or too early."""
        attempt = known.given_up[0] if earlier and known.given_up else known.latest
        carrier_id, end = known.id_of(attempt), State(final)
        is_repeat = (carrier_id, end) in self.heard
        if is_repeat or not attempt.attempts or carrier_id in self.parked:
            return
        self.heard.add((carrier_id, end))
        if carrier_id in self.given_out or known.state is State.IN_DOUBT:
            self.given_out.add(carrier_id)
            known.become(end, Kind.SETTLE)
        else:
            self.parked[carrier_id] = end
        self.rig.hear(samples.receipt(carrier_id, final, known.number, at=self.rig.now()))

    # ---- one thing

    def admit(self, state: State) -> None:
        now = self.rig.now()
        message = self.rig.queued(
            state=state,
            destination_addr=f"138001380{len(self.known):02d}",
            submitted_at=now,
            due_at=now,
            deadline_at=now + samples.HOUR,
        )
        self.known.append(Known(message, state))

    def claim(self) -> None:
        claimed = {message.message_id: message for message in self.rig.claim().messages}
        for known in self.of_state(State.QUEUED):
            if known.number in self.silent:
                known.become(State.DELETED, Kind.VOID)
            else:
                known.latest = claimed.pop(known.latest.message_id)
                known.become(State.SUBMITTING)
        assert not claimed

    def answer(self, known: Known, attempt: Message, kind: str, late: bool) -> None:
        carrier_id = known.id_of(attempt)
        is_latest = attempt.attempts == known.latest.attempts
        is_open = is_latest and known.state in (State.SUBMITTING, State.IN_DOUBT)
        match kind:
            case "accepted":
                outcome = samples.accepted(attempt, carrier_id)
                known.become(State.ENROUTE, Kind.SETTLE)
                self.given_out.add(carrier_id)
                if carrier_id in self.parked:
                    known.become(self.parked.pop(carrier_id))
            case "refused":
                outcome = samples.refused(attempt)
                if is_open:
                    known.become(State.REJECTED, Kind.VOID)
            case _:
                outcome = samples.temporary(attempt, self.rig.now())
                if is_open:
                    known.become(State.QUEUED)
        self.rig.record(replace(outcome, late=late))

    def do_not_answer(self, known: Known, kind: str) -> None:
        now, attempt = self.rig.now(), known.latest
        match kind:
            case "parked":
                self.rig.record(samples.parked(attempt, now + samples.HOUR))
            case "resent":
                self.rig.record(samples.resent(attempt, now))
            case _:
                self.rig.record(samples.not_sent(attempt, now))
        if kind != "not sent":
            known.given_up.append(attempt)
        known.become(State.IN_DOUBT if kind == "parked" else State.QUEUED)

    def opt_out(self, known: Known) -> None:
        self.silent.add(known.number)
        self.rig.read(samples.reply(number=known.number))
        if known.state is State.QUEUED:
            known.become(State.DELETED, Kind.VOID)

    def let_time_go_by(self) -> None:
        self.rig.advance(100_000)
        self.rig.end_overdue()
        for known in self.known:
            kind = Kind.SETTLE if known.state is State.ENROUTE else Kind.VOID
            known.become(State.EXPIRED if known.state is State.QUEUED else State.UNKNOWN, kind)

    def crash(self, resend: bool) -> None:
        """What was under way is in doubt, and is never answered."""
        now = self.rig.now()
        self.rig.close()
        self.rig = Rig(self.engine, units=0)
        self.rig.advance((now - self.rig.now()) / 1000)
        self.rig.recover(["bank"] if resend else [], now + samples.HOUR)
        for known in self.known:
            known.given_up.clear()
            if known.state is State.SUBMITTING:
                known.become(State.QUEUED if resend else State.IN_DOUBT)

    # ---- what holds

    @invariant()
    def the_store_has_what_was_foretold(self) -> None:
        states = {row.message_id: State(row.state) for row in self.rig.rows(schema.message)}
        assert states == {known.latest.message_id: known.state for known in self.known}
        holds = {
            row.source_id: Kind(row.kind)
            for row in self.rig.rows(ledger_transfer)
            if row.stage == Stage.RESOLUTION
        }
        assert holds == {known.latest.message_id: known.hold for known in self.known if known.hold}
        told = sorted((one.message_id, one.stat) for one in self.rig.told())
        assert told == sorted((known.latest.message_id, STATS[known.state]) for known in self.of_state(*ENDS))

    def teardown(self) -> None:
        check(self.engine)
        self.rig.close()


@pytest.fixture(autouse=True)
def _on_a_store(engine: Engine) -> None:
    MessageMachine.engine = engine


TestMessages = MessageMachine.TestCase
TestMessages.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
