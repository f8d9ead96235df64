"""The real store on a real SQLite file, its commits made at once."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Table, delete, select, update
from twisted.internet.defer import Deferred, execute, fail
from twisted.internet.task import Clock as ReactorClock
from twisted.python.failure import Failure

from gateway.clock import Clock
from gateway.message import Message, State
from gateway.store import schema, terminate
from gateway.store.ends import Means
from gateway.store.engine import open_engine
from gateway.store.sqlstore import SqlStore
from gateway.store.writer import Writer
from ledger import sql as ledger
from ledger.accounts import Balance
from ledger.lots import Lot
from ledger.schema import ledger_transfer
from ledger.standing import open_account
from tests.gateway.carriers.samples import ZONE

UNITS = 1000


class StoreFile:
    """A store with an account "bank" that has bought UNITS, and a look at what it holds."""

    def __init__(self, path: Path, reactor: ReactorClock, clock: Clock) -> None:
        self._reactor = reactor
        self._engine = open_engine(path)
        new_id = count(1_000_000).__next__
        with self._engine.begin() as connection:
            ledger.topup(connection, Lot(new_id(), "bank", UNITS, 0, "first", 0))
            open_account(connection, "bank", 0)
        writer = Writer(reactor, self._engine, self._commit)
        self.loses_answers = False
        self._means = Means(new_id, ZONE, "86")
        self.store = SqlStore(writer, clock, 0, self._means)
        self.run(Deferred.fromCoroutine(self.store.recover((), 0)))
        self._writer = writer

    def close(self) -> None:
        self.run(self._writer.close())
        self._engine.dispose()

    def run(self, done: Deferred[Any]) -> None:
        """Wait for a job of the store, whatever its result."""
        self._reactor.advance(0)
        assert done.called
        failures: list[Failure] = []
        done.addErrback(failures.append)
        for failure in failures:
            failure.raiseException()

    def admit(self, *messages: Message) -> None:
        """Take messages in, as a customer's submit does."""
        self.run(self.store.admit(messages))

    def rows(self, table: Table) -> list[Row[tuple[object, ...]]]:
        with self._engine.connect() as connection:
            return list(connection.execute(select(table)))

    def _commit(self, commit: Callable[[], None]) -> Deferred[None]:
        """Commit at once. With `loses_answers` it happens, and nobody hears of it."""
        done: Deferred[None] = execute(commit)
        return fail(OSError("disk gone")) if self.loses_answers else done

    def break_table(self, table: Table) -> None:
        """Let every insert into a table fail."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql(
                f"CREATE TRIGGER broken_{table.name} BEFORE INSERT ON {table.name} "
                "BEGIN SELECT RAISE(ABORT, 'broken'); END"
            )

    def lose_hold(self, message_id: int) -> None:
        """Take away a message's hold, so that nothing can settle it."""
        with self._engine.begin() as connection:
            connection.execute(delete(ledger_transfer).where(ledger_transfer.c.source_id == message_id))

    def spoil(self, message_id: int) -> None:
        """Leave a message submitted in a year without a date, so that no receipt can be written of it."""
        with self._engine.begin() as connection:
            spoilt = update(schema.message).where(schema.message.c.message_id == message_id)
            connection.execute(spoilt.values(submitted_at=10**17))

    def terminate(self) -> None:
        """End the account's contract, as a command beside the gateway does it, as far as that has come."""
        with self._engine.begin() as connection:
            terminate.close(connection, "bank", "the end", "", 0)

    def delete_waiting(self) -> None:
        """What the command does after that."""
        with self._engine.begin() as connection:
            ids = terminate.waiting(connection, "bank")
            terminate.delete(connection, ids, self._means, 0)

    def state(self, message_id: int) -> State:
        by_id = {row.message_id: row.state for row in self.rows(schema.message)}
        return State(by_id[message_id])

    def balance(self) -> Balance:
        with self._engine.connect() as connection:
            return ledger.balances(connection, ["bank"])["bank"]
