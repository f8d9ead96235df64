"""The end of a message: its final state, its hold, and the receipt that its sender wants_end for.

However a message ends, here is where it happens: a carrier's receipt, a carrier's refusal, a deadline, a
recipient's opt-out. The caller has the row in hand and has checked that it has no end yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Unpack

from sqlalchemy import Connection, Row, bindparam, select, update

from gateway.delivery import receipt_body, wants_end
from gateway.message import Message, State
from gateway.ports import Delivery, Ended, Recorded
from gateway.store import schema
from gateway.store.dialect import Bulk, insert_rows
from ledger import sql as ledger
from ledger.transfer import Hold, Kind
from smpp.message_state import MessageState

MessageRow = Row[Unpack[tuple[Any, ...]]]

_FIELDS = tuple(Message.__dataclass_fields__)
MESSAGE_COLUMNS = [schema.message.c[name] for name in _FIELDS]

_END = Bulk(
    update(schema.message)
    .values(state=bindparam("state"), final_at=bindparam("final_at"), error=bindparam("error"))
    .where(schema.message.c.message_id == bindparam("_message_id")),
    ("state", "final_at", "error", "_message_id"),
)
_OWE = insert_rows(schema.delivery)


@dataclass(frozen=True, slots=True)
class Means:
    """What the rows do not say: fresh ids, the zone of dates in receipts, how to compare numbers."""

    new_id: Callable[[], int]
    zone: tzinfo
    country_code: str


@dataclass(frozen=True, slots=True)
class End:
    """A message's row and how it ends. `kind` says what becomes of its hold."""

    row: MessageRow
    state: State
    error: str
    done_at: int
    kind: Kind


def message_of(row: MessageRow) -> Message:
    """The message in a row of MESSAGE_COLUMNS."""
    values = row._mapping
    return Message(**{name: values[name] for name in _FIELDS} | {"state": State(row.state)})


def rows_of(connection: Connection, message_ids: Sequence[int]) -> dict[int, MessageRow]:
    """The rows of these messages by id."""
    query = select(*MESSAGE_COLUMNS).where(schema.message.c.message_id.in_(message_ids))
    return {row[0]: row for row in connection.execute(query)}


def end(connection: Connection, ends: Sequence[End], means: Means, now: int) -> Recorded:
    """Write the ends down, resolve the holds that are still open, owe the receipts."""
    if not ends:
        return Recorded()
    _END.run(connection, [(int(e.state), now, e.error, e.row.message_id) for e in ends])
    for kind in (Kind.SETTLE, Kind.VOID):
        # A message that its carrier accepted was settled at that moment.
        unresolved = [
            Hold(e.row.message_id, e.row.account, e.row.units)
            for e in ends
            if e.kind is kind and e.row.state != State.ENROUTE
        ]
        if unresolved:
            ledger.resolve(connection, kind, unresolved, now)
    deliveries = [
        owed(e.row, MessageState(e.state), e.error, e.done_at, means, now)
        for e in ends
        if wants_end(e.row.registered_delivery, MessageState(e.state))
    ]
    owe(connection, deliveries)
    return Recorded(
        deliveries,
        [Ended(e.row.message_id, e.row.account, e.state, e.row.state == State.QUEUED) for e in ends],
    )


def owed(row: MessageRow, state: MessageState, error: str, done_at: int, means: Means, now: int) -> Delivery:
    """The receipt of `state` for the sender of a message."""
    body = receipt_body(row.message_id, row.body, state, error, row.submitted_at, done_at, means.zone)
    return Delivery(means.new_id(), row.account, row.message_id, body, 0, now)


def owe(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Store deliveries, due at once."""
    _OWE.run(
        connection,
        [
            (d.delivery_id, d.account, d.message_id, d.body, 0, d.created_at, d.created_at, 0, None)
            for d in deliveries
        ],
    )
