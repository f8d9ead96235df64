"""References for the parts of long messages: a recipient's phone tells two messages apart by them.

No two messages to one number that are on their way have the same one, however it is spelled and whichever
carrier they go to, as long as there are no more than there are references. A message is on its way until the
last of its parts has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from gateway.message import Message
from gateway.number import plain, spellings
from gateway.store import schema
from gateway.store.dialect import constant
from ledger.prepared import Prepared
from ledger.rows import Rows, dumps
from smpp.parts import REFERENCES, reference, with_reference
from smpp.value import changed

_message = schema.message.c
# How many parts on their way to a number are looked at, the newest: all of as many messages as there are
# references, of twenty parts each. However many wait for one number, the next costs no more.
_NEWEST = 20 * REFERENCES

_numbers = Rows("numbers")
_part = schema.message.alias("part")
_newest = (
    select(_part.c.message_id)
    .where(
        _part.c.part > constant(0),
        _part.c.final_at.is_(None),
        _part.c.destination_addr == _numbers.each,
    )
    .order_by(_part.c.message_id.desc())
    .limit(constant(_NEWEST))
    .correlate(_numbers.table)
)
_IN_USE = Prepared(
    select(_message.destination_addr, _message.body)
    .select_from(_numbers.table)
    .join(schema.message, _message.message_id.in_(_newest))
    .order_by(_message.message_id)
)


def refer(connection: Connection, messages: Sequence[Message], country_code: str) -> list[Message]:
    """The same messages, each long one with a reference of its own.

    Where all are in use to a number, that of the message begun longest ago is used again.
    """
    # Every message of several parts has a second one.
    wholes = {
        m.whole_id: plain(m.destination_addr, country_code)
        for m in messages
        if m.part == 2 and m.whole_id is not None
    }
    if not wholes:
        return list(messages)
    in_use: dict[str, dict[int, None]] = {number: {} for number in wholes.values()}
    addrs = [addr for number in in_use for addr in spellings(number, country_code)]
    for addr, body in _IN_USE.fetch(connection, numbers=dumps(addrs)):
        ref = reference(body)
        if ref is not None:
            in_use[plain(addr, country_code)].setdefault(ref)
    chosen: dict[int, int] = {}
    for whole_id, number in wholes.items():
        chosen[whole_id] = ref = _free(whole_id, in_use[number])
        in_use[number].pop(ref, None)
        in_use[number][ref] = None
    return [
        changed(m, body=with_reference(m.body, chosen[m.whole_id])) if m.part and m.whole_id in chosen else m
        for m in messages
    ]


def _free(whole_id: int, in_use: Mapping[int, None]) -> int:
    """A reference for a message; those `in_use` are in order of their age."""
    if len(in_use) == REFERENCES:
        return next(iter(in_use))
    # Begun with all octets of the id, the last of which seldom differ: one that a message has just used,
    # of which a part may be lost, is not the first to be used again.
    begin = sum(whole_id.to_bytes(8, "big"))
    return next(ref for n in range(REFERENCES) if (ref := (begin + n) % REFERENCES) not in in_use)
