"""Recipients' replies in the database: kept, owed to their customer, and obeyed when they say TD.

An account's scope says whom a TD silences: the customer, the signature of what it last sent to that number,
or everybody who sends through this gateway.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, Connection, Text, bindparam, select

from gateway.message import State
from gateway.number import plain, spellings
from gateway.settings import OptOutScope
from gateway.store import schema, schema_recipients
from gateway.store.dialect import constant, insert_rows
from gateway.store.ends import MESSAGE_COLUMNS, End, Means, end, message_of, owe
from gateway.store.recipient_lists import add_opt_outs
from gateway.stored import Delivery, Inbound, Recorded
from ledger.prepared import Prepared
from ledger.transfer import Kind
from policy.clauses import RECIPIENT_OPTED_OUT

_INBOUND = insert_rows(schema.inbound)
_contact = schema_recipients.contact.c
_LAST_SIGNATURE = Prepared(
    select(_contact.signature)
    .where(
        _contact.number == bindparam("number", type_=Text),
        _contact.account == bindparam("account", type_=Text),
        _contact.at <= bindparam("at", type_=BigInteger),
    )
    .order_by(_contact.at.desc(), _contact.message_id.desc())
    .limit(1)
)
_Silence = tuple[str, str, str]
"""A number, and the account and signature that it refuses; "" is any."""


def record_inbound(connection: Connection, items: Sequence[Inbound], means: Means, now: int) -> Recorded:
    """Keep replies; an opt-out also ends the waiting messages that it is about, DELETED."""
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
        (_silence(connection, m.source_addr, m.account, m.received_at, means), m.received_at, i)
        for i, m in zip(ids, items, strict=True)
        if m.opts_out and m.account is not None
    ]
    add_opt_outs(
        connection,
        [
            (number, account, since, i, signature, None, "")
            for (number, account, signature), since, i in silenced
        ],
    )
    deliveries = [
        Delivery(i, m.account, None, m.body, 0, now)
        for i, m in zip(ids, items, strict=True)
        if m.account is not None
    ]
    owe(connection, deliveries)
    ends = _waiting(connection, {silence for silence, _, _ in silenced}, means, now)
    ended = end(connection, ends, means, now)
    return Recorded([*deliveries, *ended.deliveries], ended.ended)


def _silence(connection: Connection, number: str, account: str, at: int, means: Means) -> _Silence:
    """What a TD to that account refuses. Where the signature is not known, it is the customer."""
    own = means.recipients.get(account)
    scope = OptOutScope.CUSTOMER if own is None else own.opt_out_scope
    if scope is OptOutScope.OPERATOR:
        return number, "", ""
    if scope is OptOutScope.CUSTOMER:
        return number, account, ""
    last = _LAST_SIGNATURE.fetch(connection, number=number, account=account, at=at)
    return number, account, last[0][0] if last else ""


def _waiting(connection: Connection, silenced: Collection[_Silence], means: Means, now: int) -> list[End]:
    if not silenced:
        return []
    table = schema.message.c
    addrs = dict.fromkeys(addr for number, *_ in silenced for addr in spellings(number, means.country_code))
    query = select(*MESSAGE_COLUMNS).where(
        table.state == constant(State.QUEUED), table.destination_addr.in_(list(addrs))
    )
    return [
        End(message, State.DELETED, "", now, Kind.VOID)
        for message in map(message_of, connection.execute(query))
        if any(
            (plain(message.destination_addr, means.country_code), account, signature) in silenced
            for account in (message.account, "")
            for signature in {message.signature, ""}
        )
        and means.refuses(RECIPIENT_OPTED_OUT, message)
    ]
