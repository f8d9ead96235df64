"""Everything that the database knows of a message, or of a recipient: the rows, table by table.

What is read is a snapshot, of one account where one is named: nobody's evidence has rows of another customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from gateway.ids import first_id
from gateway.number import plain, spellings
from gateway.store import schema, schema_recipients
from gateway.store.schema_records import complaint, refusal, ruleset
from ledger import draws
from ledger.ending import lots_of
from ledger.lots import LotUnits, give_back
from ledger.rows import dumps, integers, texts
from ledger.schema import ledger_lot, ledger_transfer
from ledger.transfer import Kind
from smpp.message_id import candidates, look_up_key

Row: TypeAlias = dict[str, Any]
Tables: TypeAlias = Mapping[str, Sequence[Row]]

_message = schema.message.c
_attempt = schema.attempt.c
_refusal = refusal.c

# The operator's own rows are for every account.
_EVERYBODY = ""


@dataclass(frozen=True, slots=True)
class Span:
    """What was submitted from `since` on and before `until`, in unix milliseconds; None has no limit."""

    since: int | None = None
    until: int | None = None

    def of(self, column: ColumnElement[int]) -> ColumnElement[bool]:
        """The ids of that time."""
        since = column >= first_id(self.since) if self.since is not None else None
        until = column < first_id(self.until) if self.until is not None else None
        return and_(column > 0, *(limit for limit in (since, until) if limit is not None))


def messages_named(connection: Connection, name: str, carrier: str | None) -> list[int]:
    """The ids of messages that our id names, decimal or hexadecimal, or the one that a customer was told.

    With a `carrier`, `name` is an id of its own, in any notation.
    """
    if carrier is not None:
        keys = [look_up_key(form) for form in candidates(name)]
        found = select(_attempt.message_id).where(
            _attempt.carrier == carrier,
            or_(_attempt.carrier_key.in_(keys), _attempt.carrier_message_id == name),
        )
        return sorted(set(connection.scalars(found)))
    for base in (10, 16):
        number = _number(name, base)
        known = select(_message.message_id).where(_message.message_id == number)
        if number is not None and (ids := list(connection.scalars(known))):
            return ids
    return list(
        connection.scalars(
            select(_message.message_id).where(_message.told_as == name).order_by(_message.message_id)
        )
    )


def _number(name: str, base: int) -> int | None:
    try:
        number = int(name, base)
    except ValueError:
        return None
    return number if 0 < number < 1 << 63 and name.isalnum() else None


def messages_to(connection: Connection, number: str, country_code: str, span: Span) -> list[int]:
    """The ids of the messages to a number, however it is spelled."""
    addrs = spellings(plain(number, country_code), country_code)
    found = select(_message.message_id).where(
        _message.destination_addr.in_(addrs), span.of(_message.message_id)
    )
    return list(connection.scalars(found.order_by(_message.message_id)))


def gather(
    connection: Connection,
    message_ids: Sequence[int],
    numbers: Sequence[str],
    account: str | None,
    country_code: str,
    span: Span,
) -> dict[str, list[Row]]:
    """The rows of these messages and of all parts of them, and of these recipients, by table.

    `numbers` are as `gateway.number.plain` writes them; `account` None is any account.
    """
    messages = _messages(connection, message_ids, account)
    ids = {"ids": dumps([row["message_id"] for row in messages])}
    found = {"messages": messages}
    of_messages = integers("ids")
    for name, table, key in (
        ("attempts", schema.attempt, _attempt.message_id),
        ("receipts", schema.receipt, schema.receipt.c.message_id),
        ("deliveries", schema.delivery, schema.delivery.c.message_id),
        ("transfers", ledger_transfer, ledger_transfer.c.source_id),
    ):
        found[name] = _rows(connection, table, key.in_(of_messages), ids)
    found["charges"] = _charges(connection, messages, found["transfers"])
    found |= _of_recipients(connection, numbers, account, country_code, span)
    found["complaints"] = _rows(
        connection,
        complaint,
        and_(
            or_(complaint.c.message_id.in_(of_messages), complaint.c.number.in_(texts("numbers"))),
            *_of(complaint.c.account, account),
        ),
        ids | {"numbers": dumps(numbers)},
    )
    versions = {row["ruleset"] for row in (*messages, *found["refusals"])}
    found["rulesets"] = _rows(connection, ruleset, ruleset.c.version.in_(sorted(versions)), {})
    accounts = {row["account"] for row in (*messages, *found["refusals"])}
    found["lots"] = _rows(connection, ledger_lot, ledger_lot.c.account.in_(sorted(accounts)), {})
    return found


def _of_recipients(
    connection: Connection, numbers: Sequence[str], account: str | None, country_code: str, span: Span
) -> dict[str, list[Row]]:
    """What is recorded of these recipients, whatever was sent to them."""
    found: dict[str, list[Row]] = {}
    addrs = {"addrs": dumps([addr for number in numbers for addr in spellings(number, country_code)])}
    found["refusals"] = _rows(
        connection,
        refusal,
        and_(
            _refusal.destination_addr.in_(texts("addrs")),
            span.of(_refusal.refusal_id),
            *_of(_refusal.account, account),
        ),
        addrs,
    )
    found["replies"] = _rows(
        connection,
        schema.inbound,
        and_(schema.inbound.c.source_addr.in_(texts("addrs")), *_of(schema.inbound.c.account, account)),
        addrs,
    )
    for name, table in (
        ("opt_outs", schema_recipients.opt_out),
        ("consents", schema_recipients.consent),
        ("members", schema_recipients.member),
        ("blocks", schema_recipients.block),
    ):
        whose = _of(table.c.account, account, _EVERYBODY) if "account" in table.c else ()
        found[name] = _rows(
            connection, table, and_(table.c.number.in_(texts("numbers")), *whose), {"numbers": dumps(numbers)}
        )
    return found


def _messages(connection: Connection, message_ids: Sequence[int], account: str | None) -> list[Row]:
    asked = {"ids": dumps(list(message_ids))}
    wholes = select(_message.whole_id).where(
        _message.message_id.in_(integers("ids")), _message.whole_id.is_not(None)
    )
    named = or_(_message.message_id.in_(integers("ids")), _message.whole_id.in_(wholes))
    return _rows(connection, schema.message, and_(named, *_of(_message.account, account)), asked)


def _charges(connection: Connection, messages: Sequence[Row], transfers: Sequence[Row]) -> list[Row]:
    """What each message was charged to, less what was refunded: so many units of a lot, at its price."""
    accounts = sorted({row["account"] for row in messages})
    lots = {lot.lot_id: lot for account in accounts for lot in lots_of(connection, account)}
    drawn = draws.of_messages(connection, [row["message_id"] for row in messages])
    refunded = {row["source_id"]: row["units"] for row in transfers if row["kind"] == Kind.REFUND}
    back = {message_id: dict(give_back(drawn[message_id], units)) for message_id, units in refunded.items()}
    return [
        {
            "message_id": message_id,
            "lot_id": lot_id,
            "reference": lots[lot_id].reference,
            "units": units,
            "fen_a_unit": float(lots[lot_id].unit_price_fen),
            "fen": float(LotUnits(lots[lot_id], units).value_fen),
        }
        for message_id, of_message in drawn.items()
        for lot_id, taken in of_message
        if (units := taken - back.get(message_id, {}).get(lot_id, 0))
    ]


def _of(column: ColumnElement[Any], account: str | None, *others: str) -> Sequence[ColumnElement[bool]]:
    return () if account is None else (column.in_((account, *others)),)


def _rows(connection: Connection, table: Table, which: ColumnElement[bool], asked: Row) -> list[Row]:
    """The rows of a table, all columns of them, in the order of its key."""
    query = select(table).where(which).order_by(*table.primary_key)
    return [dict(row._mapping) for row in connection.execute(query, asked)]
