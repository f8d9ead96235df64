"""How submits ended, on the way to the store: until it has taken them, their slots stay taken.

An outcome is never given up: while the store cannot take it, it is told again. If the store takes the others
and not this one, its message is in doubt, for that is all that is left to say; if even that cannot be written
down, the slot stays taken until the next start, which finds the message in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from twisted.internet.defer import Deferred

from gateway import in_doubt
from gateway.batch import Batch
from gateway.clock import Clock
from gateway.insist import fault, in_parts, insist
from gateway.metrics import Metrics
from gateway.ports import Slot, Store, StoreClosed
from gateway.reactor import ReactorTime
from gateway.settings import Limits
from gateway.stored import Outcome, Recorded

log = structlog.get_logger()

Ending = tuple[Outcome, Slot | None]
"""An outcome, and the slot that is free again when it is written down."""


class Outcomes:
    """`wait_s` gives the wait after so many tries; `recorded` is told after each commit of what."""

    def __init__(
        self,
        limits: Limits,
        reactor: ReactorTime,
        clock: Clock,
        wait_s: Callable[[int], float],
        store: Store,
        metrics: Metrics,
        recorded: Callable[[Sequence[Ending], Recorded], None],
    ) -> None:
        self._limits = limits
        self._reactor = reactor
        self._clock = clock
        self._wait_s = wait_s
        self._store = store
        self._metrics = metrics
        self._recorded = recorded
        self._waiting: Batch[Ending] = Batch(reactor, limits.batch_max, self.record)

    def __len__(self) -> int:
        """Outcomes that the store does not have yet."""
        return len(self._waiting)

    def add(self, outcome: Outcome, slot: Slot | None) -> None:
        """Take an outcome; it leaves with the next batch."""
        self._waiting.add((outcome, slot))

    def idle(self) -> Deferred[None]:
        """Fires when nothing is left."""
        return self._waiting.idle()

    async def record(self, endings: Sequence[Ending]) -> None:
        """Write these down now; returns when the store has them."""
        async for part, recorded in in_parts(endings, self._tell):
            if isinstance(recorded, Recorded):
                self._recorded(part, recorded)
            elif not isinstance(recorded, StoreClosed):
                await self._put_aside(part[0], recorded)

    async def _tell(self, endings: Sequence[Ending]) -> Recorded:
        outcomes = [outcome for outcome, _ in endings]
        return await insist(
            lambda: self._store.record_outcomes(outcomes),
            self._reactor,
            self._wait_s,
            "outcomes",
            lambda perhaps, recorded: recorded.joined_with(perhaps),
        )

    async def _put_aside(self, ending: Ending, error: Exception) -> None:
        """The store will not take this one: its message is in doubt."""
        outcome, slot = ending
        log.error(
            "outcome.put_aside",
            message_id=outcome.message.message_id,
            bind=outcome.bind,
            outcome=outcome.outcome.name,
            carrier_message_id=outcome.carrier_message_id,
            error=fault(error),
        )
        self._metrics.put_aside["outcome"] += 1
        now = int(self._clock.now() * 1000)
        doubt = in_doubt.unanswered(
            outcome.message, None, outcome.bind, outcome.sent_at, now, self._limits.in_doubt_s, 0.0
        )
        async for part, recorded in in_parts([(doubt, slot)], self._tell):
            if isinstance(recorded, Recorded):
                self._recorded(part, recorded)
            elif not isinstance(recorded, StoreClosed):
                log.error("outcome.lost", message_id=outcome.message.message_id, error=fault(recorded))
