from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smpp.address import Address
from smpp.message_state import MessageState
from smpp.pdu import DeliverSm, Tlvs
from smpp.receipt import Receipt, parse

PLAIN = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2404011230 done date:2404011231"
    b" stat:DELIVRD err:000 text:hi"
)


def read(short_message: bytes, tlvs: Tlvs) -> Receipt:
    source, destination = Address(1, 1, "8613800138000"), Address(5, 0, "Signet")
    pdu = DeliverSm("", source, destination, 0x04, 0, 0, "", "", 0, 0, 0, 0, short_message, tlvs)
    receipt = parse(pdu, UTC)
    assert receipt is not None
    return receipt


@pytest.mark.parametrize(
    ("value", "message_id"),
    [(b"12345\0", "12345"), (b"12345", "12345"), (b"00ab-C\0", "00ab-C"), (b"1" * 64 + b"\0", "1" * 64)],
)
def test_receipted_message_id_is_read_with_and_without_its_nul(value: bytes, message_id: str) -> None:
    assert read(b"", ((0x001E, value),)).message_id == message_id


def test_tlvs_go_before_the_text() -> None:
    receipt = read(PLAIN, ((0x0427, b"\x05"), (0x001E, b"tlv-id\0"), (0x0423, b"\x03\x00\x45")))
    assert (receipt.message_id, receipt.state, receipt.error) == ("tlv-id", MessageState.UNDELIVERABLE, "069")
    assert receipt.done == datetime(2024, 4, 1, 12, 31, tzinfo=UTC)


def test_the_text_fills_in_what_the_tlvs_leave_out() -> None:
    receipt = read(PLAIN, ((0x001E, b"tlv-id\0"),))
    assert (receipt.message_id, receipt.state, receipt.error) == ("tlv-id", MessageState.DELIVERED, "000")
    receipt = read(PLAIN, ((0x0427, b"\x08"), (0x1400, b"vendor")))
    assert (receipt.message_id, receipt.state) == ("0123456789", MessageState.REJECTED)


@pytest.mark.parametrize(
    ("stat", "word"),
    [(b"DELIVRD", "DELIVRD"), (b"UNDELIV", ""), (b"FAILED", ""), (b"BLOCKED", "BLOCKED"), (b"", "")],
)
def test_a_message_state_wins_over_the_text_and_what_contradicts_it_is_told(stat: bytes, word: str) -> None:
    receipt = read(PLAIN.replace(b"DELIVRD", stat), ((0x0427, b"\x05"),))
    assert (receipt.state, receipt.word, receipt.understood) == (MessageState.UNDELIVERABLE, word, True)


@pytest.mark.parametrize("number", range(1, 9))
def test_message_state_is_read_by_its_number(number: int) -> None:
    assert read(b"", ((0x001E, b"1\0"), (0x0427, bytes((number,))))).state == number


@pytest.mark.parametrize("value", [b"", b"\x00", b"\x09", b"\xff", b"\x02\x00"])
def test_a_message_state_out_of_range_leaves_it_to_the_text(value: bytes) -> None:
    assert read(PLAIN.replace(b"DELIVRD", b"EXPIRED"), ((0x0427, value),)).state is MessageState.EXPIRED


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (b"\x03\x00\x00", "000"),
        (b"\x03\x00\x22", "034"),
        (b"\x03\x04\xd2", "1234"),
        (b"\x03\x00\x00\x22", "034"),
        (b"\x03\x00\x00\x00\x22" + bytes(1000), "034"),
        (b"", "7"),
        (b"\x03", "7"),
    ],
)
def test_network_error_code_is_read_in_three_octets_and_in_four(value: bytes, error: str) -> None:
    assert read(PLAIN.replace(b"err:000", b"err:7"), ((0x0423, value),)).error == error


def test_of_a_repeated_tlv_the_last_counts() -> None:
    assert read(b"", ((0x001E, b"a\0"), (0x001E, b"b\0"))).message_id == "b"
