"""The composition root: the whole gateway, wired from settings and a world, started and stopped in order.

Recovery comes first and the listener last: nobody is let in before what the last life left behind is decided.
Stopping goes the other way: the door closes, what is under way is finished or put down in the store, and only
then does the store close.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from twisted.internet.defer import Deferred, maybeDeferred

from gateway import task
from gateway.account_page.overviews import Overviews
from gateway.account_page.page import AccountPage
from gateway.admin import AdminSite, Health
from gateway.carriers.dispatcher import Dispatcher
from gateway.carriers.inbound import CarrierInbound
from gateway.carriers.pool import CarrierPool
from gateway.customers.binds import Binds
from gateway.customers.broadcasts import Broadcasts
from gateway.customers.deliveries import Deliveries
from gateway.customers.doors import Doors
from gateway.customers.intake import Intake
from gateway.customers.link import CustomerLink
from gateway.customers.listener import CustomerListener
from gateway.customers.long_messages import LongMessages
from gateway.customers.operations import Operations
from gateway.customers.password_checks import PasswordChecks
from gateway.customers.submitter import tell_shadowed
from gateway.metrics import Metrics
from gateway.passwords import Passwords
from gateway.purger import Purger
from gateway.reactor import sleep
from gateway.recovery import Opened, check_store, open_store
from gateway.routing import long_form
from gateway.settings import Settings
from gateway.store.reader import Reader
from gateway.sweeper import Sweeper
from gateway.world import Port, World
from ledger.errors import LedgerError

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
        self._account_page: AccountPage | None = None
        self._page_doors: Doors | None = None
        self._stopping = False
        self._deadline = 0.0

    @property
    def port(self) -> int:
        """The port that customers connect to: the plain one, or that for TLS where there is none."""
        return int(self._ports[0].getHost().port)

    async def start(self, *, despite_audit: bool = False) -> None:
        """Recover, see that all adds up, bind to the carriers, open the door.

        Raises StoreError for a database that cannot be used, or that the audit finds violated unless it is to
        run `despite_audit`; Twisted's CannotListenError for a port in use.
        """
        settings, world = self._settings, self._world
        opened = self._opened = await open_store(
            settings, world, self.metrics.commit_s.observe, self._shadowed
        )
        self._wire(opened)
        for account, route, count in opened.recovered.queued:
            self._dispatcher.found(account, route, count)
        await self._sweep()
        await check_store(opened, settings.store_path, despite=despite_audit)
        await self._broadcasts.cancel_left()
        self._pool.start(self._dispatcher, self._inbound)
        self._sweeper.start()
        self._purger.start()
        self._broadcasts.start()
        listen = settings.listen
        for number, factory in self._doors.factories:
            self._ports.append(world.listen(number, factory, listen.host))
        self._open_account_page()
        if settings.admin is not None:
            site = AdminSite(self.metrics, self.health)
            self._ports.append(world.listen(settings.admin.port, site, settings.admin.host))
        log.info("gateway.started", host=listen.host, port=self.port, epoch=opened.recovered.epoch)

    def _open_account_page(self) -> None:
        settings, world = self._settings, self._world
        listen = settings.account_page
        if listen is None:
            return
        reader = Reader(settings.store_path, world.read_in, world.reactor.seconds)
        overviews = Overviews(reader, world.clock, world.reactor.seconds, settings.zone)
        page: Any = AccountPage(
            settings, listen, world.reactor, world.clock, self._binds, overviews, self.metrics
        )
        self._account_page = page
        doors = self._page_doors = Doors(listen, page, world.reactor, self.metrics)
        for number, factory in doors.factories:
            self._ports.append(world.listen(number, factory, listen.host))
        gauge = self.metrics.gauge
        gauge("account_page_connections", "Connections to the account page", lambda: len(page))
        gauge("account_page_reads", "Reads of the store for account pages", lambda: len(overviews))
        gauge("account_page_unannounced", "Proxied without a header yet", lambda: doors.unannounced)

    async def _close_account_page(self) -> None:
        if self._account_page is not None and self._page_doors is not None:
            self._page_doors.abort()
            await self._account_page.stop()

    async def _sweep(self) -> None:
        """End what is overdue. What the ledger will not resolve is left for the audit to name."""
        try:
            while await self._sweeper.end_overdue():
                pass
        except (LedgerError, IntegrityError) as error:
            log.error("sweep.failed", error=str(error))

    async def stop(self) -> None:
        """Close the door, finish what is under way, close the store. What cannot be finished is in doubt.

        What is under way has drain_s to finish, and then the parting as long again, unless the store took
        nothing in the first.
        """
        if self._opened is None or self._stopping:
            return
        self._stopping = True
        self._begin_to_wait()
        log.info("gateway.stopping")
        for port in self._ports:
            await maybeDeferred(port.stopListening)
        self._doors.abort()
        await self._in_time(self._close_account_page)
        self._sweeper.stop()
        self._purger.stop()
        await self._in_time(self._broadcasts.stop)
        is_recorded = await self._in_time(self._intake.stop)
        # The queue stays where it is: the slots must become free, not go to the next messages.
        is_recorded &= await self._in_time(self._operations.stop)
        is_recorded &= await self._in_time(self._dispatcher.stop)
        await self._drain()
        await self._pool.stop()
        if is_recorded:
            self._begin_to_wait()
        await self._in_time(self._dispatcher.stop)
        await self._in_time(self._inbound.stop)
        await self._in_time(self._part)
        self._listener.abort()
        await self._in_time(self._deliveries.stop)
        await self._in_time(self._opened.close)
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
        by_name = self._by_name = {account.name: account for account in settings.accounts.values()}
        self._deliveries = Deliveries(limits, reactor, clock, random, store, metrics)
        owe = self._deliveries.owe
        self._pool = CarrierPool(settings.carriers, limits, reactor, world.connect, random, metrics)
        self._dispatcher = Dispatcher(
            by_name, limits, reactor, clock, random, store, self._pool, metrics, owe
        )
        ended = self._dispatcher.ended
        self._inbound = CarrierInbound(
            by_name,
            settings.country_code,
            limits.batch_max,
            reactor,
            clock,
            store,
            metrics,
            owe,
            ended,
            settings.routes,
        )
        self._sweeper = Sweeper(limits, reactor, clock, store, metrics, owe, ended, self._look_again)
        self._purger = Purger(settings, reactor, clock, opened.writer.run)
        self._wire_messages(opened)
        passwords = Passwords(len(settings.accounts))
        self._checks = PasswordChecks(
            passwords, world.check_in, reactor.seconds, limits, settings.listen.connections_max
        )
        self._binds = Binds(settings.accounts, settings.zone, clock, self._checks, store.account_state)
        self._listener = CustomerListener(self._make_link, settings.listen)
        self._doors = Doors(settings.listen, self._listener, reactor, metrics)
        self._export(opened)

    def _wire_messages(self, opened: Opened) -> None:
        """What customers send, on its way from their links into the store."""
        settings, limits = self._settings, self._settings.limits
        reactor, clock = self._world.reactor, self._world.clock
        store, metrics, new_id = opened.store, self.metrics, opened.ids.next
        owe, ended = self._deliveries.owe, self._dispatcher.ended
        form = lru_cache(lambda route: long_form(route, settings.carriers))
        self._long_messages = LongMessages(
            limits,
            reactor,
            clock,
            new_id,
            opened.recovered.epoch,
            store,
            self._dispatcher,
            metrics,
            form,
            owe,
            ended,
        )
        self._long_messages.restore(opened.recovered.collecting, self._by_name.get)
        self._intake = Intake(
            settings.routes,
            limits,
            reactor,
            clock,
            new_id,
            opened.recovered.epoch,
            store,
            self._dispatcher,
            metrics,
            form,
            self._long_messages,
        )
        self._operations = Operations(
            limits, reactor, clock, new_id, store, self._dispatcher, form, owe, ended
        )

        self._broadcasts = Broadcasts(settings, reactor, clock, store, self._intake, ended, owe)

    def _shadowed(self, account: str, rule: str) -> None:
        tell_shadowed(account, [rule], self.metrics)

    def _look_again(self) -> None:
        self._deliveries.look_again()
        self._dispatcher.look_again()

    def _make_link(self, gone: Callable[[CustomerLink], None]) -> CustomerLink:
        return CustomerLink(
            self._settings.limits,
            self._settings.listen,
            self._world.reactor,
            self._binds,
            self._intake,
            self._operations,
            self._deliveries,
            self.metrics,
            gone,
        )

    def _export(self, opened: Opened) -> None:
        """Every queue has a gauge."""
        gauge, gauges = self.metrics.gauge, self.metrics.gauges
        gauge("intake", "submit_sm that await their answer", lambda: len(self._intake))
        gauge("broadcast_recipients", "Of broadcasts, in hand", lambda: len(self._broadcasts))
        sources = self._intake.throttles.sources
        gauges("throttled_sources", "Source addresses whose rates are told apart", "account", sources)
        gauges("template_places", "Places in templates kept of read texts", "account", self._template_places)
        long = self._long_messages
        gauge("reassemblies", "Long messages that wait for a segment", lambda: len(long.collector))
        gauge("reassembly_octets", "Octets of text that wait for a segment", lambda: long.collector.octets)
        gauge("operations", "query_sm, cancel_sm and replace_sm in hand", lambda: len(self._operations))
        gauge("inbound", "deliver_sm of carriers that await their answer", lambda: len(self._inbound))
        gauge("outcomes", "Outcomes of submits not yet written down", lambda: self._dispatcher.unrecorded)
        gauges("queued_messages", "Messages that wait for a carrier", "account", self._dispatcher.queues)
        gauge("deliveries", "deliver_sm for customers in hand", lambda: len(self._deliveries))
        gauge("store_jobs", "Jobs that wait for a transaction", lambda: opened.writer.waiting)
        gauge("connections", "Connections of customers", lambda: len(self._listener))
        gauge("connections_unannounced", "Proxied without a header yet", lambda: self._doors.unannounced)
        gauges("connections_unread", "Connections that are not read", "why", self._listener.unread)
        gauge("late_deliveries", "deliver_sm whose answer is overdue", lambda: self._listener.late)
        gauge("password_checks", "Passwords in the check", lambda: len(self._checks))
        gauge("origins", "Addresses whose tries of passwords are counted", lambda: self._checks.origins)
        gauges("binds", "Bound sessions of customers", "account", self._binds.counts)
        gauges(
            "slots_taken",
            "Window slots in use",
            "bind",
            lambda: {bind.name: bind.taken for bind in self._pool.binds},
        )

    def _template_places(self) -> dict[str, int]:
        rules = {name: account.ruleset.templates for name, account in self._by_name.items()}
        return {name: each.places for name, each in rules.items() if each.templates}

    async def _part(self) -> None:
        await self._listener.part()

    def _begin_to_wait(self) -> None:
        self._deadline = self._world.reactor.seconds() + self._settings.limits.drain_s

    async def _in_time(self, stop: Callable[[], Coroutine[Deferred[object], object, None]]) -> bool:
        """Stop something, but wait no longer than until the deadline; whether it has stopped.

        What has not is left to itself: cancelled, it would take that for an answer of the store.
        """
        waited: Deferred[bool] = Deferred()

        def tell(stopped: bool) -> None:
            if not waited.called:
                waited.callback(stopped)

        left_s = max(0.0, self._deadline - self._world.reactor.seconds())
        timer = self._world.reactor.callLater(left_s, tell, False)
        task.start(stop(), stop.__qualname__).addCallback(lambda _: tell(True))
        stopped = await waited
        if timer.active():
            timer.cancel()
        if not stopped:
            log.error("stop.unfinished", part=stop.__qualname__)
        return stopped

    async def _drain(self) -> None:
        """Wait for the carriers' answers, but not for ever."""
        reactor = self._world.reactor
        while any(bind.taken for bind in self._pool.binds) and reactor.seconds() < self._deadline:
            await sleep(reactor, _DRAIN_LOOK_S)
