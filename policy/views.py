"""Texts seen in another way, to find what no list of forms could hold: every homophone, every padding.

A view is looked at only where a list asks for it, for it costs another pass over the letters of each text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice, product

from policy.automaton import Automaton
from policy.normalise import ENDS
from policy.readings import SYMBOLS, Sounds, readings
from policy.terms import Term

_ALTERNATIVES_MAX = 8
# What can be put nearly anywhere, and is read over.
FILLERS = "的了着过地得啊呀呢吧吗嘛哦哈喔呵嗯哎呃么之这那个就是"
_SEEN = "".join(c for c in map(chr, range(0x3400, 0xA000)) if c not in FILLERS)
_PADDING = re.compile(rf"[^{_SEEN}{ENDS}\U00020000-\U0003ffff]+")

Seen = tuple[int, int, tuple[Term, ...]]
"""Where terms begin and end that look the same in a view, as indices into the letters of a text."""


class Heard:
    """Terms by their sounds: a term is sought in all its readings, a text is read as is usual."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._table = Sounds()
        self._automaton = Automaton((sounds, term) for term in terms for sounds in _sounds(term.letters))

    def __repr__(self) -> str:
        return f"Heard: {sorted(map(repr, self._automaton.terms))}"

    def find(self, letters: str) -> Iterator[Seen]:
        """Each place of a term."""
        for pattern, start, end in self._automaton.find(letters.translate(self._table)):
            yield start, end, self._automaton.terms[pattern]


class Unpadded:
    """Terms in what is left of a text without letters that are no ideographs, and without fillers.

    A term that has one of these itself is not left, and so not found.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        self._automaton = Automaton((term.letters, term) for term in terms)

    def __repr__(self) -> str:
        return f"Unpadded: {sorted(map(repr, self._automaton.terms))}"

    def find(self, letters: str) -> Iterator[Seen]:
        """Each place of a term."""
        left = _PADDING.sub("", letters)
        found = self._automaton.find(left) if left != letters else []
        if not found:
            return
        dropped = {place for padding in _PADDING.finditer(letters) for place in range(*padding.span())}
        places = [place for place in range(len(letters)) if place not in dropped]
        for pattern, start, end in found:
            yield places[start], places[end - 1] + 1, self._automaton.terms[pattern]


def _sounds(letters: str) -> Iterator[str]:
    heard = ([SYMBOLS[reading] for reading in readings(letter)] or [letter] for letter in letters)
    return islice(map("".join, product(*heard)), _ALTERNATIVES_MAX)
