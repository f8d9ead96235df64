"""The customer's signature in 【】 that ends a text (contract clause 1(3))."""

from __future__ import annotations

import re

from policy.clauses import SIGNATURE_MISPLACED, SIGNATURE_MISSING, SIGNATURE_NOT_REGISTERED, refuse
from policy.register import Register
from policy.verdict import Refuse

OPEN = "【"
CLOSE = "】"
RULES = (SIGNATURE_MISSING, SIGNATURE_MISPLACED, SIGNATURE_NOT_REGISTERED)
_PAIR = re.compile("【([^【】]*)】")
_BRACKET = re.compile("【[^【】]*】|[【】]")


def check(text: str, register: Register, at: float) -> tuple[Refuse, ...]:
    """What each rule has against a text, unless it ends, but for blanks, with its only 【】, a valid name.

    SIGNATURE_MISSING: there is no 【】. SIGNATURE_MISPLACED: text follows it, or there is another bracket;
    the span is the first bracket or pair. SIGNATURE_NOT_REGISTERED: the span is the first pair without a
    valid name, misplaced or not. Names are compared exactly as registered, and are valid or not at `at`
    (unix seconds).
    """
    start = text.rfind(OPEN)
    end = len(text.rstrip())
    if start >= 0 and text.find(OPEN, 0, start) < 0 and text.find(CLOSE) == end - 1 > start:
        if register.is_valid(text[start + 1 : end - 1], at):
            return ()
        return _unregistered(text, register, at)
    return _form(text, register, at)


def named(text: str) -> str:
    """The name in the last 【】 of a text, "" without one."""
    start = text.rfind(OPEN)
    return text[start + 1 : max(text.find(CLOSE, start), 0)] if start >= 0 else ""


def _form(text: str, register: Register, at: float) -> tuple[Refuse, ...]:
    first = _BRACKET.search(text)
    if first is None or not _PAIR.search(text):
        return (refuse(SIGNATURE_MISSING),)
    # An account that may sign elsewhere signs with its own names there, too.
    return (refuse(SIGNATURE_MISPLACED, first.span()), *_unregistered(text, register, at))


def _unregistered(text: str, register: Register, at: float) -> tuple[Refuse, ...]:
    """The first pair, for one tells as much as thousands."""
    for pair in _PAIR.finditer(text):
        if not register.is_valid(pair[1], at):
            return (refuse(SIGNATURE_NOT_REGISTERED, pair.span(), register.why_not(pair[1], at)),)
    return ()
