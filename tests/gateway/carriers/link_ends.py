"""Both ends of a link: the carrier's, and whoever is told what happens on it."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from gateway.carriers.link import Answer, CarrierLink
from gateway.settings import Limits
from gateway.stored import Attempt
from smpp.pdu import DeliverSm
from tests.gateway.carriers.peer import Peer
from tests.gateway.carriers.samples import a_carrier, a_message

UNANSWERED_MAX, LATE_MAX = 3, 4


class Heard:
    """Keeps what a link told."""

    def __init__(self) -> None:
        self.bounds = 0
        self.refusals: list[int] = []
        self.answers: list[Answer] = []
        self.late_answers: list[Answer] = []
        self.tellings = 0
        self.timeouts: list[Attempt] = []
        self.congestions = 0
        self.deliveries: list[tuple[int, DeliverSm]] = []
        self.losses: list[list[Attempt]] = []
        self.reason = ""

    def bound(self, link: CarrierLink) -> None:
        self.bounds += 1

    def bind_refused(self, link: CarrierLink, command_status: int) -> None:
        self.refusals.append(command_status)

    def answered(self, link: CarrierLink, answers: list[Answer], late: bool) -> None:
        self.tellings += 1
        (self.late_answers if late else self.answers).extend(answers)

    def congested(self, link: CarrierLink) -> None:
        self.congestions += 1

    def timed_out(self, link: CarrierLink, attempts: list[Attempt]) -> None:
        self.timeouts += attempts

    def delivered(self, link: CarrierLink, sequence_number: int, pdu: DeliverSm) -> None:
        self.deliveries.append((sequence_number, pdu))

    def lost(self, link: CarrierLink, attempts: list[Attempt], reason: str) -> None:
        self.losses.append(attempts)
        self.reason = reason


class Ends:
    """A link on a clock of its own, just connected."""

    def __init__(self, *, pdu_max: int = 70_000, **settings: Any) -> None:
        self.clock = Clock()
        self.heard = Heard()
        carrier = a_carrier(**settings)
        limits = Limits(pdu_max=pdu_max, inbound_max=UNANSWERED_MAX, late_max=LATE_MAX)
        self.link = CarrierLink(carrier, self.clock, self.heard, limits)
        self.peer = Peer(self.link, self.clock)
        self.connection = self.peer.connection

    def submit(self, *message_ids: int) -> list[int]:
        """Submit messages; the numbers that they went out with."""
        self.link.submit([Attempt(a_message(n), "north/0", 0) for n in message_ids])
        return [pdu.sequence_number for pdu in self.peer.read()]

    def reads(self) -> bool:
        """Whether the link reads what the carrier sends."""
        return self.connection.reading

    def statuses(self) -> dict[int, int]:
        """The answers told so far: command_status by message."""
        return {answer.attempt.message.message_id: answer.command_status for answer in self.heard.answers}


def bound_ends(**how: Any) -> Ends:
    ends = Ends(**how)
    ends.peer.accept_bind()
    assert ends.heard.bounds == 1
    return ends


def ids(attempts: list[Attempt]) -> list[int]:
    return [attempt.message.message_id for attempt in attempts]
