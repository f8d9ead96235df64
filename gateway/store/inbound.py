"""Recipients' replies in the database: kept, owed to their customer, and obeyed when they say TD."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from gateway.message import State
from gateway.number import plain, spellings
from gateway.ports import Delivery, Inbound, Recorded
from gateway.store import schema, schema_recipients
from gateway.store.dialect import constant, insert_new_rows, insert_rows
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, end, message_of, owe
from ledger.transfer import Kind

_INBOUND = insert_rows(schema.inbound)
_OPT_OUT = insert_new_rows(schema_recipients.opt_out)


def record_inbound(connection: Connection, items: Sequence[Inbound], means: Means, now: int) -> Recorded:
    """Keep replies; an opt-out also ends that customer's waiting messages to the number, DELETED."""
    ids = [means.new_id() for _ in items]
    _INBOUND.run(
        connection,
        [
            (
                i,
                m.carrier,
                m.account,
                m.source_addr,
                m.destination_addr,
                m.body,
                int(m.opts_out),
                m.received_at,
            )
            for i, m in zip(ids, items, strict=True)
        ],
    )
    silenced = [
        (m.source_addr, m.account, m.received_at, i, "", None, "")
        for i, m in zip(ids, items, strict=True)
        if m.opts_out and m.account is not None
    ]
    _OPT_OUT.run(connection, silenced)
    deliveries = [
        Delivery(i, m.account, None, m.body, 0, now)
        for i, m in zip(ids, items, strict=True)
        if m.account is not None
    ]
    owe(connection, deliveries)
    ends = _waiting(connection, dict.fromkeys((s[0], s[1]) for s in silenced), means, now)
    ended = end(connection, ends, means, now)
    return Recorded([*deliveries, *ended.deliveries], ended.ended)


def _waiting(
    connection: Connection, silenced: Collection[tuple[str, str]], means: Means, now: int
) -> list[End]:
    if not silenced:
        return []
    table = schema.message.c
    addrs = dict.fromkeys(addr for number, _ in silenced for addr in spellings(number, means.country_code))
    query = select(*MESSAGE_COLUMNS).where(
        table.state == constant(State.QUEUED), table.destination_addr.in_(list(addrs))
    )
    return [
        End(message_of(row), State.DELETED, "", now, Kind.VOID)
        for row in connection.execute(query)
        if (plain(row.destination_addr, means.country_code), row.account) in silenced
    ]
