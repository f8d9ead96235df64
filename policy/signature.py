"""The customer's signature in 【】 that ends a text (contract clause 1(3))."""

from __future__ import annotations

import re
from collections.abc import Set

from policy.clauses import SIGNATURE_MISPLACED, SIGNATURE_MISSING, SIGNATURE_NOT_REGISTERED, refuse
from policy.verdict import Refuse

OPEN = "【"
CLOSE = "】"
LENGTH_MIN = 2
LENGTH_MAX = 20
_PAIR = re.compile("【[^【】]*】")
_BRACKET = re.compile("【[^【】]*】|[【】]")


def check(text: str, registered: Set[str]) -> Refuse | None:
    """Refuses a text that does not end, but for blanks, with its only 【】 around a registered name.

    SIGNATURE_MISSING: there is no 【】. SIGNATURE_MISPLACED: text follows it, or there is another bracket;
    the span is the first bracket or pair. SIGNATURE_NOT_REGISTERED: the span is the signature.
    Names are compared exactly as registered.
    """
    start = text.rfind(OPEN)
    end = len(text.rstrip())
    if start >= 0 and text.find(OPEN, 0, start) < 0 and text.find(CLOSE) == end - 1 > start:
        if text[start + 1 : end - 1] in registered:
            return None
        return refuse(SIGNATURE_NOT_REGISTERED, (start, end))
    return _refuse_form(text)


def is_well_formed(name: str) -> bool:
    """Whether a name can be registered: 2 to 20 letters, digits and inner spaces, without punctuation."""
    return (
        LENGTH_MIN <= len(name) <= LENGTH_MAX
        and name == name.strip()
        and all(character.isalnum() or character == " " for character in name)
    )


def _refuse_form(text: str) -> Refuse:
    first = _BRACKET.search(text)
    if first is None or not _PAIR.search(text):
        return refuse(SIGNATURE_MISSING)
    return refuse(SIGNATURE_MISPLACED, first.span())
