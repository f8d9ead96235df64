"""Rows with texts in them, as customers' submits leave them behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import insert

from gateway.message import Message, State
from gateway.store.schema_records import refusal
from smpp import codec, parts
from smpp.address import Address
from smpp.pdu import SubmitSm
from smpp.text import Alphabet
from tests.gateway.store import samples
from tests.gateway.store.rig import Rig

BIRTHDAY = "尊敬的客户:今天是您生日，生日快乐，回TD退订【中国银行】"


def submit_sm(text: str, destination_addr: str = samples.NUMBER) -> SubmitSm:
    """A submit_sm that says so, in UCS-2."""
    here, there = Address(0, 0, "10690001"), Address(1, 1, destination_addr)
    octets = text.encode("utf-16-be")
    return SubmitSm("", here, there, 0, 0, 0, "", "", 1, 0, 8, 0, octets, ())


def body_of(text: str, destination_addr: str = samples.NUMBER) -> bytes:
    return codec.encode_body(submit_sm(text, destination_addr))


def segments_of(text: str, destination_addr: str = samples.NUMBER) -> list[bytes]:
    """The bodies of the segments of a long text."""
    cut = parts.cut(
        replace(submit_sm("x", destination_addr), short_message=text.encode("utf-16-be")), Alphabet.UCS2, 7
    )
    return [codec.encode_body(part) for part in cut]


def submit(rig: Rig, text: str, number: str = samples.NUMBER, **fields: Any) -> Message:
    """A message with that text that was admitted, and waits; `fields` are of its row."""
    now = rig.now()
    sample = samples.message(
        rig.ids.next(), destination_addr=number, submitted_at=now, due_at=now, deadline_at=now + samples.HOUR
    )
    admitted = replace(sample, **{"body": body_of(text, number), **fields})
    assert rig.admit(admitted) == [None]
    return admitted


def submit_segments(rig: Rig, text: str, number: str = samples.NUMBER) -> list[Message]:
    """A long message that came in segments and is joined: the segments, then the parts, which wait."""
    whole_id, now = rig.ids.next(), rig.now()
    bodies = segments_of(text, number)
    sample = replace(
        samples.message(
            0, destination_addr=number, submitted_at=now, due_at=now, deadline_at=now + samples.HOUR
        ),
        whole_id=whole_id,
    )
    rows = [
        replace(sample, message_id=rig.ids.next(), state=State.JOINED, units=0, body=body, segment=place)
        for place, body in enumerate(bodies, 1)
    ]
    carried = [
        replace(sample, message_id=rig.ids.next(), registered_delivery=0, body=body, part=place)
        for place, body in enumerate(bodies, 1)
    ]
    assert rig.admit(*rows, *carried) == [None] * (2 * len(bodies))
    return [*rows, *carried]


def refuse(rig: Rig, text: str, rule: str, number: str = samples.NUMBER, **fields: Any) -> int:
    """A submit that was refused by that rule; the id of its row."""
    refusal_id = rig.ids.next()
    row = {
        "refusal_id": refusal_id,
        "account": "bank",
        "rule": rule,
        "message_class": "commercial",
        "source_addr": "10690001",
        "destination_addr": number,
        "body": body_of(text, number),
        "units": 1,
        "ruleset": "0123456789ab",
        "submitted_by": "bank@127.0.0.1",
        "submitted_at": rig.now(),
    }
    with rig.engine.begin() as connection:
        connection.execute(insert(refusal).values(row | fields))
    return refusal_id
