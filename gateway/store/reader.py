"""Reads beside the writer: in a thread, each of the database as it was at one moment, none for long.

In WAL mode a reader holds up nobody, but the log cannot begin anew while one goes on: so a read that takes
too long is broken off.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from twisted.internet.defer import Deferred

from gateway.store.engine import reading

READ_MAX_S = 10.0

# Steps of SQLite's between two looks at the time: some milliseconds of them.
_STEPS = 100_000

Result = TypeVar("Result")


class InThread(Protocol):
    """Runs a slow function off the reactor."""

    def __call__(self, work: Callable[[], Result], /) -> Deferred[Result]: ...


class Reader:
    """Reads the database at `path`, by `in_thread`; `seconds` never goes back, and any thread may ask it."""

    def __init__(self, path: Path, in_thread: InThread, seconds: Callable[[], float]) -> None:
        self._in_thread = in_thread
        self._seconds = seconds
        self._closed = False
        self._engine = reading(path, self._limit)

    def run(self, job: Callable[[Connection], Result]) -> Deferred[Result]:
        """What `job` reads. Fails with SQLAlchemy's errors, so with OperationalError after READ_MAX_S."""
        return self._in_thread(lambda: self._read(job))

    def close(self) -> None:
        """Break off what is under way, and all that comes."""
        self._closed = True

    def _read(self, job: Callable[[Connection], Result]) -> Result:
        with self._engine.connect() as connection:
            return job(connection)

    def _limit(self, connection: sqlite3.Connection) -> None:
        until = self._seconds() + READ_MAX_S
        connection.set_progress_handler(lambda: self._closed or self._seconds() > until, _STEPS)
