"""What is answered and not yet written down counts against deliveries_max, or it would grow without limit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from twisted.internet.task import Clock

from gateway.clock import StatedClock
from gateway.customers.deliveries import Deliveries
from gateway.metrics import Metrics
from gateway.settings import Limits
from gateway.stored import Delivery
from tests.gateway.carriers.fake_store import FakeStore

LIMITS = Limits(batch_max=1, deliveries_max=4)


class Quick:
    """A bind that acknowledges everything at once."""

    delivery_room = 10

    def __init__(self, deliveries: Deliveries, reactor: Clock) -> None:
        self.deliveries, self.reactor = deliveries, reactor

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self.reactor.callLater(0, self.deliveries.answered, delivery, 0)


def test_a_slow_store_bounds_what_is_in_hand() -> None:
    reactor, store, ids = Clock(), FakeStore(), count(1)
    clock = StatedClock(0.0, reactor.seconds)
    deliveries = Deliveries(LIMITS, reactor, clock, lambda: 0.0, store, Metrics())
    deliveries.attach("bank", Quick(deliveries, reactor))
    for _ in range(50):  # commits: each carries one page that was asked for and one batch of answers
        for _ in store.waiting("waiting_deliveries"):
            page = [Delivery(next(ids), "bank", 1, b"", 0, 0) for _ in range(2)]
            store.answer("waiting_deliveries", (page, None))
        if store.waiting("finish_deliveries"):
            store.answer("finish_deliveries", ())
        reactor.advance(0)
        reactor.advance(0)
    assert len(deliveries) <= 2 * (LIMITS.deliveries_max * 3 // 2 + 10)
