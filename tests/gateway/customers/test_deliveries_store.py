"""Deliveries in front of a store that takes its time, or fails."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.clock import StatedClock
from gateway.customers.deliveries import Deliveries
from gateway.metrics import Metrics
from gateway.ports import StoreUnable
from gateway.stored import Delivery
from smpp.status import CommandStatus
from tests.gateway.carriers.carrier_side import fired
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.customers.owing import LIMITS
from tests.gateway.customers.receiver import FakeReceiver
from tests.gateway.customers.samples import a_delivery

PAGE = LIMITS.deliveries_max // 2


class Asking:
    """Deliveries to the account "bank", and a store that answers when it is told to. Chance gives 1."""

    def __init__(self) -> None:
        self.reactor = Clock()
        self.store = FakeStore()
        clock = StatedClock(1000.0, self.reactor.seconds)
        self.deliveries = Deliveries(LIMITS, self.reactor, clock, lambda: 1.0, self.store, Metrics())

    def attach(self, window: int = 100) -> FakeReceiver:
        receiver = FakeReceiver(self.deliveries, window, "bank")
        self.deliveries.attach("bank", receiver)
        return receiver

    def owe(self, *delivery_ids: int) -> None:
        self.deliveries.owe(some(*delivery_ids))

    def page(self, *delivery_ids: int, later: int | None = None) -> None:
        """The store has these, and more from the instant `later` on."""
        self.store.answer("waiting_deliveries", (some(*delivery_ids), later))
        self.reactor.advance(0)

    def reads(self) -> int:
        return len(self.store.waiting("waiting_deliveries"))

    def records(self) -> list[list[int]]:
        calls = self.store.waiting("finish_deliveries")
        return [[finished.delivery.delivery_id for finished in call.asked] for call in calls]

    def fail(self, method: str) -> None:
        self.store.fail(method, StoreUnable("disk full"))
        self.reactor.advance(0)


def some(*delivery_ids: int) -> list[Delivery]:
    return [a_delivery(n) for n in delivery_ids]


def attached(window: int = 100) -> tuple[Asking, FakeReceiver]:
    """A customer that has come, and for which nothing has waited."""
    asking = Asking()
    receiver = asking.attach(window)
    asking.page()
    return asking, receiver


class TestAPage:
    def test_comes_before_what_is_owed_while_it_is_read(self) -> None:
        asking = Asking()
        receiver = asking.attach()
        asking.owe(3, 4)
        assert receiver.got == []
        asking.page(1, 2)
        assert receiver.got == [1, 2, 3, 4]
        asking.owe(5)
        assert (receiver.got[4:], asking.reads()) == ([5], 0)

    def test_may_hold_what_is_owed_while_it_is_read(self) -> None:
        asking = Asking()
        receiver = asking.attach()
        asking.owe(2, 3)
        asking.page(1, 2)
        assert receiver.got == [1, 2, 3]

    def test_that_is_full_is_followed_by_another_before_anything_newer(self) -> None:
        asking = Asking()
        receiver = asking.attach()
        asking.owe(99)
        asking.page(*range(1, PAGE + 1))
        assert (receiver.got, asking.reads()) == (list(range(1, PAGE + 1)), 1)
        asking.page(6, 99)
        assert (receiver.got[PAGE:], asking.reads()) == ([6, 99], 0)

    def test_that_takes_long_does_not_fill_the_memory(self) -> None:
        asking = Asking()
        receiver = asking.attach()
        asking.owe(*range(10, 100))
        assert len(asking.deliveries) <= LIMITS.deliveries_max
        asking.page(1)
        assert receiver.got == [1]
        asking.page(*range(10, 10 + PAGE))
        assert receiver.got == [1, *range(10, 10 + PAGE)]

    def test_is_read_once_at_a_time(self) -> None:
        asking = Asking()
        one, other = asking.attach(), asking.attach()
        asking.deliveries.pump("bank")
        assert asking.reads() == 1
        asking.page(1, 2)
        assert asking.reads() == 1, "the second bind may have come after the look into the store"
        asking.page()
        assert sorted(one.got + other.got) == [1, 2]
        assert asking.reads() == 0

    def test_that_nobody_waits_for_any_more_is_dropped(self) -> None:
        asking = Asking()
        receiver = asking.attach()
        asking.owe(3)
        receiver.leave()
        assert len(asking.deliveries) == 0
        asking.page(1, 2)
        assert len(asking.deliveries) == 0
        again = asking.attach()
        asking.page(1, 2, 3)
        assert (receiver.got, again.got) == ([], [1, 2, 3])

    def test_tells_when_to_look_again(self) -> None:
        asking = Asking()
        receiver = asking.attach()
        asking.page(1, later=1_005_000)
        asking.reactor.advance(4.75)
        assert asking.reads() == 0
        asking.reactor.advance(0.25)
        asking.page(2)
        assert receiver.got == [1, 2]

    def test_that_cannot_be_read_is_tried_again_after_a_while(self) -> None:
        asking = Asking()
        receiver = asking.attach()
        asking.fail("waiting_deliveries")
        asking.owe(3)
        asking.reactor.advance(0.75)
        assert (asking.reads(), receiver.got) == (0, [])
        asking.reactor.advance(0.25)
        asking.page(1, 2)
        assert receiver.got == [1, 2, 3]


class TestAnAnswer:
    def test_that_cannot_be_written_down_is_not_forgotten(self) -> None:
        asking, receiver = attached()
        asking.owe(1, 2)
        receiver.answer()
        asking.reactor.advance(0)
        for wait in (1.0, 2.0, 4.0):
            assert asking.records() == [[1]]
            asking.fail("finish_deliveries")
            asking.reactor.advance(wait - 0.25)
            assert asking.records() == []
            asking.reactor.advance(0.25)
        asking.store.answer("finish_deliveries")
        assert asking.records() == []
        assert len(asking.deliveries) == 1

    def test_that_is_not_written_down_yet_keeps_its_delivery_from_going_out_again(self) -> None:
        asking, receiver = attached()
        asking.owe(1)
        receiver.answer()
        asking.reactor.advance(0)
        asking.deliveries.attach("bank", FakeReceiver(asking.deliveries, 10, "bank"))
        asking.page(1)
        assert receiver.got == [1]
        assert asking.records() == [[1]]

    def test_waits_for_the_answers_before_it_to_be_written_down(self) -> None:
        asking, receiver = attached()
        asking.owe(1, 2, 3)
        receiver.answer()
        asking.reactor.advance(0)
        receiver.answer()
        receiver.answer(CommandStatus.ESME_RX_R_APPN)
        asking.reactor.advance(0)
        assert asking.records() == [[1]]
        asking.store.answer("finish_deliveries")
        asking.reactor.advance(0)
        assert asking.records() == [[2, 3]]

    def test_is_waited_for_by_a_stop_though_the_store_fails(self) -> None:
        asking, receiver = attached()
        asking.owe(1)
        receiver.answer()
        stopped = Deferred.fromCoroutine(asking.deliveries.stop())
        asking.reactor.advance(0)
        asking.fail("finish_deliveries")
        asking.reactor.advance(1.0)
        assert not fired(stopped)
        asking.store.answer("finish_deliveries")
        assert fired(stopped)
