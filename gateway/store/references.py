"""References for the parts of long messages: a recipient's phone tells two messages apart by them.

No two messages to one number that are on their way have the same one, whichever carrier they go to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from gateway.message import Message
from gateway.store import schema
from gateway.store.dialect import constant
from ledger.prepared import Prepared
from ledger.rows import dumps, texts
from smpp.parts import REFERENCES, reference, with_reference

_message = schema.message.c
_IN_USE = Prepared(
    select(_message.destination_addr, _message.body).where(
        # Every message of several parts has a second one.
        _message.part == constant(2),
        _message.part > constant(0),
        _message.final_at.is_(None),
        _message.destination_addr.in_(texts("numbers")),
    )
)


def refer(connection: Connection, messages: Sequence[Message]) -> tuple[list[Message], set[int]]:
    """The same messages, each long one with a reference of its own; and the wholes that found none left."""
    wholes = {m.whole_id: m.destination_addr for m in messages if m.part == 2 and m.whole_id is not None}
    if not wholes:
        return list(messages), set()
    in_use: dict[str, set[int]] = {number: set() for number in wholes.values()}
    for number, body in _IN_USE.fetch(connection, numbers=dumps(list(in_use))):
        in_use[number].add(reference(body))
    chosen: dict[int, int] = {}
    for whole_id, number in wholes.items():
        # From the id on, so that one used long ago is not the first to be used again.
        tries = ((whole_id + n) % REFERENCES for n in range(REFERENCES))
        free = next((ref for ref in tries if ref not in in_use[number]), None)
        if free is not None:
            chosen[whole_id] = free
            in_use[number].add(free)
    referred = [
        replace(m, body=with_reference(m.body, chosen[m.whole_id])) if m.part and m.whole_id in chosen else m
        for m in messages
    ]
    return referred, wholes.keys() - chosen.keys()
