"""One run: phase one with faults and crashes, phase two without, in which everything must come to its end.

The gateway dies at a named point of its way: around a commit, around a write, before a read. `Crash` says at
which; a run without one lives through all its points and counts them.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import structlog
from sqlalchemy import event
from sqlalchemy.pool import Pool
from twisted.python.failure import Failure

from gateway.clock import StatedClock
from ledger import sql
from ledger.lots import Lot
from ledger.standing import open_account
from tests.gateway.carriers.samples import ZONE
from tests.gateway.store.database import open_quickly
from tests.sim.carrier import Carrier
from tests.sim.checker import check, check_drained, check_restart
from tests.sim.customer import Bind, Customer
from tests.sim.disk import Disk
from tests.sim.journal import Died, Gauged, Journal, Logged, Started, Stopped, SubmitAnswered, Submitted
from tests.sim.life import Life, unfinished
from tests.sim.network import Connection, Network
from tests.sim.plan import Plan
from tests.sim.setting import CARRIERS, begins_at, settings
from tests.sim.timeline import Timeline

POINTS = ("before_commit", "after_commit", "before_write", "after_write", "before_read")
# Small ones come first, so that messages of several units fall on the borders between them.
_LOTS = (1, 1, 2, 3, 5, 8, 13)
_LOGGED = frozenset({"delivery.abandoned", "task.failed", "link.failed"})
_DOWN_S = 1.0
_GAUGES_EVERY_S = 2.0
_QUIET_S = 40.0
_LOOK_S = 5.0
_JUMPS_MAX = 60
_STOP_MAX_S = 60.0


@dataclass(frozen=True, slots=True)
class Crash:
    """The `number`-th time (from 1) that the gateway comes to `point`."""

    point: str
    number: int


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run: broken promises, and figures."""

    seed: int
    problems: tuple[str, ...]
    fingerprint: str
    visits: Counter[str]
    seconds: float
    lives: int
    submitted: int
    accepted: int
    copies: int


class Scenario:
    """A plan in `folder`, on a copy of `empty_database`. `crash` is the one crash; None: the plan's."""

    def __init__(self, plan: Plan, folder: Path, empty_database: Path, crash: Crash | None = None) -> None:
        self._plan = plan
        self._folder = folder
        self._crash = crash
        self._chance = Random(plan.seed)
        self._timeline = Timeline()
        self._clock = StatedClock(begins_at(plan), self._timeline.seconds)
        self._journal = Journal()
        self._problems: list[str] = []
        self._visits: Counter[str] = Counter()
        self._network = Network(self._timeline, self._chance, plan.weather, self._point)
        self._disk = Disk(self._timeline, self._chance, plan.disk, self._point)
        self._store = folder / "0" / "signet.db"
        self._store.parent.mkdir()
        shutil.copy(empty_database, self._store)
        connections, tokens = count(1).__next__, count(1).__next__
        now = self._clock.now
        self._carriers = {
            name: Carrier(name, manners, self._timeline, self._chance, self._journal, now, connections)
            for name, manners in zip(CARRIERS, plan.carriers, strict=False)
        }
        self._customers = [
            Customer(
                manners,
                self._timeline,
                self._chance,
                self._journal,
                now,
                self._connect,
                tokens,
                connections,
            )
            for manners in plan.customers
        ]
        self._life: Life | None = None
        self._lives = 0
        self._dead: list[Life] = []
        self._next_crash: Crash | None = crash
        self._is_calm = False

    def run(self) -> Run:
        """Both phases, and all that is wrong."""
        began_at = self._timeline.seconds()
        self._top_up()
        with self._listening():
            self._begin()
            self._arm()
            for customer in self._customers:
                customer.start()
            for carrier in self._carriers.values():
                carrier.start()
            self._timeline.run(self._plan.faults_s)
            self._calm()
            self._drain()
            # And it serves as ever.
            for customer in self._customers:
                customer.binds[0].submit()
            self._drain()
            self._stop()
        for life in self._dead:
            life.bury()
        problems = [*self._problems, *check(self._journal, self._plan, self._store)]
        if not problems:
            problems = check_drained(self._journal, self._plan, self._store)
        answers = list(self._journal.of(SubmitAnswered))
        return Run(
            self._plan.seed,
            tuple(problems),
            self._journal.fingerprint(),
            self._visits,
            self._timeline.seconds() - began_at,
            self._lives,
            sum(1 for _ in self._journal.of(Submitted)),
            sum(answer.command_status == 0 for answer in answers),
            sum(copies - 1 for carrier in self._carriers.values() for copies in carrier.relayed.values()),
        )

    # -- the gateway's lives

    def _begin(self) -> None:
        """The gateway is started, as its supervisor would."""
        self._lives += 1
        life = self._life = Life(
            settings(self._plan, self._store),
            self._timeline,
            self._clock,
            self._chance,
            self._network,
            self._disk,
            self._carriers,
        )
        life.start().addCallbacks(
            lambda _: self._journal.write(Started(self._clock.now(), self._lives)),
            lambda failure: self._failed_to_start(life, failure),
        )
        if life.time.over:
            return
        self._look_at_gauges(life)

    def _failed_to_start(self, life: Life, failure: Failure) -> None:
        if life.time.over:
            return
        if self._is_calm:
            self._problems.append(f"P6 the gateway does not start again: {failure.getErrorMessage()}")
        self._die("start")

    def _point(self, name: str) -> None:
        """The gateway has come to a named point, and may not come any further."""
        self._visits[name] += 1
        crash = self._next_crash
        if crash is not None and crash.point == name and self._visits[name] >= crash.number:
            self._crash = self._next_crash = None
            self._die(name)

    def _die(self, point: str) -> None:
        life, self._life = self._life, None
        if life is None:
            return
        self._journal.write(Died(self._clock.now(), self._lives, point))
        self._store = life.die(self._folder / str(self._lives))
        self._dead.append(life)
        self._problems += check_restart(self._plan, self._store)
        self._timeline.callLater(_DOWN_S, self._begin)
        self._arm()

    def _arm(self) -> None:
        """Choose when the gateway is to die the next time."""
        mean_s = self._plan.crash_every_s
        if mean_s is not None and not self._is_calm:
            point = self._chance.choice(POINTS)
            wait_s = _DOWN_S + self._chance.expovariate(1 / mean_s)
            self._timeline.callLater(wait_s, self._aim, point, self._chance.randint(1, 10))

    def _aim(self, point: str, further: int) -> None:
        if not self._is_calm:
            self._next_crash = Crash(point, self._visits[point] + further)

    def _connect(self, bind: Bind) -> Connection | None:
        return None if self._life is None else self._life.connect(bind)

    def _look_at_gauges(self, life: Life) -> None:
        """Write down every gauge that is not 0; a life that is being started has none yet."""
        if life is not self._life:
            return
        now = self._clock.now()
        for (gauge, of), value in life.gauges().items():
            if value:
                self._journal.write(Gauged(now, gauge, of, value))
        self._timeline.callLater(_GAUGES_EVERY_S, self._look_at_gauges, life)

    # -- phase two

    def _calm(self) -> None:
        """The faults end."""
        self._is_calm = True
        self._next_crash = self._crash
        self._network.calm()
        self._disk.calm()
        for carrier in self._carriers.values():
            carrier.calm()
        for customer in self._customers:
            customer.calm()

    def _drain(self) -> None:
        """Let everything come to its end: by itself, and then by going on to the hours and deadlines."""
        for _ in range(_JUMPS_MAX):
            for _ in range(int(_QUIET_S / _LOOK_S)):
                self._timeline.run(_LOOK_S)
                if self._is_drained():
                    return
            self._clock.put(self._next_instant())
        messages, deliveries = unfinished(self._store)
        self._problems.append(f"P5 {messages} messages and {deliveries} deliveries never come to an end")

    def _is_drained(self) -> bool:
        bound = all(bind.is_bound for customer in self._customers for bind in customer.binds)
        told = not any(carrier.has_more_to_tell for carrier in self._carriers.values())
        return bound and told and self._life is not None and unfinished(self._store) == (0, 0)

    def _next_instant(self) -> float:
        """The next morning, or the evening of a working day: messages wait for the one or for the other."""
        now = datetime.fromtimestamp(self._clock.now(), ZONE)
        if 8 <= now.hour < 17:
            return now.replace(hour=17, minute=1).timestamp()
        morning = now.replace(hour=8, minute=1)
        return (morning if now < morning else morning + timedelta(days=1)).timestamp()

    def _stop(self) -> None:
        if self._life is None:
            self._problems.append("P5 the gateway is not running at the end")
            return
        self._next_crash = None
        visits = self._visits.copy()
        stopping = self._life.stop()
        if not self._timeline.run(_STOP_MAX_S, lambda: stopping.called):
            self._problems.append("P5 the gateway does not stop")
        self._visits = visits
        self._journal.write(Stopped(self._clock.now(), self._lives))

    # -- what stands around it

    @staticmethod
    def _lots(quota: int) -> Iterator[int]:
        """The lots that make a quota, the last one as large as it must be."""
        for units in _LOTS:
            if units < quota:
                yield units
                quota -= units
        yield quota

    def _top_up(self) -> None:
        engine = open_quickly(self._store)
        with engine.begin() as connection:
            for number, customer in enumerate(self._plan.customers, 1):
                for place, units in enumerate(self._lots(customer.quota)):
                    lot = Lot(10 * number + place, customer.name, units, 0, f"paid {place}", place)
                    sql.topup(connection, lot)
                open_account(connection, customer.name, 0)
        engine.dispose()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Hear what the gateway logs, and let its statements fail."""
        structlog.configure(
            processors=[self._hear], wrapper_class=structlog.make_filtering_bound_logger(logging.INFO)
        )
        event.listen(Pool, "connect", self._disk.watch)
        try:
            yield
        finally:
            event.remove(Pool, "connect", self._disk.watch)
            structlog.reset_defaults()

    def _hear(self, _logger: Any, _method: str, said: MutableMapping[str, Any]) -> str:
        if said["event"] in _LOGGED:
            words = " ".join(f"{key}={value}" for key, value in sorted(said.items()) if key != "event")
            self._journal.write(Logged(self._clock.now(), said["event"], words))
        raise structlog.DropEvent
