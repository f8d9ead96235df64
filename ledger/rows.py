"""A batch handed to a statement as one parameter.

The batch travels as a JSON array and is a table inside the statement, so a batch of any size is one statement
with one text: compiled once, planned once, and run outside the interpreter lock.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    TableValuedAlias,
    Text,
    bindparam,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Elements(FunctionElement[Any]):
    """The elements of a JSON array, one a row, in the column `value`."""

    inherit_cache = True


@compiles(_Elements, "sqlite")
def _elements_in_sqlite(element: _Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_Elements, "postgresql")
def _elements_in_postgresql(element: _Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_elements(CAST({compiler.process(element.clauses, **kw)} AS JSON))"


class _Integer(FunctionElement[int]):
    """(value): a whole number. (value, index): the one at the index of an array."""

    type = BigInteger()
    inherit_cache = True


class _Text(FunctionElement[str]):
    """(value): a text. (value, index): the one at the index of an array."""

    type = Text()
    inherit_cache = True


@compiles(_Integer, "sqlite")
@compiles(_Text, "sqlite")
def _item_in_sqlite(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    value, *index = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"json_extract({value}, '$[{index[0]}]')" if index else value


@compiles(_Integer, "postgresql")
@compiles(_Text, "postgresql")
def _item_in_postgresql(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    value, *index = (compiler.process(clause, **kw) for clause in element.clauses)
    item = f"{value} ->> {index[0]}" if index else f"{value} #>> '{{}}'"
    return f"CAST({item} AS {compiler.dialect.type_compiler_instance.process(element.type)})"


def _elements(name: str) -> TableValuedAlias:
    return _Elements(bindparam(name, type_=Text)).table_valued("value")


def integers(name: str) -> ScalarSelect[int]:
    """The whole numbers of a flat array, for IN."""
    table = _elements(name)
    return select(_Integer(table.c.value)).select_from(table).scalar_subquery()


def texts(name: str) -> ScalarSelect[str]:
    """The texts of a flat array, for IN."""
    table = _elements(name)
    return select(_Text(table.c.value)).select_from(table).scalar_subquery()


class Rows:
    """The table of an array of arrays, or of a flat one."""

    def __init__(self, name: str) -> None:
        self.table = _elements(name)

    @property
    def each(self) -> ColumnElement[str]:
        """The row itself, where the array is a flat one of texts."""
        return _Text(self.table.c.value)

    def integer(self, index: int) -> ColumnElement[int]:
        """The column at `index`, a 64-bit whole number."""
        return _Integer(self.table.c.value, literal_column(str(index)))

    def text(self, index: int) -> ColumnElement[str]:
        """The column at `index`, a text."""
        return _Text(self.table.c.value, literal_column(str(index)))


def dumps(rows: Sequence[int | str] | Sequence[Sequence[int | str]]) -> str:
    """The array as the one parameter that takes its place in the statement."""
    return json.dumps(rows)
