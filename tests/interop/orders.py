"""What the programs written in Python share: orders on stdin, events on stdout, both as JSON lines."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any


def say(**event: object) -> None:
    """Tell the test what happened."""
    print(json.dumps(event), flush=True)


async def orders() -> AsyncIterator[dict[str, Any]]:
    """What the test wants done, until it closes stdin."""
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), sys.stdin)
    while line := await stream.readline():
        yield json.loads(line)
