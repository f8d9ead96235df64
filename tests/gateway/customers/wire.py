"""A connection at the outermost door, in memory, and a customer who speaks TLS over it."""

from __future__ import annotations

import ssl
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock

from tests.gateway.customers.customer_side import CustomerSide
from tests.gateway.customers.peer import CustomerConnection
from tests.gateway.raw_pdus import Raw, split


class Wire(CustomerConnection):
    """A connection from `host` to the port of a factory; its protocol may be exchanged as Twisted's can."""

    def __init__(self, clock: Clock, factory: Factory, host: str) -> None:
        super().__init__(clock, host, 40_000)
        kind = IPv6Address if ":" in host else IPv4Address
        address: Any = kind("TCP", host, 40_000)
        protocol: Any = factory.buildProtocol(address)
        self.was_refused = protocol is None
        if protocol is not None:
            self.connect(protocol)

    @property
    def protocol(self) -> Any:
        return self.link

    @protocol.setter
    def protocol(self, protocol: Any) -> None:
        self.link = protocol

    def loseConnection(self) -> None:
        # Twisted's TLS ends a connection that way, too; it waits only for a producer that is paused.
        self.producer = None
        super().loseConnection()

    def swap(self, octets: bytes = b"") -> bytes:
        """Send; what has come since the last time."""
        if octets:
            self.arrive(octets)
        self.clock.advance(0)
        written, self.written = self.written, b""
        return written

    def send(self, *octets: bytes) -> list[Raw]:
        """What is answered."""
        return split(self.swap(b"".join(octets)))


def wire_to(side: CustomerSide, host: str, door: int = 0) -> Wire:
    """A connection to the `door`-th port of a side."""
    return Wire(side.reactor, side.doors.factories[door][1], host)


class TlsCustomer:
    """Speaks TLS over `wire`, after `first` in clear. Its handshake is done or raises ssl.SSLError."""

    def __init__(self, wire: Wire, context: ssl.SSLContext, first: bytes = b"") -> None:
        self.wire = wire
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname="gateway.example")
        self._in.write(wire.swap(first))
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                assert self.pump(), "nothing more comes"
        self.pump()

    def send(self, *octets: bytes) -> list[Raw]:
        """What is answered. Raises ssl.SSLError when the gateway has refused us."""
        if octets:
            self.tls.write(b"".join(octets))
        self.pump()
        read = b""
        while True:
            try:
                more = self.tls.read(65_536)
            except ssl.SSLWantReadError:
                return split(read)
            if not more:
                return split(read)
            read += more

    def pump(self) -> bool:
        """Swap what both sides have to say; whether anything came."""
        came = self.wire.swap(self._out.read())
        self._in.write(came)
        return bool(came)
