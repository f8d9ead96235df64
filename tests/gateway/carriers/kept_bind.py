"""A bind on a network of its own, and what it tells its owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.carriers.bind import CarrierBind
from gateway.carriers.link import Answer, CarrierLink
from gateway.metrics import Metrics
from gateway.settings import Carrier
from gateway.stored import Attempt
from smpp.pdu import DeliverSm
from tests.gateway.carriers.network import Network
from tests.gateway.carriers.peer import Peer, submit_resp
from tests.gateway.carriers.samples import LIMITS, a_carrier, a_message
from tests.gateway.raw_pdus import SUBMIT_SM


class Owner:
    """Keeps what a bind told."""

    def __init__(self) -> None:
        self.changes = 0
        self.answers: list[tuple[list[Answer], bool]] = []
        self.lost: list[Attempt] = []
        self.offers: list[tuple[Carrier, CarrierLink, int]] = []

    def changed(self, bind: CarrierBind) -> None:
        self.changes += 1

    def answered(self, bind: CarrierBind, answers: list[Answer], late: bool) -> None:
        self.answers.append((answers, late))

    def unanswered(self, bind: CarrierBind, attempts: list[Attempt]) -> None:
        self.lost += attempts

    def offer(self, carrier: Carrier, link: CarrierLink, sequence_number: int, pdu: DeliverSm) -> None:
        self.offers.append((carrier, link, sequence_number))


class Kept:
    """A bind on a network and a clock of its own, started. Chance gives `chance`."""

    def __init__(
        self, prepare: Callable[[Network], object] = lambda _: None, chance: float = 0.0, **settings: Any
    ) -> None:
        self.clock = Clock()
        self.network = Network(self.clock)
        prepare(self.network)
        self.owner = Owner()
        self.metrics = Metrics()
        self.carrier = a_carrier(**settings)
        connect = self.network.connect(self.carrier)
        self.bind = CarrierBind(
            self.carrier, 0, LIMITS, self.clock, connect, lambda: chance, self.metrics, self.owner, self.owner
        )
        self.bind.start()

    @property
    def peer(self) -> Peer:
        return self.network.peer()

    def is_bound(self) -> bool:
        return self.bind.is_bound

    def submit(self, *message_ids: int, **changes: Any) -> list[int]:
        assert self.bind.take(len(message_ids)) == len(message_ids)
        self.bind.submit([Attempt(a_message(n, **changes), self.bind.name, 0) for n in message_ids])
        return [pdu.sequence_number for pdu in self.peer.read() if pdu.command_id == SUBMIT_SM]

    def answer(self, message_id: int, command_status: int) -> None:
        """Submit one, and let the carrier answer it."""
        (number,) = self.submit(message_id)
        self.peer.send(submit_resp(number, command_status=command_status))

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.bind.stop())

    def run(self, seconds: float, step: float = 0.25) -> None:
        for _ in range(int(seconds / step)):
            self.clock.advance(step)


def refuse(network: Network) -> None:
    network.refusing = True


def hang(network: Network) -> None:
    network.hanging = True


def bound(**how: Any) -> Kept:
    kept = Kept(**how)
    kept.peer.accept_bind()
    return kept
