"""The window: own requests that await their response, by sequence_number (SMPP 3.4, sections 2.7 and 5.1.4).

Responses may come in any order and are matched by sequence_number alone. A request whose response_timer ran
out leaves the window but is remembered, boundedly, because a late response can still carry a message_id.
All deadlines of one window lie the same time ahead, so requests expire in the order of their opening.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from smpp.errors import WindowFull

SEQUENCE_NUMBER_MAX = 0x7FFFFFFF

T = TypeVar("T")


class Window(Generic[T]):
    """At most `size` outstanding requests, each with a context of the owner's.

    `late_max` bounds how many expired requests are remembered; `first` is the first sequence_number.
    """

    __slots__ = ("_late", "_late_max", "_open", "_sequence_number", "size")

    def __init__(self, size: int, *, late_max: int = 1_000, first: int = 1) -> None:
        if size < 1 or late_max < 0 or not 1 <= first <= SEQUENCE_NUMBER_MAX:
            raise ValueError(f"window of {size}, late_max {late_max}, first {first}")
        self.size = size
        self._open: dict[int, tuple[float, T]] = {}
        self._late: dict[int, T] = {}
        self._late_max = late_max
        self._sequence_number = first - 1

    @property
    def outstanding(self) -> int:
        """How many requests await their response."""
        return len(self._open)

    @property
    def room(self) -> int:
        """How many more requests may be opened now; never negative, though `size` may be lowered."""
        return max(0, self.size - len(self._open))

    @property
    def late(self) -> int:
        """How many expired requests are remembered."""
        return len(self._late)

    @property
    def deadline(self) -> float | None:
        """When the oldest outstanding request expires."""
        for deadline, _ in self._open.values():
            return deadline
        return None

    def next_sequence_number(self) -> int:
        """The next free number: 1..0x7FFFFFFF, then 1 again, never one that is outstanding or remembered."""
        number = self._sequence_number % SEQUENCE_NUMBER_MAX + 1
        while number in self._open or number in self._late:
            number = number % SEQUENCE_NUMBER_MAX + 1
        self._sequence_number = number
        return number

    def open(self, context: T, deadline: float) -> int:
        """Take a slot until `close` or `deadline` (never earlier than that of the request before).

        Raises WindowFull.
        """
        if len(self._open) >= self.size:
            raise WindowFull(f"{self.size} requests are outstanding")
        number = self.next_sequence_number()
        self._open[number] = (deadline, context)
        return number

    def find(self, sequence_number: int) -> T | None:
        """The context of an outstanding request."""
        request = self._open.get(sequence_number)
        return None if request is None else request[1]

    def find_late(self, sequence_number: int) -> T | None:
        """The context of a remembered expired request."""
        return self._late.get(sequence_number)

    def close(self, sequence_number: int) -> T | None:
        """Free the slot of an outstanding request; its context, None if there is no such request."""
        request = self._open.pop(sequence_number, None)
        return None if request is None else request[1]

    def close_late(self, sequence_number: int) -> T | None:
        """Forget an expired request; its context, None if there is no such request."""
        return self._late.pop(sequence_number, None)

    def expired(self, now: float) -> list[tuple[int, T]]:
        """Move the requests whose deadline has come to the late ones; their numbers and contexts."""
        expired: list[tuple[int, T]] = []
        for number, (deadline, context) in self._open.items():
            if deadline > now:
                break
            expired.append((number, context))
        for number, context in expired:
            del self._open[number]
            self._late[number] = context
        while len(self._late) > self._late_max:
            del self._late[next(iter(self._late))]
        return expired

    def clear(self) -> list[T]:
        """Forget everything; the contexts of the outstanding requests, oldest first."""
        contexts = [context for _, context in self._open.values()]
        self._open.clear()
        self._late.clear()
        return contexts
