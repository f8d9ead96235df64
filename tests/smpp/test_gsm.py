from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib.gsm import gsm_encode

from smpp import gsm
from smpp.shift_tables import GAP, LOCKING, SINGLE, Shifts

# GSM 03.38 as its tables print it: the octets that differ from ASCII, row by row.
BASE = [
    (bytes(range(0x0A)), "@£$¥èéùìòÇ"),
    (bytes(range(0x0A, 0x10)), "\nØø\rÅå"),
    (bytes(range(0x10, 0x1B)), "Δ_ΦΓΛΩΠΨΣΘΞ"),
    (b"\x1c\x1d\x1e\x1f", "ÆæßÉ"),
    (b"\x24", "¤"),
    (b"\x40", "¡"),
    (b"\x5b\x5c\x5d\x5e\x5f", "ÄÖÑÜ§"),
    (b"\x60", "¿"),
    (b"\x7b\x7c\x7d\x7e\x7f", "äöñüà"),
    (b" !\"#%&'()*+,-./0123456789:;<=>?", " !\"#%&'()*+,-./0123456789:;<=>?"),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (b"abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz"),
]
EXTENSION = [
    (b"\x1b\x0a", "\f"),
    (b"\x1b\x14", "^"),
    (b"\x1b\x28", "{"),
    (b"\x1b\x29", "}"),
    (b"\x1b\x2f", "\\"),
    (b"\x1b\x3c", "["),
    (b"\x1b\x3d", "~"),
    (b"\x1b\x3e", "]"),
    (b"\x1b\x40", "|"),
    (b"\x1b\x65", "€"),
]
CHARACTERS = "".join(text for _, text in BASE + EXTENSION)


@pytest.mark.parametrize(("octets", "text"), BASE + EXTENSION)
def test_the_tables_are_those_of_gsm_03_38_in_both_directions(octets: bytes, text: str) -> None:
    assert gsm.decode(octets) == text
    assert gsm.encode(text) == octets


def test_the_tables_have_127_characters_and_10_extensions() -> None:
    assert len(set(CHARACTERS)) == len(CHARACTERS) == 127 + 10


@pytest.mark.parametrize("character", sorted(set(CHARACTERS) - {"\f", "§"}))
def test_smpplib_encodes_the_same_where_its_table_is_right(character: str) -> None:
    assert gsm.encode(character) == gsm_encode(character)


@given(st.text(alphabet=CHARACTERS))
def test_a_text_of_the_alphabet_survives_both_ways(text: str) -> None:
    octets = gsm.encode(text)
    assert octets is not None
    assert gsm.decode(octets) == text
    assert gsm.septets(text) == len(octets)


@pytest.mark.parametrize("text", ["中", "`", "ç", "\x1b", "a\U0001f600b", "á", "\x00", "‰"])
def test_a_character_outside_the_tables_cannot_be_encoded(text: str) -> None:
    assert gsm.encode(text) is None
    assert gsm.encode("hello " + text) is None
    assert gsm.septets(text) is None


def test_an_extension_character_takes_two_septets() -> None:
    assert gsm.septets("12 €") == 5
    assert gsm.septets("") == 0


def test_an_unknown_escape_shows_the_character_of_the_base_table() -> None:
    assert gsm.decode(b"\x1bA\x1b\x00\x1b\x60") == "A@¿"


def test_an_escaped_escape_shows_a_space() -> None:
    assert gsm.decode(b"a\x1b\x1bb") == "a b"
    assert gsm.decode(b"\x1b\x1b\x1be") == " €"


def test_a_lone_escape_at_the_end_shows_nothing() -> None:
    assert gsm.decode(b"abc\x1b") == "abc"
    assert gsm.decode(b"\x1b") == ""
    assert gsm.decode(b"a\x1b\x1b\x1b") == "a "


def test_octets_beyond_seven_bits_show_as_latin_1() -> None:
    assert gsm.decode(b"caf\xe9 \x80\xff") == "café \x80ÿ"
    assert gsm.decode(b"\x1b\xe9") == "é"


@given(st.binary())
def test_any_octets_can_be_shown(octets: bytes) -> None:
    assert len(gsm.decode(octets)) <= len(octets)


# -- National languages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "shifts", "text"),
    [
        (b"\x1bgunay\x1b", Shifts(0, 1), "ğunay"),
        (b"\x0b\x1c\x40\x07\x04", Shifts(1, 0), "ĞŞİı€"),
        (b"Espa\x7da, adi\x1bos, \x1bA\x09", Shifts(0, 2), "España, adiós, ÁÇ"),
        (b"\x7bo, S\x7bo, \x15, \x1bA", Shifts(3, 3), "ão, São, ∞, À"),
        (b"\x41\x30\x1b\x1c", Shifts(6, 6), "भ0०"),
        (b"\x24", Shifts(7, 0), "ಡ"),
        (b"\x02\x00\x1b\x1d", Shifts(13, 13), "با۱"),
    ],
)
def test_a_text_is_read_with_the_tables_of_its_language(octets: bytes, shifts: Shifts, text: str) -> None:
    assert gsm.decode(octets, shifts) == text


def test_the_default_extension_stays_beside_a_locking_shift_table_alone() -> None:
    assert gsm.decode(b"\x1be\x1bS", Shifts(1, 0)) == "€S"


def test_a_gap_of_a_locking_shift_table_shows_a_space() -> None:
    assert gsm.decode(b"a\x00b", Shifts(11, 0)) == "a b"


def test_a_gap_of_a_single_shift_table_shows_the_character_of_the_locking_one() -> None:
    assert gsm.decode(b"\x1b\x1c", Shifts(1, 1)) == "Ş"
    assert gsm.decode(b"\x1b\x09", Shifts(11, 0)) == " "
    assert gsm.decode(b"\x1b\x1b", Shifts(6, 6)) == " "


TABLES = st.builds(Shifts, st.sampled_from(sorted(LOCKING)), st.sampled_from(sorted(SINGLE)))


@given(TABLES, st.data())
def test_a_text_of_any_language_survives_both_ways(shifts: Shifts, data: st.DataObject) -> None:
    characters = sorted(set(LOCKING[shifts.locking] + SINGLE[shifts.single]) - {GAP, "\x1b"})
    text = data.draw(st.text(alphabet=characters))
    octets = gsm.encode(text, shifts)
    assert octets is not None
    assert gsm.decode(octets, shifts) == text


@given(TABLES, st.binary())
def test_any_octets_can_be_shown_in_any_language(shifts: Shifts, octets: bytes) -> None:
    text = gsm.decode(octets, shifts)
    assert len(text) <= len(octets)
    assert not {GAP, "\x1b"} & set(text)


def test_a_space_is_written_as_a_space_beside_gaps() -> None:
    assert gsm.encode("ௐ ௐ", Shifts(11, 0)) == b"\x60\x20\x60"


def test_a_character_of_another_language_cannot_be_encoded() -> None:
    assert gsm.encode("Ş", Shifts(0, 2)) is None
    assert gsm.encode("\x00", Shifts(0, 2)) is None
    assert gsm.encode("\x1b", Shifts(6, 6)) is None
