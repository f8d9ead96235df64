"""Telling the store what must not be forgotten: again and again, until it takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from twisted.internet.defer import Deferred

from gateway.ports import CommitUnknown, StoreClosed
from gateway.reactor import ReactorTime, sleep

log = structlog.get_logger()

Result = TypeVar("Result")


async def insist(
    attempt: Callable[[], Deferred[Result]],
    reactor: ReactorTime,
    wait_s: Callable[[int], float],
    doing: str,
    join: Callable[[object, Result], Result] = lambda perhaps, result: result,
) -> Result:
    """The result of the first attempt that does not fail; `wait_s(tries)` passes in between.

    An attempt whose commit nobody knows of may have succeeded, and the next one then finds nothing left to
    do: `join` makes one result of what the former would have returned and what the latter did. Raises
    StoreClosed when there is nobody to tell any more.
    """
    unknown: list[object] = []
    while True:
        try:
            result = await attempt()
            break
        except StoreClosed:
            raise
        except Exception as error:
            unknown.append(error.result if isinstance(error, CommitUnknown) else None)
            log.error("store.refused", doing=doing, tries=len(unknown), error=str(error))
        await sleep(reactor, wait_s(len(unknown)))
    for perhaps in unknown:
        result = join(perhaps, result)
    return result
