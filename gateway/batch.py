"""Collecting what belongs into one transaction.

While one batch is at the store, what comes waits, and goes as the next: under load the batches grow to what
a commit can carry, and a single message waits for nothing but the rest of its reactor turn.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

from gateway import task
from gateway.reactor import ReactorTime

Item = TypeVar("Item")


class Batch(Generic[Item]):
    """Items on their way to `send`, at most `size_max` at a time, one call under way at a time.

    `send` deals with its own failures; the next batch goes out whatever became of this one.
    """

    def __init__(
        self,
        reactor: ReactorTime,
        size_max: int,
        send: Callable[[list[Item]], Coroutine[Deferred[object], object, None]],
    ) -> None:
        self._reactor = reactor
        self._size_max = size_max
        self._send = send
        self._waiting: list[Item] = []
        self._under_way = 0
        self._busy = False
        self._idle: list[Deferred[None]] = []

    def __len__(self) -> int:
        """How many items have not been dealt with."""
        return len(self._waiting) + self._under_way

    def add(self, item: Item) -> None:
        """Take an item; it leaves with the next batch."""
        self._waiting.append(item)
        if not self._busy:
            self._busy = True
            self._reactor.callLater(0, self._flush)

    def idle(self) -> Deferred[None]:
        """Fires when nothing is left."""
        done: Deferred[None] = Deferred()
        if self._busy:
            self._idle.append(done)
        else:
            done.callback(None)
        return done

    def _flush(self) -> None:
        items = self._waiting[: self._size_max]
        del self._waiting[: self._size_max]
        self._under_way = len(items)
        task.start(self._send(items), "batch").addCallback(self._sent)

    def _sent(self, _: object) -> None:
        self._under_way = 0
        if self._waiting:
            self._reactor.callLater(0, self._flush)
            return
        self._busy = False
        idle, self._idle = self._idle, []
        for done in idle:
            done.callback(None)
