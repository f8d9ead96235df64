"""Telling the store what must not be forgotten: again and again, until it takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from twisted.internet.defer import Deferred

from gateway.ports import StoreClosed
from gateway.reactor import ReactorTime, sleep

log = structlog.get_logger()

Result = TypeVar("Result")


async def insist(
    attempt: Callable[[], Deferred[Result]],
    reactor: ReactorTime,
    wait_s: Callable[[int], float],
    doing: str,
) -> Result:
    """The result of the first attempt that does not fail; `wait_s(tries)` passes in between.

    Raises StoreClosed when there is nobody to tell any more.
    """
    tries = 0
    while True:
        try:
            return await attempt()
        except StoreClosed:
            raise
        except Exception as error:
            tries += 1
            log.error("store.refused", doing=doing, tries=tries, error=str(error))
        await sleep(reactor, wait_s(tries))
