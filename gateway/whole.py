"""What becomes of a long message when one of its parts has ended.

A part that has failed makes the whole unreadable: the parts that still wait are not sent. The segments that a
customer has sent end with the parts that carry their text: one with one where both are as many, otherwise all
of them when the last part has ended, with the worst of the ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.message import ENDS, State
from smpp.value import value

# From bad to good: a message is as good as its worst part.
_WORST_FIRST = (
    State.REJECTED,
    State.UNDELIVERABLE,
    State.EXPIRED,
    State.DELETED,
    State.UNKNOWN,
    State.DELIVERED,
)
_FAILED = frozenset({State.REJECTED, State.UNDELIVERABLE, State.EXPIRED, State.DELETED})


@value(frozen=True, slots=True)
class Fate:
    """A state, and the error that tells of it where it is an end."""

    state: State
    error: str = ""


def failed(parts: Sequence[Fate]) -> Fate | None:
    """The end of the parts that have not been sent yet, once another one has failed."""
    ends = [part for part in parts if part.state in _FAILED]
    return _worst(ends) if ends else None


def segment_ends(segments: int, parts: Sequence[Fate]) -> list[Fate | None]:
    """The end of each of a customer's segments, None for one that goes on; both are in order."""
    if segments == len(parts):
        return [part if part.state in ENDS else None for part in parts]
    if not all(part.state in ENDS for part in parts):
        return [None] * segments
    return [_worst(parts)] * segments


def _worst(ends: Sequence[Fate]) -> Fate:
    return min(ends, key=lambda end: _WORST_FIRST.index(end.state))
