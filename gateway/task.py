"""The edge between callbacks and coroutines: the one way to start an `async def` and let go of it."""

from __future__ import annotations

from collections.abc import Coroutine

import structlog
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.ports import StoreClosed

log = structlog.get_logger()


def start(coroutine: Coroutine[Deferred[object], object, object], doing: str) -> Deferred[object]:
    """Run a coroutine to its end on its own; a failure that nobody expected becomes an error in the log."""

    def failed(failure: Failure) -> None:
        if isinstance(failure.value, StoreClosed):
            return  # the end of everything that still had something to tell it
        log.error(
            "task.failed", doing=doing, error=failure.getErrorMessage(), traceback=failure.getTraceback()
        )

    return Deferred.fromCoroutine(coroutine).addErrback(failed)
