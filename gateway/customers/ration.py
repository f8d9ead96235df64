"""What a connection may cause: refusals, malformed PDUs, enquire_links, all that has no window.

A connection that causes more than `refusals_per_s` is not read until it has made up for it.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.base import DelayedCall

from gateway.reactor import ReactorTime
from policy.throttle import TokenBucket

# How many seconds' worth may come at once.
_BURST_S = 2

# How long a flood is not read at a stretch: what lies behind it may be the end of the connection.
_REST_MAX_S = 5.0


class Ration:
    """One connection's. `rested` is called when it may be read again."""

    def __init__(self, per_s: float, reactor: ReactorTime, rested: Callable[[], None]) -> None:
        self._reactor = reactor
        self._rested = rested
        self._bucket = TokenBucket(per_s, max(1, int(per_s * _BURST_S)))
        self._counted = 0
        self._rest: DelayedCall | None = None

    @property
    def is_resting(self) -> bool:
        """Whether the connection is not to be read."""
        return self._rest is not None

    def count(self, caused: int) -> bool:
        """Spend what is new of all that the peer has `caused` so far; whether a rest begins."""
        if caused == self._counted:
            return False
        now = self._reactor.seconds()
        self._bucket.spend(caused - self._counted, now)
        self._counted = caused
        rest_s = min(self._bucket.next_at(1, now) - now, _REST_MAX_S)
        if rest_s <= 0 or self._rest is not None:
            return False
        self._rest = self._reactor.callLater(rest_s, self._over)
        return True

    def cancel(self) -> None:
        """The connection has ended."""
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _over(self) -> None:
        self._rest = None
        self._rested()
