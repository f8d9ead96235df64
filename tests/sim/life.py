"""One life of the gateway: the real application with a world that the simulation makes.

A crash drops every object at once and keeps what the disk has: the next life gets a copy of the files as they
were at that moment, uncommitted frames of the log included. What the dead still do, falling out of their
last call, reaches nobody.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Factory

from gateway.app import Gateway
from gateway.clock import StatedClock
from gateway.settings import Carrier as CarrierSettings
from gateway.settings import Settings
from gateway.world import World
from tests.sim.carrier import Carrier, Link
from tests.sim.disk import Disk
from tests.sim.network import Connection, Network, Peer
from tests.sim.timeline import LifeTime, Timeline


class Life:
    """A gateway on the database of `settings`. `clock` is the time of day, which outlives it."""

    def __init__(
        self,
        settings: Settings,
        timeline: Timeline,
        clock: StatedClock,
        chance: Random,
        network: Network,
        disk: Disk,
        carriers: dict[str, Carrier],
    ) -> None:
        self.time = LifeTime(timeline)
        self._network = network
        self._carriers = carriers
        self._door: Factory | None = None
        world = World(
            reactor=self.time,
            clock=clock,
            random=chance.random,
            commit_in=disk.commit_in(lambda: self.time.over),
            check_in=execute,
            connect=self._connect,
            listen=self._listen,
            close=lambda: None,
            read_in=execute,
        )
        self.settings = settings
        self.gateway = Gateway(settings, world)

    def start(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.gateway.start())

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.gateway.stop())

    def die(self, folder: Path) -> Path:
        """A kill -9; the database as the disk has it, in `folder`."""
        self.time.over = True
        self._door = None
        self._network.die()
        folder.mkdir()
        path = self.settings.store_path
        for suffix in ("", "-wal"):
            file = path.with_name(path.name + suffix)
            if file.exists():
                shutil.copy(file, folder)
        return folder / path.name

    def bury(self) -> None:
        """Give back what a dead process would have lost, once nothing of it is on the stack."""
        opened = self.gateway._opened
        if opened is not None:
            opened._engine.dispose()
            opened._lock.release()

    def connect(self, peer: Peer) -> Connection | None:
        """A customer comes to the door; None if it is closed."""
        if self._door is None:
            return None
        link = self._door.buildProtocol(None)
        return None if link is None else self._network.connect(link, peer)

    def gauges(self) -> dict[tuple[str, str], float]:
        """By name and label, as a scrape would show them."""
        return {
            (family.name.removeprefix("signet_"), next(iter(sample.labels.values()), "")): sample.value
            for family in self.gateway.metrics.registry.collect()
            if family.type == "gauge" and family.name.startswith("signet_")
            for sample in family.samples
        }

    # -- the world

    def _listen(self, number: int, factory: Any, host: str) -> Any:
        self._door = factory

        def close() -> None:
            self._door = None

        return SimpleNamespace(getHost=lambda: SimpleNamespace(port=number), stopListening=close)

    def _connect(self, settings: CarrierSettings) -> Callable[[Factory], Deferred[Any]]:
        carrier = self._carriers[settings.name]

        def connect(factory: Factory) -> Deferred[Any]:
            connected: Deferred[Any] = Deferred()
            self.time.callLater(self._network.delay_s(), arrive, factory, connected)
            return connected

        def arrive(factory: Factory, connected: Deferred[Any]) -> None:
            if connected.called:
                return  # cancelled meanwhile
            if self._network.refuses():
                connected.errback(ConnectionRefusedError())  # type: ignore[no-untyped-call]  # Twisted's
                return
            protocol = factory.buildProtocol(None)
            link = Link(carrier)
            link.connected(self._network.connect(protocol, link))
            connected.callback(protocol)

        return connect


def unfinished(path: Path) -> tuple[int, int]:
    """How many messages have no end, and how many deliveries no answer."""
    connection = sqlite3.connect(path)
    try:
        (messages,) = connection.execute("SELECT count(*) FROM message WHERE final_at IS NULL").fetchone()
        (deliveries,) = connection.execute(
            "SELECT count(*) FROM delivery WHERE finished_at IS NULL"
        ).fetchone()
    finally:
        connection.close()
    return messages, deliveries
