"""The forbidden kinds of contract clause 六: every list of terms in one automaton, one pass over a text.

The automaton searches the folded text for folded terms. A hit is then checked against the letters before
runs were squeezed: a term that itself repeats a character needs as many, and more than it asks for count
as padding only where words are not spelled that way (see `_is_padding`). A term written `=term` in its list
is a whole word: exactly its letters, nothing dropped between them, and bounded by something dropped, the end
of the text or a sentence, or a change between Han and other script. A hit that lies inside a hit of an
exception does not count.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate, groupby

from ahocorasick_rs import AhoCorasick

from policy.clauses import CONTENT_KINDS, refuse
from policy.normalise import Folded, Trace, fold
from policy.verdict import Refuse

WHOLE_WORD = "="
_EXCEPTION = ""


@dataclass(frozen=True, slots=True)
class _Term:
    """One term, folded: its rule id (or `_EXCEPTION`), its letters, and the length of each run in them."""

    kind: str
    letters: str
    runs: tuple[int, ...]
    whole_word: bool


@dataclass(frozen=True, slots=True)
class _Hit:
    """Where a term was found, as indices into the letters of a trace."""

    start: int
    end: int
    kind: str


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
    stand. `digest` is the SHA-256, in hex, of what was compiled. Raises ValueError for another rule id
    and for a term in which nothing is left to look for once it is folded.
    """

    __slots__ = ("_automaton", "_terms", "digest")

    def __init__(self, terms: Mapping[str, Iterable[str]], exceptions: Iterable[str] = ()) -> None:
        by_pattern: defaultdict[str, set[_Term]] = defaultdict(set)
        for kind in terms:
            if kind not in CONTENT_KINDS:
                raise ValueError(f"{kind!r} is not a kind of forbidden content")
        for kind, lines in (*terms.items(), (_EXCEPTION, exceptions)):
            for line in lines:
                pattern, term = _compile(kind, line)
                by_pattern[pattern].add(term)
        patterns = sorted(by_pattern)
        self._terms = tuple(tuple(sorted(by_pattern[pattern], key=_order)) for pattern in patterns)
        self._automaton = AhoCorasick(patterns)
        self.digest = sha256(repr(self._terms).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, ContentFilter) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def find(self, folded: Folded) -> Refuse | None:
        """The refusal for the first forbidden term (of several at one place: the longest), or None."""
        found = self._automaton.find_matches_as_indexes(folded.text, overlapping=True)
        return self._judge(folded.trace(), found) if found else None

    def _judge(self, trace: Trace, found: list[tuple[int, int, int]]) -> Refuse | None:
        hits = [hit for pattern, start, end in found for hit in self._hits(pattern, trace, start, end)]
        excepted = _Cover(hit for hit in hits if hit.kind == _EXCEPTION)
        forbidden = [hit for hit in hits if hit.kind != _EXCEPTION and not excepted.holds(hit)]
        if not forbidden:
            return None
        first = min(forbidden, key=lambda hit: (hit.start, -hit.end, CONTENT_KINDS.index(hit.kind)))
        return refuse(first.kind, trace.span(first.start, first.end))

    def _hits(self, pattern: int, trace: Trace, start: int, end: int) -> Iterator[_Hit]:
        for term in self._terms[pattern]:
            place = (
                _whole_word(term, trace, start, end) if term.whole_word else _part(term, trace, start, end)
            )
            if place is not None:
                yield _Hit(*place, term.kind)


def parse_terms(text: str) -> list[str]:
    """The terms of one file, in order: one a line; blank lines and lines that begin with # do not count."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _compile(kind: str, line: str) -> tuple[str, _Term]:
    folded = fold(line.removeprefix(WHOLE_WORD))
    letters = folded.trace().letters
    if not any(letter.isalnum() for letter in letters):
        raise ValueError(f"the term {line!r} has no letter or digit to look for")
    runs = tuple(len(list(run)) for _, run in groupby(letters))
    return folded.text, _Term(kind, letters, runs, line.startswith(WHOLE_WORD))


def _order(term: _Term) -> tuple[str, str, bool]:
    return term.kind, term.letters, term.whole_word


def _part(term: _Term, trace: Trace, start: int, end: int) -> tuple[int, int] | None:
    """Where the term was found as a part of the text; its outer runs may go on beyond it."""
    last = len(term.runs) - 1
    for index, wanted in enumerate(term.runs):
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


def _whole_word(term: _Term, trace: Trace, start: int, end: int) -> tuple[int, int] | None:
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
    return not (before.isalnum() and after.isalnum() and _is_han(before) == _is_han(after))


def _is_han(letter: str) -> bool:
    return "㐀" <= letter <= "鿿" or "\U00020000" <= letter <= "\U0003ffff"
