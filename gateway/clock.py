"""The time as an argument: whoever needs it is handed a `Clock`, nobody asks the system by himself.

`now` is the time of day and may jump; `monotonic` never goes back and has no meaning but in differences.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Two ways to tell the time, both in seconds."""

    def now(self) -> float:
        """Unix time (UTC), in seconds."""

    def monotonic(self) -> float:
        """Seconds since an instant that stays unknown; it never goes back."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class StatedClock:
    """A clock that begins at a stated instant and runs on: `signet demo` shows the night at noon with it.

    `start` is Unix time in seconds; `monotonic` is the source that the clock runs on.
    """

    def __init__(self, start: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source = monotonic
        self._offset = start - monotonic()

    def put(self, now: float) -> None:
        """Put the clock to another instant (unix seconds); `monotonic` does not notice."""
        self._offset = now - self._source()

    def now(self) -> float:
        return self._source() + self._offset

    def monotonic(self) -> float:
        return self._source()
