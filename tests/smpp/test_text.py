from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.shift_tables import Shifts
from smpp.text import Alphabet, TextError, alphabet, decode, encode, message_class

# data_coding, the alphabet it announces: SMPP 3.4, 5.2.19 and GSM 03.38, section 4.
FIXED = [
    (0x01, Alphabet.ASCII),
    (0x02, Alphabet.OCTETS),
    (0x03, Alphabet.LATIN1),
    (0x04, Alphabet.OCTETS),
    (0x05, Alphabet.SHIFT_JIS),
    (0x06, Alphabet.CYRILLIC),
    (0x07, Alphabet.HEBREW),
    (0x08, Alphabet.UCS2),
    (0x0A, Alphabet.ISO_2022_JP),
    (0x0D, Alphabet.EUC_JP),
    (0x0E, Alphabet.EUC_KR),
    (0x0F, Alphabet.GBK),
    *((coding, Alphabet.GSM7) for coding in range(0x10, 0x14)),
    *((coding, Alphabet.OCTETS) for coding in range(0x14, 0x18)),
    *((coding, Alphabet.UCS2) for coding in range(0x18, 0x1C)),
    *((coding, Alphabet.GSM7) for coding in range(0xC0, 0xE0)),
    *((coding, Alphabet.UCS2) for coding in range(0xE0, 0xF0)),
    *((coding, Alphabet.GSM7) for coding in range(0xF0, 0xF4)),
    *((coding, Alphabet.OCTETS) for coding in range(0xF4, 0xF8)),
]


@pytest.mark.parametrize(("data_coding", "expected"), FIXED)
@pytest.mark.parametrize("default", [Alphabet.GSM7, Alphabet.LATIN1])
def test_a_data_coding_names_its_alphabet_whatever_the_default(
    data_coding: int, expected: Alphabet, default: Alphabet
) -> None:
    assert alphabet(data_coding, default) is expected


@pytest.mark.parametrize("default", list(Alphabet))
def test_data_coding_0_is_what_the_parties_agreed_on(default: Alphabet) -> None:
    assert alphabet(0, default) is default


def test_every_other_data_coding_is_octets() -> None:
    known = {data_coding for data_coding, _ in FIXED} | {0}
    assert {alphabet(other, Alphabet.GSM7) for other in set(range(256)) - known} == {Alphabet.OCTETS}


# GSM 03.38, section 4.
CLASSES = {
    0x10: 0,
    0x11: 1,
    0x12: 2,
    0x13: 3,
    0x14: 0,
    0x17: 3,
    0x18: 0,
    0x1B: 3,
    0xF0: 0,
    0xF3: 3,
    0xF4: 0,
    0xF7: 3,
}


@pytest.mark.parametrize(("data_coding", "expected"), CLASSES.items())
def test_a_data_coding_of_gsm_names_the_class_of_its_message(data_coding: int, expected: int) -> None:
    assert message_class(data_coding) == expected


@pytest.mark.parametrize("data_coding", [*range(0x10), 0x1C, 0x1F, 0xC0, 0xDF, 0xE0, 0xEF, 0xF8, 0xFF])
def test_every_other_data_coding_names_no_class(data_coding: int) -> None:
    assert message_class(data_coding) is None


@pytest.mark.parametrize(
    ("coded", "octets", "text"),
    [
        (Alphabet.GSM7, b"\x00\x1be caf\x05", "@€ café"),
        (Alphabet.ASCII, b"cafe @$", "cafe @$"),
        (Alphabet.LATIN1, b"caf\xe9", "café"),
        (Alphabet.UTF8, b"\xe4\xb8\xad\xe5\x9b\xbd", "中国"),
        (Alphabet.CYRILLIC, b"\xbf\xe0\xd8\xd2\xd5\xe2", "Привет"),
        (Alphabet.HEBREW, b"\xf9\xec\xe5\xed", "שלום"),
        (Alphabet.GBK, b"\xd6\xd0\xb9\xfaTD", "中国TD"),
        (Alphabet.UCS2, b"\x4e\x2d\x56\xfd\x00T", "中国T"),
        (Alphabet.UCS2, b"\xd8\x3d\xde\x00", "\U0001f600"),
        (Alphabet.OCTETS, b"\x00\xfft", "00ff74"),
        (Alphabet.GSM7_PACKED, bytes.fromhex("e8329bfd4697d9ec37"), "hellohello"),
        (Alphabet.SHIFT_JIS, bytes.fromhex("93fa967b") + b"T\xb1", "日本Tｱ"),
        (Alphabet.ISO_2022_JP, b"\x1b$BF|K\\\x1b(BT", "日本T"),
        # JIS X 0212 stands behind 0x8F.
        (Alphabet.EUC_JP, bytes.fromhex("c6fccbdc8fb0a1"), "日本丂"),
        (Alphabet.EUC_KR, bytes.fromhex("c7d1b1b9") + b"T", "한국T"),
        *((coded, b"", "") for coded in Alphabet),
    ],
)
def test_octets_are_read_in_their_alphabet(coded: Alphabet, octets: bytes, text: str) -> None:
    assert decode(coded, octets) == text


@pytest.mark.parametrize(
    ("coded", "octets"),
    [
        pytest.param(Alphabet.UCS2, b"\x4e\x2d\x56", id="odd length"),
        pytest.param(Alphabet.UCS2, b"\x4e", id="one octet"),
        pytest.param(Alphabet.UCS2, b"\xfe\xff\x4e\x2d", id="big endian byte order mark"),
        pytest.param(Alphabet.UCS2, b"\xff\xfe\x2d\x4e", id="little endian byte order mark"),
        pytest.param(Alphabet.UCS2, b"\xd8\x3d\x00a", id="high surrogate alone"),
        pytest.param(Alphabet.UCS2, b"\x00a\xd8\x3d", id="high surrogate at the end"),
        pytest.param(Alphabet.UCS2, b"\xde\x00\x00a", id="low surrogate alone"),
        pytest.param(Alphabet.ASCII, b"caf\xe9", id="eighth bit in ASCII"),
        pytest.param(Alphabet.UTF8, b"\xe4\xb8", id="UTF-8 cut inside a character"),
        pytest.param(Alphabet.UTF8, b"\xed\xa0\xbd", id="surrogate in UTF-8"),
        pytest.param(Alphabet.GBK, b"\xd6", id="GBK cut inside a character"),
        pytest.param(Alphabet.SHIFT_JIS, b"\x93", id="Shift JIS cut inside a character"),
        pytest.param(Alphabet.ISO_2022_JP, b"\x1b$BF", id="ISO-2022-JP cut inside a character"),
        pytest.param(Alphabet.ISO_2022_JP, b"\xc6\xfc", id="eighth bit in ISO-2022-JP"),
        pytest.param(Alphabet.EUC_JP, b"\x8f\xb0", id="EUC-JP cut inside a character"),
        pytest.param(Alphabet.EUC_KR, b"\xc7", id="EUC-KR cut inside a character"),
    ],
)
def test_octets_that_are_no_text_are_an_error(coded: Alphabet, octets: bytes) -> None:
    with pytest.raises(TextError):
        decode(coded, octets)


@pytest.mark.parametrize("coded", [Alphabet.GSM7, Alphabet.GSM7_PACKED])
@pytest.mark.parametrize("shifts", [Shifts(2, 0), Shifts(0, 14), Shifts(0xFF, 1)])
def test_septets_of_a_table_that_nobody_has_are_an_error(coded: Alphabet, shifts: Shifts) -> None:
    with pytest.raises(TextError, match="no tables"):
        decode(coded, b"a", shifts)


def test_septets_are_read_with_their_tables_packed_or_not() -> None:
    assert decode(Alphabet.GSM7, b"\x0b", Shifts(1, 0)) == "Ğ"
    assert decode(Alphabet.GSM7_PACKED, bytes((0x0B << 1,)), Shifts(1, 0), fill_bits=1) == "Ğ"


@given(st.sampled_from(Alphabet), st.binary())
def test_reading_ends_in_a_text_or_a_text_error(coded: Alphabet, octets: bytes) -> None:
    with contextlib.suppress(TextError):
        assert isinstance(decode(coded, octets), str)


@pytest.mark.parametrize(
    ("text", "data_coding", "octets"),
    [
        ("", 0, b""),
        ("hello", 0, b"hello"),
        ("@ 5 €", 0, b"\x00 5 \x1be"),
        ("中国T", 8, b"\x4e\x2d\x56\xfd\x00T"),
        ("\U0001f600", 8, b"\xd8\x3d\xde\x00"),
        ("`", 8, b"\x00`"),
    ],
)
def test_a_text_goes_out_in_gsm_when_it_fits_and_in_utf_16_when_not(
    text: str, data_coding: int, octets: bytes
) -> None:
    assert encode(text) == (data_coding, octets)


@pytest.mark.parametrize(
    ("text", "prefer", "expected"),
    [
        ("hello_", Alphabet.ASCII, (1, b"hello_")),
        ("café", Alphabet.ASCII, (8, b"\x00c\x00a\x00f\x00\xe9")),
        ("café", Alphabet.LATIN1, (3, b"caf\xe9")),
        ("Привет", Alphabet.CYRILLIC, (6, b"\xbf\xe0\xd8\xd2\xd5\xe2")),
        ("שלום", Alphabet.HEBREW, (7, b"\xf9\xec\xe5\xed")),
        ("中国", Alphabet.GBK, (15, b"\xd6\xd0\xb9\xfa")),
        ("a", Alphabet.UCS2, (8, b"\x00a")),
        ("hellohello", Alphabet.GSM7_PACKED, (0, bytes.fromhex("e8329bfd4697d9ec37"))),
        ("中", Alphabet.GSM7_PACKED, (8, b"\x4e\x2d")),
        ("日本", Alphabet.SHIFT_JIS, (5, bytes.fromhex("93fa967b"))),
        ("日", Alphabet.ISO_2022_JP, (10, b"\x1b$BF|\x1b(B")),
        ("丂", Alphabet.EUC_JP, (13, bytes.fromhex("8fb0a1"))),
        ("한", Alphabet.EUC_KR, (14, bytes.fromhex("c7d1"))),
        # A yen sign would be written as a backslash.
        ("¥", Alphabet.SHIFT_JIS, (8, b"\x00\xa5")),
    ],
)
def test_another_alphabet_can_be_preferred(text: str, prefer: Alphabet, expected: tuple[int, bytes]) -> None:
    assert encode(text, prefer) == expected


def test_half_a_surrogate_pair_cannot_go_out() -> None:
    with pytest.raises(TextError):
        encode("a\ud83d")


@pytest.mark.parametrize("text", ["\ufeff中国", "\ufffe", "\ufeffhello"])
def test_a_text_that_would_read_as_one_with_a_byte_order_mark_cannot_go_out(text: str) -> None:
    with pytest.raises(TextError, match="byte order mark"):
        encode(text)


@pytest.mark.parametrize("prefer", [Alphabet.UTF8, Alphabet.OCTETS])
def test_an_alphabet_without_a_data_coding_cannot_be_preferred(prefer: Alphabet) -> None:
    with pytest.raises(ValueError, match="no data_coding"):
        encode("a", prefer)


PREFERRED = sorted(set(Alphabet) - {Alphabet.UTF8, Alphabet.OCTETS})


@given(st.text() | st.text(alphabet="a\r\n@€[日本語한국中国Привשלום\\¥~"), st.sampled_from(PREFERRED))
def test_what_goes_out_reads_as_the_same_text(text: str, prefer: Alphabet) -> None:
    if text.startswith(("\ufeff", "\ufffe")):
        return  # would read as a byte order mark
    data_coding, octets = encode(text, prefer)
    default = Alphabet.GSM7_PACKED if prefer is Alphabet.GSM7_PACKED else Alphabet.GSM7
    read = decode(alphabet(data_coding, default), octets)
    # A carriage return that ends packed septets with an octet is written twice.
    assert read in ((text, text + "\r") if text.endswith("\r") and data_coding == 0 else (text,))
