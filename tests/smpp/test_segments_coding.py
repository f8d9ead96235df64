"""How the header of a user data says to read it, and the room that it takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import text
from smpp.address import Address
from smpp.errors import PduError
from smpp.gsm import encode
from smpp.pdu import SubmitSm
from smpp.segments import Coding, Concat, Kind, coding, concat, read_udh, split, units, user_text
from smpp.septets import pack
from smpp.shift_tables import DEFAULT, LOCKING, SINGLE, Shifts
from smpp.text import Alphabet

UDHI = 0x40
GSM7, PACKED = Alphabet.GSM7, Alphabet.GSM7_PACKED
KINDS: list[Kind] = ["udh8", "udh16", "sar"]


def submit_sm(user_data: bytes, esm_class: int = UDHI, data_coding: int = 0) -> SubmitSm:
    address = Address(1, 1, "8613800138000")
    return SubmitSm("", address, address, esm_class, 0, 0, "", "", 0, 0, data_coding, 0, user_data, ())


def read(pdu: SubmitSm, default: Alphabet) -> str:
    found = coding(pdu, default)
    return text.decode(found.alphabet, user_text(pdu), found.shifts, found.fill_bits)


# -- Reading -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("03 24 01 01", Shifts(0, 1)),
        ("03 25 01 03", Shifts(3, 0)),
        ("06 24 01 06 25 01 06", Shifts(6, 6)),
        ("08 00 03 07 02 01 24 01 02", Shifts(0, 2)),
        ("06 24 01 06 24 01 02", Shifts(0, 2)),
        ("05 00 03 07 02 01", DEFAULT),
        ("00", DEFAULT),
    ],
)
def test_the_header_names_the_tables(header: str, expected: Shifts) -> None:
    pdu = submit_sm(bytes.fromhex(header) + b"text")
    assert coding(pdu, GSM7) == Coding(GSM7, expected)
    assert coding(pdu, Alphabet.LATIN1) == Coding(Alphabet.LATIN1)


def test_without_a_header_nothing_names_them() -> None:
    assert coding(submit_sm(b"\x03\x24\x01\x01text", 0), GSM7) == Coding(GSM7)


@pytest.mark.parametrize("data_coding", [0x08, 0x04, 0x0F])
def test_only_septets_have_tables(data_coding: int) -> None:
    pdu = submit_sm(b"\x03\x24\x01\x01", data_coding=data_coding)
    assert coding(pdu, GSM7).shifts == DEFAULT


@pytest.mark.parametrize(
    "header", ["03 24 01 0e", "03 25 01 02", "03 24 01 00", "02 24 00", "04 25 02 01 01", "03 24 01 ff"]
)
def test_a_table_that_nobody_has_makes_the_text_unreadable(header: str) -> None:
    pdu = submit_sm(bytes.fromhex(header) + b"text")
    assert not coding(pdu, GSM7).shifts.known
    with pytest.raises(text.TextError):
        read(pdu, GSM7)


def test_a_header_that_reaches_past_its_end_is_refused() -> None:
    with pytest.raises(PduError):
        coding(submit_sm(b"\xff"), GSM7)


@pytest.mark.parametrize(
    ("header", "fill_bits"),
    [
        ("05 00 03 07 02 01", 1),
        ("06 08 04 00 07 02 01", 0),
        ("03 24 01 01", 3),
        ("06 24 01 06 25 01 06", 0),
        ("00", 6),
    ],
)
def test_packed_septets_begin_at_a_septet_boundary(header: str, fill_bits: int) -> None:
    octets = bytes.fromhex(header)
    assert (8 * len(octets) + fill_bits) % 7 == 0
    pdu = submit_sm(octets + pack(b"hello", fill_bits))
    assert coding(pdu, PACKED).fill_bits == fill_bits
    assert read(pdu, PACKED) == "hello"


def test_each_part_is_read_with_its_own_tables() -> None:
    turkish, plain = (
        submit_sm(bytes.fromhex(header) + b"\x0b")
        for header in ("08 00 03 07 02 01 25 01 01", "05 00 03 07 02 02")
    )
    assert read(turkish, GSM7) + read(plain, GSM7) == "ĞØ"


# -- Counting ------------------------------------------------------------------------------------------------

ONE, TWO = Shifts(1, 0), Shifts(6, 6)


@pytest.mark.parametrize(
    ("septets", "shifts", "expected"),
    [
        (155, ONE, 1),
        (156, ONE, 2),
        (298, ONE, 2),
        (299, ONE, 3),
        (152, TWO, 1),
        (153, TWO, 2),
        (292, TWO, 2),
        (293, TWO, 3),
        (160, DEFAULT, 1),
        (161, DEFAULT, 2),
        (306, DEFAULT, 2),
        (307, DEFAULT, 3),
        (155, Shifts(14, 0), 1),
        (156, Shifts(14, 0), 2),
    ],
)
def test_a_header_that_names_tables_takes_room(septets: int, shifts: Shifts, expected: int) -> None:
    assert units(b"a" * septets, GSM7, shifts) == expected
    # Packed septets stand behind a header of four octets, of seven, or of none.
    fill_bits = 3 if shifts not in (TWO, DEFAULT) else 0
    assert units(pack(b"a" * septets, fill_bits), PACKED, shifts) == expected


def test_140_octets_hold_160_packed_septets() -> None:
    assert len(pack(b"a" * 160)) == 140
    assert units(pack(b"a" * 160), PACKED) == 1
    assert units(pack(b"a" * 161), PACKED) == 2


# -- Cutting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "octets"), [("udh8", 134), ("udh16", 133)])
def test_a_full_part_of_packed_septets_is_140_octets(kind: Kind, octets: int) -> None:
    first, second = split(pack(b"a" * 2 * (octets * 8 // 7)), PACKED, 7, kind)
    assert len(first) == len(second) == 140


def test_each_part_names_the_tables() -> None:
    parts = split(b"a" * 293, GSM7, 7, "udh8", TWO)
    assert [read_udh(part)[0][1:] for part in parts] == [((0x25, b"\x06"), (0x24, b"\x06"))] * 3
    assert [len(read_udh(part)[0]) for part in parts] == [3, 3, 3]


def test_a_text_that_fits_has_a_header_for_its_tables() -> None:
    assert split(b"\x0b", GSM7, 7, "udh8", Shifts(1, 0)) == [bytes.fromhex("03 25 01 01 0b")]
    assert split(b"\x1bS", GSM7, 7, "sar", Shifts(0, 1)) == [bytes.fromhex("03 24 01 01 1b 53")]


def test_a_return_at_the_end_of_a_full_packed_part_moves_to_the_next() -> None:
    parts = split(pack(b"a" * 152 + b"\r" + b"b" * 10), PACKED, 7, "udh8")
    assert [read(submit_sm(part), PACKED) for part in parts] == ["a" * 152, "\r" + "b" * 10]
    last = split(pack(b"a" * 305 + b"\r"), PACKED, 7, "udh8")
    assert [len(part) for part in last] == [140, 140, 8]


def test_an_escape_pair_whose_code_is_a_return_is_not_torn_from_it() -> None:
    parts = split(pack(b"a" * 151 + b"\x1b\r" + b"b" * 10), PACKED, 7, "udh8")
    assert [read(submit_sm(part), PACKED) for part in parts] == ["a" * 151, "\r" + "b" * 10]


@pytest.mark.parametrize(
    "alphabet", [Alphabet.SHIFT_JIS, Alphabet.ISO_2022_JP, Alphabet.EUC_JP, Alphabet.EUC_KR]
)
@pytest.mark.parametrize("before", ["a", "ab"])
def test_a_character_of_several_octets_is_not_cut(alphabet: Alphabet, before: str) -> None:
    content = before + "漢字" * 180 + "ab"
    octets = content.encode(alphabet)
    parts = split(octets, alphabet, 7, "sar")
    assert len(parts) == units(octets, alphabet) > 3
    assert b"".join(parts) == octets
    at = 0
    for part in parts:
        at += len(part)
        assert octets[:at].decode(alphabet) == content[: len(octets[:at].decode(alphabet))]


@st.composite
def written(draw: st.DrawFn) -> tuple[str, Shifts]:
    locking, single = draw(st.sampled_from(sorted(LOCKING))), draw(st.sampled_from(sorted(SINGLE)))
    characters = sorted(set(LOCKING[locking] + SINGLE[single]) - {"\x00", "\x1b"})
    words = st.text(alphabet=st.sampled_from([*characters, "\r", "\r"]), max_size=90)
    return draw(words) * draw(st.integers(1, 6)), Shifts(locking, single)


@given(written(), st.sampled_from([GSM7, PACKED]), st.sampled_from(KINDS))
def test_the_parts_of_a_text_of_any_language_join_to_it(
    content_shifts: tuple[str, Shifts], alphabet: Alphabet, kind: Kind
) -> None:
    content, shifts = content_shifts
    septets = encode(content, shifts)
    assert septets is not None
    header = 1 + 3 * ((shifts.locking > 0) + (shifts.single > 0))
    octets = pack(septets, -8 * header % 7 if header > 1 else 0) if alphabet is PACKED else septets
    parts = split(octets, alphabet, 7, kind, shifts)
    if kind == "udh8" or (kind == "sar" and alphabet is GSM7):
        assert len(parts) == units(octets, alphabet, shifts)
    pdus = [
        submit_sm(part, UDHI if header > 1 or (kind != "sar" and len(parts) > 1) else 0) for part in parts
    ]
    joined = "".join(read(pdu, alphabet) for pdu in pdus)
    assert joined in (
        (content, content + "\r") if alphabet is PACKED and content.endswith("\r") else (content,)
    )
    for seq, pdu in enumerate(pdus, start=1):
        used = len(pdu.short_message)
        beside = read_udh(pdu.short_message)[1] if pdu.esm_class else 0
        assert used <= 140 if alphabet is PACKED else beside + -(-(used - beside) * 7 // 8) <= 140
        if kind != "sar" and len(parts) > 1:
            assert concat(pdu) == Concat(kind, 7, len(parts), seq)
