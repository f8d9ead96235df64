"""What the simulated carrier has for one system_id, until it is acknowledged.

Receipts and replies wait here in order. They go out on any of the customer's receiving binds, in turn, as far
as its window allows, and come back to the head of the queue when a bind ends before it has acknowledged them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from smpp.pdu import DeliverSm


class Receiver(Protocol):
    """A bind that takes deliver_sm."""

    def deliver(self, waiting: deque[DeliverSm]) -> None:
        """Take from the head of `waiting` as many as the window has room for, and send them."""


class Mailbox:
    """The deliveries that wait for one system_id and the binds that may take them."""

    def __init__(self) -> None:
        self._waiting: deque[DeliverSm] = deque()
        self._receivers: deque[Receiver] = deque()

    def add_receiver(self, receiver: Receiver) -> None:
        """A bind that receives is there: it gets what waits."""
        self._receivers.append(receiver)
        self.pump()

    def remove_receiver(self, receiver: Receiver) -> None:
        """The bind is gone, or no longer takes anything."""
        if receiver in self._receivers:
            self._receivers.remove(receiver)

    def put(self, delivery: DeliverSm) -> None:
        """A new delivery, behind those that wait."""
        self._waiting.append(delivery)
        self.pump()

    def put_back(self, deliveries: Iterable[DeliverSm]) -> None:
        """Deliveries that were sent and not acknowledged, oldest first: before those that wait."""
        self._waiting.extendleft(reversed(list(deliveries)))
        self.pump()

    def pump(self) -> None:
        """Send what the binds have room for, beginning with another bind each time."""
        for _ in range(len(self._receivers)):
            if not self._waiting:
                return
            self._receivers.rotate(-1)
            self._receivers[-1].deliver(self._waiting)
