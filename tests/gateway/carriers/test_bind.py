"""A bind that keeps itself up, and the slots, rate and pauses that it lends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from gateway.carriers.bind import CarrierBind
from gateway.settings import BindType, Throttle
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.kept_bind import Kept, Owner, bound, hang, refuse
from tests.gateway.carriers.link_ends import ids
from tests.gateway.carriers.peer import bind_resp, deliver, submit_resp
from tests.gateway.carriers.samples import LIMITS, TIMERS
from tests.gateway.raw_pdus import RESP, UNBIND, raw

RTHROTTLED, RMSGQFUL, RALYBND = 0x58, 0x14, 0x05


# -- keeping it up


def test_a_bind_connects_binds_and_says_so() -> None:
    kept = Kept()
    assert not kept.is_bound()
    assert kept.owner.changes == 0
    kept.peer.accept_bind()
    assert kept.is_bound()
    assert kept.bind.name == "north/0"
    assert kept.bind.carrier_name == "north"
    assert kept.owner.changes == 1


def test_a_receiver_is_never_bound_for_submits() -> None:
    kept = bound(bind_type=BindType.RECEIVER)
    assert not kept.is_bound()
    assert kept.bind.room == 0


def test_the_waits_between_tries_double_until_the_longest() -> None:
    kept = Kept(refuse)
    kept.run(20)
    # Half of 1, 2, 4, 8, 8, ... seconds, with the least of chances.
    assert kept.network.tried_at == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5]


@given(st.floats(0, 1, exclude_max=True))
def test_every_wait_lies_between_half_and_all_of_the_doubled_time(chance: float) -> None:
    kept = Kept(refuse, chance)
    kept.run(40)
    tried_at = kept.network.tried_at
    waits = [later - earlier for earlier, later in pairwise(tried_at)]
    assert len(waits) >= 4
    for wait, longest in zip(waits, [1, 2, 4, *[8] * len(waits)], strict=False):
        assert longest / 2 <= wait <= longest + 0.25


def test_refused_binds_wait_longer_and_longer_too() -> None:
    kept = Kept()
    for _ in range(40):
        if not kept.peer.connection.over:
            kept.peer.send(bind_resp(kept.peer.read()[0], RALYBND))
        kept.clock.advance(0.25)
    waits = kept.network.tried_at
    assert [round(b - a) for a, b in pairwise(waits[1:])] == [1, 2, 4]


def test_a_bind_that_is_never_answered_is_given_up_and_tried_again() -> None:
    kept = Kept()
    kept.run(TIMERS.session_init_s + 1)
    assert len(kept.network.peers()) == 2


def test_after_a_bind_the_waits_begin_anew() -> None:
    kept = Kept(refuse)
    kept.run(12)
    kept.network.refusing = False
    kept.run(4)
    kept.peer.accept_bind()
    kept.network.tried_at.clear()
    lost_at = kept.clock.seconds()
    kept.network.refusing = True
    kept.peer.lose()
    kept.run(2)
    assert [tried_at - lost_at for tried_at in kept.network.tried_at] == [0.5, 1.0, 2.0]


def test_a_lost_bind_comes_back() -> None:
    kept = bound()
    kept.peer.lose()
    assert not kept.is_bound()
    assert kept.owner.changes == 2
    kept.run(1)
    kept.peer.accept_bind()
    assert kept.is_bound()
    assert len(kept.network.peers()) == 2


def test_a_bind_that_the_carrier_unbound_comes_back() -> None:
    kept = bound()
    kept.peer.send(raw(UNBIND, b"", 1))
    kept.run(1)
    kept.peer.accept_bind()
    assert kept.is_bound()


def test_a_connection_that_is_lost_before_it_is_handed_over_is_no_end() -> None:
    kept = Kept(hang)
    ((connected, factory),) = kept.network.hung
    link = kept.network.open("north", factory)
    kept.peer.lose()
    connected.callback(link)
    assert not kept.is_bound()
    kept.network.hanging = False
    kept.run(1)
    kept.peer.accept_bind()
    assert kept.is_bound()


# -- stopping


def test_stopping_unbinds_and_waits_for_the_answer() -> None:
    kept = bound()
    stopped = kept.stop()
    (unbind,) = kept.peer.read()
    assert unbind.command_id == UNBIND
    assert not kept.is_bound()
    assert not fired(stopped)
    kept.peer.send(raw(RESP | UNBIND, b"", unbind.sequence_number))
    kept.clock.advance(0)
    assert fired(stopped)
    assert kept.clock.getDelayedCalls() == []


def test_stopping_does_not_wait_for_ever_for_a_silent_carrier() -> None:
    kept = bound()
    stopped = kept.stop()
    kept.clock.advance(TIMERS.unbind_s)
    assert fired(stopped)
    kept.run(20)
    assert len(kept.network.tried_at) == 1


def test_stopping_before_the_bind_is_answered_closes_the_connection() -> None:
    kept = Kept()
    stopped = kept.stop()
    kept.clock.advance(0)
    assert fired(stopped)
    assert kept.peer.connection.over


def test_stopping_does_not_wait_for_a_connection_that_does_not_come() -> None:
    kept = Kept(hang)
    assert fired(kept.stop())
    kept.run(20)
    assert len(kept.network.tried_at) == 1


def test_stopping_ends_the_wait_for_the_next_try() -> None:
    kept = Kept(refuse)
    assert fired(kept.stop())
    assert kept.clock.getDelayedCalls() == []
    kept.run(20)
    assert len(kept.network.tried_at) == 1


def test_stopping_while_the_carrier_unbinds_needs_no_second_unbind() -> None:
    kept = bound()
    kept.peer.send(raw(UNBIND, b"", 1))
    stopped = kept.stop()
    kept.clock.advance(0)
    assert fired(stopped)
    assert [pdu.command_id for pdu in kept.peer.read()] == [RESP | UNBIND]


def test_a_bind_that_was_never_started_stops_at_once() -> None:
    kept = Kept()
    owner = Owner()
    bind = CarrierBind(
        kept.carrier,
        1,
        LIMITS,
        kept.clock,
        kept.network.connect(kept.carrier),
        float,
        kept.metrics,
        owner,
        owner,
    )
    assert fired(Deferred.fromCoroutine(bind.stop()))


def test_a_bind_that_is_cut_is_counted_and_one_that_parts_is_not() -> None:
    cut, parted = bound(), bound()
    cut.peer.lose()
    parted.stop()
    (unbind,) = parted.peer.read()
    parted.peer.send(raw(RESP | UNBIND, b"", unbind.sequence_number))
    assert cut.metrics.binds_lost["carrier", cut.carrier.name] == 1
    assert not parted.metrics.binds_lost


def test_a_carrier_that_does_not_answer_is_left_alone_for_a_while() -> None:
    kept = bound(window_max=2)
    kept.submit(1)
    kept.clock.advance(TIMERS.response_s)
    assert kept.bind.room == 0
    kept.clock.advance(LIMITS.retry_min_s)
    assert kept.bind.room == 1


# -- slots


def test_a_bind_has_as_many_slots_as_its_window() -> None:
    kept = Kept(window_max=3)
    assert kept.bind.room == 0
    kept.peer.accept_bind()
    assert kept.bind.room == 3
    assert kept.bind.take(2) == 2
    assert (kept.bind.room, kept.bind.taken) == (1, 2)
    assert kept.bind.take(2) == 1
    assert kept.bind.take(1) == 0
    kept.bind.give_back(3)
    assert (kept.bind.room, kept.bind.taken) == (3, 0)


def test_giving_slots_back_is_told() -> None:
    kept = bound()
    kept.bind.take(1)
    changes = kept.owner.changes
    kept.bind.give_back()
    assert kept.owner.changes == changes + 1


def test_slots_stay_taken_over_a_reconnection() -> None:
    kept = bound(window_max=3)
    kept.submit(1, 2)
    kept.peer.lose()
    assert ids(kept.owner.lost) == [1, 2]
    assert kept.bind.room == 0
    kept.run(1)
    kept.peer.accept_bind()
    assert kept.bind.room == 1
    kept.bind.give_back(2)
    assert kept.bind.room == 3


def test_submits_without_an_answer_in_time_are_told_and_keep_their_slots() -> None:
    kept = bound(window_max=3)
    kept.submit(1, 2)
    kept.clock.advance(TIMERS.response_s)
    assert ids(kept.owner.lost) == [1, 2]
    assert kept.bind.taken == 2
    kept.peer.lose()
    assert ids(kept.owner.lost) == [1, 2]


def test_answers_are_passed_on_with_whether_they_are_late() -> None:
    kept = bound()
    (number,) = kept.submit(1)
    kept.clock.advance(TIMERS.response_s)
    kept.clock.advance(LIMITS.retry_min_s)
    (quick,) = kept.submit(2)
    kept.peer.send(submit_resp(number), submit_resp(quick))
    told = [(ids([answer.attempt for answer in answers]), late) for answers, late in kept.owner.answers]
    assert sorted(told) == [([1], True), ([2], False)]


def test_deliveries_are_passed_on_with_their_carrier_and_link() -> None:
    kept = bound()
    kept.peer.send(deliver(8, b"hi"))
    assert kept.owner.offers == [(kept.carrier, kept.bind.link, 8)]


# -- rate


def test_a_rate_limits_the_slots_and_tells_when_it_opens() -> None:
    kept = bound(rate=Throttle(rate_per_s=4, burst=2))
    assert kept.bind.take(1) == 1
    assert kept.bind.take(5) == 1
    assert kept.bind.room == 0
    assert kept.bind.opens_in_s() == 0.25
    kept.clock.advance(0.25)
    assert kept.bind.opens_in_s() == 0
    assert kept.bind.take(5) == 1
    assert kept.bind.taken == 3


def test_a_long_message_costs_as_many_tokens_as_it_has_segments() -> None:
    kept = bound(rate=Throttle(rate_per_s=4, burst=2))
    kept.submit(1, units=5)
    assert kept.bind.opens_in_s() == 1.0


def test_a_rate_of_nothing_keeps_the_window_shut() -> None:
    kept = bound(rate=Throttle(rate_per_s=0, burst=1))
    assert kept.bind.room == 0


# -- a carrier that wants to be left alone


@pytest.mark.parametrize("command_status", [RTHROTTLED, RMSGQFUL])
def test_a_throttled_bind_pauses(command_status: int) -> None:
    kept = bound()
    kept.answer(1, command_status)
    assert kept.bind.room == 0
    assert kept.bind.opens_in_s() == LIMITS.retry_min_s / 2
    kept.clock.advance(LIMITS.retry_min_s / 2)
    assert kept.bind.room == kept.carrier.window_max - 1


def test_another_refusal_does_not_pause() -> None:
    kept = bound()
    kept.answer(1, 0x0B)
    assert kept.bind.opens_in_s() == 0


def test_pauses_grow_until_the_longest_and_begin_anew_after_a_success() -> None:
    kept = bound(window_max=100)
    pauses = []
    for n in range(9):
        kept.answer(n, RTHROTTLED)
        pauses.append(kept.bind.opens_in_s())
        kept.clock.advance(pauses[-1])
        kept.peer.send(raw(0x15, b"", 1))
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 32, 32]
    kept.answer(10, 0)
    kept.answer(11, RTHROTTLED)
    assert kept.bind.opens_in_s() == 0.5


def test_a_window_full_of_throttled_answers_is_one_pause() -> None:
    kept = bound(window_max=50)
    numbers = kept.submit(*range(50))
    for number in numbers:
        kept.peer.send(submit_resp(number, command_status=RTHROTTLED))
    assert kept.bind.opens_in_s() == LIMITS.retry_min_s / 2


def test_a_pause_outlives_a_reconnection() -> None:
    kept = bound()
    for n in range(4):
        kept.answer(n, RTHROTTLED)
        if n < 3:
            kept.clock.advance(kept.bind.opens_in_s())
    kept.peer.lose()
    kept.clock.advance(1)
    kept.peer.accept_bind()
    assert kept.bind.room == 0
    assert kept.bind.opens_in_s() == 3
