"""What we use of Twisted's reactor, as types: zope's interfaces carry none for a type checker.

Only `app` and `cli` know the global reactor; everyone else is handed one, and the tests hand in a fake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred


class ReactorTime(Protocol):
    """The reactor's clock and its timers."""

    @property
    def seconds(self) -> Callable[[], float]: ...

    @property
    def callLater(self) -> Callable[..., DelayedCall]: ...


def sleep(reactor: ReactorTime, seconds: float) -> Deferred[None]:
    """Fires after that many seconds of the reactor's clock."""
    done: Deferred[None] = Deferred()
    reactor.callLater(seconds, done.callback, None)
    return done
