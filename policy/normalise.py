"""Text as a reader takes it in, so that a term is found however it is dressed up.

Folding keeps letters and digits in one form (NFKC, case-folded, without marks, traditional ideographs
simplified, letters that look like Latin ones as these), keeps the ends of sentences and the signature's
brackets as they are, drops all else (blanks, punctuation, symbols, invisible characters) and squeezes a run
of one character into one. Terms are folded in the same way, so they match across what was dropped, but never
across the end of a sentence.

Where a folded character came from, and how often it stood there, is worked out only for a text in which
something was found: `Folded.trace`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from unicodedata import category, normalize

from policy.script import LATIN, SIMPLIFIED

ENDS = "。｡！!？?【】\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""The ends of sentences, and the brackets of signatures."""
# Letters to Unicode, nothing to the eye.
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"
_INVISIBLE = ("Cf", "Mn", "Me", "Cs")
# Planes 0 and 1: all but the rarest ideographs, and the emoji.
_MEMO_END = 0x20000


class _FoldTable(dict[int, str]):
    """What each code point folds to; a memo of a pure function, of at most 131,072 entries."""

    def __missing__(self, code_point: int) -> str:
        folded = _fold_character(chr(code_point))
        if code_point < _MEMO_END:
            self[code_point] = folded
        return folded


def _fold_character(character: str) -> str:
    if character in ENDS:
        return character
    if character in _BLANK_LETTERS:
        return ""
    # Decomposed and without marks, so that é equals e; then composed, so that Hangul stays whole.
    bare = "".join(c for c in normalize("NFKD", character) if category(c) != "Mn")
    folded = normalize("NFKC", normalize("NFKC", bare).casefold())
    return "".join(_one_form(c) for c in folded if category(c)[0] in "LN")


def _one_form(letter: str) -> str:
    return SIMPLIFIED.get(letter) or LATIN.get(letter, letter)


_TABLE = _FoldTable()
# The characters of nearly every text. Lower-casing and dropping is all the folding that these need, and
# regular expressions do it in half the time of a table.
_KEPT = r"a-z0-9。！!？?【】\n\r"
_SIMPLE = "".join(c for c in map(chr, range(0x4E00, 0xA000)) if c not in SIMPLIFIED)
_UNCOMMON = re.compile(rf"[^{_SIMPLE}{_KEPT}A-Z ,，、.：:；;“”‘’（）()《》\[\]<>'/|\-+*%=&#@$￥_~…—]")
_KEPT_RUNS = re.compile(rf"[一-鿿{_KEPT}]+")
_BEFORE_ITSELF = re.compile(r"(.)(?=\1)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Folded:
    """A text, its folded form, and the letters of that before runs were squeezed."""

    original: str
    text: str
    letters: str

    def trace(self) -> Trace:
        """Where each character of `text` came from; takes a time proportional to the whole text."""
        letters: list[str] = []
        places: list[int] = []
        apart: list[bool] = []
        starts: list[int] = []
        gap = True
        for place, character in enumerate(self.original):
            folded = _TABLE[ord(character)]
            if not folded:
                gap = gap or not _is_invisible(character)
            for letter in folded:
                if not letters or letters[-1] != letter:
                    starts.append(len(letters))
                letters.append(letter)
                places.append(place)
                apart.append(gap)
                gap = False
        starts.append(len(letters))
        return Trace("".join(letters), tuple(places), tuple(apart), tuple(starts))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The piece of `original` that became `text[start:end]`, runs in full; `start` < `end`."""
        trace = self.trace()
        return trace.span(trace.starts[start], trace.starts[end])


@dataclass(frozen=True, slots=True)
class Trace:
    """The letters of a text before runs were squeezed, and how they lie in it.

    `places[i]` is the index of `letters[i]` in the original, `apart[i]` is true where a visible
    character was dropped just before it. The run behind character k of the folded text is
    `letters[starts[k]:starts[k + 1]]`.
    """

    letters: str
    places: tuple[int, ...]
    apart: tuple[bool, ...]
    starts: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The piece of the original that became `letters[start:end]`."""
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded:
    """The text folded; see the head of this module."""
    is_uncommon = _UNCOMMON.search(text)
    letters = text.translate(_TABLE) if is_uncommon else "".join(_KEPT_RUNS.findall(text.lower()))
    return Folded(text, _BEFORE_ITSELF.sub("", letters), letters)


def _is_invisible(character: str) -> bool:
    return character in _BLANK_LETTERS or category(character) in _INVISIBLE
