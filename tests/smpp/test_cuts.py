from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp.segments import Cut, Kind, cuts, split
from smpp.septets import pack
from smpp.shift_tables import Shifts
from smpp.text import Alphabet, TextError, decode, encode

KINDS: list[Kind] = ["udh8", "udh16", "sar"]
EMOJI = "\U0001f600"


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_fits_is_not_cut(kind: Kind) -> None:
    assert cuts(b"12 \x1be", Alphabet.GSM7, kind) == [Cut(0, 5, "12 €", 5, 160)]
    assert cuts(b"", Alphabet.UCS2, kind) == [Cut(0, 0, "", 0, 70)]
    assert cuts(pack(b"hello"), Alphabet.GSM7_PACKED, kind) == [Cut(0, 5, "hello", 5, 160)]


@pytest.mark.parametrize(
    ("alphabet", "alone", "parts"),
    [
        (Alphabet.GSM7, 160, {"udh8": 153, "udh16": 152, "sar": 153}),
        (Alphabet.GSM7_PACKED, 160, {"udh8": 153, "udh16": 152, "sar": 153}),
        (Alphabet.UCS2, 70, {"udh8": 67, "udh16": 66, "sar": 67}),
        (Alphabet.GBK, 140, {"udh8": 134, "udh16": 133, "sar": 134}),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_part_has_the_room_that_its_header_leaves(
    alphabet: Alphabet, alone: int, parts: dict[Kind, int], kind: Kind
) -> None:
    octets = b"\0a" * 100
    assert cuts(octets[:2], alphabet, kind)[0].room == alone
    assert {cut.room for cut in cuts(octets, alphabet, kind)} == {parts[kind]}


def test_a_cut_is_before_an_escape_pair() -> None:
    first, second = cuts(b"a" * 152 + b"\x1be" + b"b" * 10, Alphabet.GSM7, "udh8")
    assert first == Cut(0, 152, "a" * 152, 152, 153)
    assert second == Cut(152, 164, "€" + "b" * 10, 12, 153)


def test_a_cut_is_before_a_surrogate_pair_and_counts_utf_16_units() -> None:
    text = "中" * 66 + EMOJI + "文" * 5
    first, second = cuts(text.encode("utf-16-be"), Alphabet.UCS2, "udh8")
    assert first == Cut(0, 132, "中" * 66, 66, 67)
    assert second == Cut(132, 146, EMOJI + "文" * 5, 7, 67)


def test_packed_septets_are_cut_between_septets() -> None:
    first, second = cuts(pack(b"a" * 200), Alphabet.GSM7_PACKED, "udh16")
    assert (first.start, first.end, second.start, second.end) == (0, 152, 152, 200)
    assert first.text + second.text == "a" * 200


def test_the_tables_of_a_language_take_room_and_are_read_with() -> None:
    first, second = cuts(b"\x0b" * 160, Alphabet.GSM7, "udh8", Shifts(1, 1))
    assert (first.text, first.used, first.room) == ("Ğ" * 146, 146, 146)
    assert (second.text, second.used, second.room) == ("Ğ" * 14, 14, 146)
    [alone] = cuts(b"\x0b" * 152, Alphabet.GSM7, "udh8", Shifts(1, 1))
    assert (alone.used, alone.room) == (152, 152)


def test_octets_are_shown_in_hexadecimal() -> None:
    assert [cut.text for cut in cuts(b"\xff" * 135 + b"\x00" * 6, Alphabet.OCTETS, "udh8")] == [
        "ff" * 134,
        "ff" + "00" * 6,
    ]


def test_a_part_may_begin_with_what_is_a_mark_at_the_beginning() -> None:
    text = "中" * 67 + "\ufeff" + "文" * 5
    assert [cut.text for cut in cuts(text.encode("utf-16-be"), Alphabet.UCS2, "udh8")] == [
        text[:67],
        text[67:],
    ]


def test_a_part_goes_on_in_the_state_that_the_last_one_left() -> None:
    text = "漢字" * 80
    found = cuts(text.encode("iso-2022-jp"), Alphabet.ISO_2022_JP, "udh8")
    assert len(found) == 3
    assert "".join(cut.text for cut in found) == text


@pytest.mark.parametrize(
    ("octets", "alphabet"),
    [
        (b"\xff\xfe" + b"\x00a" * 90, Alphabet.UCS2),
        (b"\x00a" * 90 + b"\x00", Alphabet.UCS2),
        (b"\xff", Alphabet.UTF8),
    ],
)
def test_what_is_no_text_has_no_parts_to_show(octets: bytes, alphabet: Alphabet) -> None:
    with pytest.raises(TextError):
        cuts(octets, alphabet, "udh8")


def test_a_table_that_nobody_has_shows_nothing() -> None:
    with pytest.raises(TextError):
        cuts(b"a", Alphabet.GSM7, "udh8", Shifts(14, 0))


TEXTS = st.text(alphabet="a@\r\n€[漢字한中ПשЀ\U0001f600", max_size=60)
PREFERRED = sorted(set(Alphabet) - {Alphabet.UTF8, Alphabet.OCTETS})


@given(TEXTS, st.integers(1, 12), st.sampled_from(PREFERRED), st.sampled_from(KINDS))
def test_the_cuts_are_those_of_split_and_their_texts_are_the_text(
    word: str, times: int, prefer: Alphabet, kind: Kind
) -> None:
    data_coding, octets = encode(word * times, prefer)
    alphabet = prefer if data_coding != 8 else Alphabet.UCS2
    found = cuts(octets, alphabet, kind)
    parts = split(octets, alphabet, 7, kind)
    assert len(found) == len(parts)
    assert "".join(cut.text for cut in found) == decode(alphabet, octets)
    assert [cut.start for cut in found] == [0, *(cut.end for cut in found[:-1])]
    if alphabet is not Alphabet.GSM7_PACKED:
        header = {"udh8": 6, "udh16": 7, "sar": 0}[kind] if len(parts) > 1 else 0
        assert [octets[cut.start : cut.end] for cut in found] == [part[header:] for part in parts]
    size = 2 if alphabet is Alphabet.UCS2 else 1
    assert all(cut.used * size == cut.end - cut.start for cut in found)
    assert all(cut.used <= cut.room for cut in found)
