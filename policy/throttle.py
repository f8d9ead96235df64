"""A token bucket as one number: the instant at which it will be full again.

A message of more segments than the bucket holds is admitted as a unit when the bucket is full, and the
debt is paid before the next one.
"""

from __future__ import annotations

from math import inf


class TokenBucket:
    """`rate_per_s` tokens a second, at most `burst` at once; full at first. A rate of 0 admits nothing.

    `now` is in seconds of a clock that never goes back. Raises ValueError for a negative rate and for a burst
    below 1.
    """

    __slots__ = ("_burst", "_full_at", "_rate_per_s")

    def __init__(self, rate_per_s: float, burst: int) -> None:
        if rate_per_s < 0 or burst < 1:
            raise ValueError("a throttle needs a rate of at least 0 and a burst of at least 1")
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._full_at = -inf

    def take(self, n: int, now: float) -> bool:
        """Takes `n` tokens if they may be had at `now`; otherwise takes none and returns False."""
        if self.next_at(n, now) > now:
            return False
        self._full_at = max(self._full_at, now) + n / self._rate_per_s
        return True

    def spend(self, n: int, now: float) -> None:
        """Takes `n` tokens whether they may be had or not; what is missing is paid before the next `take`.

        A negative `n` puts tokens back that were taken and not used.
        """
        if self._rate_per_s:
            self._full_at = max(self._full_at, now) + n / self._rate_per_s

    def next_at(self, n: int, now: float) -> float:
        """The first instant from `now` on at which `take(n, ...)` would succeed; infinity at a rate of 0."""
        if self._rate_per_s == 0:
            return inf
        spare = self._burst - min(n, self._burst)
        return max(now, self._full_at - spare / self._rate_per_s)
