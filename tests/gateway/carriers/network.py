"""Connections to carriers in memory, and the carriers at their other ends."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock

from gateway.carriers.bind import Connect
from gateway.carriers.link import CarrierLink
from gateway.settings import Carrier
from tests.gateway.carriers.peer import Peer


class Network:
    """`refusing`: nobody listens. `hanging`: nobody answers. Else every carrier takes the connection."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.refusing = False
        self.hanging = False
        self.tried_at: list[float] = []
        self.hung: list[tuple[Deferred[CarrierLink], Factory]] = []
        self._peers: dict[str, list[Peer]] = {}

    def connect(self, carrier: Carrier) -> Connect:
        """A way to connect to `carrier`."""

        def connect(factory: Factory) -> Deferred[CarrierLink]:
            self.tried_at.append(self.clock.seconds())
            connected: Deferred[CarrierLink] = Deferred()
            if self.refusing:
                connected.errback(ConnectionRefusedError())  # type: ignore[no-untyped-call]  # Twisted's
            elif self.hanging:
                self.hung.append((connected, factory))
            else:
                connected.callback(self.open(carrier.name, factory))
            return connected

        return connect

    def open(self, carrier: str, factory: Factory) -> CarrierLink:
        link = factory.buildProtocol(None)
        assert isinstance(link, CarrierLink)
        self._peers.setdefault(carrier, []).append(Peer(link, self.clock))
        return link

    def peers(self, carrier: str = "north") -> list[Peer]:
        """Every connection that a carrier has had, the newest last."""
        return self._peers.get(carrier, [])

    def peer(self, carrier: str = "north") -> Peer:
        """Its newest connection."""
        return self.peers(carrier)[-1]
