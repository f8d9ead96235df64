"""States on the way of a message in parts.

Each part is reported on by itself, but its customer has sent one message: each of its submit_sm that asks for
it is told of a state once, when the first part has it, and of none after its end. What was told is kept: a
part may repeat it much later, in another life of the gateway.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from gateway.delivery import wants_news
from gateway.message import Message, State
from gateway.store import schema
from gateway.store.dialect import constant, insert_rows
from gateway.store.ends import MESSAGE_COLUMNS, Means, message_of, owed
from gateway.stored import CarrierReceipt, Delivery
from ledger.prepared import Prepared
from ledger.rows import dumps, integers

_message, _news = schema.message.c, schema.news.c
_JOINED = Prepared(
    select(*MESSAGE_COLUMNS)
    .where(
        _message.whole_id.is_not(None),
        _message.whole_id.in_(integers("ids")),
        _message.state == constant(State.JOINED),
    )
    .order_by(_message.message_id)
)
_KNOWN = Prepared(select(_news.message_id, _news.state).where(_news.message_id.in_(integers("ids"))))
_TOLD = insert_rows(schema.news)


def of_parts(
    connection: Connection, heard: Sequence[tuple[Message, CarrierReceipt]], means: Means, now: int
) -> list[Delivery]:
    """What is owed now that carriers have `heard` of these parts; it is on record as told."""
    if not heard:
        return []
    first: dict[tuple[int, int], CarrierReceipt] = {}
    for part, said in heard:
        assert part.whole_id is not None
        first.setdefault((part.whole_id, said.receipt.state), said)
    wholes = dict.fromkeys(whole_id for whole_id, _ in first)
    asking: dict[int | None, list[Message]] = {}
    for message in map(message_of, _JOINED.fetch(connection, ids=dumps(list(wholes)))):
        if wants_news(message.registered_delivery):
            asking.setdefault(message.whole_id, []).append(message)
    if not asking:
        return []
    ids = [message.message_id for messages in asking.values() for message in messages]
    known = {tuple(row) for row in _KNOWN.fetch(connection, ids=dumps(ids))}
    news = [
        (message, said)
        for (whole_id, state), said in first.items()
        for message in asking.get(whole_id, ())
        if (message.message_id, state) not in known
    ]
    _TOLD.run(connection, [(message.message_id, int(said.receipt.state)) for message, said in news])
    return [
        owed(
            message,
            said.receipt.state,
            said.receipt.error,
            said.done_at,
            means,
            now,
            means.passing(said, message),
        )
        for message, said in news
    ]
