"""Connections, up to two limits: how many in all, and how many from one origin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Generic, TypeVar

from gateway.customers.origin import origin
from gateway.settings import Listen

Connection = TypeVar("Connection")


class Crowd(Generic[Connection]):
    """Those that are connected to one listener, the oldest first."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._connections: dict[Connection, str] = {}
        self._origins: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._connections)

    @property
    def is_full(self) -> bool:
        """Whether there are as many as may be."""
        return len(self._connections) >= self._listen.connections_max

    def may_grow_from(self, host: str) -> bool:
        """Whether another one may come from where `host` is."""
        return self._origins[_origin(host)] < self._listen.connections_per_address_max

    def add(self, connection: Connection, host: str) -> None:
        """One that has come from `host`, "" where that is not known."""
        self._connections[connection] = _origin(host)
        self._origins[_origin(host)] += 1

    def remove(self, connection: Connection) -> None:
        """One that has gone; no effect if it was removed before."""
        peer = self._connections.pop(connection, None)
        if peer is None:
            return
        self._origins[peer] -= 1
        if not self._origins[peer]:
            del self._origins[peer]


def _origin(host: str) -> str:
    return origin(host) if host else ""
