"""The carriers' side in front of the real store, with a short cut for what customers do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from gateway.message import Message
from gateway.settings import Carrier
from tests.gateway.carriers.carrier_side import CarrierSide, wall_clock
from tests.gateway.carriers.samples import NOON, a_carrier, a_message, a_waiting_message
from tests.gateway.carriers.store_file import StoreFile


class Relay(CarrierSide):
    """Bound to all of its carriers. Messages are admitted as `Intake` does, without judgement."""

    def __init__(
        self,
        path: Path,
        *,
        carriers: tuple[Carrier, ...] = (a_carrier(),),
        start: float = NOON,
        **how: Any,
    ) -> None:
        reactor = Clock()
        clock = wall_clock(reactor, start)
        self.file = StoreFile(path, reactor, clock)
        super().__init__(reactor, self.file.store, carriers=carriers, clock=clock, **how)
        self.bind(*(carrier.name for carrier in carriers))

    def close(self) -> None:
        self.file.close()

    def now_ms(self) -> int:
        return int(self.clock.now() * 1000)

    def send(self, message_id: int, **changes: Any) -> int:
        """Admit a message on the fast path; the number that its submit_sm has."""
        (slot,) = self.dispatcher.take_slots(changes.get("route", "north"), 1)
        message = a_message(message_id, **{"carrier": slot.carrier_name} | changes)
        self.file.admit(message)
        self.dispatcher.send([(message, slot)])
        (submit,) = self.submits(slot.carrier_name)
        return submit.sequence_number

    def queue(self, message_id: int, **changes: Any) -> Message:
        """Admit a message that has to wait."""
        message = a_waiting_message(message_id, **changes)
        self.file.admit(message)
        self.dispatcher.queued([message])
        return message
