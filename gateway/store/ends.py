"""The end of a message: its final state, its hold, and the receipt that its sender asked for.

However a message ends, here is where it happens: a carrier's receipt, a carrier's refusal, a deadline, a
recipient's opt-out. The caller has read the message in the same transaction, and seen that it has no end
yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from gateway.delivery import receipt_body, wants_end
from gateway.message import ENDS, Message, State
from gateway.ports import Delivery, Ended, Recorded
from gateway.store import schema
from gateway.store.dialect import Bulk, insert_rows
from ledger import sql as ledger
from ledger.prepared import Prepared
from ledger.rows import dumps, integers
from ledger.transfer import Hold, Kind
from smpp.message_state import MessageState
from smpp.value import value

MessageRow = Sequence[Any]

MESSAGE_COLUMNS = [schema.message.c[name] for name in Message.__dataclass_fields__]
_WIDTH = len(MESSAGE_COLUMNS)
_STATES = {int(state): state for state in State}
_MESSAGE_STATES = {end: MessageState(end) for end in ENDS}

_BY_ID = Prepared(select(*MESSAGE_COLUMNS).where(schema.message.c.message_id.in_(integers("ids"))))
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


@value(frozen=True, slots=True)
class End:
    """A message as it was, and how it ends. `kind` says what becomes of its hold."""

    message: Message
    state: State
    error: str
    done_at: int
    kind: Kind


def message_of(row: MessageRow) -> Message:
    """The message in a row of MESSAGE_COLUMNS."""
    message_id, account, state, *rest = row[:_WIDTH]
    return Message(message_id, account, _STATES[state], *rest)


def messages_of(connection: Connection, message_ids: Sequence[int]) -> dict[int, Message]:
    """These messages by id."""
    return {row[0]: message_of(row) for row in _BY_ID.fetch(connection, ids=dumps(message_ids))}


def end(connection: Connection, ends: Sequence[End], means: Means, now: int) -> Recorded:
    """Write the ends down, resolve the holds that are still open, owe the receipts."""
    if not ends:
        return Recorded()
    _END.run(connection, [(int(e.state), now, e.error, e.message.message_id) for e in ends])
    for kind in (Kind.SETTLE, Kind.VOID):
        # A message that its carrier accepted was settled at that moment.
        unresolved = [
            Hold(e.message.message_id, e.message.account, e.message.units)
            for e in ends
            if e.kind is kind and e.message.state is not State.ENROUTE
        ]
        if unresolved:
            ledger.resolve(connection, kind, unresolved, now)
    deliveries = [
        owed(e.message, _MESSAGE_STATES[e.state], e.error, e.done_at, means, now)
        for e in ends
        if wants_end(e.message.registered_delivery, _MESSAGE_STATES[e.state])
    ]
    owe(connection, deliveries)
    return Recorded(
        deliveries,
        [
            Ended(e.message.message_id, e.message.account, e.state, e.message.state is State.QUEUED)
            for e in ends
        ],
    )


def owed(message: Message, state: MessageState, error: str, done_at: int, means: Means, now: int) -> Delivery:
    """The receipt of `state` for the sender of a message."""
    body = receipt_body(message, state, error, done_at, means.zone)
    return Delivery(means.new_id(), message.account, message.message_id, body, 0, now)


def owe(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Store deliveries, due at once."""
    _OWE.run(
        connection,
        [
            (d.delivery_id, d.account, d.message_id, d.body, 0, d.created_at, d.created_at, 0, None)
            for d in deliveries
        ],
    )
