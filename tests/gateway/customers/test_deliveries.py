from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy import Engine

from gateway.stored import DeliveryOutcome
from smpp.status import CommandStatus
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.customers.owing import LIMITS, Owing

ACKNOWLEDGED, REFUSED, RETRY = (
    DeliveryOutcome.ACKNOWLEDGED,
    DeliveryOutcome.REFUSED,
    DeliveryOutcome.RETRY,
)
TEMPORARY = [
    CommandStatus.ESME_RX_T_APPN,
    CommandStatus.ESME_RSYSERR,
    CommandStatus.ESME_RMSGQFUL,
    CommandStatus.ESME_RTHROTTLED,
    CommandStatus.ESME_RINVCMDID,
    0x4FF,
]
PERMANENT = [CommandStatus.ESME_RX_P_APPN, CommandStatus.ESME_RX_R_APPN]


@pytest.fixture
def owing(engine: Engine) -> Iterator[Owing]:
    owing = Owing(engine)
    yield owing
    owing.close()


class TestADelivery:
    def test_goes_out_at_once_to_a_customer_that_is_there(self, owing: Owing) -> None:
        receiver = owing.attach()
        assert owing.owe(2) == receiver.got

    def test_that_is_acknowledged_is_finished(self, owing: Owing) -> None:
        receiver = owing.attach()
        owing.owe(2)
        receiver.answer(count=2)
        owing.turn()
        assert owing.outcomes() == [(ACKNOWLEDGED, 0)] * 2
        assert owing.unfinished() == []
        assert len(owing.deliveries) == 0

    def test_is_in_hand_until_its_answer_is_written_down(self, owing: Owing) -> None:
        receiver = owing.attach()
        owing.owe(1)
        receiver.answer()
        assert len(owing.deliveries) > 0
        assert len(owing.unfinished()) == 1

    def test_is_counted_by_its_outcome(self, owing: Owing) -> None:
        receiver = owing.attach()
        owing.owe(4)
        receiver.answer()
        receiver.answer(PERMANENT[0])
        receiver.answer(TEMPORARY[0])
        receiver.time_out()
        assert owing.metrics.deliveries == {
            ("bank", "ACKNOWLEDGED"): 1,
            ("bank", "REFUSED"): 1,
            ("bank", "RETRY"): 2,
        }


class TestTheWindow:
    def test_of_a_receiver_is_never_exceeded(self, owing: Owing) -> None:
        receiver = owing.attach(window=3)
        first, second, third, fourth, fifth = owing.owe(5)
        assert receiver.got == [first, second, third]
        receiver.answer()
        assert receiver.got[3:] == [fourth]
        receiver.answer(count=2)
        assert receiver.got[4:] == [fifth]

    def test_of_each_receiver_is_its_own(self, owing: Owing) -> None:
        small, large = owing.attach(window=1), owing.attach(window=4)
        owed = owing.owe(7)
        assert (len(small.open), len(large.open)) == (1, 4)
        large.answer(count=2)
        assert (len(small.open), len(large.open)) == (1, 4)
        assert sorted(small.got + large.got) == owed

    def test_without_room_delays_nobody_else(self, owing: Owing) -> None:
        stuck, quick = owing.attach(window=1), owing.attach(window=1)
        owed = owing.owe(6)
        owing.answer_all(quick)
        assert len(stuck.got) == 1
        assert sorted(stuck.got + quick.got) == owed


class TestBinds:
    def test_take_turns(self, owing: Owing) -> None:
        receivers = [owing.attach(), owing.attach(), owing.attach()]
        for _ in range(6):
            owing.owe(1)
        assert [len(receiver.got) for receiver in receivers] == [2, 2, 2]

    def test_still_take_turns_when_one_has_left(self, owing: Owing) -> None:
        first, second, third = owing.attach(), owing.attach(), owing.attach()
        owing.owe(1)
        (leaver,) = [receiver for receiver in (first, second, third) if receiver.got]
        leaver.leave()
        stayed = [receiver for receiver in (first, second, third) if receiver is not leaver]
        for _ in range(4):
            owing.owe(1)
        assert [len(receiver.got) for receiver in stayed] == [2, 2]

    def test_never_share_a_delivery(self, owing: Owing) -> None:
        one, other = owing.attach(window=2), owing.attach(window=2)
        owed = owing.owe(30)
        owing.answer_all(one, other)
        assert sorted(one.got + other.got) == owed


class TestACustomerThatIsAway:
    def test_costs_no_memory(self, owing: Owing) -> None:
        owing.owe(5)
        assert len(owing.deliveries) == 0

    def test_finds_everything_when_it_comes(self, owing: Owing) -> None:
        owed = owing.owe(3) + owing.owe(4)
        receiver = owing.attach(window=2)
        owing.answer_all(receiver)
        assert receiver.got == owed
        assert owing.unfinished() == []

    def test_finds_what_it_was_owed_in_an_earlier_life_of_the_gateway(self, owing: Owing) -> None:
        kept = [delivery.delivery_id for delivery in owing.keep(25)]
        receiver = owing.attach(window=4)
        owing.answer_all(receiver)
        assert receiver.got == kept

    def test_leaves_nothing_behind_but_in_the_store(self, owing: Owing) -> None:
        receiver = owing.attach(window=2)
        owing.owe(8)
        receiver.leave()
        owing.turn()
        assert len(owing.deliveries) == 0
        assert len(owing.unfinished()) == 8

    def test_finds_what_it_did_not_answer_before_it_left(self, owing: Owing) -> None:
        receiver = owing.attach(window=3)
        owed = owing.owe(5)
        receiver.answer()
        receiver.leave()
        owing.turn()
        again = owing.attach()
        assert again.got == owed[4:], "what was in flight waits a while"
        owing.pass_time(1.0)
        assert sorted(again.got) == owed[1:]
        owing.answer_all(again)
        assert owing.unfinished() == []

    def test_still_has_its_other_bind(self, owing: Owing) -> None:
        one, other = owing.attach(window=2), owing.attach(window=2)
        owed = owing.owe(8)
        one.leave()
        owing.answer_all(other)
        owing.pass_time(1.0)
        owing.answer_all(other)
        assert sorted(set(one.got) | set(other.got)) == owed
        assert owing.unfinished() == []


class TestABacklog:
    def test_is_read_in_pages_the_oldest_first(self, owing: Owing) -> None:
        owed = owing.owe(57)
        receiver = owing.attach(window=3)
        most = 0
        while receiver.open:
            most = max(most, len(owing.deliveries))
            receiver.answer()
            owing.turn()
        assert receiver.got == owed
        assert most <= LIMITS.deliveries_max + receiver.window
        assert owing.unfinished() == []

    def test_builds_up_behind_a_customer_that_reads_slowly_and_is_not_forgotten(self, owing: Owing) -> None:
        receiver = owing.attach(window=2)
        owed = []
        for _ in range(10):
            owed += owing.owe(7)
            assert len(owing.deliveries) <= LIMITS.deliveries_max + receiver.window
        owing.answer_all(receiver)
        assert receiver.got == owed

    def test_grows_while_it_is_read(self, owing: Owing) -> None:
        owed = owing.owe(30)
        receiver = owing.attach(window=3)
        for _ in range(40):
            receiver.answer(count=len(receiver.open))
            owed += owing.owe(2)
            owing.turn()
        owing.answer_all(receiver)
        assert receiver.got == owed
        assert owing.unfinished() == []

    def test_leaves_room_for_what_comes_once_it_is_done(self, owing: Owing) -> None:
        owing.owe(30)
        receiver = owing.attach(window=3)
        owing.answer_all(receiver)
        commits = len(owing.rig.transactions)
        owed = owing.owe(2)
        assert receiver.got[30:] == owed
        assert len(owing.rig.transactions) == commits + 1, "no page is read any more"


class TestARefusal:
    @pytest.mark.parametrize("command_status", TEMPORARY)
    def test_that_may_pass_is_followed_by_another_try(self, owing: Owing, command_status: int) -> None:
        receiver = owing.attach()
        (delivery,) = owing.owe(1)
        receiver.answer(command_status)
        owing.pass_time(0.75)
        assert receiver.got == [delivery]
        owing.pass_time(0.25)
        assert receiver.got == [delivery] * 2
        assert owing.outcomes() == [(RETRY, 1)]

    def test_that_stays_is_tried_less_and_less_often(self, owing: Owing) -> None:
        receiver = owing.attach()
        owing.owe(1)
        tried = []
        for _ in range(10):
            tried.append(owing.rig.reactor.seconds())
            receiver.answer(CommandStatus.ESME_RX_T_APPN)
            while not receiver.open:
                owing.pass_time(0.25)
        waits = [round(later - sooner, 2) for sooner, later in pairwise(tried)]
        assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0, 64.0]

    def test_delays_only_what_was_refused(self, owing: Owing) -> None:
        receiver = owing.attach(window=1)
        first, second, third = owing.owe(3)
        receiver.answer(CommandStatus.ESME_RX_T_APPN)
        owing.turn()
        receiver.answer()
        receiver.answer()
        owing.pass_time(1.0)
        assert receiver.got == [first, second, third, first]

    @pytest.mark.parametrize("refused_first", ["often", "once"])
    def test_of_one_that_waits_long_does_not_delay_the_next_try_of_another(
        self, owing: Owing, refused_first: str
    ) -> None:
        receiver = owing.attach()
        (often,) = owing.owe(1)
        for _ in range(6):
            receiver.answer(CommandStatus.ESME_RX_T_APPN)
            while not receiver.open:
                owing.pass_time(0.25)
        (once,) = owing.owe(1)
        if refused_first == "once":
            receiver.open.reverse()
        for _ in range(2):
            receiver.answer(CommandStatus.ESME_RX_T_APPN)
            owing.turn()
        owing.pass_time(1.0)
        assert receiver.got[-2:] == [once, once]
        owing.pass_time(63.0)
        assert receiver.got[-1] == often

    @pytest.mark.parametrize("command_status", PERMANENT)
    def test_that_is_final_is_obeyed(self, owing: Owing, command_status: int) -> None:
        receiver = owing.attach()
        owing.owe(1)
        receiver.answer(command_status)
        owing.pass_time(300.0, step=10.0)
        assert len(receiver.got) == 1
        assert owing.outcomes() == [(REFUSED, 0)]
        assert owing.unfinished() == []


class TestNoAnswer:
    def test_is_followed_by_another_try(self, owing: Owing) -> None:
        receiver = owing.attach()
        (delivery,) = owing.owe(1)
        receiver.time_out()
        owing.pass_time(0.75)
        assert receiver.got == [delivery]
        owing.pass_time(0.25)
        assert receiver.got == [delivery] * 2
        owing.answer_all(receiver)
        assert owing.outcomes() == [(ACKNOWLEDGED, 1)]

    def test_that_comes_late_is_as_good(self, owing: Owing) -> None:
        receiver = owing.attach()
        owing.owe(1)
        (late,) = receiver.time_out()
        owing.turn()
        owing.deliveries.answered(late, CommandStatus.ESME_ROK)
        owing.pass_time(5.0)
        assert len(receiver.got) == 1
        assert owing.unfinished() == []

    def test_that_comes_late_ends_it_though_it_has_gone_out_again(self, owing: Owing) -> None:
        receiver = owing.attach()
        owing.owe(1)
        (late,) = receiver.time_out()
        owing.pass_time(1.0)
        owing.deliveries.answered(late, CommandStatus.ESME_ROK)
        owing.turn()
        assert owing.unfinished() == []
        receiver.time_out()
        owing.pass_time(5.0)
        assert len(receiver.got) == 2
        assert owing.unfinished() == []
        assert len(owing.deliveries) == 0


class TestAnAccount:
    def test_gets_its_own_deliveries_only(self, owing: Owing) -> None:
        bank, shop = owing.attach(), owing.attach(account="shop")
        banks, shops = owing.owe(3), owing.owe(2, "shop")
        owing.keep(1, "nobody")
        assert (bank.got, shop.got) == (banks, shops)

    def test_that_does_not_answer_delays_no_other(self, owing: Owing) -> None:
        slow = owing.attach(window=1)
        owing.owe(40)
        quick = owing.attach(window=2, account="shop")
        owed = owing.owe(40, "shop")
        owing.answer_all(quick)
        assert quick.got == owed
        assert len(slow.got) == 1

    def test_that_refuses_everything_delays_no_other(self, owing: Owing) -> None:
        bad, good = owing.attach(), owing.attach(account="shop")
        owing.owe(10)
        bad.answer(CommandStatus.ESME_RX_T_APPN, count=10)
        owed = owing.owe(10, "shop")
        assert good.got == owed


class TestLookingAgain:
    def test_finds_what_nobody_was_told_of(self, owing: Owing) -> None:
        receiver = owing.attach()
        kept = [delivery.delivery_id for delivery in owing.keep(2)]
        assert receiver.got == []
        owing.deliveries.look_again()
        owing.turn()
        assert receiver.got == kept

    def test_brings_nothing_twice_to_who_has_something_in_hand(self, owing: Owing) -> None:
        receiver = owing.attach()
        owing.owe(1)
        before = list(receiver.got)
        owing.deliveries.look_again()
        owing.turn()
        assert before
        assert receiver.got == before

    def test_costs_nothing_for_who_is_away(self, owing: Owing) -> None:
        owing.attach().leave()
        commits = len(owing.rig.transactions)
        owing.deliveries.look_again()
        owing.turn()
        assert len(owing.rig.transactions) == commits


class TestStopping:
    def test_sends_nothing_any_more(self, owing: Owing) -> None:
        receiver = owing.attach(window=1)
        owing.owe(3)
        assert fired(owing.stop())
        owing.owe(1)
        receiver.answer()
        owing.turn()
        assert len(receiver.got) == 1

    def test_waits_until_every_answer_is_written_down(self, owing: Owing) -> None:
        receiver = owing.attach()
        owing.owe(2)
        receiver.answer()
        stopped = owing.stop()
        assert not fired(stopped)
        owing.turn()
        assert fired(stopped)
        assert [outcome for outcome, _ in owing.outcomes()] == [ACKNOWLEDGED, RETRY]

    def test_leaves_no_timer_behind(self, owing: Owing) -> None:
        receiver = owing.attach()
        owing.owe(2)
        receiver.time_out()
        owing.turn()
        receiver.time_out()
        owing.stop()
        owing.turn()
        assert owing.rig.reactor.getDelayedCalls() == []
