"""All binds to all carriers, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from twisted.internet.defer import Deferred, gatherResults

from gateway.carriers.bind import CarrierBind, Connect, Deliveries, Submits
from gateway.metrics import Metrics
from gateway.ports import Slot
from gateway.reactor import ReactorTime
from gateway.routing import carriers_of
from gateway.settings import BindType, Carrier, Limits


class CarrierPool:
    """The binds of each carrier, by its name. `connect` makes a way to connect out of a carrier."""

    def __init__(
        self,
        carriers: Mapping[str, Carrier],
        limits: Limits,
        reactor: ReactorTime,
        connect: Callable[[Carrier], Connect],
        random: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._carriers = carriers
        self._limits = limits
        self._reactor = reactor
        self._connect = connect
        self._random = random
        self._metrics = metrics
        self._binds: dict[str, list[CarrierBind]] = {}

    def start(self, submits: Submits, deliveries: Deliveries) -> None:
        """Bind to every carrier; `submits` and `deliveries` hear what happens."""
        for name, carrier in self._carriers.items():
            connect = self._connect(carrier)
            self._binds[name] = [
                CarrierBind(
                    session,
                    n,
                    self._limits,
                    self._reactor,
                    connect,
                    self._random,
                    self._metrics,
                    submits,
                    deliveries,
                )
                for n, session in enumerate(_sessions(carrier))
            ]
        for bind in self.binds:
            bind.start()

    async def stop(self) -> None:
        """Unbind everywhere; returns when every connection has ended."""
        await gatherResults([Deferred.fromCoroutine(bind.stop()) for bind in self.binds])

    @property
    def binds(self) -> list[CarrierBind]:
        """Every bind."""
        return [bind for binds in self._binds.values() for bind in binds]

    def of(self, carrier: str) -> list[CarrierBind]:
        """The binds of one carrier; none for a name that the settings do not have."""
        return self._binds.get(carrier, [])

    def preferred(self, route: str) -> str | None:
        """The first carrier of a route that is bound now: the others are for when it is not."""
        for carrier in carriers_of(route):
            if any(bind.is_bound for bind in self.of(carrier)):
                return carrier
        return None

    def take(self, carrier: str, count: int) -> list[Slot]:
        """Take up to `count` slots of a carrier, evenly from its binds that have room."""
        slots: list[Slot] = []
        binds = [bind for bind in self.of(carrier) if bind.room]
        while binds and len(slots) < count:
            share = max(1, (count - len(slots)) // len(binds))
            for bind in binds:
                slots += [bind] * bind.take(min(share, count - len(slots)))
            binds = [bind for bind in binds if bind.room]
        return slots

    def take_together(self, carrier: str, count: int) -> Slot | None:
        """Take `count` slots of one bind of a carrier, that with the most room; None if none has so many."""
        bind = max(self.of(carrier), key=lambda bind: bind.room, default=None)
        if bind is None or bind.room < count:
            return None
        taken = bind.take(count)
        if taken == count:
            return bind
        # Its rate allows some of them.
        bind.give_back(taken, unused=True)
        return None


def _sessions(carrier: Carrier) -> list[Carrier]:
    """The carrier as each of its binds sees it: a pair is a transmitter and a receiver."""
    kinds = [carrier.bind_type]
    if carrier.bind_type is BindType.PAIR:
        kinds = [BindType.TRANSMITTER, BindType.RECEIVER]
    return [replace(carrier, bind_type=kind) for _ in range(carrier.binds) for kind in kinds]
