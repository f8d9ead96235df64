"""How good a filter is: which disguises of its own terms it catches, and which ordinary texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files

from policy.content import ContentFilter
from policy.normalise import fold
from policy.terms import parse_terms
from policy.variants import Evasion, variants
from policy.verdict import Refuse

# A term stands among other words, but not next to them, for some are whole words.
_BEFORE, _AFTER = "尊敬的客户：您好，", "，详情请咨询"


@dataclass(frozen=True, slots=True)
class Catch:
    """A disguise of a term, and whether a text with it is refused."""

    evasion: Evasion
    text: str
    is_caught: bool


@dataclass(frozen=True, slots=True)
class FalseHit:
    """An ordinary text that is refused: its place among them, from 0 on, its words and why."""

    index: int
    text: str
    refusal: Refuse


def catches(content: ContentFilter, line: str) -> Iterator[Catch]:
    """Every disguise of the term of a line, tried."""
    for variant in variants(line):
        refusal = content.find(fold(_BEFORE + variant.text + _AFTER))
        yield Catch(variant.evasion, variant.text, refusal is not None)


def false_hits(content: ContentFilter, texts: Iterable[str]) -> Iterator[FalseHit]:
    """Those of the texts that the filter refuses."""
    for index, text in enumerate(texts):
        refusal = content.find(fold(text))
        if refusal is not None:
            yield FalseHit(index, text, refusal)


def ordinary_texts() -> list[str]:
    """Texts of ordinary businesses: banks, shops, deliveries, hospitals, schools, offices, one-time codes."""
    return parse_terms((files("policy") / "ordinary.zh.txt").read_text("utf-8"))
