from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import gsm
from smpp.septets import ends_in_return, pack, unpack

SEPTETS = st.binary(max_size=330).map(lambda octets: bytes(octet & 0x7F for octet in octets))
FILL_BITS = st.integers(0, 6)


@pytest.mark.parametrize(
    ("septets", "packed"),
    [
        (b"", ""),
        (b"1", "31"),
        (b"hellohello", "e8329bfd4697d9ec37"),
        (b"12345678", "31d98c56b3dd70"),
        # GSM 03.38, 6.1.2.3: seven bits are left over, and are a carriage return.
        (b"1234567", "31d98c56b3dd1a"),
        # A carriage return that would end with an octet is written twice, with a zero bit behind.
        (b"1234567\r", "31d98c56b3dd1a0d"),
        (b"1234567\x00", "31d98c56b3dd00"),
        (b"\x7f" * 8, "ff" * 7),
    ],
)
def test_septets_are_packed_lowest_bits_first(septets: bytes, packed: str) -> None:
    assert pack(septets).hex() == packed


def test_a_text_behind_a_header_begins_at_a_septet_boundary() -> None:
    """A header of six octets is 48 bits: one more, and the 49th is the first of the eighth septet."""
    assert pack(b"a", 1) == bytes((0x61 << 1,))
    assert unpack(bytes((0x61 << 1,)), fill_bits=1) == b"a"


def test_septets_that_end_with_an_octet_may_end_in_an_at_sign() -> None:
    assert gsm.decode(unpack(bytes.fromhex("31d98c56b3dd00"))) == "1234567@"


def test_a_return_that_only_fills_the_last_octet_is_dropped() -> None:
    assert unpack(bytes.fromhex("31d98c56b3dd1a")) == b"1234567"


def test_who_knows_how_many_septets_there_are_gets_as_many() -> None:
    assert unpack(bytes.fromhex("31d98c56b3dd1a"), 8) == b"1234567\r"
    assert unpack(bytes.fromhex("31d98c56b3dd1a"), 3) == b"123"
    with pytest.raises(ValueError, match="room for 8"):
        unpack(bytes.fromhex("31d98c56b3dd1a"), 9)


def test_an_octet_beyond_seven_bits_is_no_septet() -> None:
    with pytest.raises(ValueError, match="seven bits"):
        pack(b"a\x80")


@given(SEPTETS, FILL_BITS)
def test_what_is_packed_is_unpacked_the_same(septets: bytes, fill_bits: int) -> None:
    packed = pack(septets, fill_bits)
    assert unpack(packed, len(septets), fill_bits) == septets
    doubled = septets + b"\r" if ends_in_return(septets, fill_bits) else septets
    assert unpack(packed, fill_bits=fill_bits) == doubled


@given(SEPTETS.filter(bool), FILL_BITS)
def test_packed_septets_take_seven_eighths(septets: bytes, fill_bits: int) -> None:
    bits = fill_bits + 7 * len(septets)
    assert len(pack(septets, fill_bits)) == -(-bits // 8) + ends_in_return(septets, fill_bits)


@given(st.binary(max_size=330), FILL_BITS)
def test_any_octets_are_septets(octets: bytes, fill_bits: int) -> None:
    septets = unpack(octets, fill_bits=fill_bits)
    assert max(septets, default=0) < 0x80
    assert len(septets) * 7 <= len(octets) * 8
