"""What only time brings about: messages past their deadline, deliveries never fetched, contacts long ago."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred

from gateway import task
from gateway.clock import Clock
from gateway.insist import insist
from gateway.metrics import Metrics
from gateway.ports import Store
from gateway.reactor import ReactorTime
from gateway.settings import Limits
from gateway.stored import Delivery, DeliveryOutcome, Ended, Recorded

log = structlog.get_logger()

_EVERY_S = 1.0
_LOOK_AGAIN_EVERY = 10
_FORGET_EVERY = 60


class Sweeper:
    """Looks every second, and at once again while there is a full batch to do.

    `look_again` is called every tenth time, for what only the store remembers.
    """

    def __init__(
        self,
        limits: Limits,
        reactor: ReactorTime,
        clock: Clock,
        store: Store,
        metrics: Metrics,
        owe: Callable[[Sequence[Delivery]], None],
        ended: Callable[[Sequence[Ended]], None],
        look_again: Callable[[], None],
    ) -> None:
        self._limits = limits
        self._reactor = reactor
        self._clock = clock
        self._store = store
        self._metrics = metrics
        self._owe = owe
        self._ended = ended
        self._look_again = look_again
        self._sweeps = 0
        self._timer: DelayedCall | None = None
        self._stopped = False

    def start(self) -> None:
        """Look now, and then every second."""
        task.start(self._sweep(), "sweep")

    def stop(self) -> None:
        """Do not look again."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def end_overdue(self) -> bool:
        """End a batch of overdue messages; whether there may be more."""
        return self._tell_ended(await self._end_overdue())

    def _end_overdue(self) -> Deferred[Recorded]:
        return self._store.end_overdue(self._limits.batch_max, self._limits.message_ttl_s)

    def _tell_ended(self, recorded: Recorded) -> bool:
        self._ended(recorded.ended)
        self._owe(recorded.deliveries)
        for end in recorded.ended:
            log.info("message.overdue", message_id=end.message_id, account=end.account, state=end.state.name)
        for message_id in recorded.unended:
            self._metrics.put_aside["end"] += 1
            log.error("message.unended", message_id=message_id)
        return len(recorded.ended) + len(recorded.unended) == self._limits.batch_max

    async def _abandon(self) -> bool:
        before = int((self._clock.now() - self._limits.receipt_ttl_s) * 1000)
        abandoned = await insist(
            lambda: self._store.abandon_deliveries(before, self._limits.batch_max),
            self._reactor,
            _wait_s,
            "abandoned",
            _both,
        )
        for delivery in abandoned:
            self._metrics.deliveries[delivery.account, DeliveryOutcome.ABANDONED.name] += 1
            log.warning(
                "delivery.abandoned",
                account=delivery.account,
                message_id=delivery.message_id,
                attempts=delivery.attempts,
            )
        return len(abandoned) == self._limits.batch_max

    async def _forget(self) -> None:
        """Drop what no cap on frequency looks back at any more."""
        while await self._store.forget_contacts(self._limits.batch_max) == self._limits.batch_max:
            if self._stopped:
                break

    async def _sweep(self) -> None:
        self._timer = None
        more = False
        try:
            more = self._tell_ended(
                await insist(
                    self._end_overdue,
                    self._reactor,
                    _wait_s,
                    "overdue",
                    lambda perhaps, recorded: recorded.joined_with(perhaps),
                )
            )
            if not self._stopped:
                more = await self._abandon() or more
            self._sweeps += 1
            if self._sweeps % _FORGET_EVERY == 0 and not self._stopped:
                await self._forget()
            if self._sweeps % _LOOK_AGAIN_EVERY == 0:
                self._look_again()
        except Exception as error:
            log.error("sweep.failed", error=str(error))
        if not self._stopped:
            self._timer = self._reactor.callLater(0 if more else _EVERY_S, self.start)


def _wait_s(tries: int) -> float:
    return _EVERY_S


def _both(perhaps: object, abandoned: list[Delivery]) -> list[Delivery]:
    """What was given up now, and what an earlier attempt gave up if it was committed after all."""
    if not isinstance(perhaps, list):
        return abandoned
    known = {delivery.delivery_id for delivery in abandoned}
    return abandoned + [delivery for delivery in perhaps if delivery.delivery_id not in known]
