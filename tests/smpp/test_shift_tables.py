"""The tables against those of gsmcodecs, which were made from release 18 of the standard."""

from __future__ import annotations

import pytest
from gsmcodecs.charmaps import GSMCHARMAPS

from smpp.shift_tables import DEFAULT, GAP, LOCKING, SINGLE, Shifts

ESCAPE = 0x1B
# Where gsmcodecs is wrong (others that were made from the standard have a comma behind DA), or the standard
# (it prints PA between TTHA and DDHA, which it has elsewhere; phones have DDA).
COMMA = {(locking, 0x2C): "," for locking in range(4, 14)}
CORRECTED = COMMA | {(7, 0x24): "ಡ"}


def theirs(identifier: int, kind: str) -> dict[int, str]:
    return {code: chr(point) for code, point in GSMCHARMAPS[identifier][kind]["decode"].items()}


def ours(table: str) -> dict[int, str]:
    return {code: character for code, character in enumerate(table) if character != GAP}


@pytest.mark.parametrize("identifier", LOCKING)
def test_a_locking_shift_table_is_that_of_the_standard(identifier: int) -> None:
    expected = theirs(identifier, "locking") | {ESCAPE: "\x1b"}
    for (language, code), character in CORRECTED.items():
        if language == identifier:
            assert expected[code] in ("'", "ಪ")
            expected[code] = character
    assert ours(LOCKING[identifier]) == expected


@pytest.mark.parametrize("identifier", SINGLE)
def test_a_single_shift_table_is_that_of_the_standard(identifier: int) -> None:
    expected = theirs(identifier, "singleShift")
    found = ours(SINGLE[identifier])
    assert expected.pop(ESCAPE) == " "
    assert found.pop(ESCAPE, "\x1b") == "\x1b"
    assert found == expected


def test_every_language_of_the_standard_is_there() -> None:
    assert set(SINGLE) == set(range(14))
    assert set(LOCKING) == set(range(14)) - {2}
    assert {len(table) for table in (*LOCKING.values(), *SINGLE.values())} == {128}


def test_no_character_stands_twice_in_a_locking_shift_table() -> None:
    for table in LOCKING.values():
        characters = [character for character in table if character != GAP]
        assert len(characters) == len(set(characters))


@pytest.mark.parametrize(
    ("shifts", "known"),
    [
        (DEFAULT, True),
        (Shifts(1, 1), True),
        (Shifts(0, 2), True),
        (Shifts(13, 13), True),
        (Shifts(2, 0), False),
        (Shifts(14, 0), False),
        (Shifts(0, 14), False),
    ],
)
def test_the_tables_of_a_text_are_known_if_both_are(shifts: Shifts, known: bool) -> None:
    assert shifts.known is known
