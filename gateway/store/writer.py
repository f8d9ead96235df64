"""Group commit: everything that waits goes into one transaction, and one fsync serves it all.

There is one writer to a database. Jobs that come while a commit is under way wait, and then run together
in the next transaction, so batches grow by themselves as load does. Statements run on the reactor, where a
row costs a few microseconds; only COMMIT, which waits for the disk with the interpreter lock released, runs
elsewhere, so a slow disk slows the writer and nothing else.

A job that raises must not take the others with it: the transaction is rolled back and each job of it runs
again in a transaction of its own. Where it is the database that fails, not the job, the job fails with
`StoreUnable`. A COMMIT that raises leaves the outcome unknown: its jobs fail with `CommitUnknown`, and
whoever asked must not pretend to know. Only a full disk is a certain no: the frame that commits is the last
one written, and it was not.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.ports import CommitUnknown, StoreClosed, StoreUnable
from gateway.reactor import ReactorTime

Result = TypeVar("Result")
Job = Callable[[Connection], Result]

# How soon to try BEGIN again while another process writes.
BUSY_RETRY_S = 0.005


@dataclass(slots=True)
class _Entry:
    job: Job[Any]
    done: Deferred[Any]
    result: Any = None


class Writer:
    """Runs jobs in batches, one transaction at a time, and answers each after its commit.

    `elsewhere` runs a callable off the reactor and returns a Deferred of its result; tests hand in one that
    runs it at once. `took` is told how many seconds each transaction took, from its BEGIN to its commit.
    """

    def __init__(
        self,
        reactor: ReactorTime,
        engine: Engine,
        elsewhere: Callable[[Callable[[], None]], Deferred[None]],
        took: Callable[[float], object] = lambda seconds: None,
    ) -> None:
        self._reactor = reactor
        self._engine = engine
        self._elsewhere = elsewhere
        self._took = took
        self._began_at = 0.0
        self._connection: Connection | None = None
        self._waiting: deque[_Entry] = deque()
        self._alone: deque[_Entry] = deque()
        self._busy = False
        self._closed: Deferred[None] | None = None
        self._unknown = 0

    @property
    def waiting(self) -> int:
        """Jobs that no transaction has taken yet."""
        return len(self._waiting) + len(self._alone)

    @property
    def unknown(self) -> int:
        """Commits so far of which nobody knows whether they happened."""
        return self._unknown

    def run(self, job: Job[Result], *, first: bool = False) -> Deferred[Result]:
        """Queue a job. The Deferred fires with its result after the commit, or fails as the job did.

        `first` puts it in front of those that wait: what it writes, they should see.
        """
        done: Deferred[Result] = Deferred()
        if self._closed is not None:
            done.errback(StoreClosed())
            return done
        if first:
            self._waiting.appendleft(_Entry(job, done))
        else:
            self._waiting.append(_Entry(job, done))
        self._schedule(0)
        return done

    def close(self) -> Deferred[None]:
        """Finish what waits, then give the connection back. Fires when that is done."""
        if self._closed is None:
            self._closed = Deferred()
            self._schedule(0)
        return self._closed

    def _schedule(self, delay_s: float) -> None:
        if not self._busy:
            self._busy = True
            self._reactor.callLater(delay_s, self._cycle)

    def _cycle(self) -> None:
        """One transaction with all that waits; jobs of a failed batch run one by one."""
        source = self._alone or self._waiting
        entries = [source.popleft() for _ in range(1 if source is self._alone else len(source))]
        if not entries:
            self._rest()
            return
        try:
            transaction = self._begin()
        except Exception as error:
            if isinstance(error, OperationalError) and "locked" in str(error.orig):
                source.extendleft(reversed(entries))
                self._busy = False
                self._schedule(BUSY_RETRY_S)
            else:
                self._drop_connection()
                self._fail(entries, StoreUnable(_words(error)))
            return
        if self._run_jobs(entries, transaction):
            self._elsewhere(transaction.commit).addCallbacks(
                lambda _: self._committed(entries), lambda failure: self._commit_failed(entries, failure)
            )

    def _begin(self) -> RootTransaction:
        if self._connection is None:
            self._connection = self._engine.connect()
        self._began_at = self._reactor.seconds()
        return self._connection.begin()

    def _run_jobs(self, entries: list[_Entry], transaction: RootTransaction) -> bool:
        connection = transaction.connection
        try:
            for entry in entries:
                entry.result = entry.job(connection)
        except Exception as error:
            self._abandon(transaction)
            if len(entries) == 1:
                self._fail(
                    entries, StoreUnable(_words(error)) if isinstance(error, OperationalError) else error
                )
            else:
                self._alone.extend(entries)
                self._again()
            return False
        return True

    def _abandon(self, transaction: RootTransaction) -> None:
        """Roll back; if even that fails, drop the connection, which has the same effect."""
        try:
            transaction.rollback()
        except Exception:
            self._drop_connection()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()

    def _committed(self, entries: list[_Entry]) -> None:
        self._took(self._reactor.seconds() - self._began_at)
        # Those who are answered come back within this reactor turn, and then share the next transaction.
        for entry in entries:
            entry.done.callback(entry.result)
        self._again()

    def _commit_failed(self, entries: list[_Entry], failure: Failure) -> None:
        self._drop_connection()
        if _is_full(failure.value):
            self._fail(entries, StoreUnable(_words(failure.value)))
            return
        self._unknown += 1
        self._again()
        for entry in entries:
            entry.done.errback(CommitUnknown(failure.getErrorMessage(), entry.result))

    def _fail(self, entries: list[_Entry], error: Exception) -> None:
        self._again()
        for entry in entries:
            entry.done.errback(error)

    def _again(self) -> None:
        self._busy = False
        if self._waiting or self._alone or self._closed is not None:
            self._schedule(0)

    def _rest(self) -> None:
        self._busy = False
        if self._closed is not None:
            if self._connection is not None:
                connection, self._connection = self._connection, None
                connection.close()
            self._closed.callback(None)


def _is_full(error: BaseException | None) -> bool:
    """Whether the file system had no room for what was written."""
    return getattr(getattr(error, "orig", None), "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _words(error: BaseException | None) -> str:
    """What the database said, in one line, without the statement."""
    return str(getattr(error, "orig", None) or error)
