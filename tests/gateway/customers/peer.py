"""A customer at the other end of a link, in memory: what it was sent, and octets of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock

from tests.gateway.carriers.peer import Connection
from tests.gateway.customers.samples import bank_bind
from tests.gateway.raw_pdus import DELIVER_SM, RESP, SUBMIT_SM, UNBIND, Raw, raw, split


class CustomerConnection(Connection):
    """A connection that is closed from both ends: ours first, then, unless it is `stuck`, the customer's."""

    def __init__(self, clock: Clock, host: str, port: int) -> None:
        super().__init__(clock)
        self.half_closed = False
        kind = IPv6Address if ":" in host else IPv4Address
        self._peer = kind("TCP", host, port)

    def getPeer(self) -> IPv4Address | IPv6Address:
        return self._peer

    def write(self, data: bytes) -> None:
        if not self.half_closed:
            super().write(data)

    def fill(self) -> None:
        """The customer does not read, and the buffers between us are full."""
        cast(Any, self.producer).pauseProducing()

    def loseWriteConnection(self) -> None:
        assert self.producer is None, "Twisted waits for a registered producer before it closes"
        self.half_closed = True
        if not self.stuck:
            self.clock.callLater(0, self.end, ConnectionDone())


class Customer:
    """An ESME that does what a test tells it to. `link` is the gateway's end."""

    def __init__(self, link: Protocol, clock: Clock, host: str = "192.0.2.9", port: int = 40_000) -> None:
        self.clock = clock
        self.connection = CustomerConnection(clock, host, port)
        self._unread: list[Raw] = []
        self.connection.connect(cast(Any, link))

    def send(self, *pdus: bytes) -> None:
        """All in one piece; then the gateway has its turn."""
        self.connection.arrive(b"".join(pdus))
        self.clock.advance(0)

    def read(self) -> list[Raw]:
        """What has come since the last time."""
        written, self.connection.written = self.connection.written, b""
        unread, self._unread = self._unread, []
        return unread + split(written)

    def keep(self, pdus: list[Raw]) -> None:
        """These have been read, and are to be read once more."""
        self._unread = pdus + self._unread

    def ask(self, *pdus: bytes) -> list[tuple[int, int, int]]:
        """Send, then read: (command_id, command_status, sequence_number) of whatever comes."""
        self.send(*pdus)
        return [(pdu.command_id, pdu.command_status, pdu.sequence_number) for pdu in self.read()]

    def bound(self, *, meanwhile: Callable[[], None] = lambda: None, **fields: Any) -> Customer:
        """Bind; it must succeed. What follows the answer is still to be read.

        `meanwhile` lets the store tell how the account stands.
        """
        self.send(bank_bind(**fields))
        meanwhile()
        resp, *self._unread = self.read()
        assert (resp.command_id & RESP, resp.command_status) == (RESP, 0)
        return self

    def submit_statuses(self, *pdus: bytes) -> dict[int, int]:
        """Submit; the command_status of each answer that came, by its sequence_number."""
        self.send(*pdus)
        return {
            pdu.sequence_number: pdu.command_status
            for pdu in self.read()
            if pdu.command_id == SUBMIT_SM | RESP
        }

    def delivered(self) -> list[Raw]:
        """The deliver_sm that have come since the last time."""
        return [pdu for pdu in self.read() if pdu.command_id == DELIVER_SM]

    def acknowledge(self, *deliveries: Raw, command_status: int = 0) -> None:
        body = b"" if command_status else b"\0"
        self.send(*(raw(DELIVER_SM | RESP, body, pdu.sequence_number, command_status) for pdu in deliveries))

    def unbind(self, sequence_number: int = 99) -> None:
        self.send(raw(UNBIND, sequence_number=sequence_number))

    def answer_unbind(self) -> None:
        """Grant the gateway's unbind, the last thing that it sent."""
        unbind = self.read()[-1]
        assert unbind.command_id == UNBIND
        self.send(raw(UNBIND | RESP, sequence_number=unbind.sequence_number))

    def lose(self) -> None:
        """The network is gone."""
        self.connection.end(ConnectionLost())
        self.clock.advance(0)
