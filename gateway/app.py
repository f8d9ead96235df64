"""The composition root: the whole gateway, wired from settings and a world, started and stopped in order.

Recovery comes first and the listener last: nobody is let in before what the last life left behind is decided.
Stopping goes the other way: the door closes, what is under way is finished or put down in the store, and only
then does the store close.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import cast

import structlog
from twisted.internet.defer import Deferred, TimeoutError, maybeDeferred
from twisted.internet.interfaces import IReactorTime

from gateway.admin import AdminSite, Health
from gateway.carriers.dispatcher import Dispatcher
from gateway.carriers.inbound import CarrierInbound
from gateway.carriers.pool import CarrierPool
from gateway.customers.binds import Binds
from gateway.customers.deliveries import Deliveries
from gateway.customers.intake import Intake
from gateway.customers.link import CustomerLink
from gateway.customers.listener import CustomerListener
from gateway.metrics import Metrics
from gateway.passwords import Passwords
from gateway.reactor import sleep
from gateway.recovery import Opened, open_store
from gateway.settings import Settings
from gateway.sweeper import Sweeper
from gateway.world import Port, World

log = structlog.get_logger()

_DRAIN_LOOK_S = 0.02


class Gateway:
    """One gateway. `start` it once, `stop` it once."""

    def __init__(self, settings: Settings, world: World) -> None:
        self._settings = settings
        self._world = world
        self.metrics = Metrics()
        self._ports: list[Port] = []
        self._opened: Opened | None = None
        self._stopping = False

    @property
    def port(self) -> int:
        """The port that customers connect to."""
        return int(self._ports[0].getHost().port)

    async def start(self) -> None:
        """Recover, bind to the carriers, open the door.

        Raises StoreError for a database that cannot be used, Twisted's CannotListenError for a port in use.
        """
        settings, world = self._settings, self._world
        opened = self._opened = await open_store(settings, world, self.metrics.commit_s.observe)
        self._wire(opened)
        for account, route, count in opened.recovered.queued:
            self._dispatcher.found(account, route, count)
        while await self._sweeper.end_overdue():
            pass
        self._pool.start(self._dispatcher, self._inbound)
        self._sweeper.start()
        listen = settings.listen
        self._ports.append(world.listen(listen.port, self._listener, listen.host))
        if settings.admin is not None:
            site = AdminSite(self.metrics, self.health)
            self._ports.append(world.listen(settings.admin.port, site, settings.admin.host))
        log.info("gateway.started", host=listen.host, port=self.port, epoch=opened.recovered.epoch)

    async def stop(self) -> None:
        """Close the door, finish what is under way, close the store. What cannot be finished is in doubt."""
        if self._opened is None or self._stopping:
            return
        self._stopping = True
        log.info("gateway.stopping")
        for port in self._ports:
            await maybeDeferred(port.stopListening)
        self._sweeper.stop()
        await self._in_time(self._intake.stop)
        # The queue stays where it is: the slots must become free, not go to the next messages.
        await self._in_time(self._dispatcher.stop)
        await self._drain()
        await self._pool.stop()
        parts = (self._dispatcher.stop, self._inbound.stop, self._part, self._deliveries.stop)
        for stop in (*parts, self._opened.close):
            await self._in_time(stop)
        log.info("gateway.stopped")

    def health(self) -> Health:
        """Ready to take messages: started, not stopping, and bound to a carrier."""
        bound = [bind.name for bind in self._pool.binds if bind.is_bound]
        return Health(
            ok=bool(bound) and not self._stopping,
            details={"carrier_binds": bound, "customer_connections": len(self._listener)},
        )

    def _wire(self, opened: Opened) -> None:
        settings, world, limits = self._settings, self._world, self._settings.limits
        reactor, clock, random = world.reactor, world.clock, world.random
        store, metrics = opened.store, self.metrics
        by_name = {account.name: account for account in settings.accounts.values()}
        self._deliveries = Deliveries(limits, reactor, clock, random, store, metrics)
        owe = self._deliveries.owe
        self._pool = CarrierPool(settings.carriers, limits, reactor, world.connect, random, metrics)
        self._dispatcher = Dispatcher(
            by_name, limits, reactor, clock, random, store, self._pool, metrics, owe
        )
        ended = self._dispatcher.ended
        self._inbound = CarrierInbound(
            by_name, settings.country_code, limits.batch_max, reactor, clock, store, metrics, owe, ended
        )
        self._sweeper = Sweeper(
            limits, reactor, clock, store, metrics, owe, ended, self._deliveries.look_again
        )
        self._intake = Intake(
            settings.routes,
            limits,
            reactor,
            clock,
            opened.ids.next,
            opened.recovered.epoch,
            store,
            self._dispatcher,
            metrics,
        )
        self._binds = Binds(settings.accounts, settings.zone, clock, Passwords(), world.check_in)
        self._listener = CustomerListener(self._make_link, settings.listen.connections_max)
        self._export(opened)

    def _make_link(self, gone: Callable[[CustomerLink], None]) -> CustomerLink:
        return CustomerLink(
            self._settings.limits,
            self._world.reactor,
            self._binds,
            self._intake,
            self._deliveries,
            self.metrics,
            gone,
        )

    def _export(self, opened: Opened) -> None:
        """Every queue has a gauge."""
        gauge, gauges = self.metrics.gauge, self.metrics.gauges
        gauge("intake", "submit_sm that await their answer", lambda: len(self._intake))
        gauge("inbound", "deliver_sm of carriers that await their answer", lambda: len(self._inbound))
        gauge("outcomes", "Outcomes of submits not yet written down", lambda: self._dispatcher.unrecorded)
        gauges("queued_messages", "Messages that wait for a carrier", "account", self._dispatcher.queues)
        gauge("deliveries", "deliver_sm for customers in hand", lambda: len(self._deliveries))
        gauge("store_jobs", "Jobs that wait for a transaction", lambda: opened.writer.waiting)
        gauge("connections", "Connections of customers", lambda: len(self._listener))
        gauges("binds", "Bound sessions of customers", "account", self._binds.counts)
        gauges(
            "slots_taken",
            "Window slots in use",
            "bind",
            lambda: {bind.name: bind.taken for bind in self._pool.binds},
        )

    async def _part(self) -> None:
        try:
            await self._listener.part()
        finally:
            self._listener.abort()

    async def _in_time(self, stop: Callable[[], Coroutine[Deferred[object], object, None]]) -> None:
        """Stop something, but do not wait for ever: a store that takes nothing must not keep us."""
        stopping = Deferred.fromCoroutine(stop())
        stopping.addTimeout(self._settings.limits.drain_s, cast(IReactorTime, self._world.reactor))
        try:
            await stopping
        except TimeoutError:
            log.error("stop.unfinished", part=stop.__qualname__)

    async def _drain(self) -> None:
        """Wait for the carriers' answers, but not for ever."""
        deadline = self._world.reactor.seconds() + self._settings.limits.drain_s
        while any(bind.taken for bind in self._pool.binds) and self._world.reactor.seconds() < deadline:
            await sleep(self._world.reactor, _DRAIN_LOOK_S)
