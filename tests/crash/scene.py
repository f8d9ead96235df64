"""One run: a gateway, two carriers, the customers, and the loop that keeps the customers going.

What goes wrong in between is a fault's business (`faults`); every run ends in the same way: nothing is held
back any more, everything drains, the gateway stops in good order, and what all have written down is compared.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Lock
from time import monotonic, perf_counter
from types import TracebackType
from typing import Any, Self

from tests.bench.link import Poll
from tests.crash import store, tokens
from tests.crash.customer import Customer
from tests.crash.notes import CarrierNotes, CustomerNotes
from tests.crash.verdict import Evidence, Verdict, judge
from tests.e2e.config import PASSWORD, Config
from tests.e2e.gateway import Gateway

_ROOT = Path(__file__).parents[2]

_PAUSE_S = 0.002
_LOOK_S = 0.05
_START_S = 60.0
_DRAIN_S = 60.0
_STOP_S = 30.0

_BINDS = 2
_CUSTOMER_WINDOW = 20
_CARRIER_WINDOW = 10
WINDOWS = _CARRIER_WINDOW * _BINDS * len(tokens.CARRIERS)
"""How many submits are at the carriers at once, at most."""

# The command runs in this process and borrows its standard output, which all runs share.
_TOP_UP = Lock()

_LIMITS = "in_doubt_s = 1.0"
_ACCOUNT = 'in_doubt = "{policy}"\nsource_addrs = ["{source}"]'
_CARRIER = """binds = {binds}
window_max = {window}
# Whole, so that every submit has its token: parts are the simulation's.
long_messages = "payload"
timers.session_init_s = 1.0
timers.response_s = 1.0
timers.enquire_link_s = 1.0
"""
_POLICIES = {"codes": "resend", "news": "park"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to be: `nth` is the call at which a fault strikes, where it strikes at one."""

    messages: int
    seed: str
    nth: int = 1


class Scene:
    """The cast of a run in `folder`; as a context, it leaves no process and no port behind.

    A fault may say that the carriers hang up at every `drop_every`-th submit, that each fdatasync takes
    `delay_s`, that it has not `struck`, and what flaws it has seen.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.random = Random(plan.seed)
        self.lives = 0
        self.struck = True
        self.drop_every = 0
        self.delay_s = 0.0
        self.flaws: list[str] = []
        self.notes = CustomerNotes()
        self.carriers: dict[str, CarrierNotes] = {}
        self.customers: dict[str, Customer] = {}
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._poll = Poll()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.callback(self._poll.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # -- the cast

    def open(self) -> None:
        """Bring everybody on but the gateway: the carriers listen, the customers try to bind."""
        config = Config(limits=_LIMITS)
        for account, carrier in tokens.CARRIERS.items():
            port = self._start_carrier(carrier)
            config.carrier(carrier, port, _CARRIER.format(binds=_BINDS, window=_CARRIER_WINDOW))
            source, policy = tokens.SOURCES[account], _POLICIES[account]
            config.account(account, carrier, _ACCOUNT.format(policy=policy, source=source))
        self.gateway = self._stack.enter_context(Gateway(self.folder, config))
        for account in tokens.ACCOUNTS:
            own = [token for token in range(self.plan.messages) if tokens.account_of(token) == account]
            with _TOP_UP:
                self.gateway.top_up(account, sum(map(tokens.units_of, own)))
            self.customers[account] = customer = Customer(
                self._poll, config.port, account, PASSWORD, own, self.notes, _BINDS, _CUSTOMER_WINDOW
            )
            self._stack.callback(customer.close)

    def launch(self, under: Sequence[str | Path] = ()) -> None:
        """Start the gateway, and do not wait."""
        self.lives += 1
        self.gateway.under = under
        self.gateway.launch()

    def start(self, under: Sequence[str | Path] = ()) -> None:
        """Start the gateway, and wait until customers may bind and a carrier's bind is there."""
        started = len(self.events("gateway.started"))
        self.launch(under)
        self.run_until(lambda: len(self.events("gateway.started")) > started, _START_S, "the gateway's start")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of that event; of a line that a full disk has broken, nothing."""
        if not self.lives:
            return []
        found = []
        for line in self.gateway.log.splitlines():
            if f'"event": "{name}"' in line:
                with suppress(json.JSONDecodeError):
                    found.append(json.loads(line))
        return found

    def signal_carrier(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a carrier's process."""
        os.kill(self._processes[name].pid, number)

    def _start_carrier(self, name: str) -> int:
        journal = self.folder.parent / f"{self.folder.name}-{name}"
        command = [sys.executable, "-m", "tests.crash.carrier", str(journal), str(self.drop_every)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT)
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        assert process.stdout is not None
        port = int(process.stdout.readline())
        self._processes[name] = process
        self.carriers[name] = CarrierNotes(journal)
        return port

    # -- what a fault does with it

    def release(self, share: float) -> None:
        """Let the customers send that share of all messages."""
        for customer in self.customers.values():
            customer.released = int(self.plan.messages * share)

    @property
    def progress(self) -> int:
        """How much the customers have heard: answers and receipts."""
        return len(self.notes.answers) + sum(map(len, self.notes.receipts.values()))

    @property
    def idle(self) -> bool:
        """Whether all customers have sent what they may, and await no answer."""
        return all(customer.idle for customer in self.customers.values())

    @property
    def answered(self) -> bool:
        """Whether they are idle, and every accepted message has its receipt."""
        return self.idle and len(self.notes.receipts) >= len(self.notes.accepted)

    def run_until(self, done: Callable[[], bool], within_s: float, what: str) -> bool:
        """Keep the customers going until `done()`; if it is not in time, that is a flaw."""
        deadline = monotonic() + within_s
        while not done():
            if monotonic() > deadline:
                self.flaws.append(f"waited {within_s:g} s in vain for {what}")
                return False
            self._poll.once(_PAUSE_S)
            now = perf_counter()
            for customer in self.customers.values():
                customer.tick(now)
        return True

    def run_for(self, seconds: float) -> None:
        """Keep the customers going for a while."""
        until = monotonic() + seconds
        self.run_until(lambda: monotonic() >= until, seconds + 1, "the time to pass")

    # -- the end

    def finish(self) -> Verdict:
        """Let everything drain, stop the gateway, and compare."""
        self.release(1)
        if not self.gateway.is_running:
            self.start()
        self.run_until(self._looking_now_and_then(self._is_drained), _DRAIN_S, "everything to drain")
        self.gateway.ask_to_stop()
        self.run_until(lambda: not self.gateway.is_running, _STOP_S, "the gateway's end")
        code = self.gateway.exit_code()
        if code:
            self.flaws.append(f"the gateway ended with {code}")
        if "Traceback" in self.gateway.log:
            self.flaws.append("a traceback in the log")
        for carrier in self.carriers.values():
            carrier.read_on()
        return judge(
            Evidence(
                self.notes,
                self.carriers,
                store.read(self.folder / "signet.db"),
                max(event["parked"] + event["resent"] for event in self.events("store.recovered")),
                WINDOWS,
                self.delay_s,
                tuple(self.flaws),
            )
        )

    def _is_drained(self) -> bool:
        if not self.gateway.is_running:
            self.flaws.append("the gateway has ended by itself")
            return True
        return self.idle and self._carriers_are_heard() and not store.unfinished(self.folder / "signet.db")

    def _carriers_are_heard(self) -> bool:
        heard = True
        for carrier in self.carriers.values():
            carrier.read_on()
            heard = heard and all(("receipt", c.message_id) in carrier.acknowledged for c in carrier.accepted)
            heard = heard and carrier.told.keys() == carrier.acknowledged.keys()
        return heard

    def _looking_now_and_then(self, look: Callable[[], bool]) -> Callable[[], bool]:
        """`look`, which is too dear to be called in every round."""
        next_at = 0.0

        def sometimes() -> bool:
            nonlocal next_at
            if monotonic() < next_at:
                return False
            next_at = monotonic() + _LOOK_S
            return look()

        return sometimes
