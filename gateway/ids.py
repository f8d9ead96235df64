"""Message ids: rising numbers that survive a restart, a clock set back and every peer's number parser.

An id is `unix_ms << 20 | node << 14 | counter`: from the year 2001 until 2248 that is 19 decimal digits and
fits a signed 64-bit integer, the one form that no peer's conversion (hex, leading zeros, case) damages. An
id tells its millisecond and its node, so nodes need no agreement.

A millisecond has room for 16,384 ids. When it is full, or the clock stands or went back, the ids go on in the
next millisecond: they borrow from a future that the clock soon reaches.
"""

from __future__ import annotations

from collections.abc import Callable

NODE_MAX = 63

_MS_SHIFT = 20
_NODE_SHIFT = 14
_COUNTER_MAX = (1 << _NODE_SHIFT) - 1
_SHORT_STEP_MS = 10
_SHORT_MAX = (1 << 32) - 1


def first_id(at_ms: int) -> int:
    """The least id of a millisecond (unix time)."""
    return at_ms << _MS_SHIFT


def made_at(message_id: int) -> int:
    """The millisecond of an id (unix time)."""
    return message_id >> _MS_SHIFT


class MessageIds:
    """Ids of one node, each greater than the one before and than `floor` (the greatest id in the store).

    `clock_ms` tells Unix time in milliseconds. Raises ValueError for a node outside 0..63.
    """

    __slots__ = ("_clock_ms", "_last", "_node_bits")

    def __init__(self, node: int, clock_ms: Callable[[], int], floor: int = 0) -> None:
        if not 0 <= node <= NODE_MAX:
            raise ValueError(f"node must be 0..{NODE_MAX}, not {node}")
        self._clock_ms = clock_ms
        self._node_bits = node << _NODE_SHIFT
        # All of the floor's millisecond counts as used: whichever node made it, the next id is above it.
        self._last = floor >> _MS_SHIFT << _MS_SHIFT | self._node_bits | _COUNTER_MAX

    def next(self) -> int:
        """The next id."""
        fresh = self._clock_ms() << _MS_SHIFT | self._node_bits
        last = self._last
        if fresh <= last:
            if last & _COUNTER_MAX == _COUNTER_MAX:
                fresh = (last >> _MS_SHIFT) + 1 << _MS_SHIFT | self._node_bits
            else:
                fresh = last + 1
        self._last = fresh
        return fresh


class ShortIds:
    """Ids of 8 hexadecimal digits: message_id before SMPP 3.4 has no room for more (SMPP 3.4, 3.4).

    A counter that follows the time in steps of 10 ms and begins again after 2**32 of them, 497 days. In that
    time no life gives one twice. It borrows from the future above 100 a second; what it has not paid back at
    its end, the next life may give again. `clock_ms` tells Unix time in milliseconds.
    """

    __slots__ = ("_clock_ms", "_last")

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._last = 0

    def next(self) -> str:
        """The next id."""
        self._last = max(self._last + 1, self._clock_ms() // _SHORT_STEP_MS)
        return f"{self._last & _SHORT_MAX:08x}"
