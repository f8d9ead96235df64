"""Many patterns in one automaton, with the terms that each stands for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick

from policy.terms import Term


class Automaton:
    """Finds every place of every pattern in one pass; a pattern may stand for several terms."""

    __slots__ = ("_automaton", "terms")

    def __init__(self, patterns: Iterable[tuple[str, Term]]) -> None:
        by_pattern: defaultdict[str, set[Term]] = defaultdict(set)
        for pattern, term in patterns:
            by_pattern[pattern].add(term)
        ordered = sorted(by_pattern)
        self.terms = tuple(_in_order(by_pattern[pattern]) for pattern in ordered)
        self._automaton = AhoCorasick(ordered)

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """Each place as (index into `terms`, start, end)."""
        return self._automaton.find_matches_as_indexes(text, overlapping=True)


def _in_order(terms: set[Term]) -> tuple[Term, ...]:
    return tuple(sorted(terms, key=_order) if len(terms) > 1 else terms)


def _order(term: Term) -> tuple[str, str, bool, str]:
    return term.kind, term.letters, term.whole_word, term.trade
