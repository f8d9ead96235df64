"""Broadcasts for the tests: handed in as `signet broadcast submit` does, a day before the tests begin."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from gateway.broadcasts.broadcast import Broadcast, BroadcastState
from gateway.store import broadcast_book
from tests.gateway.carriers.samples import NOON
from tests.gateway.customers.samples import TEXT

DAY_MS = 86_400_000
STARTS = int(NOON * 1000)


def numbers(count: int) -> list[str]:
    return [f"138{n:08d}" for n in range(count)]


def hand_in(engine: Engine, count: int, **changes: Any) -> int:
    """A broadcast to so many, which may begin at NOON; its id."""
    usual: dict[str, Any] = {
        "broadcast_id": 0,
        "account": "bank",
        "source_addr": "",
        "text": TEXT,
        "message_class": "commercial",
        "state": BroadcastState.LOADING,
        "recipients": count,
        "handed_in_at": STARTS - DAY_MS,
        "starts_at": STARTS,
        "deadline_at": STARTS + DAY_MS,
        "forecast_at": STARTS,
        "units": 1,
    }
    with engine.begin() as connection:
        added = broadcast_book.add(connection, Broadcast(**usual | changes))
        broadcast_book.add_recipients(connection, added.broadcast_id, 0, numbers(count))
        broadcast_book.move(
            connection,
            added.broadcast_id,
            {BroadcastState.LOADING},
            changes.get("state", BroadcastState.READY),
        )
    return added.broadcast_id
