"""A whole gateway on a fake reactor, a fake network and a real database, played with from outside.

Nothing happens but when the test lets time go by. Customers and carriers are octets in memory.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Engine, Row, Table, select
from twisted.internet.defer import Deferred, execute
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from gateway.app import Gateway
from gateway.clock import StatedClock
from gateway.message import State
from gateway.settings import Account, Carrier, Limits, Listen, Log, Route, Settings
from gateway.store import schema
from gateway.store.engine import connect
from gateway.world import World
from ledger import sql
from ledger.accounts import Balance
from ledger.audit import audit
from ledger.lots import Lot
from ledger.standing import open_account
from tests.gateway.carriers.network import Network
from tests.gateway.carriers.peer import Peer, submit_resp
from tests.gateway.carriers.samples import NOON, ZONE, a_carrier
from tests.gateway.customers.peer import Customer
from tests.gateway.customers.samples import ROUTES, a_customer
from tests.gateway.raw_pdus import SUBMIT_SM, Raw
from tests.gateway.store.commits import HeldCommits

BOUGHT = 100
STOP_MAX_S = 120.0
_LOT_IDS = count(1)
LIMITS = Limits(drain_s=10.0, retry_min_s=1.0, retry_max_s=8.0, message_ttl_s=3600.0, in_doubt_s=20.0)
Commit = Callable[[Callable[[], None]], Deferred[None]]


@dataclass
class Port:
    """A listening port."""

    factory: Any
    number: int
    is_open: bool = True

    def getHost(self) -> SimpleNamespace:
        return SimpleNamespace(port=self.number)

    def stopListening(self) -> None:
        self.is_open = False


@dataclass
class Ports:
    """Those that a gateway opened, in order; `taken` belong to somebody else."""

    opened: list[Port] = field(default_factory=list)
    taken: frozenset[int] = frozenset()

    def listen(self, number: int, factory: Any, host: str) -> Port:
        if number in self.taken:
            raise CannotListenError(host, number, OSError("in use"))  # type: ignore[no-untyped-call]
        self.opened.append(Port(factory, number))
        return self.opened[-1]


def settings_of(
    store_path: Path,
    accounts: Sequence[Account] = (a_customer(),),
    carriers: Sequence[Carrier] = (a_carrier(),),
    routes: Sequence[Route] = ROUTES,
    limits: Limits = LIMITS,
) -> Settings:
    return Settings(
        node=1,
        zone=ZONE,
        country_code="86",
        store_path=store_path,
        listen=Listen("127.0.0.1", 2775, 10),
        admin=None,
        log=Log("json", "info"),
        limits=limits,
        accounts={account.system_id: account for account in accounts},
        carriers={carrier.name: carrier for carrier in carriers},
        routes=tuple(routes),
        content=accounts[0].ruleset.content,
    )


class Whole:
    """One life of a gateway. Chance gives 1, so a wait is as long as it can be."""

    def __init__(self, settings: Settings, commit_in: Commit = execute, now: float = NOON) -> None:
        self.settings = settings
        self._commit_in = commit_in
        self.reactor = Clock()
        self.clock = StatedClock(now, self.reactor.seconds)
        self.network = Network(self.reactor)
        self.ports = Ports()
        world = World(
            reactor=self.reactor,
            clock=self.clock,
            random=lambda: 1.0,
            commit_in=commit_in,
            check_in=execute,
            connect=self.network.connect,
            listen=self.ports.listen,
            close=lambda: None,
            read_in=execute,
        )
        self.gateway = Gateway(settings, world)
        self.observer: Engine = connect(settings.store_path, 1.0)

    # -- its life

    def starting(self) -> Deferred[None]:
        """`turn` until it has fired."""
        return Deferred.fromCoroutine(self.gateway.start())

    def start(self) -> Whole:
        """Started, and bound to every carrier."""
        result(self.starting(), self.turn)
        for name in self.settings.carriers:
            self.carrier(name).accept_bind()
        self.turn()
        return self

    def start_with(self, commits: HeldCommits) -> Whole:
        """Started, with one commit after the other let go; not bound to a carrier yet."""
        starting = self.starting()
        while not starting.called:
            self.turn()
            commits.release()
        return self

    def stopping(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.gateway.stop())

    def stop(self) -> None:
        """Stop; whoever is connected gives no answer."""
        stopped = self.stopping()

        def wait() -> None:
            while not stopped.called and self.reactor.seconds() < STOP_MAX_S + started_at:
                self.pass_time(0.5)

        started_at = self.reactor.seconds()
        result(stopped, wait)

    def stop_with(self, commits: HeldCommits) -> None:
        """Stop, with every commit let go."""
        stopping = self.stopping()
        while not stopping.called:
            self.pass_time(0.25)
            while len(commits):
                commits.release()

    def turn(self) -> None:
        self.reactor.advance(0)

    def pass_time(self, seconds: float, step: float = 0.25) -> None:
        self.turn()
        self.reactor.pump([step] * int(seconds / step))

    # -- who talks to it

    def connect(self) -> Customer:
        link = self.ports.opened[0].factory.buildProtocol(None)
        assert link is not None
        return Customer(link, self.reactor)

    def customer(self, system_id: str = "bank", **fields: Any) -> Customer:
        """A customer that is bound; commits that are held are let go for it."""
        return self.connect().bound(meanwhile=self._let_go, system_id=system_id.encode(), **fields)

    def _let_go(self) -> None:
        while isinstance(self._commit_in, HeldCommits) and len(self._commit_in):
            self._commit_in.release()
            self.turn()

    def carrier(self, name: str = "north") -> Peer:
        return self.network.peer(name)

    def submits(self, name: str = "north") -> list[Raw]:
        """The submit_sm that a carrier has got since the last time."""
        return [pdu for pdu in self.carrier(name).read() if pdu.command_id == SUBMIT_SM]

    def say(self, *pdus: bytes, name: str = "north") -> None:
        """A carrier sends these, all in one piece."""
        self.carrier(name).send(*pdus)
        self.turn()

    def accept(self, *submits: Raw, first_id: int = 1, name: str = "north") -> None:
        """A carrier takes these, under the ids c1, c2 and so on."""
        numbered = enumerate(submits, first_id)
        self.say(*(submit_resp(pdu.sequence_number, b"c%d" % n) for n, pdu in numbered), name=name)

    # -- what is stored

    def top_up(self, account: str = "bank", units: int = BOUGHT) -> Whole:
        with self.observer.begin() as connection:
            sql.topup(connection, Lot(next(_LOT_IDS), account, units, 0, "paid", 0))
            open_account(connection, account, 0)
        return self

    def rows(self, table: Table) -> Sequence[Row[*tuple[Any, ...]]]:
        with self.observer.begin() as connection:
            return connection.execute(select(table).order_by(*table.primary_key)).all()

    def states(self) -> list[State]:
        """Those of all messages, the oldest first."""
        return [State(row.state) for row in self.rows(schema.message)]

    def balance(self, account: str = "bank") -> Balance:
        with self.observer.begin() as connection:
            return sql.balances(connection)[account]

    def problems(self) -> list[object]:
        """What the ledger's audit finds."""
        with self.observer.begin() as connection:
            return list(audit(connection))


def result(done: Deferred[None], go_on: Callable[[], object]) -> None:
    """Go on once, and have the result."""
    found: list[Failure | None] = []
    done.addBoth(found.append)
    go_on()
    (outcome,) = found
    if isinstance(outcome, Failure):
        outcome.raiseException()


def crashed(path: Path, folder: Path) -> Path:
    """The database as a kill -9 at this moment would leave it; `folder` is for the copy."""
    folder.mkdir()
    for suffix in ("", "-wal"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            shutil.copy(file, folder)
    return folder / path.name
