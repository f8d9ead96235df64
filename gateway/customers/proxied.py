"""Connections through a load balancer: first the header that says whose it is, then the connection itself.

Only the networks of the settings are believed, and of them the header is required; anybody else's octets are
what they are, so that a stranger cannot choose an address. Once the header is read, the connection belongs to
the protocol behind it as if the customer had made it: nothing stands between them any more.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any, cast

import structlog
from twisted.internet.address import IPv4Address as TcpOverIPv4
from twisted.internet.address import IPv6Address as TcpOverIPv6
from twisted.internet.base import DelayedCall
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from gateway.customers.origin import address_of
from gateway.customers.proxy_header import Header, HeaderError, HeaderReader
from gateway.metrics import Metrics
from gateway.reactor import ReactorTime
from gateway.settings import Listen

log = structlog.get_logger()


class ProxiedListener(Factory):
    """Hands connections to `inner`: those of a proxy when their header is there, all others at once.

    Up to `connections_max` headers are waited for, each for `session_init_s`.
    """

    noisy = False

    def __init__(self, inner: Factory, listen: Listen, reactor: ReactorTime, metrics: Metrics) -> None:
        self.inner = inner
        self.reactor = reactor
        self.session_init_s = listen.session_init_s
        self.waiting: set[_Announced] = set()
        self._networks = listen.proxy_networks
        self._waiting_max = listen.connections_max
        self._metrics = metrics

    def __len__(self) -> int:
        """How many connections have not said yet whose they are."""
        return len(self.waiting)

    # Any: an address of Twisted's, IPv4 or IPv6.
    def buildProtocol(self, addr: Any) -> Protocol | None:
        address = address_of(addr.host)
        if not any(address in network for network in self._networks):
            return cast(Protocol | None, self.inner.buildProtocol(addr))
        if len(self.waiting) >= self._waiting_max:
            log.warning("connection.refused", peer=addr.host, connections=len(self.waiting))
            return None
        announced = _Announced(self, addr)
        self.waiting.add(announced)
        return announced

    def abort(self) -> None:
        """Cut the connections that have not said yet whose they are."""
        for announced in list(self.waiting):
            announced.abort()

    def count_fault(self, proxy: str, reason: str) -> None:
        """A proxy has not said, or not well, whose connection it makes."""
        self._metrics.protocol_faults["customer", ""] += 1
        log.warning("connection.dropped", peer=proxy, reason=reason)


class _Announced(Protocol):
    """A connection of the proxy at `addr` until its header is read."""

    def __init__(self, listener: ProxiedListener, addr: Any) -> None:
        self._listener = listener
        self._addr = addr
        self._reader = HeaderReader()
        self._timer: DelayedCall | None = None

    def abort(self) -> None:
        """Cut it."""
        self._forget()
        cast(Any, self.transport).abortConnection()

    def connectionMade(self) -> None:
        listener = self._listener
        self._timer = listener.reactor.callLater(
            listener.session_init_s, self._refuse, "no PROXY header in time"
        )

    def dataReceived(self, data: bytes) -> None:
        if self not in self._listener.waiting:
            return
        try:
            header = self._reader.feed(data)
        except HeaderError as error:
            self._refuse(str(error))
            return
        if header is not None:
            self._hand_over(header)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._forget()

    def _hand_over(self, header: Header) -> None:
        self._forget()
        customer: Any = _address_in(header) or self._addr
        protocol = self._listener.inner.buildProtocol(customer)
        transport = cast(Any, self.transport)
        if protocol is None:
            transport.abortConnection()
            return
        # As Twisted does it to begin TLS on a connection.
        transport.protocol = protocol
        protocol.makeConnection(transport)
        if header.rest:
            protocol.dataReceived(header.rest)

    def _refuse(self, reason: str) -> None:
        self._listener.count_fault(self._addr.host, reason)
        self.abort()

    def _forget(self) -> None:
        self._listener.waiting.discard(self)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


def _address_in(header: Header) -> TcpOverIPv4 | TcpOverIPv6 | None:
    if header.source is None:
        return None
    address, port = header.source
    kind = TcpOverIPv4 if isinstance(address, IPv4Address) else TcpOverIPv6
    return kind("TCP", str(address), port)
