"""What the operator adds to a text, where the customer has agreed to it (contract clause 十).

Only what is missing is added, and only where it belongs: the unsubscribe wording before the signature, the
signature at the end. A text whose signature stands elsewhere is left as it is, to be refused for that.
"""

from __future__ import annotations

from dataclasses import dataclass

from policy import unsubscribe
from policy.clauses import SIGNATURE_MISSING, UNSUBSCRIBE_MISSING
from policy.facts import MessageClass
from policy.ruleset import Ruleset
from policy.scope import Mode
from policy.signature import CLOSE, OPEN


@dataclass(frozen=True, slots=True)
class Appended:
    """A text with `words` put in at `at`; `text` is the result."""

    text: str
    at: int
    words: str

    def original(self, span: tuple[int, int] | None) -> tuple[int, int] | None:
        """The piece of the text as it came that became this piece; None for one that was added whole."""
        if span is None:
            return None
        start, end = map(self._original, span)
        return (start, end) if start < end else None

    def _original(self, place: int) -> int:
        return place if place <= self.at else max(self.at, place - len(self.words))


def append(ruleset: Ruleset, text: str, message_class: MessageClass, at: float) -> Appended | None:
    """The text with what it lacks at `at` (unix seconds); None if it lacks nothing that can be added."""
    modes = ruleset.modes[message_class]
    end = len(text.rstrip())
    start = text.rfind(OPEN)
    is_signed = start >= 0 or CLOSE in text
    if is_signed and (start < 0 or text.find(CLOSE) != end - 1 or text.find(OPEN) != start):
        return None
    words = ""
    if modes[UNSUBSCRIBE_MISSING] is not Mode.OFF and unsubscribe.check(text) is not None:
        words = unsubscribe.WORDING
    if not is_signed and modes[SIGNATURE_MISSING] is not Mode.OFF:
        name = ruleset.signatures.first(at)
        words += f"{OPEN}{name}{CLOSE}" if name else ""
    if not words:
        return None
    place = start if is_signed else end
    return Appended(text[:place] + words + text[place:], place, words)
