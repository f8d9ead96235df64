"""Statements compiled once and run for a whole batch at a time.

Core's own executemany takes dictionaries and spends as long on them as SQLite does on the row. A `Bulk` hands
the driver plain tuples, on the same way as `ledger.prepared` does for single statements.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Dialect, Insert, Table, Update, literal_column, or_
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPICursor

from ledger.prepared import on_cursor


def constant(value: int) -> ColumnElement[int]:
    """A number of ours written into the statement itself, not bound to it."""
    return literal_column(str(int(value)))


class Bulk:
    """An insert or update for many rows. `order` names the bound parameters as the rows give them."""

    def __init__(self, statement: Insert | Update, order: Sequence[str]) -> None:
        self._statement = statement
        self._order = tuple(order)
        self._compiled: dict[str, str] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[object, ...]]) -> int:
        """Run it for every row; the number of rows changed."""
        if not rows:
            return 0
        dialect = connection.dialect
        text = self._compiled.get(dialect.name) or self._compile(dialect)

        def execute(cursor: DBAPICursor) -> int:
            cursor.executemany(text, rows)
            return cursor.rowcount

        return on_cursor(connection, text, execute)

    def _compile(self, dialect: Dialect) -> str:
        """The statement's text, kept for later. Raises ValueError if `order` is not that of its binds."""
        keys = [name for name in self._order if not name.startswith("_")]
        compiled = self._statement.compile(dialect=dialect, column_keys=keys)
        positions = tuple(compiled.positiontup or ())
        if positions != self._order:
            raise ValueError(f"parameters are {positions}, rows give {self._order}")
        self._compiled[dialect.name] = str(compiled)
        return self._compiled[dialect.name]


def insert_rows(table: Table) -> Bulk:
    """An insert of whole rows, in the order of the table's columns."""
    return Bulk(table.insert(), table.c.keys())


def insert_new_rows(table: Table) -> Bulk:
    """The same, passing over rows whose key exists."""
    insert = sqlite.insert(table).on_conflict_do_nothing()
    return Bulk(insert, table.c.keys())


def upsert_rows(table: Table, lasting: tuple[str, int] | None = None) -> Bulk:
    """An insert of whole rows that replaces the row of the same key.

    `lasting` is a column and a value: a row that has it gives way only to another that has it.
    """
    insert = sqlite.insert(table)
    keys = {column.name for column in table.primary_key}
    values = {name: insert.excluded[name] for name in list(table.c.keys()) if name not in keys}
    where = None
    if lasting is not None:
        column, value = lasting
        where = or_(table.c[column] != constant(value), insert.excluded[column] == constant(value))
    upsert = insert.on_conflict_do_update(index_elements=sorted(keys), set_=values, where=where)
    return Bulk(upsert, table.c.keys())
