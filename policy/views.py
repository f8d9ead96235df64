"""Texts seen through a table that replaces or drops letters, to find what is not a form of its own.

A view is looked at only where a list asks for it: it costs a pass over the letters of each text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product

from policy.automaton import Automaton
from policy.readings import SYMBOLS, Sounds, readings
from policy.script import is_han
from policy.terms import Term, ideographs

_ALTERNATIVES_MAX = 8
# What can be put nearly anywhere, and is read over.
FILLERS = frozenset("的了着过地得啊呀呢吧吗嘛哦哈喔呵嗯哎呃么之这那个就是")


class View:
    """Terms in the letters of texts as `table` shows these; `table` is one for `str.translate`."""

    __slots__ = ("_automaton", "_table", "name")

    def __init__(self, name: str, table: Mapping[int, str], patterns: Iterable[tuple[str, Term]]) -> None:
        self.name = name
        self._table = table
        self._automaton = Automaton(patterns)

    def __repr__(self) -> str:
        """All that it looks for, in an order that depends on nothing else."""
        return f"{self.name}: {sorted(map(repr, self._automaton.terms))}"

    def find(self, letters: str) -> Iterator[tuple[int, int, Term]]:
        """Each place of a term as (start, end, term), indices into `letters`."""
        found = self._automaton.find(letters.translate(self._table))
        if not found:
            return
        shown = [place for place, letter in enumerate(letters) if letter.translate(self._table)]
        for pattern, start, end in found:
            for term in self._automaton.terms[pattern]:
                yield shown[start], shown[end - 1] + 1, term


def by_sound(terms: Iterable[Term]) -> View:
    """The view that hears ideographs: a term is found in all of its readings, a text is read as is usual."""
    table = Sounds()
    patterns = ((heard, term) for term in terms for heard in _sounds(term.letters))
    return View("by sound", table, patterns)


def without_padding(terms: Iterable[Term]) -> View:
    """The view that shows ideographs only, without fillers, and the ends of sentences."""
    table = _Unpadded()
    return View("without padding", table, ((term.letters, term) for term in terms if can_be_padded(term)))


def can_be_padded(term: Term) -> bool:
    """Whether all of a term is left where the padding of a text is taken away."""
    return ideographs(term.letters) == len(term.letters) and not FILLERS & set(term.letters)


def _sounds(letters: str) -> Iterator[str]:
    heard = ([SYMBOLS[reading] for reading in readings(letter)] or [letter] for letter in letters)
    return islice(map("".join, product(*heard)), _ALTERNATIVES_MAX)


class _Unpadded(dict[int, str]):
    def __missing__(self, code_point: int) -> str:
        character = chr(code_point)
        is_seen = not character.isalnum() or (is_han(character) and character not in FILLERS)
        shown = character if is_seen else ""
        if code_point < 0x10000:
            self[code_point] = shown
        return shown
