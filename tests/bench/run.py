"""One run: both ends around a gateway, or straight into each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from types import TracebackType
from typing import Self

from tests.bench.carrier import Carrier
from tests.bench.customer import Customer, Load
from tests.bench.figures import Figures, measure
from tests.bench.gateway import PASSWORD, SYSTEM_ID, Gateway
from tests.bench.journal import Journal
from tests.bench.link import Poll

_START_S = 30.0
_STALL_S = 20.0
_STOP_S = 30.0
_TICK_S = 0.001


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. The receipt window is that of a carrier's bind."""

    messages: int
    load: Load
    carrier_binds: int
    receipt_delay_s: float
    receipt_window: int

    @property
    def units(self) -> int:
        """Segments of all messages: 70 UTF-16 units alone, 67 in a part."""
        length = len(self.load.text.encode("utf-16-be")) // 2
        units = 1 if length <= 70 else -(-length // 67)
        # The segments of a long message hold units of their own until the parts take theirs.
        return 2 * self.messages * max(units, self.load.segments)

    @property
    def ticks(self) -> bool:
        """Whether something happens at its time and not as an answer."""
        return self.load.rate_per_s is not None or self.receipt_delay_s > 0


class Ends:
    """The customer and the carrier of a run, on one poll with one journal; `with` closes their sockets."""

    def __init__(self, plan: Plan) -> None:
        self.poll = Poll()
        self.journal = Journal(plan.messages, plan.load.segments)
        self.carrier = Carrier(self.poll, self.journal, plan.receipt_delay_s, plan.receipt_window)
        self.customer = Customer(self.poll, self.journal, plan.load)
        self._ticks = plan.ticks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.customer.close()
        self.carrier.close()
        self.poll.close()

    def bind(self, port: int) -> None:
        """Bind the customer."""
        self.customer.connect(port, SYSTEM_ID, PASSWORD)
        self.poll.until(lambda: self.customer.bound, _START_S, "the customer's binds")

    def send_all(self) -> float:
        """Run the load until all is done or nothing happens any more; returns our own CPU time."""
        pause_s = _TICK_S if self._ticks else 0.05
        journal, customer, carrier = self.journal, self.customer, self.carrier
        seen, seen_at, ticked_at, cpu_s = -1, perf_counter(), perf_counter(), process_time()
        customer.begin(ticked_at)
        while not journal.complete:
            self.poll.once(pause_s)
            now = perf_counter()
            if self._ticks and now - ticked_at >= _TICK_S:
                ticked_at = now
                customer.tick(now)
                carrier.tick(now)
            if journal.answered + journal.receipted != seen:
                seen, seen_at = journal.answered + journal.receipted, now
            elif customer.lost or now - seen_at > _STALL_S:
                break
        return process_time() - cpu_s

    def unbind(self) -> None:
        """End the customer's binds."""
        self.customer.unbind()
        self.poll.until(lambda: self.customer.unbound, _STOP_S, "the answers to unbind")


def run_direct(plan: Plan) -> Figures:
    """The customer binds to the carrier: what the benchmark itself can do."""
    with Ends(plan) as ends:
        ends.bind(ends.carrier.port)
        bench_cpu_s = ends.send_all()
        ends.unbind()
        return measure(ends.journal, late_max_s=ends.customer.late_max_s, bench_cpu_s=bench_cpu_s)


def run_gateway(plan: Plan, folder: Path) -> Figures:
    """The load through a `signet run` process whose files are in `folder`."""
    with Ends(plan) as ends:
        poll, carrier = ends.poll, ends.carrier
        gateway = Gateway(folder, plan.load, carrier_port=carrier.port, carrier_binds=plan.carrier_binds)
        gateway.top_up(plan.units)
        with gateway:
            poll.until(lambda: gateway.listening, _START_S, "the port of the gateway")
            ends.bind(gateway.port)
            poll.until(lambda: carrier.bound == plan.carrier_binds, _START_S, "the gateway's binds")
            idle_cpu_s = gateway.cpu_s
            bench_cpu_s = ends.send_all()
            ends.unbind()
            figures = measure(
                ends.journal,
                late_max_s=ends.customer.late_max_s,
                bench_cpu_s=bench_cpu_s,
                cpu_s=gateway.cpu_s - idle_cpu_s,
                rss_max_mib=gateway.rss_max_mib,
            )
            gateway.ask_to_stop()
            poll.until(lambda: gateway.stopped, _STOP_S, "the end of the gateway")
    return figures
