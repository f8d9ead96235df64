"""A message's way with the real store: what stands in the database after each turn that it can take."""

from __future__ import annotations

from datetime import datetime

import pytest

from gateway.message import State
from gateway.settings import InDoubtPolicy
from gateway.store import schema
from ledger.accounts import Balance
from smpp.status import CommandStatus
from tests.gateway.carriers.conftest import MakeRelay
from tests.gateway.carriers.peer import submit_resp
from tests.gateway.carriers.relay import Relay
from tests.gateway.carriers.samples import (
    LIMITS,
    TIMERS,
    ZONE,
    a_carrier,
    a_message,
    a_waiting_message,
    an_account,
)
from tests.gateway.carriers.store_file import UNITS

RTHROTTLED, RINVDSTADR = 0x58, 0x0B
RESENDING = an_account(in_doubt=InDoubtPolicy.RESEND)


def balance(held: int = 0, settled: int = 0) -> Balance:
    return Balance(UNITS, UNITS - held - settled, held, settled)


def test_an_accepted_message_is_on_its_way_and_paid(relay: Relay) -> None:
    number = relay.send(1)
    assert relay.file.state(1) is State.SUBMITTING
    assert relay.file.balance() == balance(held=1)
    relay.peer().send(submit_resp(number, b"c1"))
    relay.pass_time()
    assert relay.file.state(1) is State.ENROUTE
    assert relay.file.balance() == balance(settled=1)
    (attempt,) = relay.file.rows(schema.attempt)
    assert (attempt.carrier, attempt.bind, attempt.carrier_message_id) == ("north", "north/0", "c1")
    assert relay.bind_of().taken == 0


def test_a_message_that_waited_goes_out_when_there_is_room(make_relay: MakeRelay) -> None:
    relay = make_relay(carriers=(a_carrier(window_max=1),))
    number = relay.send(1)
    relay.queue(2)
    relay.pass_time()
    assert relay.file.state(2) is State.QUEUED
    relay.peer().send(submit_resp(number))
    relay.pass_time()
    assert relay.file.state(2) is State.SUBMITTING
    (submit,) = relay.submits()
    relay.peer().send(submit_resp(submit.sequence_number, b"c2"))
    relay.pass_time()
    assert relay.file.state(2) is State.ENROUTE
    assert relay.dispatcher.waiting("bank") == 0


def test_a_refused_message_ends_and_costs_nothing(relay: Relay) -> None:
    number = relay.send(1)
    relay.peer().send(submit_resp(number, command_status=RINVDSTADR))
    relay.pass_time()
    assert relay.file.state(1) is State.REJECTED
    assert relay.file.balance() == balance()
    assert [delivery.message_id for delivery in relay.owed] == [1]
    assert relay.metrics.messages_ended == {("bank", "REJECTED"): 1}


def test_a_throttled_message_comes_again_and_is_paid_once(relay: Relay) -> None:
    number = relay.send(1)
    relay.peer().send(submit_resp(number, command_status=RTHROTTLED))
    relay.pass_time()
    assert relay.file.state(1) is State.QUEUED
    assert relay.dispatcher.waiting("bank") == 1
    relay.pass_time(LIMITS.retry_min_s / 2)
    (submit,) = relay.submits()
    relay.peer().send(submit_resp(submit.sequence_number, b"c2"))
    relay.pass_time()
    assert relay.file.state(1) is State.ENROUTE
    assert relay.file.balance() == balance(settled=1)
    assert [row.number for row in relay.file.rows(schema.attempt)] == [1, 2]
    assert relay.dispatcher.waiting("bank") == 0


def test_a_message_whose_bind_went_away_before_it_left_waits_for_the_next(relay: Relay) -> None:
    relay.queue(1)
    relay.peer().lose()
    relay.pass_time()
    assert relay.file.state(1) is State.QUEUED
    assert relay.file.rows(schema.attempt) == []
    relay.pass_time(1)
    relay.bind()
    relay.pass_time()
    assert len(relay.submits()) == 1
    assert relay.file.state(1) is State.SUBMITTING


def test_a_claim_that_nobody_knows_to_be_committed_strands_no_message(relay: Relay) -> None:
    message = a_waiting_message(1)
    relay.file.admit(message)
    relay.file.loses_answers = True
    relay.dispatcher.queued([message])
    relay.pass_time()
    relay.file.loses_answers = False
    assert relay.submits() == []
    relay.pass_time(LIMITS.retry_min_s)
    assert len(relay.submits()) == 1
    assert relay.file.state(1) is State.SUBMITTING
    assert (relay.dispatcher.waiting("bank"), relay.bind_of().taken) == (0, 1)


def test_a_queue_goes_to_the_second_carrier_of_its_route(make_relay: MakeRelay) -> None:
    relay = make_relay(carriers=(a_carrier(name="north"), a_carrier(name="south")))
    relay.network.hanging = True
    relay.peer("north").lose()
    relay.queue(1, route="north,south")
    relay.pass_time()
    (submit,) = relay.submits("south")
    relay.peer("south").send(submit_resp(submit.sequence_number, b"s1"))
    relay.pass_time()
    (attempt,) = relay.file.rows(schema.attempt)
    assert (attempt.carrier, attempt.carrier_message_id) == ("south", "s1")


def test_a_message_whose_commit_outlasts_the_hours_is_not_sent_any_more(make_relay: MakeRelay) -> None:
    relay = make_relay(start=datetime(2026, 3, 4, 16, 59, 59, tzinfo=ZONE).timestamp())
    (slot,) = relay.dispatcher.take_slots("north", 1)
    message = a_message(1)
    relay.file.admit(message)
    relay.pass_time(1)
    relay.dispatcher.send([(message, slot)])
    relay.pass_time(1)
    assert relay.submits() == []
    assert relay.file.state(1) is State.QUEUED
    assert relay.bind_of().taken == 0


def test_a_late_answer_that_asks_for_another_try_gets_one_though_nothing_else_happens(
    make_relay: MakeRelay,
) -> None:
    relay = make_relay()
    sequence_number = relay.send(1)
    relay.pass_time(TIMERS.response_s)
    assert relay.file.state(1) is State.IN_DOUBT
    relay.peer().send(submit_resp(sequence_number, command_status=CommandStatus.ESME_RTHROTTLED))
    relay.pass_time(10)
    assert len(relay.submits()) == 1


def test_the_hours_may_open_because_the_clock_is_set_forward(make_relay: MakeRelay) -> None:
    relay = make_relay(start=datetime(2026, 3, 4, 17, 0, 1, tzinfo=ZONE).timestamp())
    relay.queue(1)
    relay.pass_time(1)
    relay.clock.put(datetime(2026, 3, 5, 8, 0, 1, tzinfo=ZONE).timestamp())
    relay.pass_time(30)
    assert len(relay.submits()) == 1


def test_messages_outside_the_hours_are_put_off_until_they_open(make_relay: MakeRelay) -> None:
    late = datetime(2026, 3, 4, 17, 0, 1, tzinfo=ZONE)
    relay = make_relay(start=late.timestamp())
    relay.queue(1, deadline_at=int(late.timestamp() + 86_400) * 1000)
    relay.pass_time()
    assert relay.submits() == []
    (row,) = relay.file.rows(schema.message)
    opens = datetime(2026, 3, 5, 8, tzinfo=ZONE).timestamp()
    assert row.due_at == opens * 1000
    assert relay.bind_of().taken == 0
    relay.network.hanging = True
    relay.peer().lose()
    relay.reactor.advance(opens - relay.clock.now() - 1)
    relay.network.hanging = False
    assert relay.file.state(1) is State.QUEUED
    (connected, factory) = relay.network.hung[-1]
    connected.callback(relay.network.open("north", factory))
    relay.bind()
    relay.pass_time(0.875)
    assert relay.submits() == []
    relay.pass_time(0.25)
    assert len(relay.submits()) == 1


def test_an_unanswered_message_is_parked_and_a_late_answer_sends_it_on(relay: Relay) -> None:
    number = relay.send(1)
    relay.pass_time(TIMERS.response_s)
    assert relay.file.state(1) is State.IN_DOUBT
    assert relay.file.balance() == balance(held=1)
    relay.peer().send(submit_resp(number, b"c1"))
    relay.pass_time()
    assert relay.file.state(1) is State.ENROUTE
    assert relay.file.balance() == balance(settled=1)
    assert relay.bind_of().taken == 0


def test_an_unanswered_message_is_resent_marked_and_paid_once(make_relay: MakeRelay) -> None:
    relay = make_relay(accounts=(RESENDING,))
    relay.send(1)
    relay.pass_time(TIMERS.response_s)
    assert relay.file.state(1) is State.QUEUED
    relay.pass_time(LIMITS.retry_min_s / 2)
    (submit,) = relay.submits()
    relay.peer().send(submit_resp(submit.sequence_number, b"c2"))
    relay.pass_time()
    (row,) = relay.file.rows(schema.message)
    assert (row.state, row.resends, row.attempts) == (State.ENROUTE, 1, 2)
    assert relay.file.balance() == balance(settled=1)


def test_messages_of_a_lost_bind_are_at_most_a_window(make_relay: MakeRelay) -> None:
    relay = make_relay(carriers=(a_carrier(window_max=3),))
    for message_id in range(1, 11):
        relay.queue(message_id)
    relay.pass_time()
    assert len(relay.submits()) == 3
    relay.peer().lose()
    relay.pass_time()
    states = [row.state for row in relay.file.rows(schema.message)]
    assert states.count(State.IN_DOUBT) == 3
    assert states.count(State.QUEUED) == 7
    assert relay.dispatcher.waiting("bank") == 7


def test_a_stopped_dispatcher_leaves_the_queue_in_the_store(make_relay: MakeRelay) -> None:
    relay = make_relay(carriers=(a_carrier(window_max=1),))
    number = relay.send(1)
    relay.queue(2)
    stopped = relay.stop_dispatcher()
    relay.peer().send(submit_resp(number))
    relay.pass_time()
    assert stopped.called
    assert relay.file.state(1) is State.ENROUTE
    assert relay.file.state(2) is State.QUEUED
    assert relay.submits() == []


def test_the_count_of_what_waits_is_put_right_after_a_commit_that_nobody_knows_of(relay: Relay) -> None:
    relay.peer().lose()
    messages = [a_waiting_message(n) for n in (1, 2)]
    relay.file.loses_answers = True
    lost = relay.file.store.admit(messages)
    lost.addErrback(lambda _: relay.dispatcher.perhaps_queued(messages))
    relay.pass_time()
    relay.file.loses_answers = False
    assert relay.dispatcher.waiting("bank") == 0
    relay.dispatcher.look_again()
    relay.pass_time()
    assert relay.dispatcher.waiting("bank") == 2
    relay.pass_time(1)
    relay.bind()
    relay.pass_time()
    assert len(relay.submits()) == 2
    assert relay.dispatcher.waiting("bank") == 0


@pytest.mark.parametrize("is_counted_first", [True, False])
def test_what_is_queued_while_it_is_counted_counts_once(relay: Relay, is_counted_first: bool) -> None:
    relay.peer().lose()
    relay.file.loses_answers = True
    relay.file.store.admit([a_waiting_message(1)]).addErrback(lambda _: None)
    relay.pass_time()
    relay.file.loses_answers = False
    message = a_waiting_message(2)
    if is_counted_first:
        relay.dispatcher.look_again()
    relay.file.store.admit([message]).addCallback(lambda _: relay.dispatcher.queued([message]))
    if not is_counted_first:
        relay.dispatcher.look_again()
    relay.pass_time()
    assert relay.dispatcher.waiting("bank") == 2


def test_the_count_of_what_waits_is_put_right_after_a_command_has_ended_the_account(relay: Relay) -> None:
    relay.peer().lose()
    for number in (1, 2, 3):
        relay.queue(number)
    relay.file.terminate()
    relay.file.delete_waiting()
    assert relay.dispatcher.waiting("bank") == 3
    relay.dispatcher.look_again()
    relay.pass_time()
    assert relay.dispatcher.queues() == {}


def test_a_message_of_an_account_that_has_ended_meanwhile_does_not_leave(relay: Relay) -> None:
    relay.peer().lose()
    relay.queue(1)
    relay.file.terminate()
    relay.pass_time(1)
    relay.bind()
    relay.pass_time()
    assert relay.submits() == []
    assert relay.file.state(1) is State.DELETED
    assert relay.dispatcher.waiting("bank") == 0
