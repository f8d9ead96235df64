"""How ideographs sound: pypinyin's readings, without tones, and one symbol a syllable to search by.

The library is loaded when the first reading is asked for, for most gateways never ask.
"""

from __future__ import annotations

from functools import lru_cache

from policy.script import is_han

# The private use area: folding drops whatever stands there in a text.
_FIRST_SYMBOL = 0xE000
# More than all ideographs of planes 0 and 2 that have a reading.
_MEMO_MAX = 65_536


@lru_cache(_MEMO_MAX)
def readings(ideograph: str) -> tuple[str, ...]:
    """The ways to read an ideograph, the usual one first, as in `("le", "yue")`; () if none is known."""
    from pypinyin import Style, pinyin

    found = pinyin(ideograph, style=Style.NORMAL, heteronym=True, errors="ignore")
    return tuple(found[0]) if found and is_han(ideograph) else ()


class Symbols(dict[str, str]):
    """One character for each syllable, in the order in which they are asked for."""

    def __missing__(self, syllable: str) -> str:
        symbol = self[syllable] = chr(_FIRST_SYMBOL + len(self))
        return symbol


SYMBOLS = Symbols()
"""The symbols of this process."""


class Sounds(dict[int, str]):
    """A table for `str.translate`: each ideograph becomes the symbol of its usual reading, all else stays."""

    def __missing__(self, code_point: int) -> str:
        character = chr(code_point)
        heard = readings(character)
        sound = SYMBOLS[heard[0]] if heard else character
        if len(self) < _MEMO_MAX:
            self[code_point] = sound
        return sound
