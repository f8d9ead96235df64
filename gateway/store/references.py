"""References for the parts of long messages: a recipient's phone tells two messages apart by them.

No two messages to one number that are on their way have the same one, however it is spelled and whichever
carrier they go to. A message is on its way until the last of its parts has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from gateway.message import Message
from gateway.number import plain, spellings
from gateway.store import schema
from gateway.store.dialect import constant
from ledger.prepared import Prepared
from ledger.rows import dumps, texts
from smpp.parts import REFERENCES, reference, with_reference

_message = schema.message.c
_IN_USE = Prepared(
    select(_message.destination_addr, _message.body).where(
        _message.part > constant(0),
        _message.final_at.is_(None),
        _message.destination_addr.in_(texts("numbers")),
    )
)


def refer(
    connection: Connection, messages: Sequence[Message], country_code: str
) -> tuple[list[Message], set[int]]:
    """The same messages, each long one with a reference of its own; and the wholes that found none left."""
    # Every message of several parts has a second one.
    wholes = {
        m.whole_id: plain(m.destination_addr, country_code)
        for m in messages
        if m.part == 2 and m.whole_id is not None
    }
    if not wholes:
        return list(messages), set()
    in_use: dict[str, set[int | None]] = {number: set() for number in wholes.values()}
    addrs = [addr for number in in_use for addr in spellings(number, country_code)]
    for addr, body in _IN_USE.fetch(connection, numbers=dumps(addrs)):
        in_use[plain(addr, country_code)].add(reference(body))
    chosen: dict[int, int] = {}
    for whole_id, number in wholes.items():
        # Begun with all octets of the id, the last of which seldom differ: one that a message has just used,
        # of which a part may be lost, is not the first to be used again.
        begin = sum(whole_id.to_bytes(8, "big"))
        tries = ((begin + n) % REFERENCES for n in range(REFERENCES))
        free = next((ref for ref in tries if ref not in in_use[number]), None)
        if free is not None:
            chosen[whole_id] = free
            in_use[number].add(free)
    referred = [
        replace(m, body=with_reference(m.body, chosen[m.whole_id])) if m.part and m.whole_id in chosen else m
        for m in messages
    ]
    return referred, wholes.keys() - chosen.keys()
