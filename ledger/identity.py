"""An identity: what must hold of a database whatever happened to it, and one query for what breaks it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias, cast

from sqlalchemy import Connection, Dialect, FromClause, Select, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Text

from ledger.chain import canonical

Rows: TypeAlias = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """What must hold of every row that `checked` counts.

    `promise` is the one that it proves; `says` tells it in one line. `broken` selects the rows of which it
    does not hold: account, source, then the numbers that show it.
    """

    name: str
    promise: str
    says: str
    checked: Rows
    broken: Rows


@dataclass(frozen=True, slots=True)
class Violation:
    """A row that breaks an identity: its account, its source (a top-up or a message), and its numbers."""

    identity: str
    account: str | None
    source_id: int | None
    detail: str


def count_of(table: FromClause) -> Rows:
    """The query for how many rows there are."""
    return select(func.count()).select_from(table)


_texts: dict[tuple[Rows, int, str], str] = {}


def _text(broken: Rows, limit: int, dialect: Dialect) -> str:
    """A query's text, written once: asking takes less time than writing it. Its values are all our own."""
    key = broken, limit, dialect.name
    if key not in _texts:
        compiled = broken.limit(limit).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        _texts[key] = str(compiled)
    return _texts[key]


def violations(conn: Connection, identity: Identity, limit: int = 100) -> list[Violation]:
    """The rows that break an identity, at most `limit`."""
    teach(conn)
    found = []
    for row in conn.exec_driver_sql(_text(identity.broken, limit, conn.dialect)):
        account, source_id, *numbers = row
        names = row._fields[2:]
        detail = ", ".join(f"{name} {number}" for name, number in zip(names, numbers, strict=True))
        found.append(Violation(identity.name, account, source_id, detail))
    return found


# -- what identities of the chain need, and SQLite does not have


class Moves(FunctionElement[str]):
    """(source_id, units) of a group, as `ledger.chain.canonical` writes them."""

    type = Text()
    inherit_cache = True


class Sha256(FunctionElement[str]):
    """(text): its SHA-256, in hexadecimal."""

    type = Text()
    inherit_cache = True


@compiles(Moves, "postgresql")
def _moves_in_postgresql(element: Moves, compiler: SQLCompiler, **kw: Any) -> str:
    source_id, units = (compiler.process(clause, **kw) for clause in element.clauses)
    each = f"'[' || {source_id} || ',' || {units} || ']'"
    return f"'[' || string_agg({each}, ',' ORDER BY {source_id}) || ']'"


@compiles(Moves, "sqlite")
def _moves_in_sqlite(element: Moves, compiler: SQLCompiler, **kw: Any) -> str:
    return f"moves({compiler.process(element.clauses, **kw)})"


@compiles(Sha256, "postgresql")
def _sha256_in_postgresql(element: Sha256, compiler: SQLCompiler, **kw: Any) -> str:
    return f"encode(sha256(convert_to({compiler.process(element.clauses, **kw)}, 'UTF8')), 'hex')"


@compiles(Sha256, "sqlite")
def _sha256_in_sqlite(element: Sha256, compiler: SQLCompiler, **kw: Any) -> str:
    return f"sha256({compiler.process(element.clauses, **kw)})"


class _Moves:
    """SQLite's aggregate."""

    def __init__(self) -> None:
        self._moves: list[tuple[int, int]] = []

    def step(self, source_id: int, units: int) -> None:
        self._moves.append((source_id, units))

    def finalize(self) -> str:
        return canonical(self._moves)


def teach(conn: Connection) -> None:
    """Give SQLite the functions above."""
    if conn.dialect.name == "sqlite":
        database = cast(sqlite3.Connection, conn.connection.driver_connection)
        database.create_function("sha256", 1, _sha256, deterministic=True)
        # typeshed knows aggregates of one argument only.
        database.create_aggregate("moves", 2, cast(Any, _Moves))


def _sha256(text: str | None) -> str | None:
    return None if text is None else sha256(text.encode()).hexdigest()
