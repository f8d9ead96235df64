"""`decode(encode(pdu)) == pdu` for every PDU that the wire can carry, with its header and by the framer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import codec
from smpp.address import Address
from smpp.commands import CommandId, is_response
from smpp.errors import PduError
from smpp.framer import Frame, Framer
from smpp.pdu import DeliverSm, Pdu, SubmitSm, UnparsedPdu
from tests.smpp import pdu_strategies

UINT32 = st.integers(0, 0xFFFFFFFF)
NUMBER = Address(1, 1, "8613800138000")


@given(pdu_strategies.LOOSE_PDUS)
def test_what_the_wire_can_carry_is_read_back_equal(pdu: Pdu) -> None:
    assert codec.decode(pdu.command_id, codec.encode_body(pdu), strict=False) == pdu


@given(pdu_strategies.LOOSE_PDUS)
def test_strictness_refuses_a_pdu_or_reads_the_same(pdu: Pdu) -> None:
    body = codec.encode_body(pdu)
    if is_response(pdu.command_id):
        assert codec.decode(pdu.command_id, body) == pdu
    else:
        with suppress(PduError):
            assert codec.decode(pdu.command_id, body) == pdu


@given(st.lists(st.tuples(pdu_strategies.LOOSE_PDUS, UINT32, UINT32), max_size=4))
def test_headers_and_bodies_come_back_through_the_framer(pdus: list[tuple[Pdu, int, int]]) -> None:
    framer = Framer(70_000)
    framer.feed(b"".join(codec.encode(pdu, number, status) for pdu, number, status in pdus))
    for pdu, number, status in pdus:
        frame = framer.next_frame()
        assert frame is not None
        assert frame == Frame(pdu.command_id, status, number, frame.body)
        assert codec.decode(frame.command_id, frame.body, strict=False) == pdu
    assert framer.next_frame() is None


@given(pdu_strategies.LOOSE_MESSAGES, st.integers(0, 255))
def test_another_registered_delivery_changes_nothing_else(pdu: SubmitSm | DeliverSm, asked: int) -> None:
    body = codec.encode_body(pdu)
    changed = codec.with_registered_delivery(body, asked)
    assert codec.decode(pdu.command_id, changed, strict=False) == replace(pdu, registered_delivery=asked)


@pytest.mark.parametrize("length", [0, 1, 255, 256, 65_534, 65_535])
def test_a_payload_of_any_length_comes_back(length: int) -> None:
    pdu = SubmitSm(
        "", NUMBER, NUMBER, 0, 0, 0, "", "", 0, 0, 0, 0, b"", ((0x0424, bytes(length)), (0x0204, b"ab"))
    )
    assert codec.decode(CommandId.SUBMIT_SM, codec.encode_body(pdu)) == pdu


@pytest.mark.parametrize("command_id", [0x0A, 0x0111, 0x8000000B, 0x80000102, 0x80010200])
def test_a_command_that_is_not_read_comes_back_as_it_is(command_id: int) -> None:
    pdu = codec.decode(command_id, b"\0anything\xff")
    assert pdu == UnparsedPdu(command_id, b"\0anything\xff")
    assert codec.encode_body(pdu) == b"\0anything\xff"
