"""Work that its caller lets go of: an `async def` on its own, a call whose failure must not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import ParamSpec

import structlog
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.ports import StoreClosed

log = structlog.get_logger()

P = ParamSpec("P")


def start(coroutine: Coroutine[Deferred[object], object, object], doing: str) -> Deferred[object]:
    """Run a coroutine to its end on its own; a failure that nobody expected becomes an error in the log."""

    def failed(failure: Failure) -> None:
        if isinstance(failure.value, StoreClosed):
            return  # the end of everything that still had something to tell it
        log.error(
            "task.failed", doing=doing, error=failure.getErrorMessage(), traceback=failure.getTraceback()
        )

    return Deferred.fromCoroutine(coroutine).addErrback(failed)


def safely(call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Call one of several that each must be called; what it raises becomes an error in the log."""
    try:
        call(*args, **kwargs)
    except Exception:
        log.exception("call.failed", doing=call.__qualname__)
