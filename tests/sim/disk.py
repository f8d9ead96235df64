"""The disk: commits that take their time, fail, or succeed without anybody hearing of it.

Statements fail too: SQLite asks now and then whether it shall go on, and is told no. That is how a full disk
or an input/output error ends a statement, and it leaves the transaction to be rolled back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from weakref import ref

from twisted.internet.defer import Deferred

from tests.sim.plan import Disk as Habits
from tests.sim.timeline import Timeline

# How many of SQLite's instructions run between two questions.
_INSTRUCTIONS = 2000


class Disk:
    """What a writer commits to. `point` is told where the gateway is, and may end its life there."""

    def __init__(
        self, timeline: Timeline, chance: Random, habits: Habits, point: Callable[[str], None]
    ) -> None:
        self._timeline = timeline
        self._chance = chance
        self._habits = habits
        self._point = point
        self.commits = 0

    def calm(self) -> None:
        """No faults from now on."""
        self._habits = replace(self._habits, fails=0.0, loses_answer=0.0, statements_fail=0.0)

    def commit_in(self, is_over: Callable[[], bool]) -> Callable[[Callable[[], None]], Deferred[None]]:
        """A writer's `elsewhere` for one life; nothing is committed once that is over."""

        def commit(work: Callable[[], None]) -> Deferred[None]:
            done: Deferred[None] = Deferred()
            self._timeline.callLater(self._wait_s(), start, work, done)
            return done

        def start(work: Callable[[], None], done: Deferred[None]) -> None:
            if is_over():
                return
            self._point("before_commit")
            if is_over():
                return
            if self._happens(self._habits.fails):
                done.errback(OSError("no space left on device"))
                return
            work()
            self.commits += 1
            self._point("after_commit")
            self._timeline.callLater(self._wait_s(), answer, done)

        def answer(done: Deferred[None]) -> None:
            if is_over():
                return
            if self._happens(self._habits.loses_answer):
                done.errback(OSError("input/output error"))
            else:
                done.callback(None)

        return commit

    def watch(self, connection: sqlite3.Connection, _record: Any) -> None:
        """Let the statements of a new connection fail now and then."""
        # SQLite's binding hides its handlers from the garbage collector: one that held this disk, and with it
        # the whole run, would hold them for ever.
        watching = ref(self)

        def fails() -> int:
            disk = watching()
            return int(disk is not None and disk._happens(disk._habits.statements_fail))

        connection.set_progress_handler(fails, _INSTRUCTIONS)

    def _wait_s(self) -> float:
        return self._habits.commit_s * self._chance.random()

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share
