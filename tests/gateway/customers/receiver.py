"""A bind that takes deliveries, without a connection: it keeps them until the test answers."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.customers.deliveries import Deliveries
from gateway.stored import Delivery

OK = 0


class FakeReceiver:
    """See `gateway.customers.deliveries.Receiver`. `open` are those that it has not answered, in order."""

    def __init__(self, deliveries: Deliveries, window: int, account: str) -> None:
        self.window = window
        self.account = account
        self.open: list[Delivery] = []
        self.got: list[int] = []
        self._deliveries = deliveries

    @property
    def delivery_room(self) -> int:
        return self.window - len(self.open)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        assert 0 < len(deliveries) <= self.delivery_room
        self.open += deliveries
        self.got += ids(deliveries)

    def answer(self, command_status: int = OK, count: int = 1) -> None:
        """Answer the oldest ones; then there is room again."""
        for _ in range(count):
            self._deliveries.answered(self.open.pop(0), command_status)
        self._deliveries.pump(self.account)

    def time_out(self, count: int = 1) -> list[Delivery]:
        """Do not answer the oldest ones in time."""
        late, self.open = self.open[:count], self.open[count:]
        self._deliveries.unanswered(late)
        return late

    def leave(self) -> None:
        """The connection is lost."""
        self._deliveries.unanswered(self.open)
        self.open = []
        self._deliveries.detach(self.account, self)


def ids(deliveries: Sequence[Delivery]) -> list[int]:
    return [delivery.delivery_id for delivery in deliveries]
