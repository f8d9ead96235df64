"""Segments that come again when their message has been joined.

A customer that lost its connection before an answer sends the segment again, perhaps to the next life of the
gateway, which remembers nothing. What is stored tells: the segments of the newest message under the same
reference, if it was joined not long ago. By the bind that sent the first one comes the next message of a
customer that never changes its references, as `gateway.customers.collector` has it.

Of an account's messages to one number only the newest are looked at: what was not answered is not old, and
however many there are, a segment costs no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, and_, bindparam, select

from gateway.message import Message
from gateway.store import schema
from gateway.store.dialect import constant
from gateway.store.ends import MESSAGE_COLUMNS, message_of
from ledger.prepared import Prepared
from ledger.rows import Rows, dumps
from smpp import codec, segments

# How many messages of an account to a number are looked at.
NEWEST = 32

_sent = Rows("sent")
# The segment that made its message whole costs nothing, and was submitted when the message was joined.
_last = schema.message.alias("last")
_newest = (
    select(_last.c.message_id)
    .where(
        _last.c.destination_addr == _sent.text(0),
        _last.c.account == _sent.text(1),
        _last.c.submitted_at > bindparam("since", type_=BigInteger),
        _last.c.segment > constant(0),
        _last.c.units == constant(0),
        _last.c.whole_id != _last.c.message_id,
    )
    .order_by(_last.c.submitted_at.desc())
    .limit(constant(NEWEST))
    .correlate(_sent.table)
)
_joined = schema.message.alias("joined")
_STORED = Prepared(
    select(*MESSAGE_COLUMNS)
    .select_from(_sent.table)
    .join(_joined, _joined.c.message_id.in_(_newest))
    .join(
        schema.message,
        and_(
            schema.message.c.whole_id == _joined.c.whole_id,
            schema.message.c.segment == _sent.integer(2),
            schema.message.c.segment > constant(0),
        ),
    )
    .order_by(_joined.c.message_id, schema.message.c.message_id)
)


def repeated(connection: Connection, sent: Sequence[Message], since: int) -> dict[int, Message]:
    """Those of these segments that are stored already, as they are stored, by the ids of the new ones.

    Their messages were joined after `since`, in unix milliseconds.
    """
    if not sent:
        return {}
    asked = dict.fromkeys((m.destination_addr, m.account, m.segment) for m in sent)
    newest: dict[tuple[object, ...], dict[tuple[object, ...], Message]] = {}
    wholes: dict[tuple[object, ...], int | None] = {}
    for row in _STORED.fetch(connection, sent=dumps(list(asked)), since=since):
        message = message_of(row)
        whole, content = _what(message)
        if wholes.get(whole) != message.whole_id:
            wholes[whole], newest[whole] = message.whole_id, {}
        newest[whole][content] = message
    if not newest:
        return {}
    found = {}
    for message in sent:
        whole, content = _what(message)
        stored = newest.get(whole, {}).get(content)
        if stored is not None and _bind(stored) != _bind(message):
            found[message.message_id] = stored
    return found


def _what(message: Message) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """What a segment shares with the others of its message, and what it has alone."""
    pdu = codec.submit_sm(message.body)
    place = segments.concat(pdu)
    assert place is not None
    shared = message.account, pdu.source, pdu.destination, pdu.data_coding, place.kind, place.ref, place.total
    return shared, (place.seq, pdu.esm_class, pdu.payload)


def _bind(message: Message) -> tuple[str, int]:
    return message.submitted_by, message.epoch
