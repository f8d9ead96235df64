"""A dispatcher in front of a store that answers when it is told to."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from gateway.message import Message
from gateway.stored import Claimed
from tests.gateway.carriers.carrier_side import CarrierSide
from tests.gateway.carriers.fake_store import FakeStore
from tests.gateway.carriers.samples import NOON, a_message

START = int(NOON * 1000)
"""When the tests begin, in milliseconds."""


class Dispatching(CarrierSide):
    def __init__(self, **how: Any) -> None:
        self.store = FakeStore()
        super().__init__(Clock(), self.store, **how)

    def turn(self) -> None:
        """One turn of the reactor."""
        self.reactor.advance(0)

    def send(self, *message_ids: int, **changes: Any) -> list[int]:
        """Send messages on the fast path; the numbers that they went out with."""
        route = changes.get("route", "north")
        slots = self.dispatcher.take_slots(route, len(message_ids))
        assert len(slots) == len(message_ids)
        messages = [a_message(n, **{"carrier": slots[0].carrier_name} | changes) for n in message_ids]
        self.dispatcher.send(list(zip(messages, slots, strict=True)))
        return [pdu.sequence_number for pdu in self.submits(slots[0].carrier_name)]

    def claim(self, *messages: Message, due: dict[str, int] | None = None) -> None:
        """Let the store grant these to the claim under way."""
        self.store.answer("claim", Claimed(messages, due or {}))

    def claims(self) -> list[tuple[Any, int]]:
        """Routes, carrier and count of the claims under way."""
        return [(call.asked, call.count) for call in self.store.waiting("claim")]


def bound(*carriers: str, **how: Any) -> Dispatching:
    """One that is bound to these carriers."""
    side = Dispatching(**how)
    side.bind(*carriers)
    return side
