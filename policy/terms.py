"""The terms of a list, as they stand in it and as they are searched for.

A term written `=term` is a whole word; what that means is `policy.content`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from policy.normalise import fold
from policy.script import is_han

WHOLE_WORD = "="


@dataclass(frozen=True, slots=True)
class Matching:
    """In which other forms the terms of a list are found: each for terms of so many ideographs and more.

    None is never. `reordered_from`: two neighbours changed places, turned round, or read backwards.
    `split_from`: ideographs taken apart (拆字). `homophones_from`: other ideographs of the same sounds, or
    pinyin. `padded_from`: with Latin letters, digits and little words between the ideographs.
    The shorter a term, the more ordinary texts have it in one of these forms.
    """

    reordered_from: int | None = None
    split_from: int | None = None
    homophones_from: int | None = None
    padded_from: int | None = None


PLAIN = Matching()
"""As they are written only."""


@dataclass(frozen=True, slots=True)
class TermList:
    """The lines of one list, and how they are matched beyond their own letters."""

    lines: tuple[str, ...]
    matching: Matching = PLAIN


@dataclass(frozen=True, slots=True)
class Term:
    """One term in one form: its rule id ("" for an exception), its letters, folded, and its trade, if any."""

    kind: str
    letters: str
    whole_word: bool = False
    trade: str = ""


def compile_term(line: str, kind: str, trade: str = "") -> tuple[str, Term]:
    """A line of a list as (what to search folded texts for, the term).

    Raises ValueError where nothing is left to look for once it is folded.
    """
    folded = fold(line.removeprefix(WHOLE_WORD))
    if not any(map(str.isalnum, folded.text)):
        raise ValueError(f"the term {line!r} has no letter or digit to look for")
    return folded.text, Term(kind, folded.letters, line.startswith(WHOLE_WORD), trade)


def ideographs(letters: str) -> int:
    """How many ideographs there are among these letters."""
    return sum(map(is_han, letters))


def parse_terms(text: str) -> list[str]:
    """The terms of one file, in order: one a line; blank lines and lines that begin with # do not count."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
