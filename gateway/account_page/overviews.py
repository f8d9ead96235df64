"""What customers are told of their accounts, read so that it costs little however often they ask.

An account is read anew for whoever asks, and those who ask while that goes on share the answer. Messages are
counted for all accounts at once, seldom: never within COUNTS_S of the last time, and for no more than a
twentieth of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.clock import Clock
from gateway.insist import fault
from gateway.store.overview import Overview, Submitted, Unfinished, overview, submitted, unfinished

log = structlog.get_logger()

COUNTS_S = 5.0
_SHARE = 20

Result = TypeVar("Result")


class Reads(Protocol):
    """See `gateway.store.reader.Reader`."""

    def run(self, job: Callable[[Connection], Result]) -> Deferred[Result]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Counts:
    """What is not over, and what was submitted on `day`, counted `at` (unix seconds); None took too long."""

    day: date
    at: float
    unfinished: Unfinished | None
    submitted: Submitted | None


class Overviews:
    """Reads by `reader`; days are those of `zone`, and `seconds` never goes back."""

    def __init__(self, reader: Reads, clock: Clock, seconds: Callable[[], float], zone: tzinfo) -> None:
        self._reader = reader
        self._clock = clock
        self._seconds = seconds
        self._zone = zone
        self._waiting: dict[Hashable, list[Deferred[Any]]] = {}
        self._counts = Counts(date.min, 0.0, None, None)
        self._count_at = seconds()

    def __len__(self) -> int:
        """Reads under way."""
        return len(self._waiting)

    async def of(self, account: str) -> tuple[Overview, Counts]:
        """One account, and the last counts.

        Raises what the reader does.
        """
        if self._seconds() >= self._count_at:
            await self._shared(None, lambda: Deferred.fromCoroutine(self._count()))
        read: Deferred[Overview] = self._shared(
            account, lambda: self._reader.run(lambda connection: overview(connection, account))
        )
        return await read, self._counts

    async def stop(self) -> None:
        """Break off what is under way; returns when it has ended."""
        self._reader.close()
        while self._waiting:
            ended: Deferred[None] = Deferred()
            next(iter(self._waiting.values())).append(ended)
            await ended.addErrback(lambda _: None)

    async def _count(self) -> None:
        began_at = self._seconds()
        now = self._clock.now()
        day = datetime.fromtimestamp(now, self._zone).date()
        since_ms = int(datetime.combine(day, time(), self._zone).timestamp() * 1000)
        self._counts = Counts(
            day,
            now,
            await self._counted(unfinished),
            await self._counted(lambda connection: submitted(connection, since_ms)),
        )
        took_s = self._seconds() - began_at
        self._count_at = self._seconds() + max(COUNTS_S, _SHARE * took_s)

    async def _counted(self, job: Callable[[Connection], Result]) -> Result | None:
        try:
            return await self._reader.run(job)
        except SQLAlchemyError as error:
            log.warning("account_page.uncounted", error=fault(error))
            return None

    def _shared(self, key: Hashable, start: Callable[[], Deferred[Result]]) -> Deferred[Result]:
        """What the read of that key brings: of the one under way, or else of another that is begun."""
        answer: Deferred[Result] = Deferred()
        waiting = self._waiting.setdefault(key, [])
        waiting.append(answer)
        if len(waiting) == 1:
            start().addBoth(self._tell, key)
        return answer

    def _tell(self, found: object, key: Hashable) -> None:
        for waiting in self._waiting.pop(key):
            if isinstance(found, Failure):
                waiting.errback(found)
            else:
                waiting.callback(found)
