"""Segments that come again: what is looked at to know them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.message import Message, State
from gateway.store import repeats
from gateway.store.admit import insert
from gateway.store.ends import message_of
from gateway.store.repeats import NEWEST, repeated
from smpp import codec
from tests.gateway.store import samples
from tests.gateway.store.rig import Rig


def body(reference: int, place: int) -> bytes:
    header = bytes([6, 8, 4, *reference.to_bytes(2, "big"), 2, place])
    pdu = codec.submit_sm(samples.message(1).body)
    return codec.encode_body(replace(pdu, esm_class=0x40, short_message=header + b"text"))


def joined(rig: Rig, reference: int, account: str) -> list[Message]:
    """The two segments of a message; the second one made it whole."""
    whole_id = rig.ids.next()
    return [
        replace(
            samples.message(rig.ids.next(), account=account, state=State.DELIVERED, units=2 - place),
            whole_id=whole_id,
            segment=place,
            submitted_at=rig.now() + reference,
            body=body(reference, place),
        )
        for place in (1, 2)
    ]


def test_of_many_messages_to_a_number_only_the_newest_of_the_account_are_looked_at(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def look(row: tuple[object, ...]) -> Message:
        looked_at.append(str(row[1]))
        return message_of(row)

    monkeypatch.setattr(repeats, "message_of", look)
    stored = [message for n in range(3 * NEWEST) for message in joined(rig, n, "bank")]
    others = [message for n in range(NEWEST) for message in joined(rig, n, "shop")]
    again = replace(stored[-1], message_id=rig.ids.next(), submitted_by="another")
    with rig.engine.connect() as connection:
        insert(connection, [*stored, *others])
        assert repeated(connection, [again], rig.now() - 1) == {again.message_id: stored[-1]}
        connection.rollback()
    assert looked_at == ["bank"] * NEWEST
