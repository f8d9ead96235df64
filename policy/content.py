"""The forbidden kinds of contract clause 六: every list of terms in one automaton, one pass over a text.

The automaton searches the folded text for folded terms. A hit is then checked against the letters before
runs were squeezed: a term that itself repeats a character needs as many, and more than it asks for count
as padding only where words are not spelled that way (see `_is_padding`). A term written `=term` in its list
is a whole word: exactly its letters, nothing dropped between them, and bounded by something dropped, the end
of the text or a sentence, or a change between Han and other script. A hit that lies inside a hit of an
exception does not count.

A list may ask for more (see `terms.Matching`): other forms of its terms are terms of the same automaton,
what only sounds alike or is padded with words is looked for in views of the text. The lists of trades are
content that clause 六(9) forbids to everybody who is not of that trade.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate, groupby
from operator import itemgetter

from policy.automaton import Automaton
from policy.clauses import CONTENT_KINDS, CONTENT_UNLAWFUL, refuse
from policy.forms import Synonyms, forms
from policy.normalise import Folded, Trace, fold
from policy.script import is_han
from policy.terms import PLAIN, WHOLE_WORD, Matching, Term, TermList, compile_term, ideographs, parse_terms
from policy.verdict import Refuse
from policy.views import Heard, Seen, Unpadded

__all__ = ["ContentFilter", "parse_terms"]

_EXCEPTION = ""

Terms = TermList | Iterable[str]


@dataclass(frozen=True, slots=True)
class _Hit:
    """Where a term was found, as indices into the letters of a trace."""

    start: int
    end: int
    term: Term


class _Cover:
    """Spans, and whether another lies within one of them; quick even for a text made of nothing else."""

    def __init__(self, spans: Iterable[_Hit]) -> None:
        ordered = sorted((span.start, span.end) for span in spans)
        self._starts = [start for start, _ in ordered]
        self._reach = list(accumulate((end for _, end in ordered), max))

    def holds(self, hit: _Hit) -> bool:
        before = bisect_right(self._starts, hit.start)
        return before > 0 and hit.end <= self._reach[before - 1]


class ContentFilter:
    """All term lists, compiled. Immutable and shared by many rulesets; equal where `digest` is.

    `terms` maps each CONTENT_* rule id to its list; `exceptions` are phrases inside which a term may
    stand; `trades` maps the name of each trade to its list, and `synonyms` are groups of words, each of which
    stands for the others in a term. `lists` has the lines of each list by its rule id or "trade NAME", and
    `digest` is the SHA-256, in hex, of what was compiled. Raises ValueError for another rule id and for a
    term in which nothing is left to look for once it is folded.
    """

    __slots__ = ("_automaton", "_permitted", "_views", "digest", "lists")

    def __init__(
        self,
        terms: Mapping[str, Terms],
        exceptions: Iterable[str] = (),
        trades: Mapping[str, Terms] | None = None,
        synonyms: Synonyms = (),
    ) -> None:
        for kind in terms:
            if kind not in CONTENT_KINDS:
                raise ValueError(f"{kind!r} is not a kind of forbidden content")
        lists = [(kind, kind, "", _listed(terms[kind])) for kind in terms]
        lists += [
            (f"trade {name}", CONTENT_UNLAWFUL, name, _listed(own)) for name, own in (trades or {}).items()
        ]
        compiler = _Compiler(synonyms)
        for _, kind, trade, own in lists:
            compiler.add(own.lines, own.matching, kind, trade)
        compiler.add(exceptions, PLAIN, _EXCEPTION)
        self._automaton = Automaton(compiler.patterns)
        self._views = tuple(compiler.views())
        self._permitted: frozenset[str] = frozenset()
        self.lists: Mapping[str, tuple[str, ...]] = {name: own.lines for name, _, _, own in lists}
        compiled = (self._automaton.terms, self._views)
        self.digest = sha256(repr(compiled).encode()).hexdigest()

    def permitting(self, trades: Iterable[str]) -> ContentFilter:
        """The filter for an account of these trades, whose lists do not count for it; nothing is compiled."""
        permitted = frozenset(trades)
        if not permitted:
            return self
        other = object.__new__(ContentFilter)
        other._automaton, other._views, other.lists = self._automaton, self._views, self.lists
        other._permitted = permitted
        other.digest = sha256(repr((self.digest, sorted(permitted))).encode()).hexdigest()
        return other

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, ContentFilter) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def find(self, folded: Folded, kinds: Collection[str] = CONTENT_KINDS) -> Refuse | None:
        """The refusal for the first term of these kinds (of several at one place: the longest), or None."""
        found = self._automaton.find(folded.text)
        seen = [place for view in self._views for place in view.find(folded.letters)]
        return self._judge(folded.trace(), found, seen, kinds) if found or seen else None

    def _judge(
        self,
        trace: Trace,
        found: list[tuple[int, int, int]],
        seen: list[Seen],
        kinds: Collection[str],
    ) -> Refuse | None:
        excepted = _Cover(self._exceptions(trace, found))
        first: _Hit | None = None
        # A text may be made of terms alone, so none is looked at that begins behind one that counts.
        for pattern, start, end in sorted(found, key=itemgetter(1)):
            if first is not None and trace.starts[start] > first.start:
                break
            for term in self._automaton.terms[pattern]:
                place = _place(term, trace, start, end) if self._forbids(term, kinds) else None
                if place is not None:
                    first = _earlier(first, _Hit(*place, term), excepted)
        for start, end, terms in sorted(seen, key=itemgetter(0)):
            if first is not None and start > first.start:
                break
            for term in terms:
                if self._forbids(term, kinds):
                    first = _earlier(first, _Hit(start, end, term), excepted)
        return None if first is None else refuse(first.term.kind, trace.span(first.start, first.end))

    def _forbids(self, term: Term, kinds: Collection[str]) -> bool:
        return term.kind in kinds and term.trade not in self._permitted

    def _exceptions(self, trace: Trace, found: list[tuple[int, int, int]]) -> Iterator[_Hit]:
        by_pattern = {
            pattern: [term for term in self._automaton.terms[pattern] if term.kind == _EXCEPTION]
            for pattern in {pattern for pattern, _, _ in found}
        }
        for pattern, start, end in found:
            for term in by_pattern[pattern]:
                place = _place(term, trace, start, end)
                if place is not None:
                    yield _Hit(*place, term)


class _Compiler:
    """Collects what lists ask for: patterns for the automaton, terms for each view."""

    def __init__(self, synonyms: Synonyms) -> None:
        self.patterns: list[tuple[str, Term]] = []
        self._synonyms = [[fold(word).letters for word in group] for group in synonyms]
        self._heard: list[Term] = []
        self._padded: list[Term] = []

    def add(self, lines: Iterable[str], matching: Matching, kind: str, trade: str = "") -> None:
        for line in lines:
            pattern, term = compile_term(line, kind, trade)
            self.patterns.append((pattern, term))
            if kind != _EXCEPTION:
                self._add_forms(term, matching)

    def views(self) -> Iterator[Heard | Unpadded]:
        if self._heard:
            yield Heard(self._heard)
        if self._padded:
            yield Unpadded(self._padded)

    def _add_forms(self, term: Term, matching: Matching) -> None:
        mark = WHOLE_WORD if term.whole_word else ""
        for form in forms(term, matching, self._synonyms):
            self.patterns.append(compile_term(mark + form, term.kind, term.trade))
        if term.whole_word or matching == PLAIN:
            return
        count = ideographs(term.letters)
        if matching.homophones_from is not None and count >= matching.homophones_from:
            self._heard.append(term)
        if matching.padded_from is not None and count >= matching.padded_from:
            self._padded.append(term)


def _listed(terms: Terms) -> TermList:
    return terms if isinstance(terms, TermList) else TermList(tuple(terms))


def _earlier(first: _Hit | None, hit: _Hit, excepted: _Cover) -> _Hit | None:
    """Which of the two is named: that which begins first, the longer one, the first of the kinds."""
    if excepted.holds(hit):
        return first
    return hit if first is None else min(first, hit, key=_rank)


def _rank(hit: _Hit) -> tuple[int, int, int]:
    return hit.start, -hit.end, CONTENT_KINDS.index(hit.term.kind)


def _place(term: Term, trace: Trace, start: int, end: int) -> tuple[int, int] | None:
    """Where the term stands in those runs, if it does."""
    return (_whole_word if term.whole_word else _part)(term, trace, start, end)


@lru_cache(maxsize=1024)
def _runs(letters: str) -> tuple[int, ...]:
    return tuple(len(list(run)) for _, run in groupby(letters))


def _part(term: Term, trace: Trace, start: int, end: int) -> tuple[int, int] | None:
    """Where the term was found as a part of the text; its outer runs may go on beyond it."""
    runs = _runs(term.letters)
    last = len(runs) - 1
    for index, wanted in enumerate(runs):
        at = trace.starts[start + index]
        given = trace.starts[start + index + 1] - at
        is_outer = index in (0, last)
        if given < wanted or (given > wanted and not is_outer and not _is_padding(trace.letters[at], given)):
            return None
    return trace.starts[start], trace.starts[end]


def _is_padding(letter: str, given: int) -> bool:
    # "good" is not "god" and 1001 is not 101, but "goood" is "god" and 法轮轮功 is 法轮功.
    if letter.isdecimal():
        return False
    return not letter.isascii() or given > 2


def _whole_word(term: Term, trace: Trace, start: int, end: int) -> tuple[int, int] | None:
    """Where the term stands as a whole word among the letters of those runs."""
    first = trace.letters.find(term.letters, trace.starts[start], trace.starts[end])
    while first >= 0:
        last = first + len(term.letters)
        unbroken = not any(trace.apart[first + 1 : last])
        if unbroken and _is_edge(trace, first) and _is_edge(trace, last):
            return first, last
        first = trace.letters.find(term.letters, first + 1, trace.starts[end])
    return None


def _is_edge(trace: Trace, index: int) -> bool:
    """Whether one word ends and another begins before the letter at that index."""
    if index in (0, len(trace.letters)) or trace.apart[index]:
        return True
    before, after = trace.letters[index - 1], trace.letters[index]
    return not (before.isalnum() and after.isalnum() and is_han(before) == is_han(after))
