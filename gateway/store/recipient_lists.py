"""What is recorded of recipients, as lists that an operator brings in, takes out and ends rows of.

A row that is there already stays as it is, so that a list can be brought in again; only a consent may be
revoked that way. An opt-out is not recorded twice while it lasts, whoever says so. What is ended leaves a
trace: an opt-out its end, a consent its revocation, and all of them a row in `ended`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from gateway.store import schema_recipients as schema
from gateway.store.dialect import Bulk, insert_new_rows

_FETCH_ROWS = 5000


class Kind(StrEnum):
    """The lists."""

    OPT_OUTS = "opt-outs"
    CONSENTS = "consents"
    MEMBERS = "members"
    BLOCKS = "blocks"


TABLES: Mapping[Kind, Table] = {
    Kind.OPT_OUTS: schema.opt_out,
    Kind.CONSENTS: schema.consent,
    Kind.MEMBERS: schema.member,
    Kind.BLOCKS: schema.block,
}
_INSERT_NEW = {kind: insert_new_rows(table) for kind, table in TABLES.items()}
Values = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """How many rows of a batch were new, and how many changed one that was there."""

    new: int
    changed: int = 0


def _insert_opt_out() -> Bulk:
    """One that has ended is history; another is not needed beside one of the same scope that lasts."""
    columns = list(schema.opt_out.c)
    given = {column.name: bindparam(column.name, type_=column.type) for column in columns}
    known = schema.opt_out.alias("known").c
    lasts = exists().where(
        known.number == given["number"],
        known.account == given["account"],
        known.signature == given["signature"],
        known.ended_at.is_(None),
    )
    rows = select(*given.values()).where(or_(given["ended_at"].is_not(None), ~lasts))
    insert = sqlite.insert(schema.opt_out).from_select(columns, rows).on_conflict_do_nothing()
    return Bulk(insert, [*given, "ended_at", "number", "account", "signature"])


_INSERT_OPT_OUT = _insert_opt_out()
_consent = schema.consent.c
_REVOKE = Bulk(
    update(schema.consent)
    .values(revoked_at=bindparam("revoked_at"))
    .where(
        _consent.number == bindparam("_number"),
        _consent.account == bindparam("_account"),
        _consent.kind == bindparam("_kind"),
        _consent.granted_at == bindparam("_granted_at"),
        _consent.revoked_at.is_(None),
    ),
    ("revoked_at", "_number", "_account", "_kind", "_granted_at"),
)


def add_opt_outs(connection: Connection, rows: Sequence[Values]) -> int:
    """Record opt-outs, in the order of the table's columns; how many were new."""
    number, account, signature, ended_at = map(list(schema.opt_out.c.keys()).index, _SCOPE)
    return _INSERT_OPT_OUT.run(
        connection, [(*row, row[ended_at], row[number], row[account], row[signature]) for row in rows]
    )


_SCOPE = ("number", "account", "signature", "ended_at")


def add(connection: Connection, kind: Kind, rows: Sequence[Values]) -> Added:
    """Record rows of a list, in the order of its table's columns."""
    if kind is Kind.OPT_OUTS:
        return Added(add_opt_outs(connection, rows))
    new = _INSERT_NEW[kind].run(connection, rows)
    if kind is not Kind.CONSENTS:
        return Added(new)
    place = {name: index for index, name in enumerate(schema.consent.c.keys())}
    keys = [place[name] for name in ("number", "account", "kind", "granted_at")]
    revoked = [
        (row[place["revoked_at"]], *(row[key] for key in keys))
        for row in rows
        if row[place["revoked_at"]] is not None
    ]
    return Added(new, _REVOKE.run(connection, revoked))


def count(connection: Connection, kind: Kind, account: str | None = None) -> int:
    """How many rows a list has, of one account or of all."""
    return connection.scalar(_of_account(select(func.count()), TABLES[kind], account)) or 0


def rows(connection: Connection, kind: Kind, account: str | None = None) -> Iterator[Row[Any]]:
    """A list, of one account or of all, in order of number; read as it is asked for."""
    table = TABLES[kind]
    query = _of_account(select(table), table, account).order_by(*table.primary_key)
    yield from connection.execution_options(yield_per=_FETCH_ROWS).execute(query)


def of_number(
    connection: Connection, table: Table, number: str, accounts: Sequence[str] | None = None
) -> Sequence[Row[Any]]:
    """What a table says of one number; of these accounts, where it knows accounts."""
    query = select(table).where(table.c.number == number).order_by(*table.primary_key)
    if accounts is not None and "account" in table.c:
        query = query.where(table.c.account.in_(accounts))
    return connection.execute(query).all()


def end(
    connection: Connection,
    kind: Kind,
    number: str,
    account: str,
    now: int,
    note: str,
    signature: str | None = None,
) -> int:
    """End what a list says of a number, and keep the note; how many rows that were.

    `account` "" is the operator; `signature` is that of the opt-outs to end, None for all of them.
    """
    table = TABLES[kind]
    which = [table.c.number == number]
    if "account" in table.c:
        which.append(table.c.account == account)
    if signature is not None:
        which.append(table.c.signature == signature)
    ended = _END[kind](connection, table, which, now)
    if ended:
        given = {"number": number, "at": now, "kind": str(kind), "account": account, "note": note}
        connection.execute(sqlite.insert(schema.ended).values(**given, rows=ended))
    return ended


_Which = Sequence[ColumnElement[bool]]


def _mark(column: str) -> Callable[[Connection, Table, _Which, int], int]:
    def mark(connection: Connection, table: Table, which: _Which, now: int) -> int:
        lasting = update(table).where(*which, table.c[column].is_(None))
        return connection.execute(lasting.values({column: now})).rowcount

    return mark


def _remove(connection: Connection, table: Table, which: _Which, now: int) -> int:
    return connection.execute(delete(table).where(*which)).rowcount


_END: Mapping[Kind, Callable[[Connection, Table, _Which, int], int]] = {
    Kind.OPT_OUTS: _mark("ended_at"),
    Kind.CONSENTS: _mark("revoked_at"),
    Kind.MEMBERS: _remove,
    Kind.BLOCKS: _remove,
}


def _of_account(query: Any, table: Table, account: str | None) -> Any:
    query = query.select_from(table)
    return query if account is None else query.where(table.c.account == account)
