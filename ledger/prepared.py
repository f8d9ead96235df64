"""Statements compiled once.

Half the cost of a short statement is SQLAlchemy's way from Core to the driver, the same way each time.
"""

from __future__ import annotations

from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, CursorResult, Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

Parameter = int | str
_Compiled = tuple[str, dict[str, Parameter], list[str] | None]
"""The text, the values fixed in it, and the order of the binds where the driver takes them by place."""


class Prepared:
    """A Core statement, compiled at its first execution on a dialect and handed to the driver as text.

    For statements whose parameters and columns are numbers and texts: drivers take and give them as they are.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: WeakKeyDictionary[Dialect, _Compiled] = WeakKeyDictionary()

    def execute(self, conn: Connection, **parameters: Parameter) -> CursorResult[*tuple[Any, ...]]:
        """Execute with a value for each named bind of the statement."""
        dialect = conn.dialect
        text, constants, order = self._compiled.get(dialect) or self._compile(dialect)
        values = constants | parameters
        if order is None:
            return conn.exec_driver_sql(text, values)
        return conn.exec_driver_sql(text, tuple([values[name] for name in order]))

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled = cast(SQLCompiler, self._statement.compile(dialect=dialect))
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._compiled[dialect] = str(compiled), constants, compiled.positiontup
        return self._compiled[dialect]
