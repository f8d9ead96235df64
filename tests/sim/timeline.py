"""Everybody's time: what is to happen, in the order of its instants.

The clock goes from one event to the next and never past one, so two things happen at the same instant only
if they were meant to.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable

from twisted.internet.base import DelayedCall
from twisted.internet.task import Clock

# A gateway that does so much in one instant will never let the next one come.
_AT_ONCE_MAX = 20_000


class Timeline(Clock):
    """A clock in seconds that only ever differ, as a machine's monotonic one."""

    def __init__(self) -> None:
        super().__init__()
        self.rightNow = 1000.0
        self._at_once = 0

    def callLater(  # type: ignore[override]  # what zope's interface asks for, mypy does not see in a class
        self, when: float, what: Callable[..., object], *args: object, **kw: object
    ) -> DelayedCall:
        """As Twisted's, which sorts all calls for every new one."""
        call = DelayedCall(
            self.rightNow + when, what, args, kw, self.calls.remove, lambda _: self._sortCalls(), self.seconds
        )
        insort(self.calls, call, key=DelayedCall.getTime)
        return call

    def step(self) -> None:
        """Go to what is next, and let that one thing happen."""
        call = self.calls.pop(0)
        if call.getTime() > self.rightNow:
            self.rightNow = call.getTime()
            self._at_once = 0
        self._at_once += 1
        assert self._at_once < _AT_ONCE_MAX, f"no time goes by, for {call}"
        call.called = 1
        call.func(*call.args, **call.kw)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let that much time go by, or less if `until` says so in between; whether it did."""
        end = self.seconds() + seconds
        while not until():
            if not self.calls or self.calls[0].getTime() > end:
                self.rightNow = end
                return False
            self.step()
        return True


class LifeTime:
    """The reactor that one life of the gateway sees: when that is over, nothing of it happens any more."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.seconds = timeline.seconds
        self.over = False

    def callLater(self, delay: float, call: Callable[..., object], *args: object) -> DelayedCall:
        def happen() -> None:
            if not self.over:
                call(*args)

        return self._timeline.callLater(delay, happen)
