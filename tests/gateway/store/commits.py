"""A writer's `elsewhere` with the commit held back until the test lets it go on."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, maybeDeferred


class HeldCommits:
    """Commits that are under way."""

    def __init__(self) -> None:
        self._held: list[tuple[Callable[[], None], Deferred[None]]] = []

    def __call__(self, work: Callable[[], None]) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self._held.append((work, done))
        return done

    def __len__(self) -> int:
        return len(self._held)

    def release(self) -> None:
        """The commit happens, and its answer arrives."""
        work, done = self._held.pop(0)
        maybeDeferred(work).chainDeferred(done)

    def lose(self, error: Exception | None = None) -> None:
        """The commit never happens."""
        _, done = self._held.pop(0)
        done.errback(error or OSError("the disk is gone"))

    def lose_the_answer(self) -> None:
        """The commit happens, and nobody hears of it."""
        work, done = self._held.pop(0)
        work()
        done.errback(OSError("the disk is gone"))
