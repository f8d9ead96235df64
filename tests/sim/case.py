"""A run to be broken: the small one of `case_journal` with its database, and ways to plant a fault in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.sim import case_rows, checker
from tests.sim.case_journal import a_journal, a_plan, at, message_id
from tests.sim.journal import Entry, Gauged, Journal
from tests.sim.plan import Plan


@dataclass
class Case:
    """A run that a test may break before it is checked."""

    plan: Plan
    journal: Journal
    database: Path
    connection: sqlite3.Connection

    def sql(self, statement: str, *values: object) -> None:
        self.connection.execute(statement, values)

    def add(self, *entries: Entry) -> None:
        """Put entries where their instants belong, behind those of the same."""
        self.journal.entries = sorted((*self.journal.entries, *entries), key=lambda entry: entry.at)

    def change(self, kind: type[Entry], which: Callable[[Any], bool], **fields: Any) -> None:
        """Replace fields in those entries of a kind; there must be one."""
        found = [entry for entry in self.journal.entries if isinstance(entry, kind) and which(entry)]
        assert found
        self.journal.entries = [
            replace(entry, **fields) if entry in found else entry for entry in self.journal.entries
        ]

    def drop(self, kind: type[Entry], which: Callable[[Any], bool]) -> None:
        """Take those entries of a kind away; there must be one."""
        kept = [e for e in self.journal.entries if not (isinstance(e, kind) and which(e))]
        assert len(kept) < len(self.journal.entries)
        self.journal.entries = kept

    def set_plan(self, **fields: Any) -> None:
        self.plan = replace(self.plan, **fields)

    def problems(self) -> list[str]:
        """All that is wrong with it."""
        self.connection.commit()
        return [
            *checker.check(self.journal, self.plan, self.database),
            *checker.check_drained(self.journal, self.plan, self.database),
        ]

    def problems_at_restart(self) -> list[str]:
        self.connection.commit()
        return checker.check_restart(self.plan, self.database)


@contextmanager
def a_case(database: Path) -> Iterator[Case]:
    """The run, in a database that has its tables and nothing in them."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        case_rows.fill(connection)
        connection.execute("PRAGMA ignore_check_constraints=ON")
        yield Case(a_plan(), a_journal(), database, connection)


# What breaks a run.
Plant = Callable[[Case], object]


def sql(statement: str, *values: object) -> Plant:
    return lambda case: case.sql(statement, *values)


def message(token: int, change: str) -> Plant:
    """Change the row of a token."""
    return sql(f"UPDATE message SET {change} WHERE message_id = {message_id(token)}")


def added(*entries: Entry) -> Plant:
    return lambda case: case.add(*entries)


def planned(**fields: Any) -> Plant:
    return lambda case: case.set_plan(**fields)


def both(*plants: Plant) -> Plant:
    return lambda case: [plant(case) for plant in plants]


def gauge(name: str, of: str, value: float, seconds: float = 4.0) -> Plant:
    return added(Gauged(at(seconds), name, of, value))
