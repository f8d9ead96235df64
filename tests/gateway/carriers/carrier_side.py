"""The carriers' side of a gateway: every bind, the dispatcher and the inbound, on a network in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gateway.carriers.bind import CarrierBind
from gateway.carriers.dispatcher import Dispatcher
from gateway.carriers.inbound import CarrierInbound
from gateway.carriers.pool import CarrierPool
from gateway.clock import StatedClock
from gateway.metrics import Metrics
from gateway.ports import Store
from gateway.settings import Account, Carrier, Limits
from gateway.stored import Delivery
from tests.gateway.carriers.network import Network
from tests.gateway.carriers.peer import Peer
from tests.gateway.carriers.samples import LIMITS, NOON, a_carrier, an_account
from tests.gateway.raw_pdus import SUBMIT_SM, Raw

COUNTRY_CODE = "86"


def wall_clock(reactor: Clock, start: float = NOON) -> StatedClock:
    """The time of day, as the reactor's clock goes."""
    return StatedClock(start, reactor.seconds)


class CarrierSide:
    """Connected to every carrier, and bound to those that `bind` names. Chance gives 0.

    `owed` collects the deliveries that were told to be due, unless `owe` is there to hear of them.
    """

    def __init__(
        self,
        reactor: Clock,
        store: Store,
        *,
        carriers: Sequence[Carrier] = (a_carrier(),),
        accounts: Sequence[Account] = (an_account(),),
        limits: Limits = LIMITS,
        clock: StatedClock | None = None,
        owe: Callable[[Sequence[Delivery]], None] | None = None,
    ) -> None:
        self.reactor = reactor
        self.clock = clock or wall_clock(reactor)
        self.network = Network(reactor)
        self.metrics = Metrics()
        self.owed: list[Delivery] = []
        owe = owe or self.owed.extend
        by_name = {account.name: account for account in accounts}
        by_carrier = {carrier.name: carrier for carrier in carriers}
        self.pool = CarrierPool(by_carrier, limits, reactor, self.network.connect, lambda: 0.0, Metrics())
        self.dispatcher = Dispatcher(
            by_name,
            limits,
            reactor,
            self.clock,
            lambda: 0.0,
            store,
            self.pool,
            self.metrics,
            owe,
        )
        self.inbound = CarrierInbound(
            by_name,
            COUNTRY_CODE,
            limits.batch_max,
            reactor,
            self.clock,
            store,
            self.metrics,
            owe,
            self.dispatcher.ended,
        )
        self.pool.start(self.dispatcher, self.inbound)

    def bind(self, *carriers: str) -> None:
        """Let carriers accept the bind of their newest connection."""
        for carrier in carriers or ("north",):
            self.peer(carrier).accept_bind()

    def peer(self, carrier: str = "north") -> Peer:
        return self.network.peer(carrier)

    def bind_of(self, carrier: str = "north") -> CarrierBind:
        (bind,) = self.pool.of(carrier)
        return bind

    def submits(self, carrier: str = "north") -> list[Raw]:
        """The submit_sm that a carrier has got since the last time."""
        return [pdu for pdu in self.peer(carrier).read() if pdu.command_id == SUBMIT_SM]

    def pass_time(self, seconds: float = 0.0, step: float = 0.125) -> None:
        """Let time go by in small steps, so that what a timer sets off sees its own instant."""
        self.reactor.advance(0)
        self.reactor.pump([step] * int(seconds / step))

    def stop_dispatcher(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.dispatcher.stop())


def fired(done: Deferred[None]) -> bool:
    """Whether it has come to its result."""
    return done.called
