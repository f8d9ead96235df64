"""The purge of a running gateway: once a day, in steps so small and so far apart that nobody waits for it.

Each step is a job of the store's writer, beside those of messages. A purge that fails, or is cut short by the
end of the gateway, is taken up at the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import Connection
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred

from gateway import task
from gateway.clock import Clock
from gateway.ports import StoreClosed
from gateway.reactor import ReactorTime
from gateway.records.retention import befores, next_purge
from gateway.settings import Settings
from gateway.store import purge
from gateway.store.purge import Purged, Walk

log = structlog.get_logger()

_Result = TypeVar("_Result")

# A step has this much of the time, at most.
_SHARE = 0.2
_PAUSE_MIN_S = 0.02
# A clock that is put to another time is noticed as soon.
_LOOK_MAX_S = 3600.0


class Run(Protocol):
    """How a job is run in a transaction; see `store.writer.Writer.run`."""

    def __call__(self, job: Callable[[Connection], _Result]) -> Deferred[_Result]: ...


class Purger:
    """Purges at `purge_at` of every day what the settings want kept no longer, if there is such a thing."""

    def __init__(self, settings: Settings, reactor: ReactorTime, clock: Clock, run: Run) -> None:
        self._settings = settings
        self._reactor = reactor
        self._clock = clock
        self._run = run
        self._walks: deque[Walk] = deque()
        self._timer: DelayedCall | None = None
        self._stopped = False
        self._due_at = 0.0

    def start(self) -> None:
        """Purge when it is time."""
        if befores(self._settings.retention, self._now()):
            self._put_off()

    def stop(self) -> None:
        """Take no further step."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _now(self) -> int:
        return int(self._clock.now() * 1000)

    def _put_off(self) -> None:
        """Wait for the next time of day."""
        self._walks.clear()
        now = self._clock.now()
        self._due_at = next_purge(self._settings.retention, self._settings.zone, now)
        self._wait(min(self._due_at - now, _LOOK_MAX_S))

    def _wait(self, seconds: float) -> None:
        if not self._stopped:
            self._timer = self._reactor.callLater(seconds, self._go)

    def _go(self) -> None:
        self._timer = None
        if not self._walks and self._clock.now() < self._due_at:
            self._wait(min(self._due_at - self._clock.now(), _LOOK_MAX_S))
        else:
            task.start(self._go_on(), "purge")

    async def _go_on(self) -> None:
        began_at = self._reactor.seconds()
        try:
            if self._walks:
                await self._step()
            else:
                await self._begin()
        except StoreClosed:
            return
        except Exception as error:
            log.error("purge.failed", error=str(error))
            self._walks.clear()
        if self._walks:
            took_s = self._reactor.seconds() - began_at
            self._wait(max(_PAUSE_MIN_S, took_s * (1 / _SHARE - 1)))
        else:
            self._put_off()

    async def _begin(self) -> None:
        kept = befores(self._settings.retention, self._now())
        self._walks.extend(await self._run(lambda c: purge.begin(c, kept.classes, kept.replies)))

    async def _step(self) -> None:
        """One step of the first walk; it is written down once it is over."""
        walk, country_code = self._walks[0], self._settings.country_code
        walk = self._walks[0] = await self._run(lambda c: purge.step(c, walk, country_code))
        if walk.is_over:
            tell(await self._run(lambda c: purge.finish(c, walk, self._now())))
            self._walks.popleft()


def tell(purged: Purged) -> None:
    """Log what a walk has purged."""
    log.info(
        "purge.done",
        what=purged.what,
        message_class=purged.message_class or None,
        before=purged.before,
        purged=purged.purged,
    )
