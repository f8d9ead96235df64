"""An outcome that the store will not take, though it takes the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.message import State
from gateway.ports import StoreUnable
from gateway.store import schema
from gateway.stored import AttemptOutcome, Outcome
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.dispatching import START, Dispatching, bound
from tests.gateway.carriers.peer import submit_resp
from tests.gateway.carriers.relay import Relay
from tests.gateway.carriers.samples import LIMITS, a_carrier


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = Relay(tmp_path / "signet.db", carriers=(a_carrier(window_max=10),))
    yield relay
    relay.close()


def recorded(side: Dispatching, *poison: int, but_in_doubt: bool = True) -> list[list[tuple[int, str]]]:
    """Let the store fail over these messages, but not if all it is told is a doubt; what it was told."""

    def is_bad(outcome: Outcome) -> bool:
        in_doubt = outcome.outcome is AttemptOutcome.IN_DOUBT
        return outcome.message.message_id in poison and not (but_in_doubt and in_doubt)

    told = []
    side.turn()
    while side.store.waiting("record_outcomes"):
        [call] = side.store.waiting("record_outcomes")
        told.append([(o.message.message_id, o.outcome.name) for o in call.asked])
        if any(is_bad(o) for o in call.asked):
            side.store.fail("record_outcomes", ValueError("bad"))
        else:
            side.store.answer("record_outcomes")
        side.turn()
    return told


def accepted(side: Dispatching, *message_ids: int) -> None:
    side.peer().send(*(submit_resp(number, b"c1") for number in side.send(*message_ids)))


def test_the_others_are_recorded_and_its_message_is_in_doubt() -> None:
    side = bound()
    accepted(side, 1, 2, 3, 4)
    told = recorded(side, 3)
    assert told[-4:] == [
        [(3, "ACCEPTED"), (4, "ACCEPTED")],
        [(3, "ACCEPTED")],
        [(3, "IN_DOUBT")],
        [(4, "ACCEPTED")],
    ]
    assert (side.bind_of().taken, side.dispatcher.unrecorded) == (0, 0)
    assert side.metrics.put_aside == {"outcome": 1}
    assert side.metrics.submits == {("north", "ACCEPTED"): 3, ("north", "IN_DOUBT"): 1}


def test_it_is_told_to_the_log_with_its_ids() -> None:
    side = bound()
    accepted(side, 7)
    with capture_logs() as logs:
        recorded(side, 7)
    [entry] = [entry for entry in logs if entry["event"] == "outcome.put_aside"]
    assert (entry["message_id"], entry["bind"], entry["outcome"]) == (7, "north/0", "ACCEPTED")
    assert (entry["carrier_message_id"], entry["error"]) == ("c1", "ValueError: bad")


def test_its_message_waits_as_long_as_any_in_doubt() -> None:
    side = bound()
    accepted(side, 1)
    side.turn()
    side.store.fail("record_outcomes", ValueError("bad"))
    [outcome] = side.store.answer("record_outcomes").asked
    assert (outcome.deadline_at, outcome.resend) == (START + LIMITS.in_doubt_s * 1000, False)


def test_if_not_even_the_doubt_can_be_written_down_its_slot_alone_stays_taken() -> None:
    side = bound()
    accepted(side, 1, 2, 3)
    recorded(side, 2, but_in_doubt=False)
    assert (side.bind_of().taken, side.dispatcher.unrecorded) == (1, 0)
    accepted(side, 4)
    recorded(side)
    assert side.bind_of().taken == 1
    assert fired(side.stop_dispatcher())


def test_a_store_that_is_unable_meanwhile_is_told_again() -> None:
    side = bound()
    accepted(side, 1, 2)
    side.turn()
    side.store.fail("record_outcomes", ValueError("bad"))
    side.store.fail("record_outcomes", StoreUnable("disk full"))
    side.pass_time(LIMITS.retry_min_s)
    assert recorded(side, 1)[0] == [(1, "ACCEPTED")]
    assert side.bind_of().taken == 0


def test_one_message_without_a_hold_does_not_keep_the_others_from_being_settled(relay: Relay) -> None:
    numbers = {n: relay.send(n) for n in range(1, 8)}
    relay.file.lose_hold(5)
    relay.peer().send(*(submit_resp(number, b"c%d" % n) for n, number in numbers.items()))
    relay.pass_time()
    states = {n: relay.file.state(n) for n in numbers}
    assert states == dict.fromkeys(numbers, State.ENROUTE) | {5: State.IN_DOUBT}
    assert relay.file.balance().settled == 6
    assert relay.bind_of().taken == 0
    assert {row.message_id for row in relay.file.rows(schema.attempt) if row.carrier_key} == set(numbers) - {
        5
    }
