"""The customers' side of a gateway, between a store and an outlet that the test brings along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.task import Clock

from gateway.clock import StatedClock
from gateway.customers.binds import Binds
from gateway.customers.deliveries import Deliveries
from gateway.customers.doors import Doors
from gateway.customers.intake import Intake
from gateway.customers.link import CustomerLink
from gateway.customers.listener import CustomerListener
from gateway.customers.long_messages import LongMessages
from gateway.customers.operations import Operations
from gateway.customers.password_checks import InThread, PasswordChecks
from gateway.metrics import Metrics
from gateway.passwords import Passwords
from gateway.ports import Store
from gateway.settings import Account, Limits, Listen, LongForm, Route
from gateway.stored import Ended
from ledger.states import AccountState
from tests.gateway.carriers.samples import LIMITS, NOON, ZONE
from tests.gateway.customers.outlet import FakeOutlet
from tests.gateway.customers.peer import Customer
from tests.gateway.customers.samples import ROUTES, a_customer

EPOCH = 7
FIRST_ID = 1001
LISTEN = Listen("", 0, 100)


def always_open(_account: str) -> Deferred[AccountState]:
    return succeed(AccountState.OPEN)


class CustomerSide:
    """Everything from the door to the store. Chance gives 1, so a wait is as long as it can be."""

    def __init__(
        self,
        store: Store,
        *,
        reactor: Clock | None = None,
        start: float = NOON,
        outlet: FakeOutlet | None = None,
        accounts: Sequence[Account] = (a_customer(),),
        routes: Sequence[Route] = ROUTES,
        limits: Limits = LIMITS,
        check_in: InThread = execute,
        connections_max: int = 100,
        connections_per_address_max: int = 100,
        form: LongForm = LongForm.UDH8,
        listen: Listen = LISTEN,
    ) -> None:
        self.reactor = reactor or Clock()
        self.clock = StatedClock(start, self.reactor.seconds)
        self.metrics = Metrics()
        self.outlet = outlet or FakeOutlet()
        new_id = count(FIRST_ID).__next__
        self.deliveries = Deliveries(limits, self.reactor, self.clock, lambda: 1.0, store, self.metrics)
        self.ended: list[Ended] = []
        self.long_messages = LongMessages(
            limits,
            self.reactor,
            self.clock,
            new_id,
            EPOCH,
            store,
            self.outlet,
            self.metrics,
            lambda _: form,
            self.deliveries.owe,
            self.ended.extend,
        )
        self.intake = Intake(
            routes,
            limits,
            self.reactor,
            self.clock,
            new_id,
            EPOCH,
            store,
            self.outlet,
            self.metrics,
            lambda _: form,
            self.long_messages,
        )
        self.operations = Operations(
            limits,
            self.reactor,
            self.clock,
            new_id,
            store,
            self.outlet,
            lambda _: form,
            self.deliveries.owe,
            self.ended.extend,
        )
        by_system_id = {account.system_id: account for account in accounts}
        self.checks = PasswordChecks(Passwords(), check_in, self.reactor.seconds, limits, connections_max)
        self.binds = Binds(by_system_id, ZONE, self.clock, self.checks, always_open)
        self._limits = limits
        self._listen = replace(
            listen,
            connections_max=connections_max,
            connections_per_address_max=connections_per_address_max,
        )
        self.listener = CustomerListener(self._make_link, self._listen)
        self.doors = Doors(self._listen, self.listener, self.reactor, self.metrics)

    def _make_link(self, gone: Callable[[CustomerLink], None]) -> CustomerLink:
        return CustomerLink(
            self._limits,
            self._listen,
            self.reactor,
            self.binds,
            self.intake,
            self.operations,
            self.deliveries,
            self.metrics,
            gone,
        )

    def connect(self, host: str = "192.0.2.9", port: int = 40_000) -> Customer:
        """A customer that is let in."""
        link = self.listener.buildProtocol(IPv4Address("TCP", host, port))
        assert link is not None
        return Customer(link, self.reactor, host, port)

    def is_refused(self, host: str = "192.0.2.9") -> bool:
        """Whether a connection is closed at once."""
        return self.listener.buildProtocol(IPv4Address("TCP", host, 40_000)) is None

    def pass_time(self, seconds: float, step: float = 0.25) -> None:
        """Let time go by in small steps, so that what a timer sets off sees its own instant."""
        self.reactor.advance(0)
        self.reactor.pump([step] * int(seconds / step))

    def stop_intake(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.intake.stop())

    def stop_deliveries(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.deliveries.stop())
