"""One attack on a house with good customers in it, and what it did to them and to the house."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from threading import Thread
from time import perf_counter

from tests.hostile.attacker import Attacker
from tests.hostile.house import FRESH, House
from tests.hostile.load import GoodCustomers, Kept, NewBind

_NEW_BIND_AT = 0.4
_FREEZE_AT = 0.5
_START_S = 30.0

# What no attack may do, with a wide margin: the machine may be busy with others.
KEPT_MIN = 0.5
P99_MAX_MS = 3000.0
RSS_GROWTH_MAX_MIB = 48.0  # two threads that check passwords hold 19 each
LOG_MAX_OCTETS = 200_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures of one attack. Memory and log are what they grew by; `new_bind_s` is None if it was refused."""

    attack: str
    kept: Kept
    settled: bool
    cpu_share: float
    rss_growth_mib: float
    log_octets: int
    log_lines: int
    new_bind_s: float | None
    counted: dict[str, int]

    @property
    def harm(self) -> list[str]:
        """What the attack did that it must not; nothing, it is hoped."""
        found = {
            "the rate was not kept": self.kept.answered_per_s < KEPT_MIN * self.kept.offered_per_s,
            "answers were late": self.kept.p99_ms > P99_MAX_MS,
            "good customers were refused": self.kept.refused > 0,
            "answers or receipts are missing": not self.settled,
            "a new customer could not bind": self.new_bind_s is None,
            "memory grew": self.rss_growth_mib > RSS_GROWTH_MAX_MIB,
            "the log grew": self.log_octets > LOG_MAX_OCTETS,
        }
        return [what for what, is_so in found.items() if is_so]


class Siege:
    """A house, its good customers, and one attack after the other."""

    def __init__(self, house: House, good: GoodCustomers, attacker: Attacker) -> None:
        self.house = house
        self._good = good
        self._attacker = attacker
        self._fresh = cycle(FRESH)

    def quiet(self, seconds: float) -> Outcome:
        """How the good customers fare when nobody attacks."""
        return self._watch("", seconds)

    def attack(self, name: str, seconds: float) -> Outcome:
        """Attack for so long, while one customer binds for the first time."""
        return self._watch(name, seconds)

    def _watch(self, name: str, seconds: float) -> Outcome:
        house, good = self.house, self._good
        rss_mib, cpu_s, log = house.rss_mib, house.cpu_s, house.log_octets
        lines = house.log.count("\n")
        newcomer: list[NewBind] = []
        began_at = perf_counter()

        def meanwhile(now: float) -> None:
            if not newcomer and now >= began_at + seconds * _NEW_BIND_AT:
                newcomer.append(NewBind(good.poll, house.port, next(self._fresh)))
            if name == "frozen" and now >= began_at + seconds * _FREEZE_AT:
                self._attacker.freeze()

        if name:
            self._attacker.begin(name, house.port, seconds)
        kept = good.run(seconds, meanwhile)
        cpu_share = (house.cpu_s - cpu_s) / seconds
        rss_during_mib = house.rss_mib
        self._attacker.thaw()
        counted = self._attacker.result() if name else {}
        settled = good.settle(lambda: bool(newcomer) and newcomer[0].took_s is not None)
        return Outcome(
            name,
            kept,
            settled,
            cpu_share,
            max(rss_during_mib, house.rss_mib) - rss_mib,
            house.log_octets - log,
            house.log.count("\n") - lines,
            newcomer[0].took_s if newcomer and newcomer[0].status == 0 else None,
            counted,
        )


@contextmanager
def siege(folder: Path, rate_per_s: float) -> Iterator[Siege]:
    """A house in `folder` with good customers that send at a rate."""
    with ExitStack() as stack:
        good = stack.enter_context(GoodCustomers(rate_per_s))
        attacker = stack.enter_context(Attacker())
        house = stack.enter_context(House(folder, good.carrier.port))
        # The house waits for its carrier, and the carrier is played by this thread.
        opening = Thread(target=house.open)
        opening.start()
        good.poll.until(lambda: not opening.is_alive(), _START_S, "the gateway's start")
        good.bind(house.port)
        yield Siege(house, good, attacker)
