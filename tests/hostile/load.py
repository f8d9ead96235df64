"""Well-behaved customers at a steady rate, and their carrier, on one poll in this process.

They are the benchmark's two ends. What is measured is what their journal saw between two instants.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Self

from tests.bench.carrier import Carrier
from tests.bench.customer import Customer, Load
from tests.bench.journal import Journal
from tests.bench.link import Link, Poll
from tests.bench.pdus import BIND_TRANSCEIVER_RESP, bind_transceiver
from tests.e2e.config import PASSWORD
from tests.e2e.customer import GREETING
from tests.hostile.house import GOOD

MESSAGES_MAX = 500_000
_ATTACKERS_MAX = 100_000
_TICK_S = 0.002
_BIND_S = 30.0
_LAST_S = 15.0


@dataclass(frozen=True, slots=True)
class Kept:
    """How the good customers fared: messages answered and receipted a second, and the slowest hundredth."""

    offered_per_s: float
    answered_per_s: float
    receipted_per_s: float
    p50_ms: float
    p99_ms: float
    refused: int


class GoodCustomers:
    """Four binds and the carrier; `with` closes their sockets."""

    def __init__(self, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s
        self.poll = Poll()
        self.journal = Journal(MESSAGES_MAX + _ATTACKERS_MAX)
        self.carrier = Carrier(self.poll, self.journal, 0.0, receipt_window=500)
        # Paced here, not by the benchmark's own rate, which counts from the first message.
        self._customer = Customer(self.poll, self.journal, Load("10690001", GREETING, 4, 200, None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._customer.close()
        self.carrier.close()
        self.poll.close()

    def bind(self, port: int) -> None:
        """Bind, and see the gateway's binds at the carrier."""
        self._customer.connect(port, GOOD, PASSWORD)
        self.poll.until(lambda: self._customer.bound and self.carrier.bound == 2, _BIND_S, "all binds")

    def run(self, seconds: float, meanwhile: Callable[[float], object] = lambda now: None) -> Kept:
        """Submit at the rate for so long; `meanwhile` is called every few milliseconds."""
        journal, customer = self.journal, self._customer
        first = customer.released
        refused = journal.refusals.total()
        began_at = ticked_at = perf_counter()
        while (now := perf_counter()) < began_at + seconds:
            if now - ticked_at >= _TICK_S:
                ticked_at = now
                customer.released = first + int((now - began_at) * self.rate_per_s)
                customer.tick(now)
                meanwhile(now)
            self.poll.once(_TICK_S)
        ended_at = perf_counter()
        return self._measure(first, customer.released, began_at, ended_at, refused)

    def settle(self, also: Callable[[], bool]) -> bool:
        """Wait for what is still owed, and for `also`; whether all has come."""
        journal, last = self.journal, self._customer.released
        deadline = perf_counter() + _LAST_S
        while perf_counter() < deadline:
            accepted = last - journal.refusals.total()
            if journal.answered >= last and journal.receipted >= accepted and also():
                return True
            self._customer.tick(perf_counter())
            self.poll.once(_TICK_S)
        return False

    def _measure(self, first: int, last: int, began_at: float, ended_at: float, refused: int) -> Kept:
        journal, seconds = self.journal, ended_at - began_at
        answered = [at for at in journal.answered_at[first:last] if at]
        pairs = zip(journal.submitted_at[first:last], journal.answered_at[first:last], strict=True)
        # A message without an answer yet has waited until now.
        waits = sorted((at or ended_at) - (sent or ended_at) for sent, at in pairs)
        receipted = sum(1 for at in journal.receipted_at[first:last] if at)
        return Kept(
            (last - first) / seconds,
            len(answered) / seconds,
            receipted / seconds,
            waits[len(waits) // 2] * 1000,
            waits[len(waits) * 99 // 100] * 1000,
            journal.refusals.total() - refused,
        )


class NewBind(Link):
    """A customer that binds for the first time; `took_s` is how long that was, None until it is done."""

    def __init__(self, poll: Poll, port: int, system_id: str) -> None:
        self._began_at = perf_counter()
        self.took_s: float | None = None
        self.status = -1
        super().__init__(socket.create_connection(("127.0.0.1", port)), poll)
        self.out.append(bind_transceiver(system_id, PASSWORD))
        self.flush()

    def handle(
        self, command_id: int, command_status: int, sequence_number: int, data: bytes, start: int, end: int
    ) -> None:
        if command_id == BIND_TRANSCEIVER_RESP:
            self.status = command_status
            self.took_s = perf_counter() - self._began_at
            self.close()
