"""Which messages go out at once, which wait, and when those that wait are claimed."""

from __future__ import annotations

import pytest

from gateway.ports import CommitUnknown, StoreUnable
from gateway.settings import Throttle
from gateway.stored import Claimed
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.dispatching import START, Dispatching, bound
from tests.gateway.carriers.peer import submit_resp
from tests.gateway.carriers.samples import LIMITS, a_carrier, a_message, a_waiting_message

# Its window has room for more than one claim takes.
WIDE = a_carrier(window_max=10 * LIMITS.batch_max)
NORTH_AND_SOUTH = (a_carrier(name="north"), a_carrier(name="south"))
RTHROTTLED = 0x58


# -- the fast path


def test_slots_are_given_for_messages_that_need_not_wait() -> None:
    side = bound()
    slots = side.dispatcher.take_slots("north", 3)
    assert [slot.name for slot in slots] == ["north/0"] * 3
    assert side.bind_of().taken == 3


def test_messages_beyond_the_window_have_to_queue() -> None:
    side = bound(carriers=(a_carrier(window_max=2),))
    assert len(side.dispatcher.take_slots("north", 5)) == 2
    assert side.dispatcher.take_slots("north", 5) == []


def test_without_a_bound_carrier_all_have_to_queue() -> None:
    side = Dispatching()
    assert side.dispatcher.take_slots("north", 1) == []


def test_parts_of_a_message_get_slots_of_one_bind_or_none() -> None:
    side = bound(carriers=(a_carrier(window_max=5),))
    slot = side.dispatcher.take_together("north", 3)
    assert slot is side.bind_of()
    assert side.dispatcher.take_together("north", 3) is None
    assert side.bind_of().taken == 3
    assert side.dispatcher.take_together("north", 2) is slot
    assert side.bind_of().taken == 5


def test_parts_have_to_queue_behind_a_queue_and_without_a_carrier() -> None:
    assert Dispatching().dispatcher.take_together("north", 1) is None
    side = bound(carriers=(WIDE,))
    side.dispatcher.queued([a_waiting_message(1)])
    assert side.dispatcher.take_together("north", 1) is None
    side.claim()
    assert side.dispatcher.take_together("north", 1) is not None
    stopped = side.stop_dispatcher()
    assert side.dispatcher.take_together("north", 1) is None
    assert fired(stopped)


def test_messages_go_out_in_order_and_in_one_write() -> None:
    side = bound()
    slots = side.dispatcher.take_slots("north", 3)
    side.dispatcher.send([(a_message(n, body=bytes((n,))), slots[0]) for n in (3, 1, 2)])
    assert [pdu.body for pdu in side.submits()] == [b"\3", b"\1", b"\2"]


def test_nobody_overtakes_a_queue() -> None:
    side = bound(carriers=(WIDE,))
    side.dispatcher.queued([a_waiting_message(1)])
    assert side.dispatcher.take_slots("north", 1) == []
    side.claim(a_message(1), due={"north": START})
    assert side.dispatcher.take_slots("north", 1) == []
    side.claim(a_message(2))
    assert len(side.dispatcher.take_slots("north", 1)) == 1


def test_nobody_overtakes_a_queue_that_has_no_room_either() -> None:
    side = bound(carriers=(a_carrier(window_max=1),))
    (number,) = side.send(1)
    side.dispatcher.queued([a_waiting_message(2)])
    assert side.claims() == []
    side.peer().send(submit_resp(number))
    side.turn()
    side.store.answer("record_outcomes")
    assert side.dispatcher.take_slots("north", 1) == []


def test_nobody_overtakes_a_queue_whose_turn_has_not_come() -> None:
    side = bound(carriers=(WIDE,))
    side.dispatcher.queued([a_waiting_message(1)])
    side.dispatcher.queued([a_waiting_message(2, route="west,north")])
    assert [asked for asked, _ in side.claims()] == [(["north"], "north")]
    assert side.dispatcher.take_slots("west,north", 1) == []


def test_a_queue_on_one_route_does_not_hold_up_another() -> None:
    side = bound("north", "south", carriers=NORTH_AND_SOUTH)
    side.dispatcher.queued([a_waiting_message(1, route="south")])
    assert len(side.dispatcher.take_slots("north", 1)) == 1


def test_what_is_due_later_does_not_hold_up_what_is_due_now() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(1, due_at=START + 60_000)])
    assert len(side.dispatcher.take_slots("north", 1)) == 1


def test_the_next_carrier_of_a_route_is_for_when_the_first_is_not_bound() -> None:
    side = bound("south", carriers=NORTH_AND_SOUTH)
    assert [slot.name for slot in side.dispatcher.take_slots("north,south", 1)] == ["south/0"]
    side.bind("north")
    assert [slot.name for slot in side.dispatcher.take_slots("north,south", 1)] == ["north/0"]


def test_a_full_carrier_is_waited_for_not_passed_by() -> None:
    side = bound("north", "south", carriers=(a_carrier(name="north", window_max=1), NORTH_AND_SOUTH[1]))
    assert len(side.dispatcher.take_slots("north,south", 5)) == 1
    assert side.dispatcher.take_slots("north,south", 5) == []


def test_after_the_stop_no_slots_are_given() -> None:
    side = bound()
    assert fired(side.stop_dispatcher())
    assert side.dispatcher.take_slots("north", 1) == []


# -- claiming


def test_what_is_queued_is_claimed_for_as_many_slots_as_are_free() -> None:
    side = bound(carriers=(a_carrier(window_max=10),))
    side.send(1, 2)
    side.dispatcher.queued([a_waiting_message(3)])
    assert side.claims() == [((["north"], "north"), 8)]
    assert side.bind_of().room == 0


def test_claims_are_no_larger_than_a_batch() -> None:
    side = bound(carriers=(WIDE,))
    side.dispatcher.queued([a_waiting_message(1)])
    assert side.claims() == [((["north"], "north"), LIMITS.batch_max)]


def test_claimed_messages_go_out_and_slots_without_one_are_given_back() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(n) for n in (1, 2)])
    side.claim(a_message(1, body=b"1"), a_message(2, body=b"2"))
    assert [pdu.body for pdu in side.submits()] == [b"1", b"2"]
    assert side.bind_of().taken == 2
    assert side.claims() == []


def test_nothing_is_claimed_before_a_carrier_is_bound() -> None:
    side = Dispatching()
    side.dispatcher.queued([a_waiting_message(1)])
    assert side.claims() == []
    side.bind()
    assert len(side.claims()) == 1


def test_what_an_earlier_life_left_behind_is_claimed_once_a_carrier_is_bound() -> None:
    side = Dispatching()
    side.dispatcher.found("bank", "north", 7)
    assert side.dispatcher.waiting("bank") == 7
    side.bind()
    assert len(side.claims()) == 1


def test_one_claim_a_carrier_is_under_way_and_then_the_next() -> None:
    side = bound(carriers=(WIDE,))
    side.dispatcher.queued([a_waiting_message(1)])
    side.dispatcher.queued([a_waiting_message(2)])
    assert len(side.claims()) == 1
    side.claim(a_message(1))
    assert side.claims() == [((["north"], "north"), LIMITS.batch_max)]


def test_carriers_are_claimed_for_beside_each_other() -> None:
    side = bound("north", "south", carriers=NORTH_AND_SOUTH)
    side.dispatcher.queued([a_waiting_message(1), a_waiting_message(2, route="south")])
    assert sorted(asked for asked, _ in side.claims()) == [(["north"], "north"), (["south"], "south")]


def test_the_routes_that_lead_to_one_carrier_are_claimed_together() -> None:
    side = bound("south", carriers=NORTH_AND_SOUTH)
    side.dispatcher.queued([a_waiting_message(1, route="south"), a_waiting_message(2, route="north,south")])
    assert [asked for asked, _ in side.claims()] == [(["north,south", "south"], "south")]


def test_a_full_window_is_claimed_for_when_an_outcome_is_recorded() -> None:
    side = bound(carriers=(a_carrier(window_max=1),))
    (number,) = side.send(1)
    side.dispatcher.queued([a_waiting_message(2)])
    side.peer().send(submit_resp(number))
    side.turn()
    assert side.claims() == []
    side.store.answer("record_outcomes")
    assert side.claims() == [((["north"], "north"), 1)]


def test_what_is_due_later_is_claimed_when_it_is_due() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(1, due_at=START + 2000)])
    side.pass_time(1.875)
    assert side.claims() == []
    side.pass_time(0.125)
    assert len(side.claims()) == 1


def test_the_nearest_of_several_times_counts() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(1, due_at=START + 9000)])
    side.dispatcher.queued([a_waiting_message(2, due_at=START + 2000)])
    side.dispatcher.queued([a_waiting_message(3, due_at=START + 5000)])
    side.dispatcher.queued([a_waiting_message(4, due_at=START + 1000, route="west,north")])
    side.pass_time(1)
    assert [asked for asked, _ in side.claims()] == [(["west,north"], "north")]
    side.claim()
    side.pass_time(1)
    assert [asked for asked, _ in side.claims()] == [(["north"], "north")]


def test_what_the_store_says_is_due_later_is_claimed_then() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(1)])
    side.claim(due={"north": START + 3000})
    side.pass_time(2.875)
    assert side.claims() == []
    side.pass_time(0.125)
    assert len(side.claims()) == 1


def test_a_queue_goes_to_the_next_carrier_when_the_first_is_gone() -> None:
    side = bound("north", "south", carriers=NORTH_AND_SOUTH)
    side.dispatcher.queued([a_waiting_message(1, route="north,south")])
    assert [asked[1] for asked, _ in side.claims()] == ["north"]
    side.claim(due={"north,south": START + 1000})
    side.peer("north").lose()
    side.network.hanging = True
    side.pass_time(1)
    assert [asked[1] for asked, _ in side.claims()] == ["south"]


@pytest.mark.parametrize("error", [StoreUnable("disk full"), CommitUnknown("disk gone")])
def test_a_failed_claim_gives_its_slots_back_and_is_tried_again(error: Exception) -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(1)])
    side.store.fail("claim", error)
    assert side.bind_of().taken == 0
    side.pass_time(LIMITS.retry_min_s / 2 - 0.125)
    assert side.claims() == []
    side.pass_time(0.25)
    assert len(side.claims()) == 1


def test_messages_that_may_be_claimed_are_not_sent_but_put_back() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(n) for n in (1, 2)])
    side.store.fail("claim", CommitUnknown("disk gone", Claimed([a_message(1)], {})))
    side.turn()
    assert side.submits() == []
    assert side.bind_of().taken == 1
    (outcome,) = side.store.waiting("record_outcomes")[0].asked
    assert (outcome.message.message_id, outcome.outcome.name) == (1, "NOT_SENT")
    side.store.answer("record_outcomes")
    assert side.bind_of().taken == 10 == side.claims()[0][1]
    assert side.dispatcher.waiting("bank") == 2


def test_claimed_messages_whose_bind_went_away_go_back_to_the_queue() -> None:
    side = bound()
    side.dispatcher.queued([a_waiting_message(1)])
    side.peer().lose()
    side.claim(a_message(1))
    side.turn()
    (outcome,) = side.store.waiting("record_outcomes")[0].asked
    assert (outcome.outcome.name, outcome.due_at) == ("NOT_SENT", START)
    assert side.bind_of().taken == 1
    side.store.answer("record_outcomes")
    assert side.bind_of().taken == 0
    assert side.dispatcher.waiting("bank") == 1
    side.pass_time(1)
    side.bind()
    assert len(side.claims()) == 1


def test_admitted_messages_whose_bind_went_away_go_back_to_the_queue() -> None:
    side = bound()
    (slot,) = side.dispatcher.take_slots("north", 1)
    side.peer().lose()
    side.dispatcher.send([(a_message(1), slot)])
    side.turn()
    (outcome,) = side.store.waiting("record_outcomes")[0].asked
    assert outcome.outcome.name == "NOT_SENT"
    side.store.answer("record_outcomes")
    assert side.bind_of().taken == 0


# -- carriers that set the pace


def test_a_throttled_carrier_is_claimed_for_when_its_pause_is_over() -> None:
    side = bound()
    (number,) = side.send(1)
    side.peer().send(submit_resp(number, command_status=RTHROTTLED))
    side.turn()
    side.dispatcher.queued([a_waiting_message(2)])
    side.store.answer("record_outcomes")
    assert side.claims() == []
    side.pass_time(LIMITS.retry_min_s / 2)
    assert len(side.claims()) == 1


def test_a_rate_is_kept_while_a_queue_goes_out() -> None:
    side = bound(carriers=(a_carrier(rate=Throttle(rate_per_s=4, burst=2)),))
    side.dispatcher.queued([a_waiting_message(n) for n in range(9)])
    counts = []
    for _ in range(4):
        side.pass_time()
        ((_, count),) = side.claims()
        counts.append(count)
        side.claim(*(a_message(n) for n in range(count)), due={"north": START})
        assert side.claims() == []
        side.pass_time(0.25)
    assert counts == [2, 1, 1, 1]


# -- how many wait


def test_waiting_messages_are_counted_until_they_are_claimed_or_ended() -> None:
    side = bound()
    assert side.dispatcher.waiting("bank") == 0
    side.dispatcher.queued([a_waiting_message(n) for n in (1, 2, 3)])
    side.dispatcher.queued([a_waiting_message(4, account="shop")])
    assert (side.dispatcher.waiting("bank"), side.dispatcher.waiting("shop")) == (3, 1)
    side.claim(a_message(1), a_message(4, account="shop"))
    assert (side.dispatcher.waiting("bank"), side.dispatcher.waiting("shop")) == (2, 0)
