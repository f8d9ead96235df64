"""How ideographs sound: pypinyin's readings, without tones, and one symbol a syllable to search by.

The library is loaded when the first reading is asked for, for most gateways never ask.
"""

from __future__ import annotations

from functools import lru_cache

from policy.script import is_han

# The private use area: folding drops whatever stands there in a text.
_FIRST_SYMBOL = 0xE000
# Fewer ideographs of planes 0 and 2 can be read; Chinese has some hundred syllables, each in five tones.
_READINGS_MAX = 65_536
_SYLLABLES_MAX = 4096
# Of what sounds like itself, plane 0 is remembered: letters, digits, the ends of sentences.
_MEMO_END = 0x10000


@lru_cache(_READINGS_MAX)
def readings(ideograph: str) -> tuple[str, ...]:
    """The ways to read an ideograph, the usual one first, as in `("le", "yue")`; () if none is known."""
    from pypinyin.constants import PINYIN_DICT

    # The library's own look-up takes twenty times as long, and a text may have thousands of them.
    written = PINYIN_DICT.get(ord(ideograph)) if is_han(ideograph) else None
    return tuple(dict.fromkeys(map(_without_tone, written.split(",")))) if written else ()


@lru_cache(_SYLLABLES_MAX)
def _without_tone(syllable: str) -> str:
    from pypinyin.contrib.tone_convert import to_normal

    return str(to_normal(syllable))


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
        if heard or code_point < _MEMO_END:
            self[code_point] = sound
        return sound
