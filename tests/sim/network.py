"""The network: connections whose octets take time, come in pieces, stall, vanish, or end in a reset.

A connection has the gateway's end, which is a Twisted transport, and a peer's. Octets of one direction stay
in order; a direction that has gone silent takes everything and delivers nothing, until the network heals.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Protocol

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import ITCPTransport
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]  # it has no types

from tests.sim.plan import Weather
from tests.sim.timeline import Timeline

# What the kernels between the two ends hold before a writer is told to pause.
_BUFFERED_MAX = 4096
_SILENT_FROM_S, _SILENT_TO_S = 0.5, 20.0


class Peer(Protocol):
    """Whoever is at the other end of the gateway's connection."""

    def received(self, data: bytes) -> None: ...

    def lost(self) -> None: ...


class _Direction:
    """Octets on their way to one end. `taken` is told how many that end has got."""

    def __init__(self, network: Network, deliver: Callable[[bytes], None], end: Callable[[], None]) -> None:
        self._network = network
        self._deliver = deliver
        self._end = end
        self._arrived: deque[bytes | None] = deque()
        self._last_at = 0.0
        self.paused = False
        self.silent = False
        self.over = False
        self.on_the_way = 0

    def write(self, data: bytes) -> None:
        self.on_the_way += len(data)
        for piece in self._network.pieces(data):
            self._send(piece)

    def finish(self) -> None:
        """The end follows what was written."""
        self._send(None)

    def cut(self) -> None:
        """Nothing arrives any more."""
        self.over = True

    def flow(self) -> None:
        while self._arrived and not self.paused and not self.over:
            piece = self._arrived.popleft()
            if piece is None:
                self.over = True
                self._end()
            else:
                self.on_the_way -= len(piece)
                self._deliver(piece)

    def _send(self, piece: bytes | None) -> None:
        timeline = self._network.timeline
        self._last_at = max(self._last_at, timeline.seconds() + self._network.delay_s())
        timeline.callLater(self._last_at - timeline.seconds(), self._arrive, piece)

    def _arrive(self, piece: bytes | None) -> None:
        if not self.silent and not self.over:
            self._arrived.append(piece)
            self.flow()


@implementer(ITCPTransport)
class Connection:
    """Both ends. As a transport it is the gateway's; `send`, `close` and `reset` are the peer's."""

    def __init__(self, network: Network, protocol: Any, peer: Peer, name: tuple[str, int]) -> None:
        self._network = network
        self._protocol = protocol
        self._peer = peer
        self._name = name
        self._to_peer = _Direction(network, self._peer_gets, self._peer_loses)
        self._to_gateway = _Direction(network, self._gateway_gets, self._gateway_reads_the_end)
        self._producer: Any = None
        self._pressed = False
        self.gateway_lost = False
        self.peer_lost = False

    # -- the peer's end

    def send(self, data: bytes) -> None:
        if not self.peer_lost:
            self._to_gateway.write(data)
            self._network.strike(self)

    def close(self) -> None:
        """The peer ends the connection, after what it has written."""
        self._lose_peer()
        self._to_gateway.finish()

    def reset(self) -> None:
        """The connection is gone for both."""
        self._to_peer.cut()
        self._to_gateway.cut()
        self._lose_gateway(ConnectionLost())
        self._lose_peer()

    def silence(self) -> None:
        """Nothing arrives at either end, and nobody is told."""
        self._to_peer.silent = self._to_gateway.silent = True

    def die(self) -> None:
        """The gateway's process is gone; what it had written may still arrive."""
        self.gateway_lost = True
        self._to_gateway.cut()
        if self._network.chance.random() < 0.5:
            self._to_peer.finish()
        else:
            self._to_peer.cut()
            self._network.later(self._lose_peer)

    @property
    def is_silent(self) -> bool:
        return self._to_peer.silent

    # -- the gateway's end: ITCPTransport, as far as links use it

    def write(self, data: bytes) -> None:
        if not self.gateway_lost:
            self._network.point("before_write")
        # That may have been the end of it.
        if not self.gateway_lost:
            self._write(data)

    def _write(self, data: bytes) -> None:
        self._to_peer.write(data)
        self._network.point("after_write")
        self._press()
        self._network.strike(self)

    def loseConnection(self) -> None:
        if not self.gateway_lost:
            self._to_gateway.cut()
            self._to_peer.finish()
            self._network.timeline.callLater(0, self._lose_gateway, ConnectionDone())

    def loseWriteConnection(self) -> None:
        if not self.gateway_lost:
            self._to_peer.finish()

    def abortConnection(self) -> None:
        self._to_gateway.cut()
        if not self._to_peer.silent:
            self._to_peer.cut()
            self._network.later(self._lose_peer)
        self._network.timeline.callLater(0, self._lose_gateway, ConnectionAborted())

    def pauseProducing(self) -> None:
        self._to_gateway.paused = True

    def resumeProducing(self) -> None:
        self._to_gateway.paused = False
        self._network.timeline.callLater(0, self._to_gateway.flow)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", *self._name)

    # -- inside

    def _press(self) -> None:
        pressed = self._to_peer.on_the_way > _BUFFERED_MAX
        if pressed != self._pressed and self._producer is not None and not self.gateway_lost:
            self._pressed = pressed
            if pressed:
                self._producer.pauseProducing()
            else:
                self._producer.resumeProducing()

    def _gateway_gets(self, data: bytes) -> None:
        self._network.point("before_read")
        if not self.gateway_lost:
            self._protocol.dataReceived(data)

    def _peer_gets(self, data: bytes) -> None:
        if not self.peer_lost:
            self._peer.received(data)
        self._press()

    def _peer_loses(self) -> None:
        """The gateway has ended its half; a peer that reads the end ends the other."""
        self._lose_peer()
        self._to_gateway.finish()

    def _gateway_reads_the_end(self) -> None:
        self._lose_gateway(ConnectionDone())

    def _lose_gateway(self, reason: Exception) -> None:
        if not self.gateway_lost:
            self.gateway_lost = True
            self._to_gateway.cut()
            self._protocol.connectionLost(Failure(reason))  # type: ignore[no-untyped-call]  # Twisted's
            if not self._to_peer.over and not self._to_peer.silent:
                self._to_peer.finish()

    def _lose_peer(self) -> None:
        if not self.peer_lost:
            self.peer_lost = True
            self._peer.lost()


class Network:
    """Makes connections. `point` is told where the gateway is, and may end its life there."""

    def __init__(
        self, timeline: Timeline, chance: Random, weather: Weather, point: Callable[[str], None]
    ) -> None:
        self.timeline = timeline
        self.chance = chance
        self.point = point
        self._weather = weather
        self._connections: list[Connection] = []
        self._ports = 40_000

    def calm(self) -> None:
        """No faults from now on; what has gone silent ends."""
        self._weather = replace(
            self._weather, pieces=0.0, stalls=0.0, resets=0.0, half_opens=0.0, refusals=0.0
        )
        for connection in self._connections:
            if connection.is_silent:
                connection.reset()

    def connect(self, protocol: Any, peer: Peer) -> Connection:
        """Connect a peer with a protocol of the gateway's; both hear of data from the next event on."""
        self._connections = [c for c in self._connections if not (c.gateway_lost and c.peer_lost)]
        self._ports += 1
        connection = Connection(self, protocol, peer, ("192.0.2.9", self._ports))
        self._connections.append(connection)
        protocol.makeConnection(connection)
        if self._happens(self._weather.half_opens):
            silent_in_s = self.chance.uniform(_SILENT_FROM_S, _SILENT_TO_S)
            self.timeline.callLater(silent_in_s, self._silence, connection)
        return connection

    def refuses(self) -> bool:
        """Whether a connection that is tried now fails."""
        return self._happens(self._weather.refusals)

    def die(self) -> None:
        """The gateway's process is gone, and its ends of all connections with it."""
        for connection in self._connections:
            if not connection.gateway_lost:
                connection.die()

    def strike(self, connection: Connection) -> None:
        """Perhaps the connection does not survive what was just written."""
        if self._happens(self._weather.resets):
            self.later(connection.reset)

    def pieces(self, data: bytes) -> list[bytes]:
        """How a write arrives."""
        if not self._happens(self._weather.pieces):
            return [data]
        if self.chance.random() < 0.2:
            return [data[place : place + 1] for place in range(len(data))]
        cut = self.chance.randrange(len(data) + 1)
        return [piece for piece in (data[:cut], data[cut:]) if piece]

    def delay_s(self) -> float:
        stall_s = self._weather.stall_s if self._happens(self._weather.stalls) else 0.0
        return self._weather.latency_s * self.chance.random() + stall_s

    def later(self, call: Callable[..., object], *args: object) -> None:
        self.timeline.callLater(self._weather.latency_s * self.chance.random(), call, *args)

    def _happens(self, share: float) -> bool:
        return share > 0 and self.chance.random() < share

    def _silence(self, connection: Connection) -> None:
        if self._weather.half_opens:
            connection.silence()
