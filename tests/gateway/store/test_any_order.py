"""Whatever happens, in whatever order, however often the gateway dies: the invariants hold, and all ends.

The carriers answer late, twice, out of order and with each other's ids; receipts come before the response;
commits succeed whose answers are lost, so that the same is said again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import Engine

from gateway.message import ENDS, Message, State
from gateway.ports import CarrierReceipt, Inbound, Outcome, Recorded
from gateway.store import schema
from smpp.message_state import MessageState
from tests.gateway.store import samples
from tests.gateway.store.database import wipe
from tests.gateway.store.invariants import check
from tests.gateway.store.rig import Rig

QUOTA = {"bank": 30, "shop": 6}
WAIT_S = 30.0
A_YEAR_S = 365 * 86_400.0

# Few of each, so that collisions are the rule. "10" is the hexadecimal of "16".
ACCOUNTS = st.sampled_from(sorted(QUOTA))
NUMBERS = st.sampled_from(["13800138000", "13900139000"])
CARRIER_IDS = st.sampled_from(["10", "16", "a1", "A1", "007", None])
SECONDS = st.integers(1, 20)
ANSWERS = ("accepted", "refused", "temporary")
KINDS = (*ANSWERS, "parked", "resent", "not sent")
SUBMITS = st.lists(
    st.fixed_dictionaries(
        {
            "account": ACCOUNTS,
            "destination_addr": NUMBERS,
            "state": st.sampled_from([State.QUEUED, State.SUBMITTING]),
            "units": st.integers(1, 3),
            "registered_delivery": st.sampled_from([0, 1, 2, 0x11]),
        }
    ),
    min_size=1,
    max_size=4,
)
RECEIPTS = st.lists(
    st.builds(
        samples.receipt,
        CARRIER_IDS.map(lambda carrier_id: carrier_id or "7"),
        st.sampled_from(MessageState),
        NUMBERS,
        intermediate=st.booleans(),
        presumed=st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
REPLIES = st.lists(
    st.builds(samples.reply, opts_out=st.booleans(), account=ACCOUNTS | st.none(), number=NUMBERS),
    min_size=1,
    max_size=2,
)


@pytest.fixture(autouse=True)
def _on_a_database(engine: Engine) -> None:
    StoreMachine.engine = engine


class StoreMachine(RuleBasedStateMachine):
    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        wipe(self.engine)
        self.rig = Rig(self.engine, units=0)
        for account, units in QUOTA.items():
            self.rig.top_up(account, units)
        self.submitting: list[Message] = []
        self.unanswered: list[Message] = []
        self.ended: list[int] = []
        self.owed: list[int] = []
        self.again: Callable[[], Recorded] | None = None

    def teardown(self) -> None:
        check(self.engine)
        self.rig.advance(A_YEAR_S)
        while self.note(self.rig.end_overdue(count=3, receipt_wait_s=WAIT_S)).ended:
            pass
        check(self.engine)
        messages = self.rig.rows(schema.message)
        assert all(row.state in ENDS for row in messages)
        assert sorted(self.ended) == [row.message_id for row in messages], "each end is told of once"
        assert sorted(self.owed) == [row.delivery_id for row in self.rig.rows(schema.delivery)]
        assert all(self.rig.balance(account).held == 0 for account in QUOTA)
        self.rig.close()

    def note(self, recorded: Recorded) -> Recorded:
        """What the gateway was told of, and whether it was true."""
        self.ended += [end.message_id for end in recorded.ended]
        self.owed += [delivery.delivery_id for delivery in recorded.deliveries]
        with self.engine.begin() as connection:
            for end in recorded.ended:
                [(old, new)] = connection.exec_driver_sql(
                    "SELECT old, new FROM history WHERE message_id = ? ORDER BY rowid DESC LIMIT 1",
                    (end.message_id,),
                )
                assert (new, old == State.QUEUED) == (end.state, end.was_queued)
        return recorded

    @initialize()
    def begin(self) -> None:
        self.rig.recover()

    # -- the customers

    @rule(submits=SUBMITS, validity=SECONDS)
    def admit(self, submits: list[dict[str, object]], validity: int) -> None:
        now = self.rig.now()
        batch = [
            samples.message(
                self.rig.ids.next(),
                **fields,  # type: ignore[arg-type]  # drawn by name
                submitted_at=now,
                due_at=now,
                deadline_at=now + validity * samples.SECOND + 1,
            )
            for fields in submits
        ]
        verdicts = self.rig.admit(*batch)
        taken = [message for message, verdict in zip(batch, verdicts, strict=True) if verdict is None]
        self.submitting += [message for message in taken if message.state is State.SUBMITTING]

    # -- the carriers

    @rule(count=st.integers(1, 4))
    def claim(self, count: int) -> None:
        claimed = self.rig.claim(count=count).messages
        assert len(claimed) <= count
        under_way = {(message.message_id, message.attempts) for message in self.submitting + self.unanswered}
        for message in claimed:
            assert (message.message_id, message.attempts) not in under_way
        self.submitting += claimed

    @precondition(lambda self: self.submitting or self.unanswered)
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        outcomes = []
        for attempts, kinds in ((self.unanswered, ANSWERS), (self.submitting, KINDS)):
            if not attempts:
                continue
            for message in data.draw(st.lists(st.sampled_from(attempts), min_size=1, unique_by=id)):
                attempts.remove(message)
                kind = data.draw(st.sampled_from(kinds))
                outcomes.append(self.outcome(message, kind, data.draw(CARRIER_IDS)))
                if kind in ("parked", "resent"):
                    self.unanswered.append(message)
        self.say(lambda: self.rig.record(*outcomes))

    def outcome(self, message: Message, kind: str, carrier_id: str | None) -> Outcome:
        now = self.rig.now()
        match kind:
            case "accepted":
                return samples.accepted(message, carrier_id)
            case "refused":
                return samples.refused(message)
            case "temporary":
                return samples.temporary(message, now, carrier_id)
            case "parked":
                return samples.parked(message, now + 10 * samples.SECOND)
            case "resent":
                return samples.resent(message, now)
            case _:
                return samples.not_sent(message, now)

    @rule(said=RECEIPTS)
    def hear(self, said: list[CarrierReceipt]) -> None:
        self.say(lambda: self.rig.hear(*said))

    @rule(replies=REPLIES)
    def read(self, replies: list[Inbound]) -> None:
        self.note(self.rig.read(*replies))

    # -- time, and the end of it

    @rule(seconds=SECONDS, count=st.integers(1, 3))
    def pass_time(self, seconds: int, count: int) -> None:
        self.rig.advance(seconds)
        self.note(self.rig.end_overdue(count, WAIT_S))

    def say(self, call: Callable[[], Recorded]) -> None:
        self.again = call
        self.note(call())

    @precondition(lambda self: self.again)
    @rule()
    def say_the_same_again(self) -> None:
        """The answer of the commit was lost."""
        assert self.again is not None
        repeated = self.again()
        assert (repeated.deliveries, repeated.ended) == ((), ())

    @rule(resend=st.booleans())
    def crash(self, resend: bool) -> None:
        """Every object is dropped; the answers that were under way never arrive."""
        now = self.rig.now()
        self.rig.close()
        after = Rig(self.engine, units=0)
        after.advance((now - after.now()) / 1000)
        self.rig, self.again = after, None
        self.submitting, self.unanswered = [], []
        after.recover(QUOTA if resend else (), now + 10 * samples.SECOND)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
