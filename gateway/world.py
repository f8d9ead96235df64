"""The world that a gateway runs in: everything that a simulation replaces, in one value."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import Any, Protocol, cast

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from gateway import tls
from gateway.carriers.bind import Connect
from gateway.clock import Clock, SystemClock
from gateway.reactor import ReactorTime
from gateway.settings import Carrier
from gateway.store.reader import InThread

_CONNECT_TIMEOUT_S = 10.0

# Passwords that are checked at the same time; each takes 19 MiB and tens of milliseconds.
_THREADS_MAX = 2

# Connections that wait to be taken: with few, a flood of them has the system drop those of customers.
_BACKLOG = 1024

# Octets each way that the system holds for a connection of a customer's: enough for 1,000 messages in flight,
# and no megabytes in front of the end of a connection that is read slowly.
_SOCKET_BUFFER = 262_144


class Port(Protocol):
    """A listening port."""

    def getHost(self) -> Any: ...

    def stopListening(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class World:
    """Time, chance, network and threads.

    `commit_in` runs a COMMIT, `check_in` a password check, `read_in` what only reads the store, all off the
    reactor; `connect` gives a way to connect to a carrier, over TLS if it has that;
    `listen(port, factory, host)` opens a port. `close` gives the threads back.
    """

    reactor: ReactorTime
    clock: Clock
    random: Callable[[], float]
    commit_in: Callable[[Callable[[], None]], Deferred[None]]
    check_in: Callable[[Callable[[], bool]], Deferred[bool]]
    connect: Callable[[Carrier], Connect]
    listen: Callable[[int, Any, str], Port]
    close: Callable[[], None]
    read_in: InThread


def real_world(reactor: Any, clock: Clock | None = None) -> World:
    """The world as it is. Commits have a thread of their own, for they must not wait behind passwords.

    Reads have one, too: as many at a time are enough, and the machine has more to do. It is there once
    something is read.
    """
    # Twisted's own clock is the time of day; timers must not jump when that is set right.
    reactor.seconds = time.monotonic
    commits = _pool("commit", 1)
    checks = _pool("check", _THREADS_MAX)
    reads = _pool("read", 1, at_once=0)

    def connect(carrier: Carrier) -> Connect:
        endpoint = HostnameEndpoint(reactor, carrier.host, carrier.port, timeout=_CONNECT_TIMEOUT_S)
        return cast(Connect, tls.client_endpoint(endpoint, carrier).connect)

    def listen(port: int, factory: Any, host: str) -> Port:
        opened = reactor.listenTCP(port, factory, _BACKLOG, host)
        for buffer in (SO_RCVBUF, SO_SNDBUF):
            opened.socket.setsockopt(SOL_SOCKET, buffer, _SOCKET_BUFFER)  # connections inherit it
        return cast(Port, opened)

    def close() -> None:
        commits.stop()
        checks.stop()
        reads.stop()

    return World(
        reactor=reactor,
        clock=clock or SystemClock(),
        random=random.SystemRandom().random,
        commit_in=lambda work: deferToThreadPool(reactor, commits, work),
        check_in=lambda work: deferToThreadPool(reactor, checks, work),
        connect=connect,
        listen=listen,
        close=close,
        read_in=lambda work: deferToThreadPool(reactor, reads, work),
    )


def _pool(name: str, threads: int, *, at_once: int | None = None) -> ThreadPool:
    """Up to so many `threads`; `at_once` are made now, all of them if it is None."""
    pool = ThreadPool(minthreads=threads if at_once is None else at_once, maxthreads=threads, name=name)
    pool.start()
    return pool
