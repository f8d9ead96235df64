"""Statements compiled once, and run on the driver's own cursor.

A short statement costs a few microseconds in the database and more than that on SQLAlchemy's way to it and
back, the same way each time. So the way is gone once: Core writes the text for the dialect, and from then on
the text goes to the cursor of the connection at hand, within its transaction.

For statements whose parameters and columns are numbers, texts and octets: drivers take and give those as they
are. A failure is raised as SQLAlchemy would, without the parameters, which may be confidential.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Dialect
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

Parameter = int | str | bytes | None
Row = tuple[Any, ...]
_Compiled = tuple[str, dict[str, Parameter], list[str] | None]
"""The text, the values fixed in it, and the order of the binds where the driver takes them by place."""

_Result = TypeVar("_Result")


class Prepared:
    """A Core statement, compiled at its first execution on a dialect."""

    def __init__(self, statement: ClauseElement) -> None:
        self.statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def fetch(self, conn: Connection, **parameters: Parameter) -> list[Row]:
        """Execute with a value for each named bind; all rows."""
        return self._execute(conn, parameters, lambda cursor: cast(list[Row], cursor.fetchall()))

    def change(self, conn: Connection, **parameters: Parameter) -> int:
        """Execute with a value for each named bind; how many rows were changed."""
        return self._execute(conn, parameters, lambda cursor: cursor.rowcount)

    def _execute(
        self, conn: Connection, parameters: dict[str, Parameter], take: Callable[[DBAPICursor], _Result]
    ) -> _Result:
        dialect = conn.dialect
        text, constants, order = self._compiled.get(dialect.name) or self._compile(dialect)
        values = constants | parameters
        by_place = values if order is None else [values[name] for name in order]
        return on_cursor(conn, text, lambda cursor: take(_executed(cursor, text, by_place)))

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled = cast(SQLCompiler, self.statement.compile(dialect=dialect))
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._compiled[dialect.name] = str(compiled), constants, compiled.positiontup
        return self._compiled[dialect.name]


def on_cursor(conn: Connection, text: str, use: Callable[[DBAPICursor], _Result]) -> _Result:
    """What `use` makes of a cursor of the connection, closed afterwards. Raises SQLAlchemy's DBAPIError."""
    if not conn.in_transaction():
        conn.begin()  # as any other statement would
    cursor = conn.connection.cursor()
    try:
        return use(cursor)
    except conn.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(
            text, None, error, conn.dialect.loaded_dbapi.Error, hide_parameters=True, dialect=conn.dialect
        ) from error
    finally:
        cursor.close()


def _executed(
    cursor: DBAPICursor, text: str, values: Sequence[Parameter] | dict[str, Parameter]
) -> DBAPICursor:
    cursor.execute(text, values)
    return cursor
