from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib.gsm import gsm_encode

from smpp import gsm

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
