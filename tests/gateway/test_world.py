from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.protocol import Factory

from gateway.world import World, real_world


class Reactor:
    """Opens real ports, and remembers what for."""

    def __init__(self) -> None:
        self.opened: list[tuple[socket.socket, int]] = []

    def listenTCP(self, port: int, factory: Factory, backlog: int, interface: str) -> Any:
        self.opened.append((socket.create_server((interface, port)), backlog))
        return SimpleNamespace(socket=self.opened[-1][0])


@pytest.fixture
def world() -> Iterator[tuple[World, Reactor]]:
    reactor = Reactor()
    world = real_world(reactor)
    yield world, reactor
    world.close()
    for opened, _ in reactor.opened:
        opened.close()


def test_a_connection_has_small_buffers_and_many_may_wait(world: tuple[World, Reactor]) -> None:
    the_world, reactor = world
    the_world.listen(0, Factory(), "127.0.0.1")
    ((door, backlog),) = reactor.opened
    assert backlog >= 1000
    with socket.create_connection(door.getsockname()):
        connection, _ = door.accept()
        with connection:
            for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                # Linux tells twice what was asked for.
                assert connection.getsockopt(socket.SOL_SOCKET, buffer) <= 2 * 262_144


def test_nothing_is_kept_for_reads_that_nobody_asks_for(world: tuple[World, Reactor]) -> None:
    names = [thread.name for thread in threading.enumerate()]
    assert any(name.startswith("PoolThread-commit-") for name in names)
    assert not any(name.startswith("PoolThread-read-") for name in names)
