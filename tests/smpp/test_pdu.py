from __future__ import annotations

from smpp.address import Address
from smpp.pdu import DeliverSmResp, SubmitSm, SubmitSmResp, Tlvs, tlv

SOURCE, DESTINATION = Address(5, 0, "ACME"), Address(1, 1, "8613800138000")


def submit(short_message: bytes = b"", tlvs: Tlvs = ()) -> SubmitSm:
    return SubmitSm("", SOURCE, DESTINATION, 0, 0, 0, "", "", 1, 0, 8, 0, short_message, tlvs)


def test_the_last_of_repeated_tlvs_wins() -> None:
    tlvs = ((0x0381, b"first"), (0x0204, b"\0\1"), (0x0381, b"last"))
    assert tlv(tlvs, 0x0381) == b"last"
    assert tlv(tlvs, 0x0204) == b"\0\1"


def test_an_absent_tlv_is_none_and_an_empty_one_is_not() -> None:
    assert tlv(((0x130C, b""),), 0x130C) == b""
    assert tlv(((0x130C, b""),), 0x0424) is None


def test_the_payload_is_the_short_message() -> None:
    assert submit(b"short", ((0x0424, b"long"),)).payload == b"short"


def test_the_payload_is_message_payload_when_there_is_no_short_message() -> None:
    assert submit(b"", ((0x0424, b"long"),)).payload == b"long"
    assert submit().payload == b""


def test_pdus_are_equal_by_value_and_differ_by_class() -> None:
    assert submit(b"x") == submit(b"x")
    assert submit(b"x") != submit(b"y")
    assert len({submit(b"x"), submit(b"x"), submit(b"y")}) == 2
    values: set[object] = {SubmitSmResp("1"), DeliverSmResp("1"), SubmitSmResp("1")}
    assert len(values) == 2
