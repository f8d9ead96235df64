"""Deliveries under whatever customers may do: none lost, none with two binds at once, each of them ended."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from gateway.stored import DeliveryOutcome
from smpp.status import CommandStatus
from tests.gateway.customers.owing import LIMITS, Owing
from tests.gateway.customers.receiver import OK, FakeReceiver, ids
from tests.gateway.store.database import wipe

WINDOW = 3
ANSWERS = (OK, OK, OK, CommandStatus.ESME_RX_T_APPN, CommandStatus.ESME_RX_R_APPN)

_doings = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["owe", "keep"]), st.integers(1, 12)),
        st.tuples(st.just("answer"), st.sampled_from(ANSWERS)),
        st.tuples(st.sampled_from(["attach", "leave", "time out", "turn"]), st.just(0)),
        st.tuples(st.just("pass"), st.sampled_from([0.25, 1.0, 5.0])),
    ),
    max_size=40,
)


class World:
    """Customers' binds of one account, in front of the real store."""

    def __init__(self, engine: Engine) -> None:
        self.owing = Owing(engine)
        self.binds: list[FakeReceiver] = []
        self.gone: list[FakeReceiver] = []
        self.refused: list[int] = []

    def do(self, what: str, value: float) -> None:
        match what:
            case "owe":
                self.owing.owe(int(value))
            case "keep":
                self.owing.keep(int(value))
            case "attach":
                self.binds.append(self.owing.attach(WINDOW))
            case "leave" if self.binds:
                self.binds[0].leave()
                self.gone.append(self.binds.pop(0))
            case "answer":
                self.answer(int(value))
            case "time out":
                for bind in self.binds:
                    bind.time_out(1)
            case "pass":
                self.owing.pass_time(value)
            case _:
                self.owing.turn()

    def answer(self, command_status: int) -> None:
        for bind in self.binds:
            if bind.open:
                if command_status == CommandStatus.ESME_RX_R_APPN:
                    self.refused.append(bind.open[0].delivery_id)
                bind.answer(command_status)

    def check(self) -> None:
        open_ids = Counter(delivery_id for bind in self.binds for delivery_id in ids(bind.open))
        assert all(count == 1 for count in open_ids.values()), "with two binds at once"
        assert len(self.owing.deliveries) <= 2 * LIMITS.deliveries_max + len(open_ids)

    def drain(self) -> None:
        """A customer that acknowledges everything, for as long as anything may still wait."""
        bind = self.owing.attach(WINDOW)
        self.binds.append(bind)
        for _ in range(200):
            self.owing.answer_all(*self.binds)
            self.owing.pass_time(2.0, step=1.0)
            if not self.owing.unfinished():
                return


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_doings)
def test_everything_owed_is_brought_at_least_once_and_ended(
    engine: Engine, doings: list[tuple[str, float]]
) -> None:
    wipe(engine)
    world = World(engine)
    for what, value in doings:
        world.do(what, value)
        world.check()
    world.drain()
    brought = {delivery_id for bind in world.binds + world.gone for delivery_id in bind.got}
    outcomes = dict(zip(sorted(brought), (outcome for outcome, _ in world.owing.outcomes()), strict=True))
    refused = {d for d, outcome in outcomes.items() if outcome is DeliveryOutcome.REFUSED}
    assert refused == set(world.refused)
    others = set(outcomes) - refused
    assert all(outcomes[d] is DeliveryOutcome.ACKNOWLEDGED for d in others)
    world.owing.close()
