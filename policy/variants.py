"""Terms in disguise, as senders are advised to write them: what the filter is tested with.

The disguises are made from the words of a term alone, without a look at how the filter finds them, and the
same ones each time. Some of them no filter of this kind finds, and they count as well, or the rate would lie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from policy.components import components
from policy.readings import readings
from policy.script import LOOKS, SIMPLIFIED, is_han
from policy.terms import WHOLE_WORD


class Evasion(StrEnum):
    """A way to disguise a term."""

    NONE = "as written"
    SEPARATORS = "separators"
    REPEATED = "repeated characters"
    PADDING = "padding words"
    HOMOPHONES = "homophones"
    SYNONYMS = "synonyms"
    REORDERED = "reordered"
    SCRIPT = "width and script"
    SPLIT = "split characters"
    LOOK_ALIKES = "look-alike letters"


@dataclass(frozen=True, slots=True)
class Variant:
    """A term in one disguise."""

    evasion: Evasion
    text: str


_SEPARATORS = (" ", "-", ".", "*", "/", "、", "，", "_", "\u200b", "🎁")
_PADDING = ("的", "了", "啊", "x", "1", "那个", "就是", "哈哈", "abc")
_DIGITS = {"o": "0", "l": "1", "i": "1", "e": "3", "a": "4", "s": "5"}
_HOMOPHONES_MAX = 3
_LOOKS_MAX = 4
# What advertisements that are not to be sent call things by turns.
_SYNONYMS = (
    ("发票", "税票", "票据"),
    ("代开", "代办", "帮开"),
    ("赌博", "博彩", "赌钱"),
    ("贷款", "借款", "放款"),
    ("抵押", "担保"),
    ("彩票", "彩券"),
    ("色情", "情色", "黄色"),
    ("枪支", "枪械"),
    ("邪教", "异教"),
    ("政权", "政府"),
    ("泄露", "泄漏", "外泄"),
    ("颠覆", "推翻"),
    ("煽动", "鼓动"),
    ("仇恨", "敌视"),
    ("歧视", "轻视"),
    ("侮辱", "羞辱"),
    ("谩骂", "辱骂"),
    ("造谣", "编造谣言"),
    ("教唆", "唆使"),
    ("犯罪", "作案"),
    ("网站", "站点", "网址"),
    ("办证", "做证件"),
    ("信用卡", "贷记卡"),
    ("套现", "提现"),
)


def variants(line: str) -> Iterator[Variant]:
    """The term of a line in its disguises, first as it is written; no other comes twice in an evasion."""
    term = line.removeprefix(WHOLE_WORD)
    yield Variant(Evasion.NONE, term)
    for evasion, disguise in _DISGUISES.items():
        for text in dict.fromkeys(disguise(term)):
            if text != term:
                yield Variant(evasion, text)


def _with_separators(term: str) -> Iterator[str]:
    yield from _put_in(term, _SEPARATORS)


def _padded(term: str) -> Iterator[str]:
    yield from _put_in(term, _PADDING)


def _put_in(term: str, inserts: Iterable[str]) -> Iterator[str]:
    """Each insert after the first character, and between all."""
    if len(term) > 1:
        for insert in inserts:
            yield term[0] + insert + term[1:]
            yield insert.join(term)


def _repeated(term: str) -> Iterator[str]:
    for place, character in enumerate(term):
        yield term[:place] + character + term[place:]
    yield "".join(character * 3 for character in term)


def _by_sound(term: str) -> Iterator[str]:
    """One ideograph or all of them by others, or by pinyin."""
    alike = [_homophones(character) for character in term]
    for place, others in enumerate(alike):
        for other in others[:_HOMOPHONES_MAX]:
            yield term[:place] + other + term[place + 1 :]
    yield "".join(others[0] if others else character for character, others in zip(term, alike, strict=True))
    spelled = [next(iter(readings(character)), character) for character in term]
    for place, syllable in enumerate(spelled):
        yield term[:place] + syllable + term[place + 1 :]
    yield "".join(spelled)
    if any(map(is_han, term)):
        yield " ".join(spelled)


def _homophones(ideograph: str) -> list[str]:
    """Common ideographs that are usually read as this one is."""
    alike = [other for reading in readings(ideograph)[:1] for other in _common_by_sound()[reading]]
    return [other for other in alike if other != ideograph]


@cache
def _common_by_sound() -> defaultdict[str, list[str]]:
    """The 3,755 ideographs of the first level of GB 2312, in its order, by their usual reading."""
    by_sound: defaultdict[str, list[str]] = defaultdict(list)
    for row in range(0xB0, 0xD8):
        for cell in range(0xA1, 0xFF):
            for ideograph in bytes((row, cell)).decode("gb2312", "ignore"):
                for reading in readings(ideograph)[:1]:
                    by_sound[reading].append(ideograph)
    return by_sound


def _said_otherwise(term: str) -> Iterator[str]:
    for group in _SYNONYMS:
        for word in group:
            if word in term:
                yield from (term.replace(word, other) for other in group if other != word)


def _reordered(term: str) -> Iterator[str]:
    """Neighbours changed places, backwards, and the halves changed places."""
    for place in range(len(term) - 1):
        yield term[:place] + term[place + 1] + term[place] + term[place + 2 :]
    yield term[::-1]
    yield term[len(term) // 2 :] + term[: len(term) // 2]


def _in_script(term: str) -> Iterator[str]:
    """Traditional ideographs, capitals, full width, and the letters of mathematics."""
    traditional = _traditional()
    for choice in (0, -1):
        yield "".join(
            traditional[character][choice] if character in traditional else character for character in term
        )
    yield term.upper()
    yield "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in term)
    yield "".join(chr(ord(c) - ord("a") + 0x1D41A) if "a" <= c <= "z" else c for c in term.lower())


@cache
def _traditional() -> dict[str, list[str]]:
    forms: defaultdict[str, list[str]] = defaultdict(list)
    for traditional, simplified in SIMPLIFIED.items():
        forms[simplified].append(traditional)
    return dict(forms)


def _split(term: str) -> Iterator[str]:
    """One ideograph in pieces, in every way; then all of them, as they are and in traditional script."""
    for place, character in enumerate(term):
        for pieces in components(character):
            yield term[:place] + pieces + term[place + 1 :]
    yield "".join(next(iter(components(character)), character) for character in term)
    traditional = _traditional()
    forms = [traditional.get(character, [character])[0] for character in term]
    yield "".join(next(iter(components(form)), form) for form in forms)


def _look_alike(term: str) -> Iterator[str]:
    """Latin letters by others that look the same, all of them or one, and by digits."""
    looks = _looks()
    for choice in range(_LOOKS_MAX):
        yield "".join(looks[c][choice] if choice < len(looks.get(c, ())) else c for c in term)
    for place, letter in enumerate(term):
        for other in looks.get(letter, ())[:_LOOKS_MAX]:
            yield term[:place] + other + term[place + 1 :]
        digit = _DIGITS.get(letter.lower())
        if digit:
            yield term[:place] + digit + term[place + 1 :]
            yield "".join(digit if c == letter else c for c in term)


@cache
def _looks() -> dict[str, list[str]]:
    """What looks like each Latin letter, in the same case, nearest alphabets first."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for character, letter in LOOKS.items():
        alike[letter].append(character)
    return {letter: sorted(others) for letter, others in alike.items()}


_DISGUISES = {
    Evasion.SEPARATORS: _with_separators,
    Evasion.REPEATED: _repeated,
    Evasion.PADDING: _padded,
    Evasion.HOMOPHONES: _by_sound,
    Evasion.SYNONYMS: _said_otherwise,
    Evasion.REORDERED: _reordered,
    Evasion.SCRIPT: _in_script,
    Evasion.SPLIT: _split,
    Evasion.LOOK_ALIKES: _look_alike,
}
