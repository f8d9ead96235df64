"""A connection of HTTP: one request, of few octets, so long to make it, and as long to read the answer."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, cast

import structlog
from twisted.internet.base import DelayedCall
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as HttpRequest
from twisted.web.server import Request

from gateway import tls
from gateway.reactor import ReactorTime

log = structlog.get_logger()

_OCTETS_MAX = 16_384


class PageRequest(Request):
    """What comes with it stays in memory: it is short, and a file for it is one that strangers open."""

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()


class PageChannel(HTTPChannel):
    """A `Visitor` of `Binds`. Its factory calls `begin` before it is connected."""

    def begin(
        self, host: str, reactor: ReactorTime, limit_s: float, gone: Callable[[PageChannel], object]
    ) -> None:
        """It comes from `host` and has `limit_s` each way; `gone` is called when it has ended."""
        self.host = host
        self.is_lost = False
        self._reactor = reactor
        self._limit_s = limit_s
        self._gone = gone
        self._octets = 0
        self._timer: DelayedCall | None = None

    @property
    def certificate_names(self) -> frozenset[str] | None:
        """The names in the customer's certificate; None without TLS."""
        return tls.peer_names(self.transport) if tls.has_tls(self.transport) else None

    def connectionMade(self) -> None:
        super().connectionMade()  # type: ignore[no-untyped-call]  # Twisted's
        self.limit()

    def dataReceived(self, data: bytes) -> None:
        self._octets += len(data)
        if self._octets > _OCTETS_MAX:
            self._drop("too long a request")
            return
        try:
            super().dataReceived(data)  # type: ignore[no-untyped-call]  # Twisted's
        except Exception as error:
            # Twisted's reader expects no number of thousands of digits, for one.
            self._drop(f"a request that cannot be read: {type(error).__name__}")

    def checkPersistence(self, request: HttpRequest, version: bytes) -> bool:
        """Never: the next request comes on a connection of its own."""
        request.responseHeaders.setRawHeaders("connection", ["close"])
        return False

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.is_lost = True
        self.unlimit()
        self._gone(self)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # Twisted's

    @property
    def is_idle(self) -> bool:
        """Whether nothing is done for it: it is waited for, or is refused later."""
        return self._timer is not None and self._timer.active()

    def limit(self) -> None:
        """Cut it unless it ends, or something else is waited for, in the time that it has."""
        self.wait(self._limit_s, self.abort)

    def wait(self, delay_s: float, call: Callable[[], object]) -> None:
        """Call that later, unless it is lost before; instead of what was to be called until now."""
        self.unlimit()
        if not self.is_lost:
            self._timer = self._reactor.callLater(delay_s, call)

    def unlimit(self) -> None:
        """Call nothing any more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _drop(self, reason: str) -> None:
        log.warning("connection.dropped", peer=self.host, reason=reason)
        self.abort()

    def abort(self) -> None:
        """Cut it."""
        cast(Any, self.transport).abortConnection()
