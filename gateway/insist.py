"""Telling the store what must not be forgotten: again and again while it cannot, in parts where it will not.

A store that is unable now, or whose commit nobody knows of, may take the same later. Any other failure is the
fault of something that it was told, and would come again: so it is told one half and then the other, and so
on down to the one item that fails alone. All others are written down, and that one can be put aside.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import structlog
from twisted.internet.defer import Deferred

from gateway.ports import CommitUnknown, StoreClosed, StoreUnable
from gateway.reactor import ReactorTime, sleep

log = structlog.get_logger()

Item = TypeVar("Item")
Result = TypeVar("Result")


async def insist(
    attempt: Callable[[], Deferred[Result]],
    reactor: ReactorTime,
    wait_s: Callable[[int], float],
    doing: str,
    join: Callable[[object, Result], Result] = lambda perhaps, result: result,
) -> Result:
    """The result of the first attempt that the store is able to make; `wait_s(tries)` passes in between.

    An attempt whose commit nobody knows of may have succeeded, and the next one then finds nothing left to
    do: `join` makes one result of what the former would have returned and what the latter did. Raises what
    another attempt would not mend, and StoreClosed when there is nobody to tell any more.
    """
    unknown: list[object] = []
    while True:
        try:
            result = await attempt()
            break
        except (CommitUnknown, StoreUnable) as error:
            unknown.append(error.result if isinstance(error, CommitUnknown) else None)
            log.error("store.refused", doing=doing, tries=len(unknown), error=str(error))
        await sleep(reactor, wait_s(len(unknown)))
    for perhaps in unknown:
        result = join(perhaps, result)
    return result


def fault(error: Exception) -> str:
    """What went wrong, in one line for the log."""
    return f"{type(error).__name__}: {error}"


async def in_parts(
    items: Sequence[Item], tell: Callable[[Sequence[Item]], Awaitable[Result]]
) -> AsyncIterator[tuple[Sequence[Item], Result | Exception]]:
    """Tell the store all items at once, or the parts of them that it takes; each part with its result.

    In place of a result stands the exception that the part has failed with: a part of several items was not
    at fault (StoreUnable, CommitUnknown, StoreClosed), a single item may be.
    """
    parts = [items]
    while parts:
        part = parts.pop()
        told: Result | Exception
        try:
            told = await tell(part)
        except Exception as error:
            half = len(part) // 2
            if half and not isinstance(error, (CommitUnknown, StoreUnable, StoreClosed)):
                parts += [part[half:], part[:half]]
                continue
            told = error
        yield part, told
