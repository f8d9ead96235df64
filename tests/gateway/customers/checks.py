"""A way to check passwords that takes until the test says so."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, maybeDeferred


class HeldChecks:
    """Checks under way; `asked` counts them all."""

    def __init__(self) -> None:
        self.asked = 0
        self._held: list[tuple[Callable[[], bool], Deferred[bool]]] = []

    def __call__(self, check: Callable[[], bool]) -> Deferred[bool]:
        self.asked += 1
        done: Deferred[bool] = Deferred()
        self._held.append((check, done))
        return done

    def release(self) -> None:
        """Let the oldest one come to its result."""
        check, done = self._held.pop(0)
        maybeDeferred(check).chainDeferred(done)
