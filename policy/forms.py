"""The other forms in which a term is written, each a term of its own for the automaton.

Only what can be told apart from ordinary words by itself is a form: the letters are all there, in another
order, in pieces, or with digits for some of them. So a text costs the same, whatever forms its terms have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, islice

from policy.components import components
from policy.readings import readings
from policy.script import is_han
from policy.terms import PLAIN, Matching, Term, ideographs

# Digits that are read as letters, and letters that are read as digits.
_TWINS = {"o": "0", "i": "1", "l": "1", "e": "3", "a": "4", "s": "5", "0": "o", "1": "l"}
_LATIN_WORD = re.compile("[a-z0-9]{3,}")
_CHANGED_MAX = 4
_SYNONYMS_MAX = 64

Synonyms = Sequence[Sequence[str]]


def forms(term: Term, matching: Matching, synonyms: Synonyms = ()) -> Iterator[str]:
    """The forms of a term beside its own, folded; some may come twice.

    `synonyms` are groups of folded words that stand for one another.
    """
    yield from _with_digits(term.letters)
    if term.whole_word:
        return
    yield from _said_otherwise(term.letters, synonyms)
    if matching == PLAIN:
        return
    count = ideographs(term.letters)
    if _reaches(matching.split_from, count):
        yield from _split(term.letters)
    if count < len(term.letters):
        return
    if _reaches(matching.reordered_from, count):
        yield from _reordered(term.letters)
    if _reaches(matching.homophones_from, count):
        yield from _in_pinyin(term.letters)


def _reaches(least: int | None, count: int) -> bool:
    return least is not None and count >= least


def _with_digits(letters: str) -> Iterator[str]:
    """At most half of a Latin word changed, or A1 and 101 would be words."""
    for word in _LATIN_WORD.finditer(letters):
        for changed in _digits_in(word[0]):
            if sum(map(str.__ne__, changed, word[0])) * 2 <= len(changed):
                yield letters[: word.start()] + changed + letters[word.end() :]


def _digits_in(word: str) -> Iterator[str]:
    """The word with some letters changed wherever they stand, and with one changed in one place."""
    changeable = list(dict.fromkeys(letter for letter in word if letter in _TWINS))[:_CHANGED_MAX]
    for size in range(1, len(changeable) + 1):
        for chosen in combinations(changeable, size):
            yield word.translate({ord(letter): _TWINS[letter] for letter in chosen})
    for place, letter in enumerate(word):
        if letter in _TWINS:
            yield word[:place] + _TWINS[letter] + word[place + 1 :]


def _said_otherwise(letters: str, synonyms: Synonyms) -> Iterator[str]:
    """Each word that has synonyms replaced by each of them, and all combinations of that."""
    said = {letters: None}
    for group in synonyms:
        for word in group:
            if word in letters:
                changed = (text.replace(word, other) for text in list(said) for other in group)
                said |= dict.fromkeys(islice(changed, _SYNONYMS_MAX))
    yield from islice(said, 1, _SYNONYMS_MAX)


def _split(letters: str) -> Iterator[str]:
    """One ideograph in pieces, in every way; and all of them that have pieces."""
    for place, letter in enumerate(letters):
        for pieces in components(letter):
            yield letters[:place] + pieces + letters[place + 1 :]
    for choice in (0, -1):
        yield "".join((components(letter) or (letter,))[choice] for letter in letters)


def _reordered(letters: str) -> Iterator[str]:
    for place in range(len(letters) - 1):
        yield letters[:place] + letters[place + 1] + letters[place] + letters[place + 2 :]
    for place in range(1, len(letters)):
        yield letters[place:] + letters[:place]
    yield letters[::-1]


def _in_pinyin(letters: str) -> Iterator[str]:
    """One ideograph in Latin letters, and all of them."""
    spelled = [next(iter(readings(letter)), letter) for letter in letters if is_han(letter)]
    for place, syllable in enumerate(spelled):
        yield letters[:place] + syllable + letters[place + 1 :]
    yield "".join(spelled)
